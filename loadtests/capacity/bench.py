"""Carries the steps out: sets the rate, lets visitors come, reads what they wrote."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

from loadtests import outside, runner
from loadtests.capacity.machine import busy_share
from loadtests.capacity.measure import step_of, visitors_for
from loadtests.capacity.search import Law, Step, next_rate
from loadtests.ledger import Ended, Ledger
from loadtests.room import Room
from loadtests.stack import Stack

ARRIVE_WITHIN_S = 3.0  # nearly at once: the line must be long before the window begins
PATIENCE = 3.0  # a step may take so many times as long as planned, for a site that falls behind
OVERTIME_S = 45.0


def was_cut_off(ledger: Ledger) -> bool:
    """Whether the run ended before everyone's visit had."""
    return any(event.outcome == "cut off" for event in ledger.all(Ended))


@dataclass(slots=True)
class Inside:
    """How many are inside, as the gateway counts them, once for each look at the run."""

    stack: Stack
    room: str
    show: Callable[[runner.Progress], None]
    samples: list[tuple[float, int]] = field(default_factory=list)

    def __call__(self, progress: runner.Progress) -> None:
        if (count := self.now()) is not None:
            self.samples.append((time.time(), count))
        self.show(progress)

    def now(self) -> int | None:
        """None where the desk cannot be read."""
        try:
            return outside.metric(outside.get(f"{self.stack.desk}/metrics"), "antrean_inside", self.room)
        except outside.UnreachableError:
            return None


@dataclass(frozen=True, slots=True)
class Bench:
    """A stack, its room, and the way of loading it. ``plan`` says who comes; each step says how many."""

    stack: Stack
    room: Room
    plan: runner.Plan
    step_s: float
    folder: Path
    show: Callable[[runner.Progress], None]

    def search(self, law: Law) -> Iterator[Step]:
        """Measure what the law asks for, one step at a time. Raises as ``measure`` does."""
        steps: list[Step] = []
        while (rate := next_rate(steps, law)) is not None:
            steps.append(self.measure(rate, len(steps) + 1))
            yield steps[-1]

    def measure(self, rate_per_minute: float, index: int) -> Step:
        """One step. Raises RateError, UnreachableError, GeneratorError, and KeyboardInterrupt if ended early."""
        folder = self.folder / f"step-{index:02}"
        folder.mkdir(parents=True)
        visitors = visitors_for(rate_per_minute, self.step_s)
        planned_s = visitors * 60 / rate_per_minute
        plan = replace(
            self.plan,
            visitors=visitors,
            arrive_within_s=ARRIVE_WITHIN_S,
            seed=self.plan.seed + index,
            most_seconds=planned_s * PATIENCE + OVERTIME_S,
        )
        inside = Inside(self.stack, plan.room, self.show)
        foreign = busy_share()
        began_s = time.monotonic()
        with self.room.rate(rate_per_minute):
            ledger = runner.run_locust(plan, folder, inside)
        if was_cut_off(ledger) and time.monotonic() - began_s < plan.most_seconds:
            raise KeyboardInterrupt  # the run ends for it in its own order; half a step says nothing of its rate
        log = (folder / "locust.log").read_text(errors="replace")
        return step_of(ledger, self.step_s, rate_per_minute, log, inside.samples, foreign)
