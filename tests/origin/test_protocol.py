"""What the listener refuses, and whom it does not wait for: raw bytes over real sockets."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import pytest
from starlette.types import Receive, Scope, Send

from gateway.protocol import GatewayProtocol
from tests.origin.conftest import OK, Bench, ask, connected, replying, talk, wait_until

Echo = Callable[[Scope, Receive, Send], Awaitable[None]]


class Recording:
    """An app that answers at once after the body, and keeps what it got."""

    def __init__(self) -> None:
        self.scopes: list[Scope] = []
        self.bodies: list[bytes] = []
        self.left = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        self.scopes.append(scope)
        body = b""
        while True:
            message = await receive()
            if message["type"] == "http.disconnect":
                self.left += 1
                return
            body += message["body"]
            if not message["more_body"]:
                break
        self.bodies.append(body)
        headers = [(b"content-length", b"2")]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": b"ok"})


def request(*lines: bytes, body: bytes = b"", line: bytes = b"POST / HTTP/1.1") -> bytes:
    return b"\r\n".join([line, *lines, b"", body])


HOST = b"Host: a.example"
SMUGGLED = b"0\r\n\r\nGET /smuggled HTTP/1.1\r\nHost: a.example\r\n\r\n"


@pytest.mark.parametrize(
    ("status", "data"),
    [
        (400, request(HOST, b"Content-Length: 5", b"Transfer-Encoding: chunked", body=SMUGGLED)),
        (400, request(HOST, b"Transfer-Encoding: chunked", b"Content-Length: 5", body=SMUGGLED)),
        (400, request(HOST, b"Transfer-Encoding: identity, chunked", body=SMUGGLED)),
        (400, request(HOST, b"Transfer-Encoding: chunked, identity", body=SMUGGLED)),
        (400, request(HOST, b"Transfer-Encoding: gzip, chunked", body=SMUGGLED)),
        (400, request(HOST, b"Transfer-Encoding: identity", body=SMUGGLED)),
        (400, request(HOST, b"Transfer-Encoding: xchunked", body=SMUGGLED)),
        (400, request(HOST, b"Transfer-Encoding:", body=SMUGGLED)),
        (400, request(HOST, b"Transfer-Encoding: \x0bchunked", body=SMUGGLED)),
        (400, request(HOST, b"Transfer-Encoding : chunked", body=SMUGGLED)),
        (400, request(HOST, b"Transfer-Encoding: chunked", b"Transfer-Encoding: chunked", body=SMUGGLED)),
        (400, request(HOST, b"Transfer_Encoding: chunked", body=SMUGGLED)),
        (400, request(HOST, b"Transfer-Encoding: chunked", line=b"POST / HTTP/1.0", body=SMUGGLED)),
        (400, request(HOST, b"Content-Length: 5", b"Content-Length: 6", body=b"abcdef")),
        (400, request(HOST, b"Content-Length: 5", b"Content-Length: 5", body=b"abcde")),
        (400, request(HOST, b"Content-Length: 5, 5", body=b"abcde")),
        (400, request(HOST, b"Content-Length: +5", body=b"abcde")),
        (400, request(HOST, b"Content-Length: -5", body=b"abcde")),
        (400, request(HOST, b"Content-Length: 0x5", body=b"abcde")),
        (400, request(HOST, b"Content-Length:", body=b"abcde")),
        (400, request(HOST, b"Content-Length: 99999999999999999999", body=b"abcde")),
        (400, request(HOST, b"Transfer-Encoding: chunked", body=b"zz\r\nabc")),
        (400, request(HOST, b"Transfer-Encoding: chunked", body=b"5\nabcde\n0\n\n")),
        (400, request(b"X-A: 1")),
        (400, request(HOST, HOST)),
        (400, request(HOST, b"Host: b.example")),
        (400, request(b"Host:")),
        (400, request(b"Host: a.example/x")),
        (400, request(b"Host: user@a.example")),
        (400, request(b"Host: a.example b.example")),
        (400, request(b"Host: a.example:80:80")),
        (400, request(HOST, b"Antrean_Visitor: forged")),
        (400, request(HOST, b"X Y: 1")),
        (400, request(HOST, b" folded: 1")),
        (400, request(HOST, b"X-A: 1", b" folded")),
        (400, request(HOST, b"X-A: 1", b"\tfolded")),
        (400, request(HOST, b"X-A: a\x00b")),
        (400, request(HOST, b"X-A: a\rb")),
        (400, request(HOST, b": nameless")),
        (400, b"GET / HTTP/1.1\nHost: a.example\n\n"),
        (400, b"GET / HTTP/1.1\r\nHost: a.example\nX-A: 1\r\n\r\n"),
        (400, request(HOST, line=b"GET /a#b HTTP/1.1")),
        (400, request(HOST, line=b"GET / x HTTP/1.1")),
        (400, request(HOST, line=b"GET /\xc3\xa9 HTTP/1.1")),
        (400, request(HOST, line=b"GET a HTTP/1.1")),
        (400, request(HOST, line=b"GET * HTTP/1.1")),
        (400, request(HOST, line=b"GET http://b.example/ HTTP/1.1")),
        (400, request(HOST, line=b"GET http://b.example@a.example/ HTTP/1.1")),
        (400, request(HOST, line=b"GET ftp://a.example/ HTTP/1.1")),
        (400, request(HOST, line=b"MADEUP / HTTP/1.1")),
        (400, request(HOST, line=b"GET / HTTP/9.9")),
        (505, request(HOST, line=b"GET /")),
        (405, request(HOST, line=b"CONNECT a.example:443 HTTP/1.1")),
        (414, request(HOST, line=b"GET /%b HTTP/1.1" % (b"a" * 9000))),
        (417, request(HOST, b"Expect: miracles", b"Content-Length: 1", body=b"a")),
        (431, request(HOST, b"X-A: " + b"a" * 33_000)),
        (431, request(HOST, b"X-A: " + b"a" * 200_000)),
        (431, request(HOST, *[b"X-%d: a" % n for n in range(101)])),
        (431, request(HOST, *[b"X-%d: %b" % (n, b"a" * 400) for n in range(90)])),
        (431, request(HOST, b"Transfer-Encoding: chunked", body=b"0\r\nX-A: " + b"a" * 70_000 + b"\r\n\r\n")),
        (400, b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"),
        (400, b"SSH-2.0-OpenSSH_9.6\r\n"),
    ],
)  # fmt: skip
async def test_it_refuses_in_one_line_and_closes(bench: Bench, status: int, data: bytes) -> None:
    app = Recording()
    answer = await talk(await bench.serve(app), data)
    head, _, why = answer.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 %d " % status)
    assert head.lower().count(b"http/1.1") == 1, "one answer, though more may have been sent"
    assert b"connection: close" in head
    assert why.endswith(b"\n")
    assert b"\n" not in why[:-1]
    assert app.bodies == []


@pytest.mark.parametrize(
    "data",
    [
        request(b"host:a.example:8080"),
        request(b"Host: [::1]:80"),
        request(HOST, b"TRANSFER-ENCODING: Chunked", body=b"3;x=y\r\nabc\r\n0\r\n\r\n"),
        request(HOST, b"Content-Length: 3", body=b"abc"),
        request(HOST, b"Expect: 100-Continue", b"Content-Length: 3", body=b"abc"),
        request(HOST, *[b"X-%d: a" % n for n in range(98)]),
        request(HOST, b"X-A: " + b"a" * 30_000),
        request(HOST, line=b"GET /%b HTTP/1.1" % (b"a" * 8000)),
        request(HOST, line=b"GET http://A.example/x?y HTTP/1.1"),
        request(HOST, line=b"GET http://a.example HTTP/1.1"),
        request(HOST, b"Connection: Upgrade, HTTP2-Settings", b"Upgrade: h2c", line=b"GET / HTTP/1.1"),
        b"\r\n\r\n" + request(HOST),
    ],
)
async def test_it_serves_what_is_odd_but_clear(bench: Bench, data: bytes) -> None:
    app = Recording()
    async with connected(await bench.serve(app)) as (reader, writer):
        writer.write(data)
        assert (await reader.readuntil(b"ok")).count(b" 200 ") == 1
    assert app.bodies in ([b""], [b"abc"])


async def test_the_absolute_form_arrives_as_a_path(bench: Bench) -> None:
    app = Recording()
    await talk(
        await bench.serve(app), request(HOST, b"Connection: close", line=b"GET http://A.example?y HTTP/1.1")
    )
    await talk(
        await bench.serve(app), request(HOST, b"Connection: close", line=b"GET http://a.example/x?y HTTP/1.1")
    )
    assert [(scope["raw_path"], scope["query_string"]) for scope in app.scopes] == [(b"/x", b"y")]


async def test_trailers_are_not_headers(bench: Bench) -> None:
    app = Recording()
    port = await bench.serve(app)
    body = b"3\r\nabc\r\n0\r\nAntrean-Visitor: forged\r\nHost: b\r\n\r\n"
    await talk(port, request(HOST, b"Connection: close", b"Transfer-Encoding: chunked", body=body))
    assert [name for name, _ in app.scopes[0]["headers"]] == [b"host", b"connection", b"transfer-encoding"]


async def test_requests_sent_in_a_row_are_answered_in_order(bench: Bench) -> None:
    app = Recording()
    port = await bench.serve(app)
    data = b"".join(request(HOST, b"Content-Length: 1", body=b"%d" % n) for n in range(5))
    answer = await talk(port, data + request(HOST, b"Connection: close"))
    assert answer.count(b"HTTP/1.1 200") == 6
    assert app.bodies == [b"0", b"1", b"2", b"3", b"4", b""]


async def test_a_refusal_does_not_stand_in_another_requests_answer(bench: Bench) -> None:
    let_go = asyncio.Event()

    async def slow(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        await receive()
        await let_go.wait()
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"2")]})
        await send({"type": "http.response.body", "body": b"ok"})

    async with connected(await bench.serve(slow)) as (reader, writer):
        writer.write(request(HOST, line=b"GET / HTTP/1.1") + request(HOST, HOST))
        await writer.drain()
        asyncio.get_running_loop().call_later(0.1, let_go.set)
        answer = await reader.read()
    assert answer.startswith(b"HTTP/1.1 200")
    assert answer.endswith(b"\r\n\r\nok")


async def test_the_app_learns_that_a_body_broke(bench: Bench) -> None:
    app = Recording()
    async with connected(await bench.serve(app)) as (reader, writer):
        writer.write(request(HOST, b"Transfer-Encoding: chunked", body=b"3\r\nabc\r\n"))
        await wait_until(lambda: len(app.scopes) == 1, "the app runs")
        writer.write(b"not a length\r\n")
        assert b" 400 " in await reader.readline()
        await wait_until(lambda: app.left == 1, "the app was told")


class Impatient(GatewayProtocol):
    head_s = 0.4
    body_s = 0.4
    leftovers_s = 0.4
    closing_s = 0.4


@pytest.mark.parametrize(
    ("data", "answer"),
    [
        (b"", b""),
        (b"G", b"HTTP/1.1 408 "),
        (b"\r\n", b"HTTP/1.1 408 "),
        (b"GET / HTTP/1.1\r\nHost: a\r\nX-A: ", b"HTTP/1.1 408 "),
        (request(HOST, b"Content-Length: 10", body=b"abc"), b"HTTP/1.1 408 "),
        (request(HOST, b"Transfer-Encoding: chunked", body=b"3\r\nabc\r\n0\r\nX-A"), b"HTTP/1.1 408 "),
    ],
)
async def test_it_does_not_wait_for_a_silent_client(bench: Bench, data: bytes, answer: bytes) -> None:
    got = await talk(await bench.serve(Recording(), Impatient), data, within_s=3)
    assert got.startswith(answer)
    assert bool(got) == bool(answer)


@pytest.mark.parametrize(
    "begin", [b"GET / HTTP/1.1\r\nHost: a\r\nX-A: ", request(HOST, b"Content-Length: 100000")]
)
async def test_a_byte_now_and_then_does_not_keep_a_connection(bench: Bench, begin: bytes) -> None:
    async with connected(await bench.serve(Recording(), Impatient)) as (reader, writer):
        writer.write(begin)

        async def drip() -> None:
            while not reader.at_eof():
                writer.write(b"a")
                await asyncio.sleep(0.02)

        dripping = asyncio.create_task(drip())
        async with asyncio.timeout(3):
            assert (await reader.readline()).startswith(b"HTTP/1.1 408 ")
        dripping.cancel()


async def test_a_silent_client_after_a_request_is_let_go_of_too(bench: Bench) -> None:
    async with connected(await bench.serve(Recording(), Impatient)) as (reader, writer):
        writer.write(request(HOST))
        await reader.readuntil(b"ok")
        writer.write(b"\r\n")
        async with asyncio.timeout(3):
            assert (await reader.readline()).startswith(b"HTTP/1.1 408 ")


async def test_the_time_that_an_app_takes_is_not_the_clients(bench: Bench) -> None:
    async def slow(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            await asyncio.sleep(1.2)  # longer than any patience of the listener
            await Recording()(scope, receive, send)

    async with connected(await bench.serve(slow, Impatient)) as (reader, writer):
        writer.write(request(HOST, b"Content-Length: 200000", body=bytes(200_000)))
        assert b" 200 " in await reader.readline()


async def test_a_refused_body_that_may_still_come_is_not_read_as_a_request(bench: Bench) -> None:
    async def refuse(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            headers = [(b"content-length", b"0")]
            await send({"type": "http.response.start", "status": 429, "headers": headers})
            await send({"type": "http.response.body", "body": b""})

    async with connected(await bench.serve(refuse)) as (reader, writer):
        writer.write(request(HOST, b"Expect: 100-continue", b"Content-Length: 5"))
        async with asyncio.timeout(3):
            assert (await reader.read()).startswith(b"HTTP/1.1 429 ")


async def test_the_limits_leave_the_proxy_alone(bench: Bench) -> None:
    origin = await bench.raw_origin(replying(OK))
    cookies = b"Cookie: %b\r\n" % (b"a" * 20_000)
    assert (await ask(await bench.proxy(origin.url), headers=cookies)).status == 200
    assert origin.values("cookie") == ["a" * 20_000]
