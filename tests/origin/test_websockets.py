"""Websockets through the proxy, between real clients and real origins."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import os
from collections.abc import AsyncIterator

import aiohttp
import pytest
from aiohttp import WSMsgType
from aiohttp.http import WS_KEY
from starlette.applications import Starlette
from starlette.routing import WebSocketRoute
from starlette.websockets import WebSocket, WebSocketDisconnect
from yarl import URL

from gateway.origin.connection import Timeouts
from tests.origin.conftest import Bench, connected, replying, wait_until


class SocketOrigin:
    """A Starlette origin: echoes, closes as told by the path, and keeps how each visitor left."""

    def __init__(self) -> None:
        self.left: list[tuple[int, str]] = []
        self.opened: list[WebSocket] = []
        self.app = Starlette(
            routes=[
                WebSocketRoute("/echo", self.echo),
                WebSocketRoute("/close/{code:int}", self.close),
                WebSocketRoute("/refuse", self.refuse),
            ]
        )

    async def echo(self, socket: WebSocket) -> None:
        self.opened.append(socket)
        subprotocol = "antre.v2" if "antre.v2" in socket.scope["subprotocols"] else None
        await socket.accept(subprotocol=subprotocol, headers=[(b"set-cookie", b"a=1"), (b"set-cookie", b"b=2")])
        try:
            while True:
                message = await socket.receive()
                if message["type"] == "websocket.disconnect":
                    raise WebSocketDisconnect(message["code"], message.get("reason"))
                if message.get("text") is not None:
                    await socket.send_text(message["text"])
                else:
                    await socket.send_bytes(message["bytes"])
        except WebSocketDisconnect as exc:
            self.left.append((exc.code, exc.reason or ""))

    async def close(self, socket: WebSocket) -> None:
        await socket.accept()
        await socket.close(socket.path_params["code"], "cukup – enough")

    async def refuse(self, socket: WebSocket) -> None:
        await socket.close()


@pytest.fixture
async def client() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession() as session:
        yield session


@pytest.fixture
def origin() -> SocketOrigin:
    return SocketOrigin()


@pytest.fixture
async def url(bench: Bench, origin: SocketOrigin) -> str:
    port = await bench.proxy(f"http://127.0.0.1:{await bench.serve(origin.app)}")
    return f"http://127.0.0.1:{port}"


@pytest.mark.parametrize("size", [0, 1, 126, 70_000, 2_000_000])
async def test_messages_of_both_kinds_come_back_whole(client: aiohttp.ClientSession, url: str, size: int) -> None:
    async with client.ws_connect(url + "/echo") as socket:
        await socket.send_str("é" * size)
        assert await socket.receive_str() == "é" * size
        data = os.urandom(size)
        await socket.send_bytes(data)
        assert await socket.receive_bytes() == data


async def test_the_handshake_carries_path_headers_subprotocol_and_cookies(
    client: aiohttp.ClientSession, url: str, origin: SocketOrigin
) -> None:
    headers = [("X-Twice", "1"), ("X-Twice", "2"), ("Cookie", "c=1"), ("X-Forwarded-For", "1.1.1.1")]
    async with client.ws_connect(
        URL(url + "/echo?a=%2F&b", encoded=True),
        headers=headers,
        protocols=["antre.v1", "antre.v2"],
        origin="https://a.example",
    ) as socket:
        assert socket.protocol == "antre.v2"
        assert socket._response.headers.getall("Set-Cookie") == ["a=1", "b=2"]
    scope = origin.opened[0].scope
    sent = [(name.decode(), value.decode()) for name, value in scope["headers"]]
    assert scope["query_string"] == b"a=%2F&b"
    assert [value for name, value in sent if name == "x-twice"] == ["1", "2"]
    assert dict(sent)["x-forwarded-for"] == "127.0.0.1"
    assert dict(sent)["origin"] == "https://a.example"
    assert dict(sent)["cookie"] == "c=1"
    assert sum(name == "sec-websocket-key" for name, _ in sent) == 1


@pytest.mark.parametrize("code", [1000, 1001, 1008, 1011, 3000, 4999])
async def test_the_origins_close_code_and_reason_reach_the_visitor(
    client: aiohttp.ClientSession, url: str, code: int
) -> None:
    async with client.ws_connect(url + f"/close/{code}") as socket:
        message = await socket.receive()
    assert (message.type, message.data, message.extra) == (WSMsgType.CLOSE, code, "cukup – enough")


@pytest.mark.parametrize("code", [1000, 1001, 3000, 4999])
async def test_the_visitors_close_code_and_reason_reach_the_origin(
    client: aiohttp.ClientSession, url: str, origin: SocketOrigin, code: int
) -> None:
    async with client.ws_connect(url + "/echo") as socket:
        await socket.close(code=code, message="selesai – done".encode())
    await wait_until(lambda: bool(origin.left), "the origin was told")
    assert origin.left == [(code, "selesai – done")]


async def test_the_origin_learns_that_a_visitor_vanished(
    client: aiohttp.ClientSession, url: str, origin: SocketOrigin
) -> None:
    async with client.ws_connect(url + "/echo") as socket:
        await socket.send_str("here")
        await socket.receive_str()
        socket._response.connection.transport.abort()  # type: ignore[union-attr]
        await wait_until(lambda: bool(origin.left), "the origin was told")
    assert origin.left[0][0] == 1001


async def test_a_visitor_learns_that_the_origin_vanished(bench: Bench, client: aiohttp.ClientSession) -> None:
    async def vanish(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        key = next(line for line in head.split(b"\r\n") if line.lower().startswith(b"sec-websocket-key"))
        accept = base64.b64encode(hashlib.sha1(key.split(b": ")[1] + WS_KEY).digest())
        writer.write(
            b"HTTP/1.1 101 Switching\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            b"Sec-WebSocket-Accept: %b\r\n\r\n\x81\x02hi" % accept
        )
        await writer.drain()

    port = await bench.proxy(f"http://127.0.0.1:{await bench.listen(vanish)}")
    async with client.ws_connect(f"http://127.0.0.1:{port}/") as socket:
        assert await socket.receive_str() == "hi"
        message = await socket.receive()
    assert (message.type, message.data) == (WSMsgType.CLOSE, 1014)


async def test_a_slow_visitor_holds_the_origin_back(bench: Bench, client: aiohttp.ClientSession) -> None:
    sent = 0

    async def flood(socket: WebSocket) -> None:
        nonlocal sent
        await socket.accept()
        try:
            while True:
                await socket.send_bytes(bytes(100_000))
                sent += 1
        except WebSocketDisconnect:
            pass

    app = Starlette(routes=[WebSocketRoute("/", flood)])
    port = await bench.proxy(f"http://127.0.0.1:{await bench.serve(app)}")
    async with client.ws_connect(f"http://127.0.0.1:{port}/") as socket:
        await wait_until(lambda: sent > 5, "the origin sends")
        before = -1
        while before != sent:  # until the buffers between are full
            before = sent
            await asyncio.sleep(0.3)
        assert sent < 400, "40 MB would be more than sockets and buffers hold"
        for _ in range(sent + 1):
            assert len(await socket.receive_bytes()) == 100_000
        await wait_until(lambda: sent > before, "the origin goes on")


@pytest.mark.parametrize(
    ("answer", "status"),
    [
        (replying(b"HTTP/1.1 401 No\r\nWWW-Authenticate: x\r\nContent-Length: 2\r\n\r\nno"), 401),
        (replying(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"), 502),
        (replying(b"", close=True), 502),
        (replying(b"junk\r\n\r\n", close=True), 502),
        (replying(b""), 504),
    ],
)
async def test_a_refused_handshake_says_why(
    bench: Bench, client: aiohttp.ClientSession, answer: object, status: int
) -> None:
    origin = await bench.raw_origin(answer)  # type: ignore[arg-type]
    port = await bench.proxy(origin.url, timeouts=Timeouts(connect_s=1, reply_s=0.5, idle_s=5))
    with pytest.raises(aiohttp.WSServerHandshakeError) as caught:
        await client.ws_connect(f"http://127.0.0.1:{port}/")
    assert caught.value.status == status
    assert len(origin.heads) == 1


async def test_a_redirect_of_a_handshake_is_the_visitors_to_follow(bench: Bench) -> None:
    origin = await bench.raw_origin(
        replying(b"HTTP/1.1 302 Found\r\nLocation: /login\r\nSet-Cookie: a=1\r\nContent-Length: 4\r\n\r\nhere")
    )
    handshake = (
        b"Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
        b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
    )
    async with connected(await bench.proxy(origin.url)) as (reader, writer):
        writer.write(b"GET /ws HTTP/1.1\r\nHost: a\r\n" + handshake + b"\r\n")
        answer = (await reader.read()).lower()
    assert answer.startswith(b"http/1.1 302 ")
    assert b"location: /login\r\n" in answer
    assert b"set-cookie: a=1\r\n" in answer
    assert answer.endswith(b"\r\n\r\nhere")
    assert len(origin.heads) == 1


async def test_an_origin_that_is_not_there_is_a_502(bench: Bench, client: aiohttp.ClientSession) -> None:
    with pytest.raises(aiohttp.WSServerHandshakeError) as caught:
        await client.ws_connect(f"http://127.0.0.1:{await bench.proxy('http://127.0.0.1:1')}/")
    assert caught.value.status == 502


async def test_an_origin_that_refuses_is_passed_on(client: aiohttp.ClientSession, url: str) -> None:
    with pytest.raises(aiohttp.WSServerHandshakeError) as caught:
        await client.ws_connect(url + "/refuse")
    assert caught.value.status == 403
