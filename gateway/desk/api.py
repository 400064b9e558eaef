"""The rooms API: what the desk's own page and an operator's scripts call. ``openapi`` describes it."""

from __future__ import annotations

import json
import re
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any, Never

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from gateway.desk import actions
from gateway.desk.guard import Caller
from gateway.desk.openapi import document
from gateway.desk.problem import Refusal, refusal_of, respond
from gateway.desk.rooms import Reading, Rooms
from gateway.desk.views import entry_view, ticket_view
from gateway.domain.changes import InvalidChanges, read_changes, read_why
from gateway.domain.help_desk import plain_number
from gateway.domain.numbers import parse_number
from gateway.errors import AntreanError, InvalidKnob, MistypedNumber, StaleRevision
from gateway.store.line import Line

AUDIT_SHOWN, AUDIT_MOST = 50, 1000
ETAG = re.compile(r'"(\d{1,15})"')

TicketAction = Callable[[Line, int], Awaitable[actions.Ticket]]
Handler = Callable[[Request], Awaitable[Response]]


class Api:
    """The handlers of ``/api``."""

    def __init__(self, rooms: Rooms) -> None:
        self._rooms = rooms

    def routes(self) -> list[Route]:
        """One route for each path and method of the document."""
        room = "/api/rooms/{room}"
        ticket = room + "/tickets/{number}"
        return [
            _route("/api/openapi.json", self.describe, "GET"),
            _route("/api/rooms", self.list, "GET"),
            _route(room, self.show, "GET"),
            _route(room, self.change, "PATCH"),
            _route(room + "/audit", self.audit, "GET"),
            _route(room + "/undo/{revision}", self.undo, "POST"),
            _route(ticket, self.ticket, "GET"),
            _route(ticket + "/withdraw", self.withdraw, "POST"),
            _route(ticket + "/reinstate", self.reinstate, "POST"),
        ]

    async def describe(self, request: Request) -> Response:
        return JSONResponse(document())

    async def list(self, request: Request) -> Response:
        readings = await self._rooms.read_all()
        return JSONResponse({"rooms": [_view_or_problem(reading) for reading in readings]})

    async def show(self, request: Request) -> Response:
        return _room_response(await self._rooms.read(request.path_params["room"]))

    async def change(self, request: Request) -> Response:
        line = await self._rooms.line(request.path_params["room"])
        body = await _json_object(request)
        if_match = _if_match(request)
        expected = _expected_revision(body.pop("expected_revision", None), if_match)
        why = _why(body.pop("why", ""))
        if not body:
            raise Refusal(422, "invalid", "nothing to change: give rate_per_minute, ceiling, phase or message")
        changes = read_changes(body)
        try:
            await actions.change(line, changes, actor=_caller(request), why=why, expected_revision=expected)
        except StaleRevision as error:
            await self._raise_stale(line.room, error, 409 if if_match is None else 412)
        return _room_response(await self._rooms.read(line.room))

    async def audit(self, request: Request) -> Response:
        line = await self._rooms.line(request.path_params["room"])
        most = _whole(request.query_params.get("most", str(AUDIT_SHOWN)), "most", AUDIT_MOST)
        entries = await actions.entries(line, most)
        return JSONResponse({"room": line.room, "entries": [entry_view(entry) for entry in entries]})

    async def undo(self, request: Request) -> Response:
        line = await self._rooms.line(request.path_params["room"])
        revision = _whole(request.path_params["revision"], "revision", 10**15)
        body = await _json_object(request, may_be_empty=True)
        why = _why(body.pop("why", ""))
        if body:
            raise InvalidChanges(dict.fromkeys(body, "is not known here: only why"))
        await actions.undo(line, revision, actor=_caller(request), why=why)
        return _room_response(await self._rooms.read(line.room))

    async def ticket(self, request: Request) -> Response:
        return await self._ticket(request, actions.look)

    async def withdraw(self, request: Request) -> Response:
        return await self._ticket(request, partial(actions.withdraw, actor=_caller(request)))

    async def reinstate(self, request: Request) -> Response:
        return await self._ticket(request, partial(actions.reinstate, actor=_caller(request)))

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


def _route(path: str, handler: Handler, method: str) -> Route:
    async def answered(request: Request) -> Response:
        try:
            return await handler(request)
        except AntreanError as error:
            return respond(refusal_of(error))

    return Route(path, answered, methods=[method], name=f"{method} {path}")


def _room_response(reading: Reading) -> Response:
    if reading.problem is not None or reading.snapshot is None:
        raise reading.problem or Refusal(503, "store-trouble", "the room could not be read")
    headers = {"ETag": f'"{reading.snapshot.revision}"'}
    return JSONResponse(reading.view(), headers=headers)


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


def _caller(request: Request) -> str:
    caller: Caller = request.state.caller
    return caller.name


async def _json_object(request: Request, *, may_be_empty: bool = False) -> dict[str, object]:
    body = await request.body()
    if not body and may_be_empty:
        return {}
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind not in ("application/json", "application/merge-patch+json"):
        raise Refusal(415, "not-json", "send the changes as application/json")
    try:
        value = json.loads(body, parse_constant=_no_constant)
    except (ValueError, RecursionError):
        raise Refusal(400, "not-json", "the body is not JSON") from None
    if not isinstance(value, dict):
        raise Refusal(422, "invalid", 'send a JSON object, like {"rate_per_minute": 30}')
    return value


def _no_constant(name: str) -> Never:
    raise ValueError(f"{name} is not JSON")


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


def _why(value: object) -> str:
    try:
        return read_why(value)
    except InvalidKnob as error:
        raise InvalidChanges({"why": str(error)}) from None


def _whole(text: str, name: str, most: int) -> int:
    if not (text.isascii() and text.isdigit()) or len(text) > 16 or not 0 < int(text) <= most:
        raise InvalidChanges({name: f"give a whole number from 1 to {most:,}"})
    return int(text)


def _number(text: str) -> int:
    try:
        return plain_number(text) if text.isdigit() else parse_number(text)
    except MistypedNumber as error:
        raise Refusal(404, "mistyped-number", str(error)) from None
