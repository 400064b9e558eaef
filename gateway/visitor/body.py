"""Reads a small request body, and never more than is allowed."""

from __future__ import annotations

from starlette.types import Receive, Scope


class BodyTooLarge(Exception):
    """More bytes than allowed were announced, or came."""


async def read_body(scope: Scope, receive: Receive, most_bytes: int) -> bytes:
    """The whole body. Raises BodyTooLarge; a client that leaves in the middle leaves what came."""
    length = _announced(scope)
    if length == 0:
        return b""
    if length is not None and length > most_bytes:
        raise BodyTooLarge
    body = b""
    more = True
    while more:
        message = await receive()
        body += message.get("body", b"")
        if len(body) > most_bytes:
            raise BodyTooLarge
        more = message.get("more_body", False)
    return body


def _announced(scope: Scope) -> int | None:
    """The length that the head announces; 0 when it announces no body, None when it does not say how long."""
    for name, value in scope["headers"]:
        if name == b"content-length":
            return int(value) if value.isdigit() else None
        if name == b"transfer-encoding":
            return None
    return 0
