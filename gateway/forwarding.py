"""Who is really asking: the visitor's address, scheme and host behind proxies that we trust.

``X-Forwarded-For``, ``-Proto`` and ``-Host`` are believed only when the peer's address is in
``ANTREAN_TRUSTED_PROXIES``. They are judged once, at the edge, and written into the scope; everything
behind reads ``scope["client"]``, ``scope["scheme"]`` and the ``host`` header and nothing else.
"""

from __future__ import annotations

import re
from collections.abc import Coroutine, Iterable
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network
from typing import Any

from starlette.types import ASGIApp, Receive, Scope, Send

from gateway.direct import Direct, Reply
from gateway.errors import SettingsError

# What a Host header may hold: a name, an IPv4 address or a bracketed IPv6 address, and a port.
HOST = re.compile(rb"(?:[A-Za-z0-9._~-]+|\[[0-9A-Fa-f:.]+\])(?::[0-9]{1,5})?")

_SCHEMES = {
    ("http", b"https"): "https",
    ("http", b"http"): "http",
    ("https", b"http"): "http",
    ("https", b"https"): "https",
    ("ws", b"https"): "wss",
    ("ws", b"wss"): "wss",
    ("wss", b"http"): "ws",
    ("wss", b"ws"): "ws",
}


def judging(app: ASGIApp, trusted: Iterable[str]) -> ASGIApp:
    """Wrap ``app`` so that its scopes carry what trusted proxies say of the visitor.

    ``trusted`` holds addresses and networks (``10.0.0.0/8``). Without any, ``app`` itself is returned:
    then the judgement costs nothing per request. Raises SettingsError naming each that is no network.
    """
    networks = parse_networks(trusted)
    return TrustedProxies(app, networks) if networks else app


def parse_networks(trusted: Iterable[str]) -> tuple[IPv4Network | IPv6Network, ...]:
    """The networks that ``trusted`` names, or SettingsError with one line for each that is none."""
    networks: list[IPv4Network | IPv6Network] = []
    problems: list[str] = []
    for text in trusted:
        try:
            networks.append(ip_network(text.strip(), strict=False))
        except ValueError:
            problems.append(
                f"ANTREAN_TRUSTED_PROXIES: {text!r} is not an address or a network; "
                "give for example 127.0.0.1 or 10.0.0.0/8"
            )
    if problems:
        raise SettingsError(problems)
    return tuple(networks)


class TrustedProxies:
    """ASGI middleware: believes ``X-Forwarded-*`` of trusted peers, and of them only."""

    def __init__(self, app: ASGIApp, networks: tuple[IPv4Network | IPv6Network, ...]) -> None:
        self._app = app
        self._networks = networks
        # The peers are few (the proxies); the networks are not searched for each request.
        self._peers: dict[str, bool] = {}
        direct: Direct | None = getattr(app, "direct", None)
        if direct is not None:
            self.direct = self._judging(direct)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self._judge(scope)
        await self._app(scope, receive, send)

    def _judging(self, direct: Direct) -> Direct:
        def judged(scope: Scope) -> Coroutine[Any, Any, Reply | ASGIApp]:
            self._judge(scope)
            return direct(scope)

        return judged

    def _judge(self, scope: Scope) -> None:
        client = scope.get("client")
        if client is not None and self._is_trusted_peer(client[0]):
            self._believe(scope)

    def _is_trusted_peer(self, address: str) -> bool:
        known = self._peers.get(address)
        if known is None:
            known = self._contains(address)
            if len(self._peers) < 10_000:
                self._peers[address] = known
        return known

    def _contains(self, address: str) -> bool:
        ip = ip_address(address)
        mapped = getattr(ip, "ipv4_mapped", None)
        ip = mapped or ip
        return any(ip in network for network in self._networks)

    def _believe(self, scope: Scope) -> None:
        hops: list[bytes] = []
        proto = host = b""
        for name, value in scope["headers"]:
            if name == b"x-forwarded-for":
                hops.extend(value.split(b","))
            elif name == b"x-forwarded-proto":
                proto = _last(value).lower()
            elif name == b"x-forwarded-host":
                host = _last(value)
        scope["client"] = self._visitor(hops, scope["client"])
        scope["scheme"] = _SCHEMES.get((scope["scheme"], proto), scope["scheme"])
        if host and HOST.fullmatch(host):
            scope["headers"] = [
                (b"host", host),
                *(header for header in scope["headers"] if header[0] != b"host"),
            ]

    def _visitor(self, hops: list[bytes], peer: tuple[str, int]) -> tuple[str, int]:
        """The nearest hop that is not one of ours: what stands before it, anybody could have written."""
        visitor = peer
        for hop in reversed(hops):
            address = _address(hop)
            if address is None:
                break
            visitor = (address, 0)
            if not self._contains(address):
                break
        return visitor


def _last(value: bytes) -> bytes:
    """The value that the nearest proxy wrote, where several stand in a list."""
    return value.rpartition(b",")[2].strip()


def _address(hop: bytes) -> str | None:
    """The address in ``1.2.3.4``, ``1.2.3.4:5``, ``2001:db8::1`` or ``"[2001:db8::1]:5"``, else None."""
    text = hop.decode("latin-1").strip().strip('"')
    if text.startswith("["):
        text = text[1:].partition("]")[0]
    elif text.count(":") == 1:
        text = text.partition(":")[0]
    try:
        return str(ip_address(text))
    except ValueError:
        return None
