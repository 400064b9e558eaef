"""The batcher: one pipeline in flight, and what is asked meanwhile makes the next.

When nothing is in flight a request goes out at the end of the event loop's turn, so an idle gateway adds no
latency; under load the batches grow by themselves. There is no timer: timers of 2 and 5 ms were worse.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Protocol

from gateway.errors import StoreUnreachable
from gateway.store.functions import Command

Settle = Callable[[Any], None]  # takes the reply: a value, an error reply, or a StoreError


class Source(Protocol):
    """Something that has commands waiting: a line."""

    def drain(self) -> list[tuple[Command, Settle]]:
        """Hand over what waits, with who gets each reply. Called when the connection is free."""


class Batcher:
    """Takes turns between the sources: all that wait go out in one pipeline."""

    def __init__(self, execute: Callable[[Sequence[Command]], Awaitable[list[Any]]]) -> None:
        self._execute = execute
        self._sources: list[Source] = []
        self._flight: asyncio.Task[None] | None = None
        self._due = False
        self.flights = 0  # pipelines sent so far

    def add(self, source: Source) -> None:
        self._sources.append(source)

    def wake(self) -> None:
        """Something waits. Cheap, and safe to call for each request."""
        if self._due or self._flight is not None:
            return
        self._due = True
        asyncio.get_running_loop().call_soon(self._take_off)

    def _take_off(self) -> None:
        self._due = False
        batch = [entry for source in self._sources for entry in source.drain()]
        if not batch:
            return
        self.flights += 1
        self._flight = asyncio.ensure_future(self._fly(batch))
        self._flight.add_done_callback(self._landed)

    async def _fly(self, batch: list[tuple[Command, Settle]]) -> None:
        try:
            replies = await self._execute([command for command, _ in batch])
        except asyncio.CancelledError:
            settle_all(batch, StoreUnreachable("the gateway is stopping"))
            raise
        except Exception as error:
            settle_all(batch, error)
            return
        for (_, settle), reply in zip(batch, replies, strict=True):
            settle(reply)

    def _landed(self, flight: asyncio.Task[None]) -> None:
        self._flight = None
        if not flight.cancelled():
            flight.result()
            self._take_off()

    async def close(self) -> None:
        """Wait for what is in flight; nothing is sent after that."""
        self._sources.clear()
        if self._flight is not None:
            await asyncio.wait([self._flight])


def settle_all(batch: Sequence[tuple[Command, Settle]], reply: Any) -> None:
    for _, settle in batch:
        settle(reply)
