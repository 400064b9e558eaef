"""What should be so before the doors open, looked up at this moment."""

from __future__ import annotations

from dataclasses import dataclass

from gateway.desk.rooms import Reading
from gateway.desk.steering import p95_seen_at
from gateway.domain.room import Snapshot
from gateway.domain.what_if import what_if
from gateway.store.line import Line
from gateway.store.watch import Vitals

CLOCKS_MS = 2_000  # credentials allow two minutes; more than seconds says that nobody keeps the clocks
ORIGIN_QUIET_MS = 120_000


@dataclass(frozen=True, slots=True)
class Point:
    """One point. ``ok`` is None where only a person can tell; ``fact`` is what was found."""

    name: str
    ok: bool | None
    fact: str = ""


async def checklist(line: Line, reading: Reading) -> list[Point]:
    """Every point, in the order of the day. Raises StoreError, Refusal when the room cannot be read."""
    snapshot, vitals = reading.snapshot, reading.vitals
    if reading.problem is not None or snapshot is None or vitals is None:
        raise reading.problem or AssertionError("a room that was read has a snapshot")
    rate = snapshot.knobs.rate_per_minute
    seen_s = await p95_seen_at(line, rate)
    return [
        Point("durable", await line.watch.is_durable()),
        Point("workers", snapshot.workers > 0, str(snapshot.workers)),
        _clocks(vitals, snapshot),
        _origin(vitals, snapshot),
        Point("rehearsed", seen_s is not None, "" if seen_s is None else f"p95 {seen_s * 1000:.0f} ms"),
        Point("ceiling", not what_if(snapshot, rate).over_ceiling, str(snapshot.knobs.ceiling)),
        Point("message", None),
        Point("languages", None),
    ]


def _clocks(vitals: Vitals, snapshot: Snapshot) -> Point:
    off_ms = [abs(seen.report.clock_ahead_ms) for seen in vitals.workers(snapshot.now_ms) if seen.report]
    return Point("clocks", bool(off_ms) and max(off_ms) <= CLOCKS_MS, f"{max(off_ms)} ms" if off_ms else "")


def _origin(vitals: Vitals, snapshot: Snapshot) -> Point:
    """By answers that visitors or a rehearsal got through the gateway, which is the way that counts."""
    now = vitals.counts(snapshot.now_ms)
    before = vitals.before(snapshot.now_ms, ORIGIN_QUIET_MS)
    answers = 0.0 if before is None else now.answers - before.answers
    errors = 0.0 if before is None else now.errors - before.errors
    return Point("origin", answers > 0 and errors == 0, f"{answers:.0f} / {errors:.0f}")
