"""How much one worker has to do, and its share in turning visitors away when that is more than it can.

Who is turned away gets a ready answer, before the request is parsed. Measured are the lateness of the event loop,
the queue of those who are not accepted yet, and the connections that are open.
"""

from __future__ import annotations

import asyncio
import random
import resource
import time
from collections.abc import Callable, Collection
from contextlib import contextmanager
from typing import TYPE_CHECKING

from gateway.counters import SHED
from gateway.domain.overload import (
    LOOK_EVERY_S,
    Limits,
    Load,
    Who,
    is_turned_away,
    next_severity,
    spread_poll_s,
)
from gateway.logs import get_logger

if TYPE_CHECKING:
    from collections.abc import Iterator

    from gateway.sweeping import Queue

OVER_AFTER_S = 10.0  # without anybody turned away: the next time is told anew
_FILES_KEPT = 100  # for the store, the log, and what Python opens
_LEAST_PACE, _PACE_PART = 500.0, 0.2
_MOST_CONNECTIONS = 20_000  # by default: about 300 MB when all of them are used

log = get_logger("antrean.overload")


def dice() -> float:
    """0 to 1, by chance: nothing secret hangs on it."""
    return random.random()  # noqa: S311


def connections_for(open_files: int) -> int:
    """The connections that a worker may have by default: who is inside needs two files, here and at the site."""
    return max(16, min(_MOST_CONNECTIONS, (open_files - _FILES_KEPT) // 2))


def open_files() -> int:
    """The files that this process may open."""
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return 2 * _MOST_CONNECTIONS + _FILES_KEPT if soft == resource.RLIM_INFINITY else soft


class Overload:
    """One worker's. ``answer`` makes the whole answer for who is turned away; ``count`` adds to a metric."""

    def __init__(
        self,
        limits: Limits,
        answer: Callable[[bytes, float], bytes],
        count: Callable[[str], None],
    ) -> None:
        self.limits = limits
        self.severity = 0.0
        self.connections: Collection[object] = ()  # the server's own set, once it has one
        self.queue: Queue | None = None  # of connections that are not accepted yet
        self.taken_in = 0  # connections taken in since the last look
        self._answer = answer
        self._count = count
        self._turned_away = 0  # in this episode
        self._last_s = 0.0
        self._due_s = 0.0
        self._pace = 0.0  # connections taken in a second

    @property
    def is_crowded(self) -> bool:
        """Whether connections have to be given back soon."""
        return len(self.connections) > self.limits.connections // 2

    @property
    def is_full(self) -> bool:
        """Whether one more connection is one too many, whoever it is of: beyond the limit and a quarter."""
        return len(self.connections) > self.limits.connections * 5 // 4

    def turns_away(self, who: Who) -> bool:
        """Whether this request is not served; counted, and told once an episode."""
        if not self.severity or not is_turned_away(who, self.severity, dice()):
            return False
        self.note(who.value)
        return True

    def note(self, kind: str) -> None:
        """Somebody was turned away."""
        if not self._turned_away:
            log.warning(
                "more visitors than this worker can serve: newcomers are asked to come again",
                connections=len(self.connections), most=self.limits.connections,
            )  # fmt: skip
        self._turned_away += 1
        self._last_s = time.monotonic()
        self._count(SHED.key(kind=kind))

    def answer(self, head: bytes) -> bytes:
        """The whole answer for a request that is turned away."""
        return self._answer(head, self.severity)

    def spread_poll_s(self, poll_s: int, poll_max_s: int) -> int:
        """See ``domain.overload``."""
        return spread_poll_s(poll_s, poll_max_s, self.severity, dice()) if self.severity else poll_s

    @contextmanager
    def measured(self) -> Iterator[None]:
        """Look at the load all the time. In the event loop that is measured."""
        loop = asyncio.get_running_loop()
        self._due_s = loop.time() + LOOK_EVERY_S
        handle = loop.call_later(LOOK_EVERY_S, self._look, loop)
        try:
            yield
        finally:
            handle.cancel()
            self._due_s = 0.0

    def _look(self, loop: asyncio.AbstractEventLoop) -> None:
        if not self._due_s:
            return
        now_s = loop.time()
        late_s = now_s - self._due_s
        self.take(Load(len(self.connections), late_s + self._queued_s(LOOK_EVERY_S + late_s)))
        if self.severity and self.queue is not None:
            self.queue.sweep(self)
        self._due_s = loop.time() + LOOK_EVERY_S
        loop.call_later(LOOK_EVERY_S, self._look, loop)

    def _queued_s(self, passed_s: float) -> float:
        """How long the last in the queue will have waited, at the pace of late."""
        self._pace += (self.taken_in / passed_s - self._pace) * _PACE_PART
        self.taken_in = 0
        return self.queue.length() / max(self._pace, _LEAST_PACE) if self.queue is not None else 0.0

    def take(self, load: Load) -> None:
        """Judge by what was measured."""
        self.severity = next_severity(self.severity, load, self.limits)
        if self._turned_away and not self.severity and time.monotonic() - self._last_s > OVER_AFTER_S:
            log.info("all visitors are served again", turned_away=self._turned_away)
            self._turned_away = 0
