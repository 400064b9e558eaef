"""What a rate would bring, reckoned before it is set; and a rate that climbs over minutes."""

from __future__ import annotations

from dataclasses import dataclass

from gateway.domain.estimate import expected_rate_per_minute, present_ahead
from gateway.domain.room import Snapshot

LEAST_ADMISSIONS = 20  # before a usual session time is told


@dataclass(frozen=True, slots=True)
class WhatIf:
    """The room at another rate, if those who wait stay and nothing else changes."""

    rate_per_minute: float
    last_enters_ms: int | None  # wall time at which the last in line now enters; None: never, or nobody waits
    last_enters_now_ms: int | None  # the same at the present rate
    origin_per_s: float  # newcomers a second at the origin
    usual_session_s: float | None  # None until enough were let in
    inside_then: int | None  # when as many leave as come in: rate x usual session
    over_ceiling: bool  # the ceiling, and not the rate, would decide


def what_if(snapshot: Snapshot, rate_per_minute: float) -> WhatIf:
    """What ``rate_per_minute`` would bring."""
    session_s = usual_session_s(snapshot)
    inside = None if session_s is None else round(rate_per_minute * session_s / 60)
    return WhatIf(
        rate_per_minute=rate_per_minute,
        last_enters_ms=_last_enters_ms(snapshot, rate_per_minute),
        last_enters_now_ms=_last_enters_ms(snapshot, expected_rate_per_minute(snapshot)),
        origin_per_s=rate_per_minute / 60,
        usual_session_s=session_s,
        inside_then=inside,
        over_ceiling=inside is not None and inside > snapshot.knobs.ceiling,
    )


def usual_session_s(snapshot: Snapshot) -> float | None:
    """How long a visitor stays inside, by Little's law: those inside over those let in a second."""
    if snapshot.claimed < LEAST_ADMISSIONS or snapshot.delivered_per_minute <= 0:
        return None
    return snapshot.leases * 60 / snapshot.delivered_per_minute


def _last_enters_ms(snapshot: Snapshot, rate_per_minute: float) -> int | None:
    if rate_per_minute <= 0 or not snapshot.waiting or not snapshot.phase.releases:
        return None
    ahead = present_ahead(snapshot, snapshot.issued + 1)
    return snapshot.now_ms + int(ahead * 60_000 / rate_per_minute)


def ramp_rate(from_per_minute: float, to_per_minute: float, *, elapsed_s: float, over_s: float) -> float:
    """The rate of a ramp after ``elapsed_s``: a straight line, its end exact."""
    share = 1.0 if over_s <= 0 else min(1.0, max(0.0, elapsed_s / over_s))
    if share == 1.0:
        return to_per_minute
    return round(from_per_minute + (to_per_minute - from_per_minute) * share, 2)
