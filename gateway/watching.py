"""What every worker does besides its visitors: say each second how it is; and one of them, whichever holds the
watch, keeps the origin's history and turns the rate where the operator ordered a ramp or the autopilot."""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
import time
from collections.abc import AsyncIterator

from gateway.counters import ORIGIN_SECONDS
from gateway.domain import steering
from gateway.domain.origin_health import health
from gateway.errors import AntreanError, StaleRevision
from gateway.logs import get_logger
from gateway.store.line import Line
from gateway.store.rooms import Store
from gateway.store.watch import ORIGIN_ROW_MS, Report, RoomWatch, Vitals

EVERY_S = 1.0

log = get_logger(__name__)


class Watching:
    """The watch of one process over its rooms."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._clock_ahead_ms = 0

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Look once a second until left."""
        task = asyncio.create_task(self._forever())
        try:
            yield
        finally:
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task

    async def look(self, line: Line) -> None:
        """Report, and take the watch's duties if it is ours. Raises StoreError."""
        line.waits.note(line.snapshot, time.time())
        watch = line.watch
        asked_s = time.time()
        now_ms = await watch.store_now_ms()
        self._clock_ahead_ms = round((asked_s + time.time()) * 500 - now_ms)
        report = Report(socket.gethostname(), os.getpid(), line.in_flight, self._clock_ahead_ms)
        await watch.report(self._store.worker, report)
        if not await watch.hold(self._store.worker):
            return
        vitals = await watch.vitals()
        await self._keep_rows(line, vitals, now_ms)
        await watch.forget([worker for worker in vitals.reports if worker not in dict(vitals.seen)])
        if vitals.plan is not None:
            await self._steer(watch, line, vitals)

    async def _keep_rows(self, line: Line, vitals: Vitals, now_ms: int) -> None:
        instance = "" if line.snapshot is None else line.snapshot.instance
        told = vitals.told(now_ms, instance)
        if instance and (vitals.told_at_start is None or vitals.told_at_start.instance != instance):
            await line.watch.begin_told(told)
        last = vitals.origin_rows[-1].at_ms if vitals.origin_rows else 0
        if abs(now_ms - last) >= ORIGIN_ROW_MS:
            await line.watch.add_rows(vitals.counts(now_ms), told)

    async def _steer(self, watch: RoomWatch, line: Line, vitals: Vitals) -> None:
        """The knobs are read after the plan: a change made after the order is seen, and hands over."""
        plan, course = vitals.plan, vitals.course
        assert plan is not None
        snapshot = await line.refresh()
        if course is None or course.ended:
            return
        before = vitals.before(snapshot.now_ms)
        seen = health(before, vitals.counts(snapshot.now_ms), ORIGIN_SECONDS.bounds_s) if before else None
        after = steering.steer(plan, course, snapshot, seen)
        if after == course:
            return
        if after.ended != "taken-over" and after.rate_per_minute != snapshot.knobs.rate_per_minute:
            changes = {"rate_per_minute": after.rate_per_minute}
            with contextlib.suppress(StaleRevision):  # somebody was faster: look again in a second
                await line.set_knobs(changes, actor=plan.kind, why=after.why, expected_revision=snapshot.revision)
                await watch.note_course(after)
            return
        await watch.note_course(after)

    async def _forever(self) -> None:
        while True:
            for line in list(self._store.lines.values()):
                try:
                    await self.look(line)
                except AntreanError:
                    continue  # the tick tells of a store in trouble
                except Exception:
                    log.exception("the watch failed")
            await asyncio.sleep(EVERY_S)
