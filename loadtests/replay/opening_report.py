"""What a replayed opening must show: nobody before the doors open, the rate at once; and the requests."""

from __future__ import annotations

import numpy as np

from loadtests.replay.day import OPENS_MS, Day
from loadtests.replay.opening import DrawnOpening
from loadtests.replay.verdict import Check

AROUND_S = 120
SMOOTH_S = 5
FIRST_S = (1, 10, 60, 120)
DELIVERED_SHARE = 0.95  # of the rate over each of the first spans but the very first second
FRONT = (1, 100, 1000)

Row = tuple[str, str]


def checks(day: Day) -> list[Check]:
    """The promises of an opening; none for a day without one."""
    opening = day.opening
    if opening is None:
        return []
    at_s = _claims_after_opening_s(day, opening)
    early = int(np.count_nonzero(at_s < 0))
    drawn = day.snapshot.draw
    size = drawn.size if drawn is not None and drawn.secret else -1
    held = [_delivered(day, at_s, span_s) for span_s in FIRST_S[1:]]
    return [
        Check("nobody enters before the doors open", f"{early:,}", early == 0),
        Check("N counts who came before the freeze, and is drawn", f"{size:,}", size == opening.size),
        Check(
            "every number has a place of its own",
            f"{len(np.unique(opening.places)):,} of {len(opening.places):,}",
            len(np.unique(opening.places)) == len(opening.places),
        ),
        Check(
            f"the rate is delivered from the first second (≥ {DELIVERED_SHARE:.0%})",
            ", ".join(f"{share:.1%} in {span_s} s" for span_s, share in zip(FIRST_S[1:], held, strict=True)),
            min(held) >= DELIVERED_SHARE,
        ),
    ]


def rows(day: Day) -> list[Row]:
    """The figures; none for a day without an opening."""
    opening = day.opening
    if opening is None:
        return []
    at_s = _claims_after_opening_s(day, opening)
    front = [f"{count:,}. after {at_s[count - 1]:.1f} s" for count in FRONT if len(at_s) >= count]
    shares = [f"{_delivered(day, at_s, span_s):.0%} in {span_s} s" for span_s in FIRST_S]
    return [
        ("in the pre-queue (N)", f"{opening.size:,}"),
        ("entered", ", ".join(front) or "nobody"),
        ("rate delivered", ", ".join(shares)),
        ("requests a second, 2 min before", _requests(day, opening.opens_s - AROUND_S)),
        ("requests a second, 2 min after", _requests(day, opening.opens_s)),
    ]


def requests_around(day: Day) -> tuple[np.ndarray, dict[str, np.ndarray]]:
    """Seconds from the opening, and the requests a second of each kind."""
    assert day.opening is not None
    seconds = day.ledger.seconds.columns()
    at_s = seconds["at_s"] - day.opening.opens_s
    near = np.abs(at_s) <= 2 * AROUND_S
    return at_s[near], {name: _smooth(seconds[name])[near] for name in ("pulses", "check_ins", "pages")}


def _smooth(values: np.ndarray) -> np.ndarray:
    """Means of five seconds: where ticks are watched one by one, a second is booked with the next."""
    return np.convolve(values, np.ones(SMOOTH_S) / SMOOTH_S, "same")


def _claims_after_opening_s(day: Day, opening: DrawnOpening) -> np.ndarray:
    admitted_ms = np.sort(np.array(day.ledger.admitted_ms, dtype=np.int64)) - OPENS_MS
    return np.asarray(admitted_ms / 1000 - opening.opens_s)


def _delivered(day: Day, at_s: np.ndarray, span_s: int) -> float:
    """Admissions of the first seconds, as a share of what the rate allows by then."""
    return float(np.count_nonzero((at_s >= 0) & (at_s < span_s)) / (day.profile.rate / 60 * span_s))


def _requests(day: Day, from_s: int) -> str:
    seconds = day.ledger.seconds.columns()
    part = slice(from_s, from_s + AROUND_S)
    kinds = {name: _smooth(seconds[name])[part] for name in ("pulses", "check_ins", "pages")}
    parts = [
        f"{name.replace('_', '-')} {values.mean():,.0f} (at most {values.max():,.0f})"
        for name, values in kinds.items()
        if len(values)
    ]
    return ", ".join(parts)
