"""A TCP proxy in front of the store that can be told to misbehave."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import Literal

Mode = Literal["pass", "slow", "hole up", "hole down", "lost replies", "reset"]


class FaultProxy:
    """Forwards to a unix socket. ``mode`` counts from the next piece of data on.

    slow: each reply comes ``delay_s`` later; hole: what goes up (or comes down) vanishes; lost replies: the store
    executes what it is sent, then the connection is cut instead of answering; reset: every connection is cut.
    """

    def __init__(self, socket_path: str) -> None:
        self._path = socket_path
        self._server: asyncio.Server | None = None
        self._running: set[asyncio.Task[None]] = set()
        self.mode: Mode = "pass"
        self.delay_s = 0.0
        self.port = 0

    async def start(self) -> None:
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]

    async def close(self) -> None:
        if self._server is not None:
            self._server.close()
        for task in self._running:
            task.cancel()
        await asyncio.gather(*self._running, return_exceptions=True)

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._running.add(task)
        try:
            with suppress(OSError):
                up_reader, up_writer = await asyncio.open_unix_connection(self._path)
                up = asyncio.create_task(self._pump(reader, up_writer, "up"))
                down = asyncio.create_task(self._pump(up_reader, writer, "down"))
                await asyncio.wait([up, down], return_when=asyncio.FIRST_COMPLETED)
                for pump in (up, down):
                    pump.cancel()
                await asyncio.gather(up, down, return_exceptions=True)
                up_writer.close()
        finally:
            writer.close()
            self._running.discard(task)

    async def _pump(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, way: str) -> None:
        while data := await reader.read(65536):
            if self.mode == "reset" or (self.mode == "lost replies" and way == "down"):
                return
            if self.mode == f"hole {way}":
                continue
            if self.mode == "slow" and way == "down":
                await asyncio.sleep(self.delay_s)
            writer.write(data)
            await writer.drain()
