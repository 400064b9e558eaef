"""The desk's forms about openings: announcing one, calling one off, entering the draw's public value."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from gateway.desk.pages import Form, Pages, back, caller_of, read_form
from gateway.desk.problem import refusal_of
from gateway.desk.rooms import Rooms
from gateway.desk.times import from_fields
from gateway.domain.changes import LANGUAGES, read_why
from gateway.domain.openings import read_opening
from gateway.errors import AntreanError
from gateway.store.line import Line
from gateway.store.openings import enter_entropy, schedule, unschedule

Act = Callable[[Request, Line, Form], Awaitable[object]]


class OpeningPages:
    """The handlers."""

    def __init__(self, rooms: Rooms, pages: Pages, keys: Sequence[str]) -> None:
        self._rooms = rooms
        self._pages = pages
        self._keys = keys

    def routes(self) -> list[Route]:
        """One route for each path and method."""
        room = "/rooms/{room}"
        acts: dict[str, Act] = {
            "/openings": self._announce,
            "/openings/{opening}/remove": _call_off,
            "/entropy": _enter,
        }
        return [Route(room + path, self._acting(act), methods=["POST"]) for path, act in acts.items()]

    async def _announce(self, request: Request, line: Line, form: Form) -> None:
        asked: dict[str, object] = {f"{name}_ms": from_fields(form, name) for name in ("opens_at", "closes_at")}
        asked |= {
            name: form[name] for name in ("ending", "order", "announced_entropy", "freeze_s") if name in form
        }
        asked["reason"] = {language: form.get(f"reason_{language}", "") for language in LANGUAGES}
        opening, why = read_opening(asked), read_why(form.get("why", ""))
        await schedule(line, opening, self._keys, actor=caller_of(request).name, why=why)

    def _acting(self, act: Act) -> Callable[[Request], Awaitable[Response]]:
        async def acted(request: Request) -> Response:
            room, form = str(request.path_params["room"]), await read_form(request)
            try:
                line = await self._rooms.line(room)
                await act(request, line, form)
                now = await line.refresh()
            except AntreanError as error:
                return await self._pages.show(request, room=room, error=refusal_of(error), typed=form)
            return back(room, changed=now.revision)

        return acted


async def _call_off(request: Request, line: Line, form: Form) -> None:
    await unschedule(line, str(request.path_params["opening"]), actor=caller_of(request).name)


async def _enter(request: Request, line: Line, form: Form) -> None:
    why = read_why(form.get("why", ""))
    await enter_entropy(line, form.get("entropy", "").strip(), actor=caller_of(request).name, why=why)
