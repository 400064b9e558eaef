"""The search for the knee: which rate is measured next, and what was found. Pure: no clock, no I/O.

Up by a factor until the target is missed, then halving (geometrically) between the highest rate that
kept it and the lowest that missed it, then both of these again until each has been measured often
enough. One unlucky measurement decides nothing: a rate that missed is measured again, and the majority
counts.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from statistics import median

LEAST_DELIVERED = 0.9  # of the configured rate; less while people waited means that it was not tried
STARTED_TOO_HIGH = 5  # so often is the first rate divided by the factor before giving up


class Outcome(StrEnum):
    """What one measurement says of its rate."""

    KEPT = "kept"
    MISSED = "missed"
    LIMITED = "not tried"  # the load did not arrive: nothing is known of the site


@dataclass(frozen=True, slots=True)
class Step:
    """One rate, measured once."""

    rate_per_minute: float
    delivered_per_minute: float  # while people waited
    p95_ms: float  # of the slowest kind of call to the site, as visitors saw it through the gateway
    errors: float  # share of the visitors let in who got no registration, 0 to 1
    inside_s: float  # mean time that a visitor counts as inside
    let_in: int  # visitors counted for all this
    foreign: float = 0.0  # share of the processors that was busy just before, with none of this load, 0 to 1
    generator: str = ""  # how the load generator said that it was the limit; empty: it was not


@dataclass(frozen=True, slots=True)
class Law:
    """What is asked, and how the search goes. Rates are visitors a minute."""

    target_p95_ms: float = 1000.0
    target_errors: float = 0.01  # share, 0 to 1
    start_rate: float = 60.0
    most_rate: float = 6000.0
    factor: float = 1.5
    precision: float = 0.1  # lowest missed over highest kept, less 1
    repeats: int = 3  # measurements on each side of the knee
    most_steps: int = 40

    def outcome(self, step: Step) -> Outcome:
        """A generator at its limit measures itself, so nothing of such a step is believed."""
        if step.generator:
            return Outcome.LIMITED
        if step.p95_ms > self.target_p95_ms or step.errors > self.target_errors:
            return Outcome.MISSED
        if self._fell_short(step):
            return Outcome.LIMITED
        return Outcome.KEPT

    def _fell_short(self, step: Step) -> bool:
        """Whole visitors are counted: at each end of the window one may have looked a moment too late."""
        ends = 2 * step.delivered_per_minute / step.let_in if step.let_in else 0.0
        return step.delivered_per_minute + ends < LEAST_DELIVERED * step.rate_per_minute


@dataclass(frozen=True, slots=True)
class Finding:
    """What the steps say. ``knee`` is the median of the rounds, None where no knee was seen."""

    kind: str  # found, not reached, below, generator, unsettled
    kept: float | None  # highest rate that kept the target, below every one that did not
    missed: float | None  # lowest rate that did not keep it, or could not be tried
    knee: float | None = None
    rounds: tuple[float, ...] = ()  # the knee of each round of repeats, ascending

    @property
    def borne(self) -> float | None:
        """The rate to take the margin from; None: there is nothing to recommend."""
        return self.knee if self.knee is not None else self.kept


def next_rate(steps: Sequence[Step], law: Law) -> float | None:
    """The rate to measure next; None when there is nothing more to learn."""
    if len(steps) >= law.most_steps:
        return None
    if not steps:
        return law.start_rate
    for rate in sorted(_levels(steps)):
        if _verdict(steps, rate, law) is None:
            return rate
    low, high = _bracket(steps, law)
    if high is None:
        return _higher(low, law)
    if low is None:
        return _lower(steps, high, law)
    if _verdict(steps, high, law) is Outcome.LIMITED:
        return None
    if high / low > 1 + law.precision:
        middle = float(round(math.sqrt(low * high)))
        if low < middle < high:
            return middle
    return _again(steps, low, high, law)


def conclude(steps: Sequence[Step], law: Law) -> Finding:
    """What is known after these steps. Raises ValueError for none."""
    if not steps:
        raise ValueError("nothing was measured")
    low, high = _bracket(steps, law)
    if next_rate(steps, replace(law, most_steps=len(steps) + 1)) is not None:
        return Finding("unsettled", low, high)
    if high is None:
        return Finding("not reached", low, None)
    if _verdict(steps, high, law) is Outcome.LIMITED:
        return Finding("generator", low, high)
    if low is None:
        return Finding("below", None, high)
    rounds = tuple(sorted(_knees(steps, low, high, law)))
    return Finding("found", low, high, median(rounds), rounds)


def _levels(steps: Sequence[Step]) -> set[float]:
    return {step.rate_per_minute for step in steps}


def _at(steps: Sequence[Step], rate: float) -> list[Step]:
    return [step for step in steps if step.rate_per_minute == rate]


def _verdict(steps: Sequence[Step], rate: float, law: Law) -> Outcome | None:
    """The majority; kept once is believed, anything else only when seen twice. None: measure again."""
    outcomes = [law.outcome(step) for step in _at(steps, rate)]
    counts = {outcome: outcomes.count(outcome) for outcome in Outcome}
    if counts[Outcome.KEPT] == len(outcomes):
        return Outcome.KEPT
    best = max(Outcome, key=lambda outcome: counts[outcome])
    tied = sum(count == counts[best] for count in counts.values()) > 1
    if counts[best] < 2 or tied:
        return None if len(outcomes) < 3 else Outcome.MISSED  # a rate that cannot decide is none to run at
    return best


def _bracket(steps: Sequence[Step], law: Law) -> tuple[float | None, float | None]:
    """The lowest rate that was not kept, and the highest below it that was."""
    verdicts = {rate: _verdict(steps, rate, law) for rate in _levels(steps)}
    high = min((rate for rate, verdict in verdicts.items() if verdict is not Outcome.KEPT), default=None)
    low = max((rate for rate in verdicts if high is None or rate < high), default=None)
    return low, high


def _higher(low: float | None, law: Law) -> float | None:
    if low is None or low >= law.most_rate:
        return None
    return min(law.most_rate, float(max(round(low * law.factor), math.floor(low) + 1)))


def _lower(steps: Sequence[Step], high: float, law: Law) -> float | None:
    """Below a first rate that was too high already."""
    lower = float(round(high / law.factor))
    tries = sum(rate < law.start_rate for rate in _levels(steps))
    return lower if 1 <= lower < high and tries < STARTED_TOO_HIGH else None


def _again(steps: Sequence[Step], low: float, high: float, law: Law) -> float | None:
    """Both sides of the knee in turn, so that a slow change of the machine falls on both alike."""
    measured = {rate: len(_at(steps, rate)) for rate in (low, high)}
    rate = min((low, high), key=lambda each: measured[each])
    return rate if measured[rate] < law.repeats else None


def _knees(steps: Sequence[Step], low: float, high: float, law: Law) -> list[float]:
    """One estimate of the knee for each pair of measurements at its two sides."""
    pairs = zip(_at(steps, low)[-law.repeats :], _at(steps, high)[-law.repeats :], strict=False)
    return [_knee(below, above, law) for below, above in pairs]


def _knee(below: Step, above: Step, law: Law) -> float:
    """Where p95 crosses the target between two steps: queues grow by factors, so in its logarithm.

    Where the errors decide, or the two do not lie around the target, the side that is safe.
    """
    rate, span = below.rate_per_minute, above.rate_per_minute - below.rate_per_minute
    if law.outcome(below) is not Outcome.KEPT or above.errors > law.target_errors:
        return rate
    if law.outcome(above) is Outcome.KEPT:
        return above.rate_per_minute
    if not 0 < below.p95_ms < above.p95_ms or above.p95_ms <= law.target_p95_ms:
        return rate
    share = math.log(law.target_p95_ms / below.p95_ms) / math.log(above.p95_ms / below.p95_ms)
    return rate + span * share
