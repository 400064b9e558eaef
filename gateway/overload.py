"""How much one worker has to do, and its share in turning visitors away when that is more than it can.

Who is turned away gets a ready answer, before the request is parsed. Measured are the lateness of the event loop,
the queue of those who are not accepted yet, and the connections that are open.
"""

from __future__ import annotations

import asyncio
import random
import resource
import time
from collections.abc import Callable
from contextlib import contextmanager
from typing import TYPE_CHECKING, Protocol

from gateway.counters import SHED
from gateway.domain.overload import (
    LOOK_EVERY_S,
    Limits,
    Load,
    Who,
    is_too_much,
    is_turned_away,
    may_begin,
    spread_poll_s,
)
from gateway.logs import get_logger

if TYPE_CHECKING:
    from collections.abc import Iterator

    from gateway.sweeping import Queue

OVER_AFTER_S = 10.0  # without anybody turned away: the next time is told anew
_FILES_KEPT = 100  # for the store, the log, and what Python opens
_CALM_AFTER_S = 1.0  # without too much to do: no longer counted
_FASTER_PART, _SLOWER_PART = 0.3, 0.02  # of a new figure in the mean: who begins little answers little
_SWEEPING_PART = 0.5  # of the time for all else: as much may go into turning away
_MOST_CONNECTIONS = 20_000  # by default: about 300 MB when all of them are used

_SHED = {kind: SHED.key(kind=kind) for kind in ("newcomer", "check-in", "connection")}

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


class Server(Protocol):
    """What is read of the server's own state."""

    connections: set[object]
    total_requests: int


class Overload:
    """One worker's. ``answer`` makes the whole answer for who is turned away; ``count`` adds to a metric.

    ``asking`` tells how many requests wait for the store.
    """

    def __init__(
        self,
        limits: Limits,
        answer: Callable[[bytes, float], bytes],
        count: Callable[[str], None],
        asking: Callable[[], int] = lambda: 0,
    ) -> None:
        self.limits = limits
        self.severity = 0.0
        self.is_counting = False  # what may begin
        self.queue: Queue | None = None  # of connections that are not accepted yet
        self.server: Server | None = None
        self._answer = answer
        self._count = count
        self._asking = asking
        self._left = self._of = 0
        self._per_s = 0.0
        self._answered = 0
        self._calm_s = 0.0
        self._turned_away = 0  # in this episode
        self._last_s = 0.0
        self._due_s = 0.0

    @property
    def connections(self) -> int:
        """Those that are open."""
        return len(self.server.connections) if self.server is not None else 0

    @property
    def is_crowded(self) -> bool:
        """Whether connections have to be given back soon."""
        return self.connections > self.limits.connections // 2

    @property
    def is_full(self) -> bool:
        """Whether one more connection is one too many, whoever it is of: beyond the limit and a quarter."""
        return self.connections > self.limits.connections * 5 // 4

    def turns_away(self, who: Who) -> bool:
        """Whether this request is not served; counted, and told once an episode."""
        if not self.is_counting:
            return False
        if not is_turned_away(who, self._left, self._of):
            self._left -= 1
            return False
        self.severity = max(self.severity, 1.0 if who is Who.NEWCOMER else 2.0)
        self.note(who.value)
        return True

    def note(self, kind: str) -> None:
        """Somebody was turned away."""
        if not self._turned_away:
            log.warning(
                "more visitors than this worker can serve: newcomers are asked to come again",
                connections=self.connections, most=self.limits.connections,
            )  # fmt: skip
        self._turned_away += 1
        self._last_s = time.monotonic()
        self._count(_SHED[kind])

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
        loop.call_later(LOOK_EVERY_S, self._look, loop)
        try:
            yield
        finally:
            self._due_s = 0.0

    def _look(self, loop: asyncio.AbstractEventLoop) -> None:
        if not self._due_s:
            return
        now_s = loop.time()
        late_s = now_s - self._due_s
        queued = self.queue.length() if self.queue is not None else 0
        self.take(Load(self.connections, late_s, queued, self._pace(LOOK_EVERY_S + late_s), self._asking()), now_s)
        if self.is_counting and self.queue is not None:
            self.queue.sweep(self, _SWEEPING_PART * (LOOK_EVERY_S + late_s))
        self._due_s = loop.time() + LOOK_EVERY_S
        loop.call_later(LOOK_EVERY_S, self._look, loop)

    def _pace(self, passed_s: float) -> float:
        """Requests answered a second, lately."""
        answered = self.server.total_requests if self.server is not None else 0
        change = (answered - self._answered) / passed_s - self._per_s
        self._per_s += change * (_FASTER_PART if change > 0 else _SLOWER_PART)
        self._answered = answered
        return self._per_s

    def take(self, load: Load, now_s: float) -> None:
        """Judge by what was measured."""
        if is_too_much(load, self.limits):
            self._calm_s = now_s + _CALM_AFTER_S
        self.is_counting = now_s < self._calm_s
        if not self.is_counting:
            self.severity = 0.0
        self._left = self._of = may_begin(load, self.limits)
        if self._turned_away and not self.severity and time.monotonic() - self._last_s > OVER_AFTER_S:
            log.info("all visitors are served again", turned_away=self._turned_away)
            self._turned_away = 0
