"""The desk's pages beyond a single knob: autopilot, emergency stop, charts, checklist, staff pass, new line."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from gateway.desk import actions, steering
from gateway.desk.charts import SPANS, charts
from gateway.desk.checklist import checklist
from gateway.desk.new_line import begin, read_opening
from gateway.desk.pages import Form, Pages, back, caller_of, read_form
from gateway.desk.problem import Refusal, refusal_of
from gateway.desk.rate_api import issue_staff_pass
from gateway.desk.rooms import Rooms
from gateway.desk.times import from_fields
from gateway.domain.changes import read_why
from gateway.domain.credentials import Keyring
from gateway.domain.room import Phase
from gateway.errors import AntreanError
from gateway.store.line import Line

Act = Callable[[Line, Form, str], Awaitable[object]]


class RatePages:
    """The handlers."""

    def __init__(self, rooms: Rooms, pages: Pages, keys: Sequence[str]) -> None:
        self._rooms = rooms
        self._pages = pages
        self._keyring = Keyring(keys)

    def routes(self) -> list[Route]:
        """One route for each path and method."""
        room = "/rooms/{room}"
        return [
            Route(room + "/autopilot", self._acting(_autopilot), methods=["POST"]),
            Route(room + "/take-over", self._acting(_take_over), methods=["POST"]),
            Route(room + "/stop", self._acting(_stop), methods=["POST"]),
            Route(room + "/staff-pass", self.staff_pass, methods=["POST"]),
            Route(room + "/new-line", self.new_line, methods=["POST"]),
            Route(room + "/charts", self.charts, methods=["GET"]),
            Route(room + "/checklist", self.checklist, methods=["GET"]),
        ]

    async def charts(self, request: Request) -> Response:
        """The drawings alone: the page's script puts them in place."""
        room, span = str(request.path_params["room"]), request.query_params.get("span", "10m")
        try:
            if span not in SPANS:
                raise Refusal(422, "invalid", f"span: use {', '.join(SPANS)}", problems={"span": "unknown"})
            drawn = await charts(await self._rooms.line(room), span)
        except AntreanError as error:
            return await self._pages.show(request, room=room, error=refusal_of(error))
        return self._pages.page(
            request, "desk_charts.html.j2", charts=drawn, span=span, spans=list(SPANS), room_id=room
        )

    async def checklist(self, request: Request) -> Response:
        """What should be so before the doors open."""
        room = str(request.path_params["room"])
        try:
            line = await self._rooms.line(room)
            points = await checklist(line, await self._rooms.read(room))
        except AntreanError as error:
            return await self._pages.show(request, room=room, error=refusal_of(error))
        return self._pages.page(request, "desk_checklist.html.j2", points=points, room=self._rooms.settings[room])

    async def staff_pass(self, request: Request) -> Response:
        """A pass for staff, shown once."""
        room, form = str(request.path_params["room"]), await read_form(request)
        try:
            line = await self._rooms.line(room)
            why, actor = read_why(form.get("why", "")), caller_of(request).name
            made, ends_s = await issue_staff_pass(line, self._keyring, form.get("hours", ""), actor=actor, why=why)
        except AntreanError as error:
            return await self._pages.show(request, room=room, error=refusal_of(error), typed=form)
        settings = self._rooms.settings[room]
        return self._pages.page(
            request, "desk_staff_pass.html.j2", made=made, ends_ms=ends_s * 1000, room=settings
        )

    async def new_line(self, request: Request) -> Response:
        """Asked twice: it takes everybody's place, and there is no way back."""
        room, form = str(request.path_params["room"]), await read_form(request)
        try:
            line = await self._rooms.line(room)
            asked = {f"{name}_ms": from_fields(form, name) for name in ("opens_at", "closes_at")}
            opening = read_opening(asked | ({"ending": form["ending"]} if "ending" in form else {}))
            why = read_why(form.get("why", ""))
            if form.get("confirmed") != "yes":
                return await self._pages.ask_again(request, room, form, "new-line", action="new-line")
            after = await begin(line, opening, actor=caller_of(request).name, why=why)
        except AntreanError as error:
            return await self._pages.show(request, room=room, error=refusal_of(error), typed=form)
        return back(room, changed=after.revision)

    def _acting(self, act: Act) -> Callable[[Request], Awaitable[Response]]:
        async def acted(request: Request) -> Response:
            room, form = str(request.path_params["room"]), await read_form(request)
            try:
                line = await self._rooms.line(room)
                await act(line, form, caller_of(request).name)
                now = await line.refresh()
            except AntreanError as error:
                return await self._pages.show(request, room=room, error=refusal_of(error), typed=form)
            return back(room, changed=now.revision)

        return acted


async def _autopilot(line: Line, form: Form, actor: str) -> None:
    names = ("floor_per_minute", "most_per_minute", "target_p95_ms")
    asked: dict[str, Any] = {name: form[name] for name in names if name in form}
    await steering.order(line, {"kind": "autopilot", **asked}, actor=actor)


async def _take_over(line: Line, form: Form, actor: str) -> None:
    await steering.take_over(line, actor=actor)


async def _stop(line: Line, form: Form, actor: str) -> None:
    """Whatever revision the page had: in an emergency nobody is asked to look again. Undo takes it back."""
    await line.watch.take_over()
    changes = {"phase": Phase.PAUSED}
    await actions.change(line, changes, actor=actor, why="emergency stop", expected_revision=None)
