"""Everything that limits how many go in a minute, and which of it binds: the least. Pure."""

from __future__ import annotations

from typing import NamedTuple

from gateway.domain import quota
from gateway.domain.origin_health import Health
from gateway.domain.room import Snapshot
from gateway.domain.what_if import usual_session_s

NAMES = ("phase", "site-away", "total-quota", "daily-quota", "ceiling", "rate", "ramp", "autopilot")
AWAY = 0.95  # share of the site's answers that are errors: whoever goes in finds nothing


class Limit(NamedTuple):
    """One of NAMES, and what it allows: admissions a minute, at this moment."""

    per_minute: float
    name: str


def binding(snapshot: Snapshot, *, steered_by: str = "", health: Health | None = None) -> Limit:
    """The limit that is the least. ``steered_by``: "ramp" or "autopilot" while that turns the rate.

    Of several that allow the same, the one that stands first in NAMES: it must go first.
    """
    return min(
        _limits(snapshot, steered_by, health), key=lambda limit: (limit.per_minute, NAMES.index(limit.name))
    )


def _limits(snapshot: Snapshot, steered_by: str, health: Health | None) -> list[Limit]:
    knobs, left = snapshot.knobs, quota.left(snapshot)
    found = [Limit(knobs.rate_per_minute, steered_by or "rate")]
    if not snapshot.phase.releases:
        found.append(Limit(0.0, "phase"))
    if health is not None and health.error_share >= AWAY:
        found.append(Limit(0.0, "site-away"))
    if left is not None:
        found.append(Limit(float(left.to_offer), str(left.kind)))
    session_s = usual_session_s(snapshot)
    if snapshot.inside >= knobs.ceiling:
        found.append(Limit(min(snapshot.delivered_per_minute, knobs.rate_per_minute), "ceiling"))
    elif session_s:
        found.append(Limit(knobs.ceiling * 60 / session_s, "ceiling"))
    return found
