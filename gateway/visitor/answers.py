"""Answers of our own: ready bytes, never cached unless they say so, and problems as RFC 9457 has them."""

from __future__ import annotations

import json
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

from starlette.types import Send

Headers = list[tuple[bytes, bytes]]

JSON_TYPE = (b"content-type", b"application/json")
PROBLEM_TYPE = (b"content-type", b"application/problem+json")
NO_STORE = (b"cache-control", b"no-store")


@dataclass(frozen=True, slots=True)
class Answer:
    """A whole response."""

    status: int
    headers: Headers
    body: bytes = b""

    async def send(self, send: Send) -> None:
        await send({"type": "http.response.start", "status": self.status, "headers": self.headers})
        await send({"type": "http.response.body", "body": self.body})

    def adding(self, *headers: tuple[bytes, bytes]) -> Answer:
        """The same answer with more headers."""
        return Answer(self.status, [*self.headers, *headers], self.body)


def length_of(body: bytes) -> tuple[bytes, bytes]:
    return b"content-length", b"%d" % len(body)


def json_answer(status: int, body: bytes, *headers: tuple[bytes, bytes]) -> Answer:
    """An answer of one's own: JSON that nobody else may be given from a cache."""
    return Answer(status, [JSON_TYPE, NO_STORE, length_of(body), *headers], body)


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
    extra: Headers = [] if retry_after_s is None else [(b"retry-after", b"%d" % retry_after_s)]
    text = json.dumps(body | more, ensure_ascii=False, separators=(",", ":")).encode()
    return Answer(status, [PROBLEM_TYPE, NO_STORE, length_of(text), *extra, *headers], text)


def see_other(location: str, *headers: tuple[bytes, bytes]) -> Answer:
    """Go there with GET."""
    return Answer(303, [(b"location", location.encode("ascii")), NO_STORE, length_of(b""), *headers])


def not_allowed(*methods: str) -> Answer:
    allowed = ", ".join(methods)
    return problem(405, "method", f"use {allowed} here", (b"allow", allowed.encode()))
