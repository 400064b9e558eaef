"""Answers of our own: ready bytes, never cached unless they say so, and problems as RFC 9457 has them."""

from __future__ import annotations

import json
from collections.abc import Sequence
from http import HTTPStatus
from typing import Any, Protocol

from starlette.types import Send

Header = tuple[bytes, bytes]
Headers = Sequence[Header]

JSON_TYPE = (b"content-type", b"application/json")
PROBLEM_TYPE = (b"content-type", b"application/problem+json")
NO_STORE = (b"cache-control", b"no-store")
# For browsers that do not know frame-ancestors of a policy.
NO_FRAME = (b"x-frame-options", b"DENY")
AS_SAID = (b"x-content-type-options", b"nosniff")


class Fixed(Protocol):
    """Header fields that many answers share, with their bytes made once."""

    @property
    def headers(self) -> Headers: ...
    @property
    def lines(self) -> bytes: ...


class Block:
    """Header fields, and how they are sent."""

    __slots__ = ("headers", "lines")

    def __init__(self, *headers: Header) -> None:
        self.headers: Headers = headers
        self.lines = lines_of(headers)


def lines_of(headers: Headers) -> bytes:
    """Header fields as they are sent. Raises ValueError for one that would break out of its line."""
    lines = b"".join([b"%b: %b\r\n" % header for header in headers])
    if lines.count(b"\n") != len(headers) or lines.count(b"\r") != len(headers) or b"\0" in lines:
        raise ValueError(f"a header field may not hold a line end: {headers!r:.300}")
    return lines


class Answer:
    """A whole response: ``fixed`` header fields, the body's length, then ``headers``.

    The length is told here and nowhere else: a browser that keeps its connection would wait for the end of a body
    without one. ``lines`` are the fields as they are sent. Raises ValueError for one that cannot be sent.
    """

    __slots__ = ("body", "fixed", "lines", "own", "status")

    def __init__(
        self, status: int, headers: Headers = (), body: bytes = b"", *, fixed: Fixed | None = None
    ) -> None:
        self.status = status
        self.body = body
        self.own = headers
        self.fixed = fixed or _NOTHING
        lines = self.fixed.lines
        if status not in _BODILESS:
            lines = b"%bcontent-length: %d\r\n" % (lines, len(body))
        self.lines = lines + lines_of(headers) if headers else lines

    @property
    def headers(self) -> list[Header]:
        """The fields as ASGI wants them."""
        length = [] if self.status in _BODILESS else [(b"content-length", b"%d" % len(self.body))]
        return [*self.fixed.headers, *length, *self.own]

    async def send(self, send: Send) -> None:
        await send({"type": "http.response.start", "status": self.status, "headers": self.headers})
        await send({"type": "http.response.body", "body": self.body})


def json_answer(status: int, body: bytes, *headers: tuple[bytes, bytes]) -> Answer:
    """An answer of one's own: JSON that nobody else may be given from a cache."""
    return Answer(status, headers, body, fixed=_JSON)


def problem(
    status: int,
    reason: str,
    detail: str,
    *headers: tuple[bytes, bytes],
    retry_after_s: int | None = None,
    **more: Any,
) -> Answer:
    """What went wrong, for programs (RFC 9457). ``reason`` is one stable word, ``detail`` says what to do."""
    body = {
        "type": f"urn:antrean:problem:{reason}",
        "title": HTTPStatus(status).phrase,
        "status": status,
        "reason": reason,
        "detail": detail,
    }
    extra: list[Header] = [] if retry_after_s is None else [(b"retry-after", b"%d" % retry_after_s)]
    text = json.dumps(body | more, ensure_ascii=False, separators=(",", ":")).encode()
    return Answer(status, [PROBLEM_TYPE, NO_STORE, *extra, *headers], text)


def see_other(location: str, *headers: tuple[bytes, bytes]) -> Answer:
    """Go there with GET."""
    return Answer(303, [(b"location", location.encode("ascii")), NO_STORE, *headers])


def not_allowed(*methods: str) -> Answer:
    allowed = ", ".join(methods)
    return problem(405, "method", f"use {allowed} here", (b"allow", allowed.encode()))


_NOTHING = Block()
_BODILESS = frozenset((204, 304))
_JSON = Block(JSON_TYPE, NO_STORE)
