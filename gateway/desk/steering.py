"""Ordering that the rate is turned by a ramp or the autopilot, and taking it back."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from dataclasses import asdict

from gateway.counters import ORIGIN_SECONDS
from gateway.domain.changes import CannotUndo
from gateway.domain.history import p95_at_rate
from gateway.domain.room import Snapshot
from gateway.domain.steering import Plan, read_order
from gateway.domain.what_if import what_if
from gateway.errors import StaleRevision
from gateway.store.line import SAMPLE_COLUMNS, Line

TRIES = 5

__all__ = ["order", "p95_seen_at", "take_over", "what_if"]


async def order(line: Line, asked: Mapping[str, object], *, actor: str) -> Plan:
    """Let the rate be turned as asked. Raises InvalidChanges, StoreError."""
    snapshot = await line.refresh()
    plan = read_order(asked, id=secrets.token_hex(8), actor=actor, snapshot=snapshot)
    await line.watch.order(plan, snapshot.knobs.rate_per_minute)
    told = {name: value for name, value in asdict(plan).items() if name not in ("id", "actor", "since_ms")}
    await line.note(plan.kind, actor=actor, after=told)
    return plan


async def take_over(line: Line, *, actor: str) -> Snapshot:
    """People turn the rate from now on. Raises CannotUndo when they did already, StoreError.

    The rate is set once more to what it is: a move under way then meets another revision and is not made.
    """
    if not await line.watch.take_over():
        raise CannotUndo("nothing turns the rate by itself: set it")
    for _ in range(TRIES):
        now = await line.refresh()
        kept = {"rate_per_minute": now.knobs.rate_per_minute}
        try:
            return await line.set_knobs(kept, actor=actor, why="taken over", expected_revision=now.revision)
        except StaleRevision:
            continue
    raise CannotUndo("others are changing the room at this moment: look again")


async def p95_seen_at(line: Line, rate_per_minute: float) -> float | None:
    """The origin's p95, seconds, when it last got about this many a minute; None: never. Raises StoreError."""
    rows = [dict(zip(SAMPLE_COLUMNS, row, strict=False)) for row in await line.samples()]
    return p95_at_rate(rate_per_minute, rows, await line.watch.origin_rows(), ORIGIN_SECONDS.bounds_s)
