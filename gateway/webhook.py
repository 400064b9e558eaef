"""Tells another service of alarms by POST, until it has heard."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from dataclasses import asdict

import aiohttp

from gateway.domain.alarms import Event
from gateway.errors import AntreanError
from gateway.logs import get_logger

TIMEOUT_S = 5.0
FIRST_WAIT_S, LONGEST_WAIT_S = 1.0, 60.0

log = get_logger(__name__)


class Webhook:
    """Delivers each event at least once, in the background, with waits that double from one try to the next.

    Any 2xx is heard. The body is JSON: ``id, room, alarm, event, at_ms, text``.
    """

    def __init__(self, url: str, *, first_wait_s: float = FIRST_WAIT_S) -> None:
        self._url = url
        self._first_wait_s = first_wait_s
        self._sending: dict[tuple[str, str], asyncio.Task[None]] = {}

    def send(self, event: Event, then: Callable[[], Awaitable[None]]) -> None:
        """Deliver, then call ``then``. Nothing to do while the alarm's last event is still under way."""
        key = (event.room, event.alarm)
        if key not in self._sending:
            self._sending[key] = asyncio.create_task(self._deliver(event, then))

    def drop(self, room: str, alarm: str) -> None:
        """Somebody else tells it now."""
        if under_way := self._sending.pop((room, alarm), None):
            under_way.cancel()

    async def close(self) -> None:
        """Give up what is under way."""
        tasks = list(self._sending.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        self._sending.clear()

    async def _deliver(self, event: Event, then: Callable[[], Awaitable[None]]) -> None:
        wait_s = self._first_wait_s
        while not await self._is_heard(event):
            await asyncio.sleep(wait_s)
            wait_s = min(LONGEST_WAIT_S, 2 * wait_s)
        with contextlib.suppress(AntreanError):  # not noted: told again with the same words, rather than never
            await then()
        self._sending.pop((event.room, event.alarm), None)

    async def _is_heard(self, event: Event) -> bool:
        timeout = aiohttp.ClientTimeout(total=TIMEOUT_S)
        try:
            async with (
                aiohttp.ClientSession(timeout=timeout) as http,
                http.post(self._url, json={"id": event.id, **asdict(event)}, allow_redirects=False) as answer,
            ):
                problem = None if 200 <= answer.status < 300 else f"it answered {answer.status}"
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            problem = type(error).__name__  # its text may hold the address, and that a secret
        if problem:
            log.warning("the webhook did not hear an alarm: it is told again", alarm=event.alarm, problem=problem)
        return problem is None
