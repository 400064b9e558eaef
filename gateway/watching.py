"""What every worker does besides its visitors: say each second how it is; and one of them, whichever holds the
watch, keeps the origin's history, tells alarms, and turns the rate where a ramp or the autopilot was ordered."""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
import time
from collections.abc import AsyncIterator

from gateway.alarming import Alarming
from gateway.counters import ORIGIN_SECONDS
from gateway.domain import steering
from gateway.domain.origin_health import health
from gateway.errors import AntreanError, StaleRevision, StoreUnreachable
from gateway.logs import get_logger
from gateway.store.line import Line
from gateway.store.rooms import Store
from gateway.store.watch import ORIGIN_ROW_MS, Report, RoomWatch, Vitals

EVERY_S = 1.0
STOP_WITHIN_S = 2.0

log = get_logger(__name__)


class Watching:
    """The watch of one process over its rooms."""

    def __init__(self, store: Store, alarming: Alarming | None = None) -> None:
        self._store = store
        self._alarming = alarming
        self._clock_ahead_ms = 0
        self._stopping = asyncio.Event()

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Look once a second until left."""
        task = asyncio.create_task(self._forever())
        try:
            yield
        finally:
            self._stopping.set()  # a look under way ends in order: cut short, it would leave its connection open
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(STOP_WITHIN_S):
                    await task
            await self._let_go()
            if self._alarming is not None:
                await self._alarming.close()

    async def _let_go(self) -> None:
        """Another worker steers at once, not when the lease has run out."""
        with contextlib.suppress(AntreanError):
            for line in list(self._store.lines.values()):
                await line.watch.let_go(self._store.worker)

    async def look(self, line: Line) -> None:
        """Report, and take the watch's duties if it is ours. Raises StoreError."""
        line.waits.note(line.snapshot, time.time())
        watch = line.watch
        asked_s = time.time()
        holds, now_ms = await watch.hold(self._store.worker)
        self._clock_ahead_ms = round((asked_s + time.time()) * 500 - now_ms)
        report = Report(socket.gethostname(), os.getpid(), line.in_flight, self._clock_ahead_ms)
        await watch.report(self._store.worker, report, holds=holds)
        if not holds:
            if self._alarming is not None:
                self._alarming.not_watched(line.room)
            return
        vitals = await watch.vitals()
        if self._alarming is not None:
            await self._alarming.watched(line, vitals)
        await self._keep_rows(line, vitals, now_ms)
        await watch.forget([worker for worker in vitals.reports if worker not in dict(vitals.seen)])
        if vitals.plan is not None:
            await self._steer(watch, line, vitals)

    async def look_and_tell(self, line: Line) -> None:
        """``look``, and that the store could not be reached, or can be again. Raises StoreError."""
        is_away = True
        try:
            await self.look(line)
            is_away = False
        except StoreUnreachable:
            raise
        except AntreanError:
            is_away = False
            raise
        finally:
            if self._alarming is not None:
                self._alarming.store(line.room, is_away=is_away)

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
        while not self._stopping.is_set():
            for line in list(self._store.lines.values()):
                try:
                    await self.look_and_tell(line)
                except AntreanError:
                    continue  # the tick tells of a store in trouble
                except Exception:
                    log.exception("the watch failed")
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(EVERY_S):
                    await self._stopping.wait()
