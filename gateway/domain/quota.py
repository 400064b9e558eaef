"""How many more may be let in by the quotas of a room, today and by this line altogether. Pure.

A visitor counts once, from the first use of the pass; until then the lease, and before it the offer, holds it.
"""

from __future__ import annotations

from enum import StrEnum
from functools import lru_cache
from typing import NamedTuple

from gateway.domain.room import Snapshot

DAY_MS = 86_400_000
SURELY_COME = 0.9  # of those who are expected to


class Kind(StrEnum):
    """Which quota it is."""

    DAILY = "daily-quota"
    TOTAL = "total-quota"


class Left(NamedTuple):
    """What the scarcer quota leaves."""

    kind: Kind
    to_use: int  # visitors who may still use a first pass; those with an offer or an unused pass among them
    to_offer: int  # of them, places that nobody holds yet; never below 0


@lru_cache(64)
def left(snapshot: Snapshot) -> Left | None:
    """The scarcer of both quotas; None while there is none."""
    knobs, held = snapshot.knobs, snapshot.unused + snapshot.offers
    found = []
    if knobs.total_quota:
        found.append((knobs.total_quota - snapshot.used, Kind.TOTAL))
    if knobs.daily_quota:
        found.append((knobs.daily_quota - snapshot.day_used, Kind.DAILY))
    if not found:
        return None
    to_use, kind = min(found)
    return Left(kind, max(0, to_use), max(0, to_use - held))


def day_ends_ms(snapshot: Snapshot) -> int:
    """Wall time at which the day of the daily quota ends."""
    return (snapshot.day + 1) * DAY_MS - snapshot.day_offset_ms


def makes_it(snapshot: Snapshot, *, tickets_ahead: int, people_ahead: float) -> bool | None:
    """Whether somebody who holds no offer still gets a place; None: nobody can say.

    It is sure when all the tickets ahead fit, and out of reach when those who will come do not.
    """
    quota = left(snapshot)
    if quota is None or tickets_ahead < quota.to_offer:
        return True
    return False if people_ahead * SURELY_COME >= quota.to_offer else None
