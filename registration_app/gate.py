"""Proof that a request came through the gate: the signed Antrean-Visitor header."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable
from dataclasses import dataclass

from itsdangerous import BadData, URLSafeSerializer
from starlette.datastructures import Headers
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from registration_app.errors import NotThroughGate
from registration_app.keys import GatewayKeys

HEADER = "antrean-visitor"
SALT = "antrean.visitor"
CLOCK_SKEW_S = 60
HEALTH = "/health"  # asked by whoever supervises this process
REHEARSAL = "-rehearsal"  # behind a room's name: the room in which it is rehearsed
FILES = "/static/"  # needed by pages of visitors whose pass has ended


@dataclass(frozen=True, slots=True)
class Visitor:
    """Who the gate let in: a number in one line of a room."""

    room: str
    instance: str
    number: int
    rehearsal: bool = False  # whatever is written for it goes into a table of its own

    @property
    def id(self) -> str:
        return f"{self.instance}:{self.number}"


class Verifier:
    """Reads the header with the keys shared with the gateway. ``room`` empty: any room's visitors."""

    def __init__(self, keys: GatewayKeys, room: str = "", now_s: Callable[[], float] = time.time) -> None:
        self._keys = keys
        self._room = room
        self._now_s = now_s

    def read(self, value: str) -> Visitor:
        """The visitor in a header. Raises NotThroughGate: not signed, over, another room's, not a visitor."""
        keys = self._keys.current()
        if not keys:
            raise NotThroughGate("there are no keys shared with the gateway yet")
        try:
            claims = _serializer(keys).loads(value)
            visitor = Visitor(
                str(claims["room"]),
                str(claims["instance"]),
                int(claims["number"]),
                claims.get("rehearsal", False) is not False,  # whatever it says, it is not a plain visitor
            )
            expires_at_s = float(claims["exp"])
        except BadData as exc:
            raise NotThroughGate("the visitor is not signed by the gateway") from exc
        except (KeyError, TypeError, ValueError) as exc:
            raise NotThroughGate("the visitor is not in the form that we know") from exc
        if self._now_s() > expires_at_s + CLOCK_SKEW_S:
            raise NotThroughGate("the proof of the gate is over")
        if self._room and visitor.room != self._room + (REHEARSAL if visitor.rehearsal else ""):
            raise NotThroughGate(f"the visitor was let in to the room {visitor.room!r}")
        return visitor


class Gate:
    """ASGI: puts the visitor into the request's state; refuses those without one when it is required."""

    def __init__(
        self, app: ASGIApp, verifier: Verifier, required: bool, refuse: Callable[[Request], Response]
    ) -> None:
        self._app = app
        self._verifier = verifier
        self._required = required
        self._refuse = refuse

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        visitor = self._visitor(Headers(scope=scope).getlist(HEADER))
        scope.setdefault("state", {})["visitor"] = visitor
        is_open = scope["path"] == HEALTH or scope["path"].startswith(FILES)
        if visitor is None and self._required and not is_open:
            await self._refuse(Request(scope))(scope, receive, send)
            return
        await self._app(scope, receive, send)

    def _visitor(self, values: list[str]) -> Visitor | None:
        if len(values) != 1:  # two visitors in one request are none
            return None
        try:
            return self._verifier.read(values[0])
        except NotThroughGate:
            return None


def _serializer(keys: list[str]) -> URLSafeSerializer:
    return URLSafeSerializer(
        keys, salt=SALT, signer_kwargs={"key_derivation": "hmac", "digest_method": hashlib.sha256}
    )
