"""Letting people in without the store, where a room chose that: each worker its share, by what it last knew. Pure.

A worker that hears nothing for 4 s releases rate ÷ workers and fills its part of the places that were free. Those
who are still heard take as much less (the tick sees to it), so that together they keep to the rate. After five
minutes it stops: by then the store has forgotten the worker, and gives its share to the others.
"""

from __future__ import annotations

from gateway.domain.quota import left
from gateway.domain.room import Snapshot

CUT_OFF_S = 4.0
LONGEST_S = 290.0  # the store counts a silent worker for 300 s (REGISTERED_MS in 4_release.lua)


class StandIn:
    """One worker's releases in one room. Times are seconds of one clock that never jumps."""

    def __init__(self) -> None:
        self._heard_s = float("-inf")  # the last answer of the store: names the outage
        self._seen_s = 0.0
        self._credit = 0.0
        self._free = 0
        self._admitted: set[int] = set()

    def admits(self, snapshot: Snapshot | None, position: int | None, *, heard_s: float, now_s: float) -> bool:
        """Whether the visitor at ``position`` goes in now. None: somebody new, who has no number yet.

        Who was let in before in the same outage is let in again, and counts once.
        """
        if snapshot is None or not CUT_OFF_S <= now_s - heard_s <= LONGEST_S or not snapshot.phase.releases:
            return False
        workers = max(1, snapshot.registered)
        if heard_s != self._heard_s:
            self._begin(snapshot, heard_s, workers)
        share_per_s = snapshot.knobs.rate_per_minute / 60 / workers
        self._credit = min(max(1.0, share_per_s), self._credit + share_per_s * (now_s - self._seen_s))
        self._seen_s = now_s
        if position in self._admitted:
            return True
        if self._credit < 1 or self._free < 1 or not self._is_next(snapshot, position, now_s - heard_s):
            return False
        self._credit -= 1
        self._free -= 1
        if position is not None:
            self._admitted.add(position)
        return True

    def _begin(self, snapshot: Snapshot, heard_s: float, workers: int) -> None:
        self._heard_s, self._seen_s = heard_s, heard_s + CUT_OFF_S
        self._credit = 0.0
        free, quota = max(0, snapshot.knobs.ceiling - snapshot.inside), left(snapshot)
        self._free = (free if quota is None else min(free, quota.to_offer)) // workers
        self._admitted = set()

    def _is_next(self, snapshot: Snapshot, position: int | None, cut_off_s: float) -> bool:
        """Those in line go before those who come now, and as far as the cursor would be by now."""
        if position is None:
            return snapshot.waiting == 0
        ahead = snapshot.knobs.rate_per_minute / 60 * cut_off_s / snapshot.density
        return position <= snapshot.serving + max(1.0, ahead)
