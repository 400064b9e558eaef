"""The rooms API: what the desk's own page and an operator's scripts call. ``openapi`` describes it."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any, Never

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from gateway.desk import actions
from gateway.desk.calls import caller, json_object, room_response, route, whole, why_of
from gateway.desk.openapi import document
from gateway.desk.problem import Refusal
from gateway.desk.rooms import Reading, Rooms
from gateway.desk.views import entry_view, ticket_view
from gateway.domain.changes import InvalidChanges, read_changes
from gateway.domain.help_desk import plain_number
from gateway.domain.numbers import parse_number
from gateway.errors import MistypedNumber, StaleRevision
from gateway.store.line import Line

AUDIT_SHOWN, AUDIT_MOST = 50, 1000
ETAG = re.compile(r'"(\d{1,15})"')

TicketAction = Callable[[Line, int], Awaitable[actions.Ticket]]


class Api:
    """The handlers of ``/api``."""

    def __init__(self, rooms: Rooms) -> None:
        self._rooms = rooms

    def routes(self) -> list[Route]:
        """One route for each path and method of the document."""
        room = "/api/rooms/{room}"
        ticket = room + "/tickets/{number}"
        return [
            route("/api/openapi.json", self.describe, "GET"),
            route("/api/rooms", self.list, "GET"),
            route(room, self.show, "GET"),
            route(room, self.change, "PATCH"),
            route(room + "/audit", self.audit, "GET"),
            route(room + "/undo/{revision}", self.undo, "POST"),
            route(ticket, self.ticket, "GET"),
            route(ticket + "/withdraw", self.withdraw, "POST"),
            route(ticket + "/reinstate", self.reinstate, "POST"),
        ]

    async def describe(self, request: Request) -> Response:
        return JSONResponse(document())

    async def list(self, request: Request) -> Response:
        readings = await self._rooms.read_all()
        return JSONResponse({"rooms": [_view_or_problem(reading) for reading in readings]})

    async def show(self, request: Request) -> Response:
        return room_response(await self._rooms.read(request.path_params["room"]))

    async def change(self, request: Request) -> Response:
        line = await self._rooms.line(request.path_params["room"])
        body = await json_object(request)
        if_match = _if_match(request)
        expected = _expected_revision(body.pop("expected_revision", None), if_match)
        why = why_of(body.pop("why", ""))
        if not body:
            raise Refusal(
                422,
                "invalid",
                "nothing to change: give rate_per_minute, ceiling, phase, message, a quota or a time",
            )
        changes = read_changes(body)
        try:
            await actions.change(line, changes, actor=caller(request), why=why, expected_revision=expected)
        except StaleRevision as error:
            await self._raise_stale(line.room, error, 409 if if_match is None else 412)
        return room_response(await self._rooms.read(line.room))

    async def audit(self, request: Request) -> Response:
        line = await self._rooms.line(request.path_params["room"])
        most = whole(request.query_params.get("most", str(AUDIT_SHOWN)), "most", AUDIT_MOST)
        entries = await actions.entries(line, most)
        return JSONResponse({"room": line.room, "entries": [entry_view(entry) for entry in entries]})

    async def undo(self, request: Request) -> Response:
        line = await self._rooms.line(request.path_params["room"])
        revision = whole(request.path_params["revision"], "revision", 10**15)
        body = await json_object(request, may_be_empty=True)
        why = why_of(body.pop("why", ""))
        if body:
            raise InvalidChanges(dict.fromkeys(body, "is not known here: only why"))
        await actions.undo(line, revision, actor=caller(request), why=why)
        return room_response(await self._rooms.read(line.room))

    async def ticket(self, request: Request) -> Response:
        return await self._ticket(request, actions.look)

    async def withdraw(self, request: Request) -> Response:
        return await self._ticket(request, partial(actions.withdraw, actor=caller(request)))

    async def reinstate(self, request: Request) -> Response:
        return await self._ticket(request, partial(actions.reinstate, actor=caller(request)))

    async def _ticket(self, request: Request, action: TicketAction) -> Response:
        line = await self._rooms.line(request.path_params["room"])
        number = _number(request.path_params["number"])
        return JSONResponse(ticket_view(await action(line, number)))

    async def _raise_stale(self, room: str, error: StaleRevision, status: int) -> Never:
        """With the room as it is now, so that the caller can look before trying again."""
        reading = await self._rooms.read(room)
        current = reading.view()
        raise Refusal(
            status, "changed-meanwhile", str(error), current_revision=error.current, current=current
        ) from error


def _view_or_problem(reading: Reading) -> dict[str, Any]:
    """A room that cannot be read now still has its place in the list."""
    problem = reading.problem
    view = reading.view()
    if problem is None and view is not None:
        return view
    return {
        "room": reading.settings.id,
        "name": reading.settings.name,
        "problem": {
            "reason": problem.reason if problem else "store-trouble",
            "detail": problem.detail if problem else "the room could not be read",
        },
    }


def _if_match(request: Request) -> int | None:
    header = request.headers.get("if-match")
    if header is None or header.strip() == "*":
        return None
    match = ETAG.fullmatch(header.strip())
    if match is None:
        raise Refusal(400, "not-an-etag", f'If-Match {header[:40]} is not an ETag of a room\'s, like "7"')
    return int(match[1])


def _expected_revision(value: object, if_match: int | None) -> int | None:
    if value is None:
        return if_match
    if isinstance(value, float) and value.is_integer():  # JSON has one kind of number
        value = int(value)
    if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value < 10**15:
        raise InvalidChanges({"expected_revision": "give the whole number that the room's revision had"})
    return value if if_match is None else if_match


def _number(text: str) -> int:
    try:
        return plain_number(text) if text.isdigit() else parse_number(text)
    except MistypedNumber as error:
        raise Refusal(404, "mistyped-number", str(error)) from None
