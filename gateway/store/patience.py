"""Gives up on what is not answered in time, with one timer for all: a timer for each is dear."""

from __future__ import annotations

import asyncio
from collections import deque
from typing import Any


class Patience:
    """Futures that all wait equally long."""

    def __init__(self, within_s: float, problem: Exception) -> None:
        """``problem`` is what a future fails with that has no result ``within_s`` after ``watch``."""
        self._within_s = within_s
        self._problem = problem
        self._watched: deque[tuple[float, asyncio.Future[Any]]] = deque()
        self._timer: asyncio.TimerHandle | None = None

    def watch(self, future: asyncio.Future[Any]) -> None:
        """From now on. Cheap, and safe to call for each request."""
        loop = future.get_loop()
        self._watched.append((loop.time() + self._within_s, future))
        if self._timer is None:
            self._timer = loop.call_later(self._within_s, self._look, loop)

    def _look(self, loop: asyncio.AbstractEventLoop) -> None:
        now_s = loop.time()
        watched = self._watched
        while watched and (watched[0][1].done() or watched[0][0] <= now_s):
            _, future = watched.popleft()
            if not future.done():
                future.set_exception(self._problem)
        self._timer = loop.call_at(watched[0][0], self._look, loop) if watched else None
