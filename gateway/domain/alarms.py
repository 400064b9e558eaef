"""What somebody must be told of even when nobody looks at the desk, and when. Pure: times are given."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from gateway.domain.quota import left
from gateway.domain.room import Snapshot

NO_RELEASE_S = 30.0  # with somebody present, who could be let in
RELEASES_MISSED = 2.5  # at a low rate: so many intervals between two admissions
SKEW_MS = 2_000  # openings, tickets and passes go by the clock
STEADY_S = 10.0  # what comes or goes for a moment is not told


@dataclass(frozen=True, slots=True)
class Event:
    """An alarm that began or ended. ``id`` is the same for every attempt to deliver it."""

    room: str
    alarm: str  # one stable word
    event: str  # "raised" or "ended"
    at_ms: int  # wall time
    text: str  # for people

    @property
    def id(self) -> str:
        return f"{self.room}-{self.alarm}-{self.event}-{self.at_ms}"


def is_overdue(snapshot: Snapshot, since_release_s: float) -> bool:
    """Whether somebody present waits who should have been let in by now, at this rate."""
    rate = snapshot.knobs.rate_per_minute
    patience_s = max(NO_RELEASE_S, RELEASES_MISSED * 60 / rate if rate > 0 else 0.0)
    return snapshot.phase.releases and snapshot.present > 0 and since_release_s > patience_s


def conditions(snapshot: Snapshot, *, p95_s: float | None, slow_s: float, skew_ms: int) -> dict[str, str]:
    """What is wrong with the room now: alarm to a sentence for people."""
    since_s = snapshot.since_release_ms / 1000
    found = {}
    if is_overdue(snapshot, since_s):
        found["no-release"] = (
            f"{snapshot.present:,} present wait and nobody was let in for {since_s:.0f} s: "
            f"rate {snapshot.knobs.rate_per_minute:g} a minute, "
            f"{snapshot.inside:,} inside of {snapshot.knobs.ceiling:,}{_quota(snapshot)}"
        )
    if p95_s is not None and p95_s > slow_s:
        found["origin-slow"] = f"the site answers slowly: p95 {p95_s:.1f} s, told from {slow_s:g} s on"
    if abs(skew_ms) > SKEW_MS:
        found["clock-skew"] = f"a worker's clock is {skew_ms / 1000:+.1f} s off the store's"
    return found


def _quota(snapshot: Snapshot) -> str:
    quota = left(snapshot)
    return "" if quota is None else f", {quota.to_offer:,} places left of the {quota.kind.replace('-', ' ')}"


class Bell:
    """Rings once what is found differs from what was told for ``steady_s``; of one room, in one process."""

    def __init__(self, steady_s: float = STEADY_S) -> None:
        self._steady_s = steady_s
        self._since: dict[str, float] = {}

    def due(self, found: Collection[str], told: Collection[str], now_s: float) -> set[str]:
        """The alarms whose beginning or end must be told now."""
        differing = set(found) ^ set(told)
        self._since = {name: self._since.get(name, now_s) for name in differing}
        return {name for name, since_s in self._since.items() if now_s - since_s >= self._steady_s}


def event_of(room: str, name: str, found: Mapping[str, str], at_ms: int) -> Event:
    """What is told of an alarm whose state changed."""
    if name in found:
        return Event(room, name, "raised", at_ms, f"{room}: {found[name]}")
    return Event(room, name, "ended", at_ms, f"{room}: {name} is over")
