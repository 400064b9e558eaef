"""Which headers cross the proxy, in both directions, and the bytes of the head that goes to the origin.

Bytes and duplicates are kept as they came. What concerns one connection only stays on it (RFC 9110,
section 7.6.1), and what a visitor claims about proxies is replaced by what we know.
"""

from __future__ import annotations

from collections.abc import Iterable

from starlette.types import Scope

Headers = list[tuple[bytes, bytes]]

CHUNKED = -1  # a body whose length is not known beforehand

_HOP_BY_HOP = frozenset(
    {
        b"connection",
        b"keep-alive",
        b"proxy",  # becomes HTTP_PROXY in CGI programs ("httpoxy")
        b"proxy-authenticate",
        b"proxy-authentication-info",
        b"proxy-authorization",
        b"proxy-connection",
        b"te",
        b"trailer",
        b"transfer-encoding",
        b"upgrade",
    }
)
_ABOUT_PROXIES = frozenset(
    {
        b"forwarded",
        b"x-forwarded-for",
        b"x-forwarded-host",
        b"x-forwarded-port",
        b"x-forwarded-prefix",
        b"x-forwarded-proto",
        b"x-forwarded-protocol",
        b"x-forwarded-scheme",
        b"x-forwarded-server",
        b"x-forwarded-ssl",
        b"x-real-ip",
    }
)
# Withheld from the origin; those of them that say something to us are read by _Framing.
_NOT_TO_ORIGIN = _HOP_BY_HOP | _ABOUT_PROXIES | {b"content-length", b"expect", b"host"}
# Date is written by our own server: a second one would be a contradiction.
_NOT_TO_VISITOR = _HOP_BY_HOP | {b"date"}
_PLAIN_CONNECTION = frozenset({b"keep-alive", b"close", b"upgrade", b"keep-alive, upgrade"})
# A visitor may not have these taken away by naming them in Connection: the first two frame the
# message, and Antrean-Visitor is ours.
_NEVER_NOMINATED = frozenset({b"host", b"content-length", b"antrean-visitor", b"antrean-pass-expires"})

_SCHEMES = {"http": b"http", "https": b"https", "ws": b"http", "wss": b"https"}


def request_head(scope: Scope, authority: bytes, prefix: bytes) -> tuple[bytes, int]:
    """The request line and headers for the origin, and the length of the body that will follow.

    The length is 0 for none and CHUNKED when the visitor's side does not tell. ``authority`` stands in
    for a missing Host (HTTP/1.0); ``prefix`` is the path of the origin's URL, without a final slash.
    """
    query = scope["query_string"]
    parts = [scope.get("method", "GET").encode("ascii"), b" ", prefix, scope["raw_path"]]
    if query:
        parts += (b"?", query)
    parts.append(b" HTTP/1.1\r\n")
    length = 0
    host = authority
    nominated: set[bytes] = set()
    for name, value in scope["headers"]:
        if name not in _NOT_TO_ORIGIN:
            parts += (name, b": ", value, b"\r\n")
        elif name == b"host":
            host = value
        elif name == b"content-length":
            length = int(value)
        elif name == b"transfer-encoding":
            length = CHUNKED
        elif name == b"connection" and value.lower() not in _PLAIN_CONNECTION:
            nominated |= _nominated(value)
    if nominated and any(name in nominated for name, _ in scope["headers"]):
        kept = [header for header in scope["headers"] if header[0] not in nominated]
        return request_head({**scope, "headers": kept}, authority, prefix)
    if length > 0 or (length == 0 and _states_no_body(scope)):
        parts += (b"content-length: ", b"%d" % length, b"\r\n")
    elif length == CHUNKED:
        parts.append(b"transfer-encoding: chunked\r\n")
    parts += _forwarding(scope, host)
    return b"".join(parts), length


def _states_no_body(scope: Scope) -> bool:
    """Methods that expect a body say so when it is empty: some origins answer 411 otherwise."""
    return scope.get("method") in ("POST", "PUT", "PATCH")


def _forwarding(scope: Scope, host: bytes) -> Iterable[bytes]:
    client = scope["client"]
    address = b"x-forwarded-for: %b\r\n" % client[0].encode("ascii") if client else b""
    return (
        b"host: ",
        host,
        b"\r\n",
        address,
        b"x-forwarded-proto: ",
        _SCHEMES[scope["scheme"]],
        b"\r\nx-forwarded-host: ",
        host,
        b"\r\n\r\n",
    )


def _nominated(value: bytes) -> set[bytes]:
    """The headers that a Connection header declares to concern this connection only."""
    return {token.strip().lower() for token in value.split(b",")} - _NEVER_NOMINATED


def reply_headers(raw: Iterable[tuple[bytes, bytes]], status: int) -> Headers:
    """The origin's headers as they go on to the visitor, names in lower case as ASGI wants them."""
    kept: Headers = []
    nominated: set[bytes] = set()
    # A 304 may state the length of what it does not carry; our server would wait for those bytes.
    without_length = status in (204, 304)
    for raw_name, value in raw:
        name = raw_name.lower()
        if name not in _NOT_TO_VISITOR:
            kept.append((name, value))
        elif name == b"transfer-encoding":
            without_length = True
        elif name == b"connection" and value.lower() not in _PLAIN_CONNECTION:
            nominated |= _nominated(value)
    if without_length:
        nominated.add(b"content-length")
    if nominated:
        return [header for header in kept if header[0] not in nominated]
    return kept
