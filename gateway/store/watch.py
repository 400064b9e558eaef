"""What is watched of a room besides its line: workers, the origin's answers over time, and who steers the rate.

Plain commands on keys of their own, none of which the line needs: losing them loses a chart, never a place.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from gateway.counters import LATE_CLAIMS, ORIGIN_RESPONSES, ORIGIN_SECONDS, WAIT_TOLD
from gateway.domain.accuracy import Outcomes, Tally, tally_of
from gateway.domain.origin_health import Counts
from gateway.domain.steering import Course, Plan, course_of, plan_of
from gateway.errors import StoreError
from gateway.store.functions import Command
from gateway.store.keys import room_key, watch_key

if TYPE_CHECKING:
    from gateway.store.rooms import Store

ORIGIN_ROW_MS = 10_000
ORIGIN_ROWS_KEPT = 10_000  # 27 hours, about a hundred bytes each
WINDOW_MS = 30_000  # over which the origin's health is told
HOLD_MS = 5_000  # a watch that is not renewed for so long falls to another worker
TOLD_ROWS_KEPT = 61  # ten minutes
ALARMS_KEPT_MS = 24 * 3_600_000
RECENT_ROWS = 14  # a little more than two minutes
HEARD_MS = 60_000  # who was silent for longer is not shown any more

_ERRORS = tuple(ORIGIN_RESPONSES.key(status=status) for status in ("5xx", "error", "timeout"))
_BOUNDS = (*(f"{bound:g}" for bound in ORIGIN_SECONDS.bounds_s), "+Inf")


@dataclass(frozen=True, slots=True)
class Report:
    """What a worker says of itself each second."""

    host: str
    pid: int
    in_flight: int  # requests that the origin has not begun to answer
    clock_ahead_ms: int  # of this machine, against the store's


@dataclass(frozen=True, slots=True)
class WorkerSeen:
    """A worker, and when the store last heard it. ``report`` is None until it said more."""

    worker: str
    silent_ms: int
    report: Report | None


@dataclass(frozen=True, slots=True)
class Vitals:
    """One look at what is watched."""

    counters: Mapping[str, float]
    seen: tuple[tuple[str, int], ...]  # worker and its last tick
    reports: Mapping[str, Report]
    origin_rows: tuple[Counts, ...]  # oldest first
    samples: tuple[tuple[float, ...], ...]  # the latest, oldest first
    plan: Plan | None  # None: people turn the rate
    course: Course | None  # of that plan, never of an earlier one
    told_at_start: Tally | None  # when the line began, or an earlier one while that is not known yet
    told_before: Tally | None  # about ten minutes ago

    def workers(self, now_ms: int) -> list[WorkerSeen]:
        """Those heard within a minute of ``now_ms``, the longest silent first."""
        found = [
            WorkerSeen(worker, max(0, now_ms - at_ms), self.reports.get(worker))
            for worker, at_ms in self.seen
            if now_ms - at_ms < HEARD_MS
        ]
        return sorted(found, key=lambda seen: (-seen.silent_ms, seen.worker))

    def clock_skew_ms(self, now_ms: int) -> int:
        """How far the worst worker's clock is ahead of the store's, or behind it when negative."""
        reports = [seen.report for seen in self.workers(now_ms) if seen.report is not None]
        return max((report.clock_ahead_ms for report in reports), key=abs, default=0)

    def counts(self, now_ms: int) -> Counts:
        """The origin's counters as they are now."""
        return origin_counts(now_ms, self.counters)

    def told(self, now_ms: int, instance: str) -> Tally:
        """How told waits came out up to now."""
        return told_tally(now_ms, instance, self.counters)

    def before(self, now_ms: int, window_ms: int = WINDOW_MS) -> Counts | None:
        """The newest row that is at least the window old, else the oldest there is."""
        older = [row for row in self.origin_rows if row.at_ms <= now_ms - window_ms]
        return older[-1] if older else next(iter(self.origin_rows), None)


class RoomWatch:
    """The watched part of one room. Everything here raises StoreUnreachable, StoreError."""

    def __init__(self, store: Store, room: str) -> None:
        self._store = store
        self._room = room

    async def vitals(self) -> Vitals:
        """Everything in one round trip."""
        metrics, workers, reports, rows, samples, plan, course, at_start, before = await self._execute(
            ("HGETALL", self._key("metrics")),
            ("ZRANGE", self._key("workers"), 0, -1, "WITHSCORES"),
            ("HGETALL", watch_key(self._room, "reports")),
            ("LRANGE", watch_key(self._room, "origin"), -RECENT_ROWS, -1),
            ("LRANGE", self._key("samples"), -RECENT_ROWS, -1),
            ("GET", watch_key(self._room, "plan")),
            ("GET", watch_key(self._room, "course")),
            ("GET", watch_key(self._room, "told:line")),
            ("LINDEX", watch_key(self._room, "told"), 0),
        )
        return Vitals(
            counters={name: float(amount) for name, amount in _pairs(metrics)},
            seen=tuple((worker, int(float(at_ms))) for worker, at_ms in _pairs(workers)),
            reports={worker: Report(**json.loads(told)) for worker, told in _pairs(reports)},
            origin_rows=tuple(map(_row, rows)),
            samples=tuple(tuple(map(float, row.split())) for row in samples),
            plan=plan_of(json.loads(plan)) if plan else None,
            course=_course_of(plan, course),
            told_at_start=_tally(at_start),
            told_before=_tally(before),
        )

    async def is_durable(self) -> bool:
        """Whether the store writes every change down before long: an append-only file."""
        (told,) = await self._execute(("INFO", "persistence"))
        return "aof_enabled:1" in str(told)

    async def origin_rows(self, most: int = ORIGIN_ROWS_KEPT) -> list[Counts]:
        """The origin's counters, a row every ten seconds, oldest first."""
        (rows,) = await self._execute(("LRANGE", watch_key(self._room, "origin"), -most, -1))
        return list(map(_row, rows))

    async def report(self, worker: str, report: Report) -> None:
        """Say how this worker is."""
        told = json.dumps(asdict(report))
        await self._execute(
            ("HSET", watch_key(self._room, "reports"), worker, told),
            ("PEXPIRE", watch_key(self._room, "reports"), HEARD_MS),
        )

    async def forget(self, workers: Sequence[str]) -> None:
        """Take the reports of workers that are gone away."""
        if workers:
            await self._execute(("HDEL", watch_key(self._room, "reports"), *workers))

    async def hold(self, worker: str) -> bool:
        """Take or keep the watch: True for one worker at a time."""
        key = watch_key(self._room, "watch")
        taken, holder, _ = await self._execute(("SET", key, worker, "NX", "PX", HOLD_MS), ("GET", key), ("TIME",))
        if taken is None and holder == worker:
            await self._execute(("PEXPIRE", key, HOLD_MS))
        return bool(holder == worker)

    async def let_go(self, worker: str) -> None:
        """Leave the watch to whoever asks next, if it is this worker's."""
        key = watch_key(self._room, "watch")
        (holder,) = await self._execute(("GET", key))
        if holder == worker:
            await self._execute(("DEL", key))

    async def store_now_ms(self) -> int:
        """The store's wall time."""
        (now,) = await self._execute(("TIME",))
        return int(now[0]) * 1000 + int(now[1]) // 1000

    async def add_rows(self, counts: Counts, told: Tally) -> None:
        """Keep the counters as they are."""
        row = " ".join(f"{value:.10g}" for value in (counts.answers, counts.errors, *counts.buckets))
        key, told_key = watch_key(self._room, "origin"), watch_key(self._room, "told")
        await self._execute(
            ("RPUSH", key, f"{counts.at_ms} {row}"),
            ("LTRIM", key, -ORIGIN_ROWS_KEPT, -1),
            ("RPUSH", told_key, _json(told)),
            ("LTRIM", told_key, -TOLD_ROWS_KEPT, -1),
        )

    async def begin_told(self, told: Tally) -> None:
        """A line begins: what is counted of told waits from here on is its own."""
        key = watch_key(self._room, "told")
        await self._execute(
            ("SET", watch_key(self._room, "told:line"), _json(told)), ("DEL", key), ("RPUSH", key, _json(told))
        )

    async def order(self, plan: Plan, rate_per_minute: float) -> None:
        """From now on ``plan`` turns the rate, which is ``rate_per_minute`` now."""
        course = Course(plan.id, rate_per_minute)
        await self._execute(
            ("SET", watch_key(self._room, "course"), _json(course)),
            ("SET", watch_key(self._room, "plan"), _json(plan)),
        )

    async def note_course(self, course: Course) -> None:
        """How the plan goes. One that was taken back meanwhile stays so: only its order is a plan."""
        await self._execute(("SET", watch_key(self._room, "course"), _json(course)))

    async def take_over(self) -> bool:
        """Give the rate back to people. False when they had it."""
        (gone,) = await self._execute(("DEL", watch_key(self._room, "plan")))
        return bool(gone)

    async def alarms_told(self) -> set[str]:
        """The alarms that were told and are not over."""
        (names,) = await self._execute(("HKEYS", watch_key(self._room, "alarms")))
        return set(names)

    async def note_alarm(self, name: str, is_raised: bool, at_ms: int) -> None:
        """It was told that the alarm began, or that it is over. What rings for a day is told again."""
        key = watch_key(self._room, "alarms")
        change: Command = ("HSET", key, name, at_ms) if is_raised else ("HDEL", key, name)
        await self._execute(change, ("PEXPIRE", key, ALARMS_KEPT_MS))

    def _key(self, name: str) -> str:
        return room_key(self._room, name)

    async def _execute(self, *commands: Command) -> list[Any]:
        replies = await self._store.execute(commands)
        for reply in replies:
            if isinstance(reply, Exception):
                raise StoreError(f"the store refused: {reply}") from reply
        return replies


def origin_counts(now_ms: int, counters: Mapping[str, float]) -> Counts:
    """What the workers counted of the origin's answers."""
    buckets = tuple(counters.get(f"{ORIGIN_SECONDS.name}<={bound}", 0.0) for bound in _BOUNDS)
    return Counts(now_ms, sum(buckets), sum(counters.get(name, 0.0) for name in _ERRORS), buckets)


def told_tally(now_ms: int, instance: str, counters: Mapping[str, float]) -> Tally:
    """What the workers counted of told waits."""

    def outcomes(when: str) -> Outcomes:
        keys = (WAIT_TOLD.key(when=when, outcome=outcome) for outcome in ("right", "too-short", "too-long"))
        return Outcomes(*(counters.get(key, 0.0) for key in keys))

    late = counters.get(LATE_CLAIMS.key(), 0.0)
    return Tally(now_ms, instance, outcomes("join"), outcomes("halfway"), late)


def _tally(text: str | None) -> Tally | None:
    return tally_of(json.loads(text)) if text else None


def _course_of(plan: str | None, course: str | None) -> Course | None:
    if not plan or not course:
        return None
    read = course_of(json.loads(course))
    return read if read.plan == json.loads(plan)["id"] else None


def _json(value: Plan | Course | Tally) -> str:
    return json.dumps(asdict(value), ensure_ascii=False)


def _row(text: str) -> Counts:
    at_ms, answers, errors, *buckets = text.split()
    return Counts(int(at_ms), float(answers), float(errors), tuple(map(float, buckets)))


def _pairs(reply: Any) -> list[tuple[str, str]]:
    return list(zip(reply[::2], reply[1::2], strict=True))
