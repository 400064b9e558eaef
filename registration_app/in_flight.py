"""How many requests are being answered at this moment, and how many were at most since the start."""

from __future__ import annotations

from dataclasses import dataclass

from starlette.types import ASGIApp, Receive, Scope, Send

from registration_app.gate import HEALTH


@dataclass(slots=True)
class InFlight:
    """The counts. A request counts until its work is done, also when who sent it has gone."""

    now: int = 0
    most: int = 0

    def begin(self) -> None:
        self.now += 1
        self.most = max(self.most, self.now)

    def end(self) -> None:
        self.now -= 1


class Counted:
    """ASGI: counts every request but those that ask for the counts."""

    def __init__(self, app: ASGIApp, counts: InFlight) -> None:
        self._app = app
        self._counts = counts

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["path"] == HEALTH:
            await self._app(scope, receive, send)
            return
        self._counts.begin()
        try:
            await self._app(scope, receive, send)
        finally:
            self._counts.end()
