"""Whom the gateway believes about the visitor's address, scheme and host."""

from __future__ import annotations

import pytest
from starlette.types import Receive, Scope, Send

from gateway.errors import SettingsError
from gateway.forwarding import judging


async def judged(trusted: list[str], peer: str | None, *headers: tuple[bytes, bytes], kind: str = "http") -> Scope:
    seen: list[Scope] = []

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        seen.append(scope)

    scope = {
        "type": kind,
        "scheme": "http" if kind == "http" else "ws",
        "client": (peer, 1234) if peer else None,
        "headers": [(b"host", b"inner.example"), *headers],
    }
    await judging(app, trusted)(scope, None, None)  # type: ignore[arg-type]
    return seen[0]


@pytest.mark.parametrize(
    ("trusted", "peer", "forwarded_for", "visitor"),
    [
        (["10.0.0.0/8"], "192.0.2.1", ["203.0.113.7"], "192.0.2.1"),  # a stranger's claim
        (["10.0.0.0/8"], "10.0.0.1", ["203.0.113.7"], "203.0.113.7"),
        (["10.0.0.0/8"], "10.0.0.1", ["1.1.1.1, 203.0.113.7"], "203.0.113.7"),  # the first is made up
        (["10.0.0.0/8"], "10.0.0.1", ["203.0.113.7, 10.0.0.2"], "203.0.113.7"),
        (["10.0.0.0/8"], "10.0.0.1", ["1.1.1.1", "203.0.113.7"], "203.0.113.7"),  # two headers
        (["10.0.0.0/8"], "10.0.0.1", ["10.0.0.9, 10.0.0.2"], "10.0.0.9"),  # nobody but ours
        (["10.0.0.0/8"], "10.0.0.1", [], "10.0.0.1"),
        (["10.0.0.0/8"], "10.0.0.1", [""], "10.0.0.1"),
        (["10.0.0.0/8"], "10.0.0.1", ["unknown"], "10.0.0.1"),
        (["10.0.0.0/8"], "10.0.0.1", ["1.1.1.1, junk, 10.0.0.3"], "10.0.0.3"),
        (["10.0.0.0/8"], "10.0.0.1", ["203.0.113.7:5678"], "203.0.113.7"),
        (["::1"], "::1", ['"[2001:db8::7]:5678"'], "2001:db8::7"),
        (["::1"], "::1", ["2001:db8::7"], "2001:db8::7"),
        (["10.0.0.0/8"], "::ffff:10.0.0.1", ["203.0.113.7"], "203.0.113.7"),
        (["10.0.0.1"], "10.0.0.2", ["203.0.113.7"], "10.0.0.2"),
    ],
)
async def test_the_visitor_is_the_nearest_hop_that_is_not_ours(
    trusted: list[str], peer: str, forwarded_for: list[str], visitor: str
) -> None:
    headers = [(b"x-forwarded-for", value.encode()) for value in forwarded_for]
    assert (await judged(trusted, peer, *headers))["client"][0] == visitor


@pytest.mark.parametrize(
    ("kind", "proto", "scheme"),
    [
        ("http", b"https", "https"),
        ("http", b"HTTPS", "https"),
        ("http", b"http", "http"),
        ("http", b"http, https", "https"),
        ("http", b"gopher", "http"),
        ("http", b"wss", "http"),
        ("websocket", b"https", "wss"),
        ("websocket", b"wss", "wss"),
        ("websocket", b"http", "ws"),
    ],
)
async def test_the_scheme_is_what_the_nearest_proxy_says(kind: str, proto: bytes, scheme: str) -> None:
    scope = await judged(["127.0.0.1"], "127.0.0.1", (b"x-forwarded-proto", proto), kind=kind)
    assert scope["scheme"] == scheme


@pytest.mark.parametrize(
    ("said", "host"),
    [
        (b"daftar.example", b"daftar.example"),
        (b"daftar.example:8443", b"daftar.example:8443"),
        (b"evil.example, daftar.example", b"daftar.example"),
        (b"not a host", b"inner.example"),
        (b"a/b", b"inner.example"),
    ],
)
async def test_the_host_is_what_the_nearest_proxy_says_if_it_can_be_one(said: bytes, host: bytes) -> None:
    scope = await judged(["127.0.0.1"], "127.0.0.1", (b"x-forwarded-host", said))
    assert [value for name, value in scope["headers"] if name == b"host"] == [host]


async def test_a_peer_without_an_address_is_not_believed() -> None:
    scope = await judged(["127.0.0.1"], None, (b"x-forwarded-proto", b"https"))
    assert (scope["client"], scope["scheme"]) == (None, "http")


async def test_without_trusted_proxies_there_is_nothing_in_the_way() -> None:
    async def app(scope: Scope, receive: Receive, send: Send) -> None: ...

    assert judging(app, []) is app


def test_every_setting_that_is_no_network_is_named() -> None:
    async def app(scope: Scope, receive: Receive, send: Send) -> None: ...

    with pytest.raises(SettingsError) as caught:
        judging(app, ["127.0.0.1", "nginx", "10.0.0.0/40"])
    assert [problem.split("'")[1] for problem in caught.value.problems] == ["nginx", "10.0.0.0/40"]
