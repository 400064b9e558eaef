"""From what was found to what an operator can paste: rate and ceiling, with the margin. Pure."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median

from loadtests.capacity.search import Finding, Law, Outcome, Step

MOST_FOREIGN = 0.2  # of the processors; the stack itself, idle, takes a few hundredths


@dataclass(frozen=True, slots=True)
class Advice:
    """What to set. ``rate`` is visitors a minute; ``inside_s`` as measured, without a person's typing."""

    rate: int
    ceiling: int
    margin: float  # share kept free, 0 to 1
    inside_s: float
    form_s: float  # seconds that people take over the form, as the operator said

    def command(self, room: str) -> str:
        """The command to paste."""
        return f"antrean room set {room} --rate {self.rate} --ceiling {self.ceiling}"


def advise(finding: Finding, steps: Sequence[Step], law: Law, *, margin: float, form_s: float) -> Advice | None:
    """Rate and ceiling; None when no rate kept the target.

    The ceiling by Little's law: as many are inside as come in the time that one stays. The margin is
    taken off the rate and put on the ceiling, which must not hold back a rate that the site bears.
    """
    if finding.borne is None or finding.kept is None:
        return None
    rate = math.floor(finding.borne * (1 - margin))
    good = [step for step in steps if law.outcome(step) is Outcome.KEPT]
    near = [step.inside_s for step in good if step.rate_per_minute == finding.kept]
    inside_s = median(near)
    ceiling = math.ceil(round(rate / 60 * (inside_s + form_s) * (1 + margin), 6))
    return Advice(max(1, rate), max(1, ceiling), margin, inside_s, form_s)


def sentences(finding: Finding, steps: Sequence[Step], law: Law) -> list[str]:
    """What was found, for people; what was not found is said as plainly."""
    target = f"p95 ≤ {law.target_p95_ms:g} ms and errors ≤ {law.target_errors:.1%}"
    said = _SAID[finding.kind](finding, target)
    reasons = sorted({step.generator for step in steps if step.generator})
    short = [step for step in steps if not step.generator and law.outcome(step) is Outcome.LIMITED]
    if short:
        worst = min(short, key=lambda step: step.delivered_per_minute / step.rate_per_minute)
        reasons.append(
            f"{worst.delivered_per_minute:.0f} of {worst.rate_per_minute:g} a minute came, with people in line"
        )
    foreign = median(step.foreign for step in steps)
    if foreign > MOST_FOREIGN:
        said.append(
            f"Warning: before the steps, {foreign:.0%} of this machine was busy with something else. "
            "The site bears more than was found: measure again on a quiet machine."
        )
    if reasons:
        said.append(
            f"Warning: the load generator, or the machine it shares with the gateway, was a limit "
            f"({'; '.join(reasons)}). Run it on a machine of its own."
        )
    return said


def _found(finding: Finding, target: str) -> list[str]:
    assert finding.knee is not None
    low, high = finding.rounds[0], finding.rounds[-1]
    return [
        f"The knee is at {finding.knee:.0f} a minute ({target}): the median of {len(finding.rounds)} rounds, "
        f"which lie between {low:.0f} and {high:.0f}.",
        f"{finding.kept:g} a minute kept the target, {finding.missed:g} did not.",
    ]


def _not_reached(finding: Finding, target: str) -> list[str]:
    return [
        f"No knee was found up to {finding.kept:g} a minute, the most that was tried ({target}). "
        "The site may bear more: give a higher --most-rate."
    ]


def _below(finding: Finding, target: str) -> list[str]:
    return [f"Even {finding.missed:g} a minute missed the target ({target}). There is nothing to recommend."]


def _generator(finding: Finding, target: str) -> list[str]:
    kept = f"{finding.kept:g} a minute kept the target ({target})" if finding.kept else "No rate could be judged"
    return [f"{kept}; {finding.missed:g} could not be tried, so the knee was not seen."]


def _unsettled(finding: Finding, target: str) -> list[str]:
    kept = f"{finding.kept:g} a minute kept the target ({target})" if finding.kept else "no rate kept the target"
    return [f"The search ended before the knee was certain; so far {kept}."]


_SAID = {
    "found": _found,
    "not reached": _not_reached,
    "below": _below,
    "generator": _generator,
    "unsettled": _unsettled,
}
