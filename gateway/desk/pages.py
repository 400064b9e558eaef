"""The desk's pages: HTML made here, forms that work without script, numbers that the script keeps fresh."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime
from typing import Any
from urllib.parse import parse_qs, quote, urlencode

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from gateway.desk import actions, steering
from gateway.desk.charts import SPANS, Chart, charts
from gateway.desk.guard import Caller
from gateway.desk.problem import Refusal, refusal_of
from gateway.desk.rate_api import what_if_view
from gateway.desk.roles import Role
from gateway.desk.rooms import Reading, Rooms
from gateway.desk.sessions import Sessions
from gateway.desk.templates import Templates
from gateway.desk.times import from_fields, zones
from gateway.desk.views import ALERTS, entry_view, ticket_view
from gateway.domain.changes import LANGUAGES, OPERATOR_PHASES, Entry, read_changes, read_rate, read_why
from gateway.domain.help_desk import read_number
from gateway.domain.limits import NAMES
from gateway.domain.numbers import format_number
from gateway.domain.room import Ending, Phase
from gateway.domain.what_if import what_if
from gateway.errors import AntreanError, MistypedNumber
from gateway.store.line import Line

AUDIT_SHOWN = 10
STEEP = 2.0  # times the rate: caches are cold, and who is let in stays
ASK_TWICE = (Phase.CLOSED, Phase.BYPASS)

Handler = Callable[[Request], Awaitable[Response]]
Form = dict[str, str]


class Pages:
    """The handlers of what a person sees, sign-in apart."""

    def __init__(self, rooms: Rooms, sessions: Sessions, templates: Templates) -> None:
        self._rooms = rooms
        self._sessions = sessions
        self._templates = templates

    def routes(self) -> list[Route]:
        """One route for each path and method."""
        return [
            Route("/", self.desk, methods=["GET"]),
            Route("/rooms/{room}/change", self.change, methods=["POST"]),
            Route("/rooms/{room}/undo/{revision:int}", self.undo, methods=["POST"]),
            Route("/rooms/{room}/ticket", self.ticket, methods=["GET"]),
            Route("/rooms/{room}/tickets/{number:int}/withdraw", self.withdraw, methods=["POST"]),
            Route("/rooms/{room}/tickets/{number:int}/reinstate", self.reinstate, methods=["POST"]),
        ]

    async def desk(self, request: Request) -> Response:
        """Every room."""
        return await self.show(request)

    async def change(self, request: Request) -> Response:
        """A form that changes one or more knobs; what opens or shuts the doors to all is asked twice."""
        room = str(request.path_params["room"])
        form = await read_form(request)
        try:
            line = await self._rooms.line(room)
            changes = read_changes(_asked(form))
            why = read_why(form.get("why", ""))
            if form.get("confirmed") != "yes" and (asked := await self._asking(line, form, changes)):
                return await self.ask_again(request, room, form, asked)
            if minutes := form.get("over_minutes", "").strip("0 "):
                order = {"kind": "ramp", "to_per_minute": form.get("rate_per_minute"), "over_minutes": minutes}
                await steering.order(line, order, actor=caller_of(request).name)
                return back(room, changed=0)
            expected = int(form["revision"]) if form.get("revision", "").isdecimal() else None
            before = await line.refresh()
            after = await actions.change(
                line, changes, actor=caller_of(request).name, why=why, expected_revision=expected
            )
            if after.revision == before.revision:
                raise Refusal(409, "unchanged", "it is so already: nothing was changed")
        except AntreanError as error:
            return await self.show(request, room=room, error=refusal_of(error), typed=form)
        return back(room, changed=after.revision)

    async def undo(self, request: Request) -> Response:
        """Take one change back."""
        room, revision = str(request.path_params["room"]), int(request.path_params["revision"])
        try:
            line = await self._rooms.line(room)
            _, after = await actions.undo(line, revision, actor=caller_of(request).name, why="")
        except AntreanError as error:
            return await self.show(request, room=room, error=refusal_of(error))
        return back(room, changed=after.revision)

    async def ticket(self, request: Request) -> Response:
        """The help desk: where a ticket is."""
        room, typed = str(request.path_params["room"]), request.query_params.get("number", "")
        try:
            line = await self._rooms.line(room)
            ticket = await actions.look(line, read_number(typed))
        except MistypedNumber as error:
            refusal = Refusal(422, "mistyped-number", str(error))
            return await self.show(request, room=room, error=refusal, typed={"number": typed})
        except AntreanError as error:
            return await self.show(request, room=room, error=refusal_of(error), typed={"number": typed})
        return self._templates.page(
            request,
            "desk_ticket.html.j2",
            room=self._rooms.settings[room],
            ticket=ticket_view(ticket),
            **self._common(request),
        )

    async def withdraw(self, request: Request) -> Response:
        """Give a place up on the visitor's behalf."""
        return await self._act_on_ticket(request, actions.withdraw)

    async def reinstate(self, request: Request) -> Response:
        """Give it back."""
        return await self._act_on_ticket(request, actions.reinstate)

    async def _act_on_ticket(self, request: Request, action: Callable[..., Awaitable[actions.Ticket]]) -> Response:
        room, number = str(request.path_params["room"]), int(request.path_params["number"])
        try:
            await action(await self._rooms.line(room), number, actor=caller_of(request).name)
        except AntreanError as error:
            return await self.show(request, room=room, error=refusal_of(error))
        query = urlencode({"number": format_number(number)})
        return RedirectResponse(f"/rooms/{quote(room)}/ticket?{query}", 303)

    async def _asking(self, line: Line, form: Form, changes: Mapping[str, object]) -> str:
        """What must be looked at before it is done: "phase", "rate", "message"; else ""."""
        if changes.get("phase") in ASK_TWICE:
            return "phase"
        if form.get("ask") and "message" in changes:
            return "message"
        if "rate_per_minute" not in changes:
            return ""
        rate, now = changes["rate_per_minute"], await line.refresh()
        assert isinstance(rate, float)
        steep = rate > STEEP * now.knobs.rate_per_minute > 0 or (rate == 0 and now.present > 0)
        return "rate" if form.get("ask") or steep or what_if(now, rate).over_ceiling else ""

    async def ask_again(
        self, request: Request, room: str, form: Form, asked: str, *, action: str = "change"
    ) -> Response:
        """What it will do, in numbers, with a button that does it. Raises Refusal."""
        reading = await self._rooms.read(room)
        view = reading.view()
        if view is None:
            raise reading.problem or Refusal(503, "store-trouble", "the room could not be read")
        return self._templates.page(
            request,
            "desk_confirm.html.j2",
            room=view,
            asked=asked,
            action=action,
            what=await what_if_view(self._rooms, room, read_rate(form["rate_per_minute"]))
            if asked == "rate"
            else {},
            form={name: value for name, value in form.items() if name not in ("csrf", "ask", "confirmed")},
            **self._common(request),
        )

    def page(self, request: Request, template: str, **values: Any) -> Response:
        """One of the desk's pages."""
        return self._templates.page(request, template, **values, **self._common(request))

    async def show(
        self, request: Request, *, room: str = "", error: Refusal | None = None, typed: Form | None = None
    ) -> Response:
        """The desk, with what went wrong, if anything did."""
        changed = request.query_params.get("changed", "")
        span = request.query_params.get("span", "10m")
        span = span if span in SPANS else "10m"
        rooms = [
            await self._room(
                reading, changed if request.query_params.get("room") == reading.settings.id else "", span
            )
            for reading in await self._rooms.read_all()
        ]
        known = room in self._rooms.settings
        return self._templates.page(
            request,
            "desk.html.j2",
            status=error.status if error else 200,
            rooms=rooms,
            error=error,
            error_room=room if known else "",
            typed=typed or {},
            phases=[str(phase) for phase in OPERATOR_PHASES],
            message_languages=LANGUAGES,
            limit_names=NAMES,
            endings=[str(ending) for ending in Ending],
            zones=zones(datetime.now().astimezone()),
            alert_names=ALERTS,
            span=span,
            spans=list(SPANS),
            **self._common(request),
        )

    async def _room(self, reading: Reading, changed: str, span: str) -> dict[str, Any]:
        entries: list[Entry] = []
        drawn: list[Chart] = []
        if reading.problem is None:
            try:
                line = await self._rooms.line(reading.settings.id)
                entries = await actions.entries(line, AUDIT_SHOWN)
                drawn = await charts(line, span)
            except AntreanError:  # the reading already tells of a store in trouble, or the next one will
                entries = []
        just_made = [entry for entry in entries if changed and str(entry.revision) == changed]
        return {
            "id": reading.settings.id,
            "name": reading.settings.name,
            "origin": reading.settings.origin,
            "problem": reading.problem,
            "age_s": reading.age_s,
            "now": reading.view(),
            "charts": drawn,
            "entries": [entry_view(entry) for entry in entries],
            "changed": entry_view(just_made[0]) if just_made else None,
        }

    def _common(self, request: Request) -> dict[str, Any]:
        caller = caller_of(request)
        csrf = self._sessions.csrf(caller.session) if caller.session else ""
        return {"csrf": csrf, "viewer": caller.role is Role.VIEWER, "who": caller.name}


async def read_form(request: Request) -> Form:
    """The fields of an urlencoded form; of a repeated one the last value."""
    body = await request.body()
    try:
        fields = parse_qs(body.decode("utf-8", "replace"), keep_blank_values=True, max_num_fields=50)
    except ValueError:
        return {}
    return {name: values[-1] for name, values in fields.items()}


def _asked(form: Form) -> dict[str, object]:
    """The knobs that the form sets. A message form always carries every language."""
    asked: dict[str, object] = {
        name: form[name]
        for name in ("rate_per_minute", "ceiling", "phase", "ending", "daily_quota", "total_quota")
        if name in form
    }
    for name in ("opens_at", "closes_at"):
        if name in form:
            asked[f"{name}_ms"] = from_fields(form, name)
    message = {language: form[f"message_{language}"] for language in LANGUAGES if f"message_{language}" in form}
    if message:
        asked["message"] = message
    return asked


def caller_of(request: Request) -> Caller:
    """Who asks."""
    caller: Caller = request.state.caller
    return caller


def back(room: str, *, changed: int) -> Response:
    """To the desk, which tells what revision ``changed`` did."""
    query = urlencode({"room": room, "changed": changed})
    return RedirectResponse(f"/?{query}#{quote(room)}", 303)
