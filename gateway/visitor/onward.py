"""The way of an admitted request to the origin and back: what is taken off it, and what is put on.

To the origin: nothing that we set comes from outside, our credentials do not go along, and a signed
``Antrean-Visitor`` says who it is. Back: our own headers are for us, our cookies are added.
"""

from __future__ import annotations

import time

from starlette.types import Message, Receive, Scope, Send

from gateway.domain.credentials import VISITOR_HEADER_S, Pass, renew
from gateway.visitor.answers import NO_STORE, Block
from gateway.visitor.cookies import CookieNames, without_ours
from gateway.visitor.counting import count_reply, count_request, in_flight
from gateway.visitor.pages import Header
from gateway.visitor.rooms import VisitorRoom

_HEADS = frozenset(("http.response.start", "websocket.accept", "websocket.http.response.start"))
_NOT_FINISHED = frozenset((b"", b"0", b"false"))
# A reply that carries somebody's pass must not be kept for others, whatever the origin says of it.
_PRIVATE = (b"cache-control", b"private")
_KEPT_FROM_OTHERS = frozenset((b"private", b"no-store"))


class VisitorHeader:
    """Signed ``Antrean-Visitor`` values, each used for half of its life."""

    _MOST = 50_000

    def __init__(self, room: VisitorRoom) -> None:
        self._keyring = room.keyring
        self._rehearsal = bool(room.settings.rehearses)
        self._signed: dict[tuple[str, int], tuple[float, bytes]] = {}
        self._blocks: dict[tuple[str, int], tuple[Pass, bytes, Block]] = {}

    def block(self, visitor_pass: Pass, now_s: float) -> Block:
        """What the proxy that asked is told of an admitted visitor, as it is sent."""
        value = self.value(visitor_pass, now_s)
        made = self._blocks.get(visitor_pass.visitor)
        if made is not None and made[0] is visitor_pass and made[1] is value:
            return made[2]
        if len(self._blocks) >= self._MOST:
            self._blocks.clear()
        expires = b"antrean-pass-expires", b"%d" % visitor_pass.expires_at_s
        block = Block(NO_STORE, (b"antrean-visitor", value), expires)
        self._blocks[visitor_pass.visitor] = visitor_pass, value, block
        return block

    def value(self, visitor_pass: Pass, now_s: float) -> bytes:
        visitor = visitor_pass.visitor
        signed = self._signed.get(visitor)
        if signed is not None and 0 <= now_s - signed[0] < VISITOR_HEADER_S / 2:
            return signed[1]
        if len(self._signed) >= self._MOST:
            self._signed.clear()
        value = self._keyring.sign_visitor(visitor_pass, now_s, rehearsal=self._rehearsal).encode()
        self._signed[visitor] = now_s, value
        return value


def request_headers(headers: list[Header]) -> list[Header]:
    """A request's headers without ours, in any spelling, and without our cookies."""
    kept = []
    for header in headers:
        name, value = header
        if b"antrean" in name:
            continue
        if name == b"cookie":
            value = without_ours(value)
            if not value:
                continue
            header = name, value
        kept.append(header)
    return kept


async def pass_free(room: VisitorRoom, scope: Scope, receive: Receive, send: Send) -> None:
    """To the origin without a pass: a path that is not protected."""

    asked_s = time.monotonic()

    async def send_back(message: Message) -> None:
        if message["type"] in _HEADS:
            if "status" in message:
                count_reply(room.line, message["status"], asked_s)
            headers = [header for header in message.get("headers", ()) if b"antrean" not in header[0].lower()]
            message = {**message, "headers": headers}
        await send(message)

    count_request(room.line, "free")
    with in_flight(room.line):
        await room.origin({**scope, "headers": request_headers(scope["headers"])}, receive, send_back)


async def pass_on(
    room: VisitorRoom,
    visitor: bytes,
    visitor_pass: Pass,
    cookies: CookieNames,
    added: tuple[Header, ...],
    scope: Scope,
    receive: Receive,
    send: Send,
) -> None:
    """To the origin as this visitor; ``added`` goes onto the reply."""

    count_request(room.line, "admitted")
    asked_s = time.monotonic()

    async def send_back(message: Message) -> None:
        if message["type"] in _HEADS:
            if "status" in message:
                count_reply(room.line, message["status"], asked_s)
            message = {**message, "headers": reply_headers(message.get("headers", ()))}
        await send(message)

    def reply_headers(headers: list[Header]) -> list[Header]:
        kept = [header for header in headers if b"antrean" not in header[0].lower()]
        if len(kept) < len(headers) and visitor_pass.kind != "staff" and _is_finished(headers):
            room.uses.finish(visitor_pass)
            return _for_one([*kept, *cookies.clear()])
        return _for_one([*kept, *added]) if added else kept

    headers = request_headers(scope["headers"])
    headers.append((b"antrean-visitor", visitor))
    headers.append((b"antrean-pass-expires", b"%d" % _expires_at_s(visitor_pass)))
    with in_flight(room.line):
        await room.origin({**scope, "headers": headers}, receive, send_back)


def _for_one(headers: list[Header]) -> list[Header]:
    """A reply with cookies, kept from shared caches: the origin's own words stand where they say so already."""
    said = [value.lower() for name, value in headers if name.lower() == b"cache-control"]
    if any(word.strip() in _KEPT_FROM_OTHERS for value in said for word in value.split(b",")):
        return headers
    return [*(header for header in headers if header[0].lower() != b"cache-control"), _PRIVATE]


def _expires_at_s(visitor_pass: Pass) -> int:
    """When idling ends, as the origin is told: a pass used for the first time lives on from this use."""
    now_s = time.time()
    return (renew(visitor_pass, now_s) if visitor_pass.is_due(now_s) else visitor_pass).expires_at_s


def _is_finished(headers: list[Header]) -> bool:
    return any(
        name.lower() == b"antrean-finished" and value.strip().lower() not in _NOT_FINISHED
        for name, value in headers
    )
