"""Finds alarms and has them told, once for all workers: by whoever holds the watch over the room."""

from __future__ import annotations

import time
from functools import partial

from gateway.counters import ORIGIN_SECONDS
from gateway.domain.alarms import STEADY_S, Bell, conditions, event_of
from gateway.domain.origin_health import health
from gateway.store.line import Line
from gateway.store.watch import Vitals
from gateway.webhook import Webhook

STORE = "store-unreachable"


class Alarming:
    """The alarms of one process's rooms.

    What was told is noted in the store, so that another worker that takes the watch neither repeats nor forgets
    it. Only of a store that is away nothing can be noted there: who told that it went tells that it came back.
    """

    def __init__(self, webhook: Webhook, *, slow_s: float, steady_s: float = STEADY_S) -> None:
        self._webhook = webhook
        self._slow_s = slow_s
        self._steady_s = steady_s
        self._bells: dict[tuple[str, bool], Bell] = {}
        self._watched: set[str] = set()
        self._away_told: dict[str, set[str]] = {}

    async def watched(self, line: Line, vitals: Vitals) -> None:
        """One look of the worker that holds the watch. Raises StoreError."""
        self._watched.add(line.room)
        if line.snapshot is None:
            return
        now_ms = await line.watch.store_now_ms()
        before = vitals.before(now_ms)
        seen = health(before, vitals.counts(now_ms), ORIGIN_SECONDS.bounds_s) if before else None
        p95_s = seen.p95_s if seen else None
        skew_ms = vitals.clock_skew_ms(now_ms)
        found = conditions(line.snapshot, p95_s=p95_s, slow_s=self._slow_s, skew_ms=skew_ms)
        told = await line.watch.alarms_told()
        for name in self._bell(line.room).due(found, told, time.monotonic()):
            event = event_of(line.room, name, found, now_ms)
            self._webhook.send(event, partial(line.watch.note_alarm, name, name in found, now_ms))

    def not_watched(self, room: str) -> None:
        """Another worker has the watch: it tells, if there still is something to tell."""
        self._watched.discard(room)
        for name in ("no-release", "origin-slow", "clock-skew"):
            self._webhook.drop(room, name)

    def store(self, room: str, *, is_away: bool) -> None:
        """Whether the last look reached the store. That it did not is told by who had the watch until then."""
        told = self._away_told.setdefault(room, set())
        if is_away and room not in self._watched:
            return
        found = {STORE: "the store does not answer: those inside carry on, nobody is let in"} if is_away else {}
        for name in self._bell(room, store=True).due(found, told, time.monotonic()):
            self._webhook.send(
                event_of(room, name, found, round(time.time() * 1000)), partial(self._away, room, is_away)
            )

    async def close(self) -> None:
        """Give up what is under way."""
        await self._webhook.close()

    async def _away(self, room: str, is_away: bool) -> None:
        self._away_told[room] = {STORE} if is_away else set()

    def _bell(self, room: str, *, store: bool = False) -> Bell:
        return self._bells.setdefault((room, store), Bell(self._steady_s))
