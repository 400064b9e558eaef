"""What a check says, what is known about a run besides its ledger, and the tolerances of measuring."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

SETTLE_S = 1.0  # an answer prepared by another gateway worker may be this old
PULSE_AGE_S = 3.0  # a cached pulse may be this old
HOLD_S = 30.0  # how long one at the door may be told "in a moment" by the meter of claims
HEARING_S = 12.0  # a called visitor hears of its turn within this (10 s, ±20 %)
RANGE_SHARE = 0.8  # share of visitors whose wait should lie in the predicted range
SLOW_FORM_S = 2.0  # a form that takes longer for one in twenty is one that people send again
LATE_ARRIVAL_S = 1.0  # a generator later than this does not keep the open model


@dataclass(frozen=True, slots=True)
class Figures:
    """Counters of the server side; None where they could not be read."""

    registrations: int | None = None  # rows of the origin
    issued: int | None = None  # tickets
    claimed: int | None = None  # admissions


@dataclass(frozen=True, slots=True)
class Facts:
    """What is known about a run besides the ledger."""

    rate_per_minute: float
    rate_set_s: float = 0.0  # when the rate was set: later pulses must show it
    before: Figures = field(default_factory=Figures)
    after: Figures = field(default_factory=Figures)


@dataclass(frozen=True, slots=True)
class Check:
    """``passed`` None: not exercised, nothing in this run could have broken it."""

    key: str
    title: str
    passed: bool | None
    detail: str
    advice: bool = False  # worth knowing, breaks no promise

    @property
    def word(self) -> str:
        """For people: one of four words."""
        if self.passed is None:
            return "not exercised"
        return "pass" if self.passed else "look" if self.advice else "FAIL"


def verdict(key: str, title: str, seen: int, wrong: Sequence[str], fine: str) -> Check:
    """The usual check: of ``seen`` things looked at, these were wrong; the first few are the evidence."""
    if wrong:
        more = f" (and {len(wrong) - 3} more)" if len(wrong) > 3 else ""
        return Check(key, title, False, "; ".join(wrong[:3]) + more)
    return Check(key, title, True if seen else None, fine if seen else "nothing to look at in this run")


def broken(checks: Sequence[Check]) -> list[Check]:
    """The checks that end a run with an exit code."""
    return [check for check in checks if check.passed is False and not check.advice]
