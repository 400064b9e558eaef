"""Real servers on real sockets: origins of every kind, and the gateway's own listener."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass, field
from typing import Any

import pytest
import uvicorn
import uvloop
from starlette.types import ASGIApp

from gateway.origin.connection import Timeouts
from gateway.origin.proxy import Origin
from gateway.protocol import GatewayProtocol
from gateway.replies import GatewayWebSocketProtocol

Handler = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


async def wait_until(holds: Callable[[], bool], description: str, within_s: float = 5.0) -> None:
    """Return as soon as ``holds()``, or fail the test saying what did not come true."""
    try:
        async with asyncio.timeout(within_s):
            while not holds():  # noqa: ASYNC110 - it waits for other programs too, which set no Event
                await asyncio.sleep(0.01)
    except TimeoutError:
        pytest.fail(f"not within {within_s:g} s: {description}")


@dataclass
class RawOrigin:
    """An origin made of a socket: ``answer`` is called for each request and writes what it likes."""

    answer: Callable[[RawOrigin, bytes, asyncio.StreamWriter], Awaitable[None]]
    heads: list[bytes] = field(default_factory=list)  # as they came
    bodies: list[bytes] = field(default_factory=list)
    connections: int = 0
    lost: int = 0  # connections that ended from the other side
    port: int = 0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def fields(self, index: int = -1) -> list[tuple[str, str]]:
        """The headers of a request, in order, duplicates and all."""
        lines = self.heads[index].decode("latin-1").split("\r\n")[1:]
        return [(name, value) for name, _, value in (line.partition(": ") for line in lines if line)]

    def values(self, name: str, index: int = -1) -> list[str]:
        return [value for key, value in self.fields(index) if key == name]

    async def handle(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        try:
            while not writer.is_closing():
                head = await reader.readuntil(b"\r\n\r\n")
                self.heads.append(head)
                self.bodies.append(await read_body(head, reader))
                await self.answer(self, head, writer)
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            self.lost += 1
        finally:
            await hang_up(writer)


async def hang_up(writer: asyncio.StreamWriter) -> None:
    """Close a connection, whatever became of it."""
    writer.close()
    with suppress(ConnectionError):
        await writer.wait_closed()


@asynccontextmanager
async def connected(port: int) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
    """A client's connection, for what one request and reply cannot show."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        yield reader, writer
    finally:
        await hang_up(writer)


async def read_body(head: bytes, reader: asyncio.StreamReader) -> bytes:
    """The body that ``head`` announces, decoded."""
    lower = head.lower()
    if b"transfer-encoding: chunked" in lower:
        body = b""
        while size := int(await reader.readuntil(b"\r\n"), 16):
            body += (await reader.readexactly(size + 2))[:-2]
        await reader.readuntil(b"\r\n")
        return body
    for line in lower.split(b"\r\n"):
        if line.startswith(b"content-length:"):
            return await reader.readexactly(int(line.split(b":")[1]))
    return b""


def replying(reply: bytes, *, close: bool = False) -> Callable[..., Awaitable[None]]:
    """An answer for RawOrigin that writes ``reply``, and closes if told."""

    async def answer(origin: RawOrigin, head: bytes, writer: asyncio.StreamWriter) -> None:
        writer.write(reply)
        if close:
            await writer.drain()
            writer.close()

    return answer


OK = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok"


def pytest_asyncio_loop_factories() -> dict[str, Callable[[], asyncio.AbstractEventLoop]]:
    """The loop that the gateway runs on: its sockets differ from asyncio's in when they close and reset."""
    return {"uvloop": uvloop.new_event_loop}


class EmbeddedServer(uvicorn.Server):
    """uvicorn inside the test: it leaves the signals to pytest, and stops when told, not at the next tick."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.stopping = asyncio.Event()

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield

    async def main_loop(self) -> None:
        await self.on_tick(0)
        await self.stopping.wait()


class Bench:
    """Starts servers for one test, and stops them after it."""

    def __init__(self, stack: AsyncExitStack) -> None:
        self._stack = stack

    async def raw_origin(self, answer: Callable[..., Awaitable[None]]) -> RawOrigin:
        origin = RawOrigin(answer)
        origin.port = await self.listen(origin.handle)
        return origin

    async def listen(self, handle: Handler) -> int:
        """Call ``handle`` for each connection; return the port. Those still open at the end are cut."""
        tasks: set[asyncio.Task[None]] = set()

        async def tracked(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            task = asyncio.current_task()
            assert task is not None
            tasks.add(task)
            try:
                await handle(reader, writer)
            except asyncio.CancelledError:
                pass  # streams would report it as an error of the handler's
            finally:
                tasks.discard(task)
                writer.close()

        async def stop() -> None:
            server.close()
            for task in list(tasks):
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

        server = await asyncio.start_server(tracked, "127.0.0.1", 0)
        self._stack.push_async_callback(stop)
        port: int = server.sockets[0].getsockname()[1]
        return port

    async def serve(self, app: ASGIApp, protocol: Any = GatewayProtocol) -> int:
        """Serve ``app`` as the gateway does; return the port."""
        return await self._stack.enter_async_context(serving(app, protocol))

    async def proxy(self, origin_url: str, **options: Any) -> int:
        """A gateway that consists of the proxy alone; return its port."""
        if "timeouts" not in options:
            options["timeouts"] = Timeouts(connect_s=2, reply_s=5, idle_s=5)
        return await self.serve(Origin(origin_url, **options))


@asynccontextmanager
async def serving(app: ASGIApp, protocol: Any = GatewayProtocol) -> AsyncIterator[int]:
    listener = socket.create_server(("127.0.0.1", 0))
    config = uvicorn.Config(
        app,
        http=protocol,
        ws=GatewayWebSocketProtocol,
        log_config=None,
        access_log=False,
        proxy_headers=False,
        server_header=False,
        lifespan="auto",
        timeout_graceful_shutdown=1,
    )
    server = EmbeddedServer(config)
    task = asyncio.create_task(server.serve([listener]))
    await wait_until(lambda: server.started or task.done(), "the server has started")
    try:
        yield listener.getsockname()[1]
    finally:
        server.stopping.set()
        await task


@pytest.fixture
async def bench() -> AsyncIterator[Bench]:
    async with AsyncExitStack() as stack:
        yield Bench(stack)


@dataclass
class Reply:
    """A reply as it stands on the wire."""

    head: bytes
    body: bytes

    @property
    def status(self) -> int:
        return int(self.head.split(b" ")[1])

    def values(self, name: str) -> list[str]:
        lines = self.head.decode("latin-1").split("\r\n")[1:]
        return [value for key, _, value in (line.partition(": ") for line in lines) if key.lower() == name.lower()]


async def talk(port: int, data: bytes, within_s: float = 10.0) -> bytes:
    """Send ``data`` and return everything that comes back until the server closes."""
    async with asyncio.timeout(within_s), connected(port) as (reader, writer):
        writer.write(data)
        return await reader.read()


async def ask(
    port: int,
    target: str = "/",
    *,
    method: str = "GET",
    headers: bytes = b"",
    body: bytes = b"",
) -> Reply:
    """One request on its own connection. ``headers`` is raw, each line ended by CRLF."""
    line = f"{method} {target} HTTP/1.1\r\nHost: antre.example\r\n".encode()
    length = b"Content-Length: %d\r\n" % len(body) if body else b""
    answer = await talk(port, line + headers + length + b"Connection: close\r\n\r\n" + body)
    head, _, rest = answer.partition(b"\r\n\r\n")
    return Reply(head, rest)
