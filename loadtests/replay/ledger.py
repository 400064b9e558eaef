"""The ledger: what happened, written down as it happens, and every promise that it shows to be broken.

It believes nothing that the store says about itself where it can count instead: numbers, offers, claims and who
was passed over come from the replies; who was present comes from the model.
"""

from __future__ import annotations

import heapq
from dataclasses import dataclass, field

import numpy as np

GRAIN_S = 10
EXAMPLES_KEPT = 5
ROUNDING = 1e-6


@dataclass(slots=True)
class Bucket:
    """The most that the rate allows over any window, as a bucket: claims beyond it broke the bound."""

    level: float = 0.0
    at_ms: int = 0
    rate: float = 0.0
    over: float = 0.0  # the most by which any window exceeded the bound, in claims
    first_over_ms: int = 0

    def pass_time(self, now_ms: int, rate: float) -> None:
        """Fill it; a lower rate holds at once, also for what is in it."""
        self.level += (now_ms - self.at_ms) * self.rate / 60_000
        self.rate, self.at_ms = rate, now_ms
        self.level = min(self.level, max(1.0, rate / 60))

    def take(self, claims: int) -> None:
        self.level -= claims
        if -self.level > self.over + ROUNDING:
            self.over = -self.level
            self.first_over_ms = self.first_over_ms or self.at_ms


@dataclass(slots=True)
class Lane:
    """The late lane as an honest clerk would keep it: lowest position first."""

    heap: list[int] = field(default_factory=list)

    def enter(self, position: int) -> None:
        heapq.heappush(self.heap, position)

    def serve(self, position: int) -> list[int]:
        """Take out everyone up to ``position``; returns who stood before it."""
        passed = []
        while self.heap and self.heap[0] <= position:
            first = heapq.heappop(self.heap)
            if first != position:
                passed.append(first)
        return passed


class Series:
    """Columns of numbers, a row for every second or every ten."""

    def __init__(self, names: tuple[str, ...]) -> None:
        self.names = names
        self._rows: list[tuple[float, ...]] = []

    def add(self, *row: float) -> None:
        self._rows.append(row)

    def columns(self) -> dict[str, np.ndarray]:  # type: ignore[type-arg]
        table = np.array(self._rows, dtype=float).reshape(len(self._rows), len(self.names))
        return {name: table[:, index] for index, name in enumerate(self.names)}


@dataclass(slots=True)
class Ledger:
    """Counts and proofs of one day."""

    highest: int = 0
    issued_twice: int = 0
    main_offered: int = 0  # the highest position offered in the main lane
    main_inversions: int = 0
    late_inversions: int = 0
    passed_present: int = 0
    passed_examples: list[tuple[int, int]] = field(default_factory=list)  # second, position
    lapsed_present: int = 0  # offers of visitors who checked in all along
    over_ceiling: int = 0
    serving_went_back: int = 0
    claimed_twice: int = 0
    surprises: dict[str, int] = field(default_factory=dict)  # answers that an honest visitor should not get
    claims: int = 0
    late_claims: int = 0
    straight_in: int = 0
    finished: int = 0
    left: int = 0
    returns: int = 0
    check_ins_sent: int = 0
    ticks: int = 0
    memory_most: int = 0
    bucket: Bucket = field(default_factory=Bucket)
    lane: Lane = field(default_factory=Lane)
    seconds: Series = field(
        default_factory=lambda: Series(
            ("at_s", "joins", "claims", "rate", "pulses", "check_ins", "pages", "awake", "room", "grace")
        )
    )
    moments: Series = field(
        default_factory=lambda: Series(
            ("at_s", "issued", "called", "ready", "serving", "inside", "ceiling", "awake", "late", "present",
             "density", "delivered", "passed", "memory")
        )
    )  # fmt: skip
    growth_shown: int = 0
    growth_over: int = 0
    growth_most: float = 0.0

    def issue(self, first: int, count: int) -> None:
        """Numbers were given out."""
        self.issued_twice += max(0, min(count, self.highest - first + 1))
        self.highest = max(self.highest, first + count - 1)

    def offer_main(self, positions: list[int]) -> None:
        """One tick's offers of the main lane, in order."""
        for position in positions:
            self.main_inversions += position <= self.main_offered
            self.main_offered = max(self.main_offered, position)

    def pass_over(self, second: int, positions: list[int]) -> None:
        """Visitors who were present since they were called did not get their turn."""
        self.passed_present += len(positions)
        for position in positions[: EXAMPLES_KEPT - len(self.passed_examples)]:
            self.passed_examples.append((second, position))

    def surprise(self, answer: str, count: int = 1) -> None:
        self.surprises[answer] = self.surprises.get(answer, 0) + count
