"""Passes in use: leases are extended now and then, and a pass that the store calls gone is refused.

A pass verifies by signature alone, so a use never waits for the store. What the store says about it
counts from the next request on.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Coroutine
from typing import Any

import structlog

from gateway.domain.passes import Pass
from gateway.errors import StoreError
from gateway.store.line import Line

TOUCH_EVERY_S = 4.0  # a pass that was finished at another worker is refused here after so long
TOUCH_AGAIN_S = 5.0  # after one that the store did not take
_MOST_REMEMBERED = 200_000  # passes; far beyond what one worker serves in a touch interval
_MOST_SPENT = 100_000

log = structlog.get_logger(__name__)


class PassUses:
    """The passes that this worker has seen in one room."""

    def __init__(self, line: Line) -> None:
        self._line = line
        self._due_s: dict[tuple[str, int], float] = {}  # when to touch next, by the monotonic clock
        self._spent: dict[tuple[str, int], None] = {}  # ordered, oldest first
        self._running: set[asyncio.Task[None]] = set()

    def is_spent(self, visitor_pass: Pass) -> bool:
        """Whether the store has said that this visitor finished, or gave the place up."""
        return bool(self._spent) and (visitor_pass.instance, visitor_pass.number) in self._spent

    def use(self, visitor_pass: Pass) -> None:
        """Extend the lease: at once on the first use that this worker sees, then every 4 s."""
        if visitor_pass.kind != "visitor":
            return
        key = visitor_pass.instance, visitor_pass.number
        now_s = time.monotonic()
        if now_s < self._due_s.get(key, 0.0):
            return
        if len(self._due_s) >= _MOST_REMEMBERED:
            self._due_s.clear()
        self._due_s[key] = now_s + TOUCH_EVERY_S
        self._start(self._touch(key))

    def finish(self, visitor_pass: Pass) -> None:
        """The origin says that this visitor is done: free the lease, refuse the pass from now on."""
        if visitor_pass.kind != "visitor":
            return
        key = visitor_pass.instance, visitor_pass.number
        self._refuse(key)
        self._start(self._finish(visitor_pass.number))

    def readmit(self, instance: str, number: int) -> None:
        """The store let this number in again (an operator reinstated it): its pass is good."""
        self._spent.pop((instance, number), None)

    async def settle(self) -> None:
        """Wait for what is under way: at the end of the process, and in tests."""
        while self._running:
            await asyncio.gather(*self._running)

    def _start(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.ensure_future(work)
        self._running.add(task)
        task.add_done_callback(self._running.discard)

    async def _touch(self, key: tuple[str, int]) -> None:
        try:
            alive = await self._line.touch(key[1])
        except StoreError as error:
            self._due_s[key] = time.monotonic() + TOUCH_AGAIN_S
            log.debug("a lease was not extended", room=self._line.room, number=key[1], error=str(error))
            return
        if not alive:
            self._refuse(key)

    async def _finish(self, number: int) -> None:
        try:
            await self._line.finish(number)
        except StoreError as error:
            # The lease ends by itself when it idles out; until then it only keeps a place inside.
            log.warning("a lease was not freed", room=self._line.room, number=number, error=str(error))

    def _refuse(self, key: tuple[str, int]) -> None:
        if len(self._spent) >= _MOST_SPENT:
            del self._spent[next(iter(self._spent))]
        self._spent[key] = None
