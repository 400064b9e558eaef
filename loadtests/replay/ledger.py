"""The ledger: what happened, written down as it happens, and every promise that it shows to be broken.

It believes nothing that the store says about itself where it can count instead: numbers, offers, claims and who
was passed over come from the replies; who was present comes from the model.
"""

from __future__ import annotations

import heapq
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

GRAIN_S = 10
EXAMPLES_KEPT = 5
AFTERWARDS_S = 120
BOOKED_MS = 10_000


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

    def columns(self) -> dict[str, np.ndarray]:
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
    late_claims: int = 0
    straight_in: int = 0
    finished: int = 0
    left: int = 0
    returns: int = 0
    check_ins_sent: int = 0
    ticks: int = 0
    memory_most: int = 0
    lane: Lane = field(default_factory=Lane)
    seconds: Series = field(
        default_factory=lambda: Series(
            ("at_s", "joins", "rate", "pulses", "check_ins", "pages", "awake", "room", "grace")
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

    admitted_ms: list[int] = field(default_factory=list)  # wall time of every admission

    @property
    def claims(self) -> int:
        return len(self.admitted_ms)

    def admit(self, now_ms: int, waits_ms: list[int]) -> None:
        """Claims: each counts for the moment at which its visitor is told."""
        self.admitted_ms += [now_ms + wait_ms for wait_ms in waits_ms]

    def claims_a_second(self, opens_ms: int) -> NDArray[np.float64]:
        """Claims in each second of the day, as far as ``seconds`` goes."""
        count = len(self.seconds.columns()["at_s"])
        at_s = (np.array(self.admitted_ms, dtype=np.int64) - opens_ms) // 1000
        return np.bincount(at_s, minlength=count)[:count].astype(float)

    def excess(self, opens_ms: int) -> float:
        """The most by which any window of claims exceeds rate × t + max(1, rate / 60), in claims; never under 0.

        One pass for each stretch of one rate, with that rate's burst, and one over the whole day with twice the
        largest, since a change of the rate finds up to a second's worth (at least two) of claims that were given
        a moment by the old one. The excess of a window that ends at claim j is the largest over all starts before.
        """
        rate = self.seconds.columns()["rate"]
        if not len(rate) or not self.admitted_ms:
            return 0.0
        at_ms = np.sort(np.array(self.admitted_ms, dtype=np.int64)) - opens_ms
        # A claim that was booked in the last second is told after it.
        allowed = np.r_[0, np.cumsum(np.r_[rate, np.full(AFTERWARDS_S, rate[-1])] / 60)]
        by_now = np.interp(at_ms / 1000, np.arange(len(allowed)), allowed)
        in_force = rate[np.minimum(at_ms // 1000, len(rate) - 1)]
        stretches = np.split(np.arange(len(at_ms)), np.flatnonzero(np.diff(in_force)) + 1)
        most = float(rate.max()) / 60
        worst = _worst(by_now) - max(1.0, most) - (max(2.0, most) if len(stretches) > 1 else 0)
        for stretch in stretches:
            begun_ms = at_ms[stretch[0]] + (BOOKED_MS if stretch[0] else 0)
            settled = stretch[at_ms[stretch] >= begun_ms]
            if len(settled):
                worst = max(worst, _worst(by_now[settled]) - max(1.0, float(in_force[settled[0]]) / 60))
        # A moment is told in whole milliseconds.
        return max(0.0, worst - float(rate.max()) / 60_000 - 1e-6)

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


def _worst(allowed: NDArray[np.float64]) -> float:
    """The most claims in any window beyond what accrued in it; ``allowed``: accrued by the time of each claim."""
    index = np.arange(len(allowed))
    return float(np.max(index + 1 - allowed - np.minimum.accumulate(index - allowed)))
