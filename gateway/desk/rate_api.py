"""The API's calls about the rate (what if, ramp, autopilot), the room's history, passes for staff, a new line."""

from __future__ import annotations

import csv
import io
import time
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from gateway.desk import actions, steering
from gateway.desk.calls import caller, json_object, room_response, route, why_of
from gateway.desk.new_line import begin, read_opening
from gateway.desk.rooms import Rooms
from gateway.desk.views import entry_view
from gateway.domain.changes import InvalidChanges, read_rate
from gateway.domain.credentials import Keyring, Pass, new_nonce
from gateway.domain.room import Snapshot
from gateway.errors import InvalidKnob
from gateway.store.line import SAMPLE_COLUMNS, Line

STAFF_HOURS, STAFF_HOURS_MOST = 12, 168


class RateApi:
    """The handlers."""

    def __init__(self, rooms: Rooms, keys: Sequence[str]) -> None:
        self._rooms = rooms
        self._keyring = Keyring(keys)

    def routes(self) -> list[Route]:
        """One route for each path and method."""
        room = "/api/rooms/{room}"
        return [
            route(room + "/what-if", self.what_if, "GET"),
            route(room + "/steering", self.order, "PUT"),
            route(room + "/steering", self.take_over, "DELETE"),
            route(room + "/events", self.events, "GET"),
            route(room + "/staff-pass", self.staff_pass, "POST"),
            route(room + "/new-line", self.new_line, "POST"),
        ]

    async def what_if(self, request: Request) -> Response:
        try:
            rate = read_rate(request.query_params.get("rate_per_minute", ""))
        except InvalidKnob as error:
            raise InvalidChanges({"rate_per_minute": str(error)}) from None
        return JSONResponse(await what_if_view(self._rooms, request.path_params["room"], rate))

    async def order(self, request: Request) -> Response:
        line = await self._rooms.line(request.path_params["room"])
        body = await json_object(request)
        await steering.order(line, body, actor=caller(request))
        return room_response(await self._rooms.read(line.room))

    async def take_over(self, request: Request) -> Response:
        line = await self._rooms.line(request.path_params["room"])
        await steering.take_over(line, actor=caller(request))
        return room_response(await self._rooms.read(line.room))

    async def events(self, request: Request) -> Response:
        line = await self._rooms.line(request.path_params["room"])
        wanted = request.query_params.get("format", "json")
        if wanted not in ("json", "csv"):
            raise InvalidChanges({"format": "use json or csv"})
        samples = await line.samples()
        if wanted == "csv":
            name = f"attachment; filename={line.room}.csv"
            return Response(_csv(samples), media_type="text/csv", headers={"Content-Disposition": name})
        entries = await actions.entries(line, actions.AUDIT_KEPT)
        return JSONResponse(
            {
                "room": line.room,
                "columns": list(SAMPLE_COLUMNS),
                "samples": samples,
                "changes": [entry_view(entry) for entry in entries],
            }
        )

    async def staff_pass(self, request: Request) -> Response:
        line = await self._rooms.line(request.path_params["room"])
        body = await json_object(request, may_be_empty=True)
        why = why_of(body.pop("why", ""))
        hours = body.pop("hours", STAFF_HOURS)
        if body:
            raise InvalidChanges(dict.fromkeys(body, "is not known here: only hours and why"))
        made, ends_s = await issue_staff_pass(line, self._keyring, hours, actor=caller(request), why=why)
        return JSONResponse({"pass": made, "expires_at_ms": ends_s * 1000})

    async def new_line(self, request: Request) -> Response:
        line = await self._rooms.line(request.path_params["room"])
        body = await json_object(request, may_be_empty=True)
        why = why_of(body.pop("why", ""))
        await begin(line, read_opening(body), actor=caller(request), why=why)
        return room_response(await self._rooms.read(line.room))


async def issue_staff_pass(
    line: Line, keyring: Keyring, hours: object, *, actor: str, why: str
) -> tuple[str, int]:
    """The pass and when it ends, unix seconds. Raises InvalidChanges, StoreError."""
    if isinstance(hours, str) and hours.isascii() and hours.isdigit():
        hours = int(hours[:6])
    if isinstance(hours, float) and hours.is_integer():  # JSON has one kind of number
        hours = int(hours)
    if not isinstance(hours, int) or isinstance(hours, bool) or not 1 <= hours <= STAFF_HOURS_MOST:
        raise InvalidChanges({"hours": f"give a whole number from 1 to {STAFF_HOURS_MOST}"})
    ends_s = int(time.time()) + hours * 3600
    # In the audit first: a pass that nobody knows of must not exist.
    await line.note("staff-pass", actor=actor, why=why, after={"hours": hours})
    return keyring.sign_pass(Pass(line.room, "", 0, 0, new_nonce(), ends_s, ends_s, "staff")), ends_s


async def what_if_view(rooms: Rooms, room: str, rate_per_minute: float) -> dict[str, Any]:
    """What another rate would bring, as the API tells it. Raises Refusal, StoreError."""
    line = await rooms.line(room)
    snapshot: Snapshot = await line.refresh()
    seen = await steering.p95_seen_at(line, rate_per_minute)
    view = asdict(steering.what_if(snapshot, rate_per_minute))
    return view | {"seen_p95_ms": None if seen is None else round(seen * 1000, 1)}


def _csv(samples: Sequence[Sequence[float]]) -> str:
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow(SAMPLE_COLUMNS)
    writer.writerows([f"{value:.10g}" if value < 1e9 else f"{value:.0f}" for value in row] for row in samples)
    return out.getvalue()
