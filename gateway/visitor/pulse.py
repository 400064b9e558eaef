"""The pulse: what everybody in a room may know, the same bytes for all, made once for each snapshot."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import Any

from gateway.domain.estimate import main_lane_per_minute
from gateway.domain.room import Snapshot
from gateway.store.line import Line
from gateway.visitor.answers import JSON_TYPE, Answer, Block, problem
from gateway.visitor.standing import quota_of

# A cache may stand in for us for a second, but not with an old pulse when we fail.
_CACHE = (b"cache-control", b"public, max-age=1, s-maxage=1")
_FIXED = Block(JSON_TYPE, _CACHE)
RETRY_AFTER_S = 5


class Pulse:
    """One room's pulse."""

    def __init__(self, line: Line) -> None:
        self._line = line
        self._of: Snapshot | None = None
        self._answer = _TROUBLE

    def answer(self) -> Answer:
        """The pulse, or that the store is away."""
        snapshot = self._line.snapshot
        if snapshot is None or not self._line.reachable:
            return _TROUBLE
        if snapshot is not self._of:
            body = json.dumps(pulse_of(snapshot), ensure_ascii=False, separators=(",", ":")).encode()
            self._answer = Answer(200, body=body, fixed=_FIXED)
            self._of = snapshot
        return self._answer


def pulse_of(snapshot: Snapshot) -> dict[str, Any]:
    """The pulse's values. Times are wall time in ms, 0 for none."""
    knobs = snapshot.knobs
    return {
        "room": snapshot.room,
        "instance": snapshot.instance,
        "generation": snapshot.generation,
        "phase": str(knobs.phase),
        "now_ms": snapshot.now_ms,
        "issued": snapshot.issued,
        "called": snapshot.called,
        "serving": snapshot.serving,
        "skipped": [gap for gap in snapshot.skipped_places if gap[1] > snapshot.serving],
        "rate_per_minute": knobs.rate_per_minute,
        "delivered_per_minute": round(snapshot.delivered_per_minute, 2),
        "expected_per_minute": round(main_lane_per_minute(snapshot), 2),
        "density": round(snapshot.density, 4),
        "opens_at": knobs.opens_at_ms,
        "closes_at": knobs.closes_at_ms,
        "ending": knobs.ending.value,
        "quota": quota_of(snapshot),
        "draw": None if snapshot.draw is None else asdict(snapshot.draw),
        "reason": snapshot.reason,
        "message": knobs.message,
        "poll_max_s": snapshot.poll_max_s,
    }


_TROUBLE = problem(
    503,
    "store-unreachable",
    "We have a problem of our own. Your place is kept; ask again.",
    retry_after_s=RETRY_AFTER_S,
)
