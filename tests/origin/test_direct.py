"""Requests without a body are answered without ASGI's machinery, in order, and with what every reply has."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any

from starlette.types import ASGIApp, Receive, Scope, Send

from gateway.visitor.answers import Answer
from tests.origin.conftest import Bench, connected, wait_until

HEAD = b"GET %b HTTP/1.1\r\nHost: a.example\r\n%b\r\n"


class Clock:
    """Answers /now at once, /later when told, /app by ASGI; fails at /broken."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.by_asgi: list[str] = []
        self.later: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            self.by_asgi.append(scope["path"])
            await receive()
            await _answer(scope["path"].encode()).send(send)

    def direct(self, scope: Scope) -> Coroutine[Any, Any, Answer | ASGIApp]:
        return self._direct(scope)

    async def _direct(self, scope: Scope) -> Answer | ASGIApp:
        self.asked.append(scope["path"])
        if scope["path"] == "/later":
            return _answer(await self.later)
        if scope["path"] == "/broken":
            raise RuntimeError("broken")
        return self if scope["path"] == "/app" else _answer(scope["path"].encode())


def _answer(body: bytes) -> Answer:
    return Answer(200, body=body)


async def read(reader: asyncio.StreamReader) -> tuple[bytes, bytes]:
    """Head and body of one reply."""
    head = await reader.readuntil(b"\r\n\r\n")
    length = int(head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0])
    return head, await reader.readexactly(length)


async def test_an_answer_goes_out_whole_with_the_servers_date(bench: Bench) -> None:
    app = Clock()
    async with connected(await bench.serve(app)) as (reader, writer):
        writer.write(HEAD % (b"/now?a=1", b"") * 2)
        for _ in range(2):
            head, body = await read(reader)
            assert head.startswith(b"HTTP/1.1 200 OK\r\ndate: ")
            assert body == b"/now"
    assert (app.asked, app.by_asgi) == (["/now", "/now"], [])


async def test_a_request_behind_one_that_waits_is_answered_after_it(bench: Bench) -> None:
    app = Clock()
    async with connected(await bench.serve(app)) as (reader, writer):
        writer.write(HEAD % (b"/later", b"") + HEAD % (b"/second", b""))
        await wait_until(lambda: app.asked == ["/later"], "the first was asked")
        app.later.set_result(b"first")
        assert [(await read(reader))[1] for _ in range(2)] == [b"first", b"/second"]


async def test_an_app_may_carry_on_by_asgi(bench: Bench) -> None:
    app = Clock()
    async with connected(await bench.serve(app)) as (reader, writer):
        writer.write(HEAD % (b"/app", b"") + HEAD % (b"/now", b""))
        assert [(await read(reader))[1] for _ in range(2)] == [b"/app", b"/now"]
    assert app.by_asgi[0] == "/app"


async def test_what_is_special_goes_by_asgi(bench: Bench) -> None:
    app = Clock()
    port = await bench.serve(app)
    special = [
        HEAD % (b"/x", b"Content-Length: 2\r\n") + b"ok",
        HEAD % (b"/x", b"Connection: close\r\n"),
        b"GET /x HTTP/1.0\r\nHost: a.example\r\n\r\n",
    ]
    for data in special:
        async with connected(port) as (reader, writer):
            writer.write(data)
            assert (await read(reader))[1] == b"/x"
    assert (app.asked, app.by_asgi) == ([], ["/x"] * 3)


async def test_an_app_that_fails_ends_the_connection(bench: Bench) -> None:
    async with connected(await bench.serve(Clock())) as (reader, writer):
        writer.write(HEAD % (b"/broken", b""))
        assert await reader.read() == b""


async def test_nobody_is_written_to_who_has_left(bench: Bench) -> None:
    app = Clock()
    port = await bench.serve(app)
    async with connected(port) as (_, writer):
        writer.write(HEAD % (b"/later", b""))
        await wait_until(lambda: app.asked == ["/later"], "it was asked")
    app.later.set_result(b"too late")
    async with connected(port) as (reader, writer):
        writer.write(HEAD % (b"/now", b""))
        assert (await read(reader))[1] == b"/now"
