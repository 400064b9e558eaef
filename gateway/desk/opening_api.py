"""The API's calls about openings: what is announced, one more, calling one off, and the draw's public value."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from gateway.desk.calls import caller, json_object, route, why_of
from gateway.desk.rooms import Rooms
from gateway.domain.changes import InvalidChanges
from gateway.domain.openings import read_opening
from gateway.domain.room import Snapshot
from gateway.store.openings import enter_entropy, planned_view, schedule, unschedule


class OpeningApi:
    """The handlers. The newest of ``keys`` makes the secret of a draw."""

    def __init__(self, rooms: Rooms, keys: Sequence[str]) -> None:
        self._rooms = rooms
        self._keys = keys

    def routes(self) -> list[Route]:
        """One route for each path and method."""
        room = "/api/rooms/{room}"
        return [
            route(room + "/openings", self.list, "GET"),
            route(room + "/openings", self.announce, "POST"),
            route(room + "/openings/{opening}", self.call_off, "DELETE"),
            route(room + "/entropy", self.enter, "POST"),
        ]

    async def list(self, request: Request) -> Response:
        line = await self._rooms.line(request.path_params["room"])
        return JSONResponse(openings_view(await line.refresh()))

    async def announce(self, request: Request) -> Response:
        line = await self._rooms.line(request.path_params["room"])
        body = await json_object(request)
        why = why_of(body.pop("why", ""))
        after, _ = await schedule(line, read_opening(body), self._keys, actor=caller(request), why=why)
        return JSONResponse(openings_view(after))

    async def call_off(self, request: Request) -> Response:
        line = await self._rooms.line(request.path_params["room"])
        await unschedule(line, request.path_params["opening"], actor=caller(request))
        return JSONResponse(openings_view(await line.refresh()))

    async def enter(self, request: Request) -> Response:
        line = await self._rooms.line(request.path_params["room"])
        body = await json_object(request)
        why, entropy = why_of(body.pop("why", "")), body.pop("entropy", "")
        if body:
            raise InvalidChanges(dict.fromkeys(body, "is not known here: only entropy and why"))
        if not isinstance(entropy, str):
            raise InvalidChanges({"entropy": "give the public value as text"})
        return JSONResponse(openings_view(await enter_entropy(line, entropy, actor=caller(request), why=why)))


def openings_view(snapshot: Snapshot) -> dict[str, Any]:
    """The opening under way and those to come."""
    knobs = snapshot.knobs
    return {
        "room": snapshot.room,
        "instance": snapshot.instance,
        "phase": str(snapshot.phase),
        "opens_at_ms": knobs.opens_at_ms or None,
        "closes_at_ms": knobs.closes_at_ms or None,
        "ending": str(knobs.ending),
        "draw": None if snapshot.draw is None else asdict(snapshot.draw),
        "reason": dict(snapshot.reason),
        "planned": [planned_view(each) for each in snapshot.openings],
    }
