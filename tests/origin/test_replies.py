"""What reaches the visitor of a reply, and what happens when there is none."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable

import pytest

from gateway.origin.connection import Timeouts
from tests.origin.conftest import OK, Bench, RawOrigin, ask, connected, replying, talk, wait_until


async def test_duplicates_order_and_bytes_of_headers_are_kept(bench: Bench) -> None:
    origin = await bench.raw_origin(
        replying(
            b"HTTP/1.1 200 Fine\r\nSet-Cookie: a=1\r\nX-Bytes: caf\xe9 \xff\r\nSet-Cookie: b=2; Path=/\r\n"
            b"Content-Encoding: gzip\r\nServer: mine\r\nContent-Length: 4\r\n\r\n\x1f\x8b\x00\xff"
        )
    )
    reply = await ask(await bench.proxy(origin.url))
    assert reply.values("set-cookie") == ["a=1", "b=2; Path=/"]
    assert reply.values("x-bytes") == [b"caf\xe9 \xff".decode("latin-1")]
    assert reply.values("content-encoding") == ["gzip"]
    assert reply.values("server") == ["mine"]
    assert reply.body == b"\x1f\x8b\x00\xff"


@pytest.mark.parametrize(
    "header",
    [
        "Connection: X-Mine, close",
        "X-Mine: 1",
        "Keep-Alive: timeout=5",
        "Proxy-Authenticate: Basic",
        "Trailer: x-sum",
        "Upgrade: h2c",
    ],
)
async def test_a_header_of_the_connection_does_not_reach_the_visitor(bench: Bench, header: str) -> None:
    origin = await bench.raw_origin(
        replying(b"HTTP/1.1 200 OK\r\nConnection: x-mine\r\nContent-Length: 2\r\n%b\r\n\r\nok" % header.encode())
    )
    reply = await ask(await bench.proxy(origin.url))
    assert reply.status == 200
    name, _, value = header.partition(": ")
    assert value not in reply.values(name)


async def test_there_is_one_date(bench: Bench) -> None:
    origin = await bench.raw_origin(
        replying(b"HTTP/1.1 200 OK\r\nDate: Mon, 01 Jan 2024 00:00:00 GMT\r\nContent-Length: 0\r\n\r\n")
    )
    assert len((await ask(await bench.proxy(origin.url))).values("date")) == 1


CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\nX-Sum: 1\r\n\r\n"


@pytest.mark.parametrize(
    ("reply", "length", "body"),
    [
        (b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nabcde", ["5"], b"abcde"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", ["0"], b""),
        (CHUNKED, [], b"5\r\nabcde\r\n0\r\n\r\n"),
        (b"HTTP/1.0 200 OK\r\n\r\nuntil the end", [], b"d\r\nuntil the end\r\n0\r\n\r\n"),
        (b"HTTP/1.1 204 No Content\r\nContent-Length: 0\r\n\r\n", [], b""),
        (b"HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\nETag: x\r\n\r\n", [], b""),
        (b"HTTP/1.1 103 Hints\r\nLink: x\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nx", ["1"], b"x"),
    ],
)  # fmt: skip
async def test_the_body_is_framed_as_the_origin_framed_it(
    bench: Bench, reply: bytes, length: list[str], body: bytes
) -> None:
    origin = await bench.raw_origin(replying(reply, close=True))
    got = await ask(await bench.proxy(origin.url))
    assert got.values("content-length") == length
    assert got.values("transfer-encoding") == (["chunked"] if body and not length else [])
    # pieces may be cut elsewhere than the origin cut them
    assert got.body.replace(b"3\r\nabc\r\n2\r\nde\r\n", b"5\r\nabcde\r\n") == body


@pytest.mark.parametrize(
    "reply",
    [
        b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nX-A: 1\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nX-A: 1\r\n\r\n",
    ],
)
async def test_a_reply_to_head_has_headers_and_no_body(bench: Bench, reply: bytes) -> None:
    origin = await bench.raw_origin(replying(reply))
    got = await ask(await bench.proxy(origin.url), method="HEAD")
    assert (got.status, got.body) == (200, b"")
    assert got.values("x-a") == ["1"]
    assert got.values("content-length") == (["5"] if b"Content-Length" in reply else [])


async def test_a_visitor_of_http_1_0_gets_a_plain_body_that_ends_with_the_connection(bench: Bench) -> None:
    origin = await bench.raw_origin(replying(CHUNKED))
    head, _, body = (await talk(await bench.proxy(origin.url), b"GET / HTTP/1.0\r\n\r\n")).partition(b"\r\n\r\n")
    assert body == b"abcde"
    assert b"transfer-encoding" not in head.lower()


async def test_redirects_are_the_visitors_to_follow(bench: Bench) -> None:
    origin = await bench.raw_origin(
        replying(b"HTTP/1.1 303 See Other\r\nLocation: /thanks\r\nContent-Length: 0\r\n\r\n")
    )
    reply = await ask(await bench.proxy(origin.url), method="POST", body=b"x")
    assert (reply.status, reply.values("location")) == (303, ["/thanks"])
    assert len(origin.heads) == 1


async def test_cookies_of_one_visitor_do_not_reach_the_origin_for_another(bench: Bench) -> None:
    origin = await bench.raw_origin(
        replying(b"HTTP/1.1 200 OK\r\nSet-Cookie: secret=1\r\nContent-Length: 0\r\n\r\n")
    )
    port = await bench.proxy(origin.url)
    await ask(port)
    await ask(port)
    assert origin.values("cookie") == []


@pytest.mark.parametrize(
    "reply",
    [
        b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n",
    ],
)
@pytest.mark.parametrize("version", ["1.0", "1.1"])
async def test_a_reply_cut_in_the_middle_does_not_look_complete(bench: Bench, reply: bytes, version: str) -> None:
    origin = await bench.raw_origin(replying(reply, close=True))
    port = await bench.proxy(origin.url)
    try:
        answer = await talk(port, f"GET / HTTP/{version}\r\nHost: a\r\n\r\n".encode())
    except ConnectionResetError:
        return  # without a length nothing but a reset can say it
    assert b"abc" in answer
    assert b"content-length: 10" in answer or version == "1.1"
    assert not answer.endswith(b"0\r\n\r\n")


@pytest.mark.parametrize(
    "reply",
    [
        b"SSH-2.0-OpenSSH\r\n",
        b"HTTP/1.1 abc\r\n\r\n",
        b"HTTP/1.1 999 Odd\r\nContent-Length: 0\r\n\r\n",
        b"HTTP/1.1 101 Switching\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab",
        b"HTTP/1.1 200 OK\r\nX-Name with space: 1\r\nContent-Length: 0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nX-Long: " + b"x" * 100_000 + b"\r\nContent-Length: 0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nX-Cut",
        b"",
    ],
)
async def test_what_is_no_reply_becomes_a_502(bench: Bench, reply: bytes) -> None:
    origin = await bench.raw_origin(replying(reply, close=True))
    assert (await ask(await bench.proxy(origin.url))).status == 502


async def test_browsers_get_a_page_in_both_languages_and_others_get_json(bench: Bench) -> None:
    port = await bench.proxy("http://127.0.0.1:1")
    page = await ask(port, headers=b"Accept: text/html,*/*\r\n")
    assert page.status == 502
    assert page.values("content-type") == ["text/html; charset=utf-8"]
    assert page.values("cache-control") == ["no-store"]
    assert b'lang="id"' in page.body
    assert b'lang="en"' in page.body
    problem = await ask(port, headers=b"Accept: application/json\r\n")
    assert problem.values("content-type") == ["application/problem+json"]
    assert json.loads(problem.body)["status"] == 502


async def test_an_origin_that_does_not_answer_in_time_becomes_a_504(bench: Bench) -> None:
    origin = await bench.raw_origin(replying(b""))
    timeouts = Timeouts(connect_s=1, reply_s=0.2, idle_s=5)
    assert (await ask(await bench.proxy(origin.url, timeouts=timeouts))).status == 504


async def test_a_reply_that_stops_coming_is_cut(bench: Bench) -> None:
    origin = await bench.raw_origin(replying(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc"))
    port = await bench.proxy(origin.url, timeouts=Timeouts(connect_s=1, reply_s=5, idle_s=0.2))
    reply = await ask(port)
    assert (reply.status, reply.body) == (200, b"abc")
    await wait_until(lambda: origin.lost == 1, "the origin's connection is closed")


async def test_an_origin_that_does_not_take_the_body_becomes_a_504(bench: Bench) -> None:
    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        await asyncio.Event().wait()

    timeouts = Timeouts(connect_s=1, reply_s=5, idle_s=0.3)
    port = await bench.proxy(f"http://127.0.0.1:{await bench.listen(handle)}", timeouts=timeouts)
    async with connected(port) as (reader, writer):
        writer.write(b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 50000000\r\n\r\n" + bytes(30_000_000))
        assert b" 504 " in await reader.readline()


async def test_an_early_answer_to_an_upload_reaches_the_visitor(bench: Bench) -> None:
    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 413 Too Large\r\nContent-Length: 3\r\nConnection: close\r\n\r\nbig")
        await reader.read()

    port = await bench.proxy(f"http://127.0.0.1:{await bench.listen(handle)}")
    async with connected(port) as (reader, writer):
        writer.write(b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1000000\r\n\r\n" + bytes(200_000))
        assert b" 413 " in await reader.readline()
        assert (await reader.readuntil(b"big")).endswith(b"big")


async def stalling(origin: RawOrigin, head: bytes, writer: asyncio.StreamWriter) -> None:
    if b"/begun" in head:
        writer.write(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n")


@pytest.mark.parametrize("target", ["/begun", "/unanswered"])
async def test_a_visitor_who_leaves_ends_the_origins_request(bench: Bench, target: str) -> None:
    origin = await bench.raw_origin(stalling)
    port = await bench.proxy(origin.url)
    async with connected(port) as (_, writer):
        writer.write(f"GET {target} HTTP/1.1\r\nHost: a\r\n\r\n".encode())
        await wait_until(lambda: len(origin.heads) == 1, "the origin has the request")
    await wait_until(lambda: origin.lost == 1, "the origin's connection is closed")


async def test_a_visitor_who_leaves_in_the_middle_of_an_upload_ends_the_origins_request(bench: Bench) -> None:
    origin = await bench.raw_origin(stalling)
    port = await bench.proxy(origin.url)
    async with connected(port) as (_, writer):
        writer.write(b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1000000\r\n\r\n" + bytes(100_000))
        await wait_until(lambda: len(origin.heads) == 1, "the origin has the request")
    await wait_until(lambda: origin.lost == 1, "the origin's connection is closed")


def once() -> Callable[..., Awaitable[None]]:
    """Answers the first request of each connection, and closes when a second comes: the keep-alive race."""
    answered: set[asyncio.StreamWriter] = set()

    async def answer(origin: RawOrigin, head: bytes, writer: asyncio.StreamWriter) -> None:
        if writer in answered:
            writer.close()
        else:
            answered.add(writer)
            writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n")

    return answer


async def test_a_connection_is_used_again(bench: Bench) -> None:
    origin = await bench.raw_origin(replying(OK))
    port = await bench.proxy(origin.url)
    for _ in range(3):
        assert (await ask(port)).status == 200
    assert origin.connections == 1


@pytest.mark.parametrize("method", ["GET", "HEAD", "OPTIONS", "DELETE"])
async def test_a_request_that_met_a_closing_connection_is_asked_once_more_on_a_new_one(
    bench: Bench, method: str
) -> None:
    origin = await bench.raw_origin(once())
    port = await bench.proxy(origin.url)
    assert (await ask(port)).status == 200
    assert (await ask(port, method=method)).status == 200
    assert (len(origin.heads), origin.connections) == (3, 2)


async def test_a_request_that_fails_on_a_new_connection_is_not_repeated(bench: Bench) -> None:
    origin = await bench.raw_origin(replying(b"", close=True))
    assert (await ask(await bench.proxy(origin.url))).status == 502
    assert len(origin.heads) == 1


@pytest.mark.parametrize("body", [b"", b"name=Siti"])
async def test_a_form_never_goes_to_a_connection_that_may_be_closing_and_is_never_sent_twice(
    bench: Bench, body: bytes
) -> None:
    origin = await bench.raw_origin(once())
    port = await bench.proxy(origin.url)
    assert (await ask(port)).status == 200
    assert (await ask(port, method="POST", body=body)).status == 200
    assert (len(origin.heads), origin.connections) == (2, 2)

    dying = await bench.raw_origin(replying(b"", close=True))
    assert (await ask(await bench.proxy(dying.url), method="POST", body=body)).status == 502
    assert len(dying.heads) == 1


async def test_a_reply_that_came_unasked_is_nobodys(bench: Bench) -> None:
    async def answer(origin: RawOrigin, head: bytes, writer: asyncio.StreamWriter) -> None:
        name = head.split(b" ")[1]
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n%b" % (len(name), name))
        await writer.drain()
        asyncio.get_running_loop().call_later(
            0.05, writer.write, b"HTTP/1.1 408 Request Timeout\r\ncontent-length: 4\r\n\r\nlate"
        )

    origin = await bench.raw_origin(answer)
    port = await bench.proxy(origin.url)
    assert (await ask(port, "/one")).body == b"/one"
    await asyncio.sleep(0.1)  # the time in which the unasked reply comes
    second = await ask(port, "/two")
    assert (second.status, second.body) == (200, b"/two")
