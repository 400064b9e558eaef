"""What reaches the origin of a request."""

from __future__ import annotations

import pytest

from gateway.forwarding import judging
from gateway.origin.proxy import Origin
from tests.origin.conftest import OK, Bench, ask, connected, replying, talk


@pytest.mark.parametrize(
    "target",
    [
        "/",
        "/a?b=c&b=d",
        "//evil.example/x",
        "/a/..//b/./c",
        "/a%2Fb%2e%2e/%C3%A9?q=%20+%2B",
        "/caf%e9;v=1?x=a/b?c",
        '/a|b^c`{}?"<>\\',
        "/?",
    ],
)
async def test_the_path_and_the_query_arrive_as_they_were_sent(bench: Bench, target: str) -> None:
    origin = await bench.raw_origin(replying(OK))
    reply = await ask(await bench.proxy(origin.url), target)
    assert reply.status == 200
    # uvicorn does not tell an empty query from none
    assert origin.heads[0].split(b" ")[1].decode() == target.removesuffix("?")


async def test_the_path_of_the_origins_address_comes_first(bench: Bench) -> None:
    origin = await bench.raw_origin(replying(OK))
    await ask(await bench.proxy(origin.url + "/base/"), "/a?b")
    assert origin.heads[0].startswith(b"GET /base/a?b HTTP/1.1\r\n")


async def test_duplicates_order_and_bytes_of_headers_are_kept(bench: Bench) -> None:
    origin = await bench.raw_origin(replying(OK))
    sent = b"X-Twice: 1\r\nX-Bytes: caf\xe9 \xff\xfe\r\nX-Utf8: caf\xc3\xa9\r\nX-Twice: 2\r\nX-Empty:\r\n"
    await ask(await bench.proxy(origin.url), headers=sent)
    assert (
        b"x-twice: 1\r\nx-bytes: caf\xe9 \xff\xfe\r\nx-utf8: caf\xc3\xa9\r\nx-twice: 2\r\nx-empty: \r\n"
        in (origin.heads[0])
    )


async def test_nothing_is_added_that_the_visitor_did_not_send(bench: Bench) -> None:
    origin = await bench.raw_origin(replying(OK))
    await ask(await bench.proxy(origin.url))
    assert sorted(name for name, _ in origin.fields()) == [
        "host",
        "x-forwarded-for",
        "x-forwarded-host",
        "x-forwarded-proto",
    ]


@pytest.mark.parametrize(
    "header",
    [
        "Keep-Alive: timeout=5",
        "Proxy-Authorization: Basic eA==",
        "Proxy-Connection: keep-alive",
        "Proxy: http://evil.example",
        "TE: trailers",
        "Trailer: x-sum",
        "Upgrade: h2c",
        "Expect: 100-continue",
        "Forwarded: for=1.1.1.1",
        "X-Forwarded-Prefix: /evil",
        "X-Forwarded-Port: 1",
        "X-Real-IP: 1.1.1.1",
    ],
)
async def test_a_header_of_the_connection_or_about_proxies_does_not_reach_the_origin(
    bench: Bench, header: str
) -> None:
    origin = await bench.raw_origin(replying(OK))
    reply = await ask(await bench.proxy(origin.url), headers=header.encode() + b"\r\n")
    assert reply.head.startswith(b"HTTP/1.1 200")
    assert header.split(":")[0].lower() not in dict(origin.fields())


async def test_what_connection_names_is_taken_away_but_nothing_that_frames_or_identifies(
    bench: Bench,
) -> None:
    origin = await bench.raw_origin(replying(OK))
    headers = (
        b"Connection: X-Mine, close\r\nConnection: host, content-length, antrean-visitor\r\n"
        b"X-Mine: 1\r\nX-Other: 2\r\nAntrean-Visitor: signed\r\n"
    )
    await ask(await bench.proxy(origin.url), method="POST", headers=headers, body=b"abc")
    assert origin.values("x-mine") == []
    assert origin.values("x-other") == ["2"]
    assert origin.values("host") == ["antre.example"]
    assert origin.values("antrean-visitor") == ["signed"]
    assert origin.bodies == [b"abc"]


@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"])
async def test_a_body_keeps_its_length_with_every_method(bench: Bench, method: str) -> None:
    origin = await bench.raw_origin(replying(OK))
    await ask(await bench.proxy(origin.url), method=method, body=b"x" * 1000)
    assert origin.values("content-length") == ["1000"]
    assert origin.values("transfer-encoding") == []
    assert origin.bodies == [b"x" * 1000]


async def test_a_chunked_body_stays_chunked_and_loses_its_trailers(bench: Bench) -> None:
    origin = await bench.raw_origin(replying(OK))
    body = b"3\r\nabc\r\n4;ext=1\r\ndefg\r\n0\r\nAntrean-Visitor: forged\r\nX-Late: 1\r\n\r\n"
    data = b"POST / HTTP/1.1\r\nHost: a\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\n" + body
    assert b" 200 " in await talk(await bench.proxy(origin.url), data)
    assert origin.values("transfer-encoding") == ["chunked"]
    assert origin.values("content-length") == []
    assert origin.values("antrean-visitor") == origin.values("x-late") == []
    assert origin.bodies == [b"abcdefg"]


@pytest.mark.parametrize(("method", "length"), [("GET", []), ("DELETE", []), ("POST", ["0"]), ("PUT", ["0"])])
async def test_an_empty_body_is_stated_only_where_one_is_expected(
    bench: Bench, method: str, length: list[str]
) -> None:
    origin = await bench.raw_origin(replying(OK))
    await ask(await bench.proxy(origin.url), method=method)
    assert origin.values("content-length") == length


async def test_a_visitor_who_waits_for_100_continue_is_told_to_send(bench: Bench) -> None:
    origin = await bench.raw_origin(replying(OK))
    async with connected(await bench.proxy(origin.url)) as (reader, writer):
        writer.write(b"POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 3\r\n\r\n")
        assert await reader.readuntil(b"\r\n\r\n") == b"HTTP/1.1 100 Continue\r\n\r\n"
        writer.write(b"abc")
        assert b" 200 " in await reader.readuntil(b"\r\n\r\n")
    assert origin.bodies == [b"abc"]


async def test_a_request_of_http_1_0_without_a_host_gets_the_origins(bench: Bench) -> None:
    origin = await bench.raw_origin(replying(OK))
    await talk(await bench.proxy(origin.url), b"GET / HTTP/1.0\r\n\r\n")
    assert origin.values("host") == [f"127.0.0.1:{origin.port}"]


CLAIMS = (
    b"X-Forwarded-For: 1.1.1.1, 203.0.113.7\r\nX-Forwarded-Proto: https\r\n"
    b"X-Forwarded-Host: daftar.example\r\nForwarded: for=1.1.1.1\r\n"
)


@pytest.mark.parametrize(
    ("trusted", "address", "scheme", "host"),
    [
        ([], "127.0.0.1", "http", "antre.example"),
        (["10.0.0.0/8"], "127.0.0.1", "http", "antre.example"),
        (["127.0.0.1"], "203.0.113.7", "https", "daftar.example"),
        (["127.0.0.0/8", "203.0.113.0/24"], "1.1.1.1", "https", "daftar.example"),
    ],
)
async def test_what_is_said_of_the_visitor_is_believed_of_trusted_proxies_only(
    bench: Bench, trusted: list[str], address: str, scheme: str, host: str
) -> None:
    origin = await bench.raw_origin(replying(OK))
    port = await bench.serve(judging(Origin(origin.url), trusted))
    await ask(port, headers=CLAIMS)
    assert origin.values("x-forwarded-for") == [address]
    assert origin.values("x-forwarded-proto") == [scheme]
    assert origin.values("x-forwarded-host") == origin.values("host") == [host]
    assert origin.values("forwarded") == []
