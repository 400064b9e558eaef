"""The gate: the public listener's ASGI app. Our own calls by raw path, everything else by its room."""

from __future__ import annotations

import contextlib
import json
import time
from collections.abc import Coroutine, Mapping
from functools import partial
from typing import Any

import structlog
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from gateway.domain.admission import (
    BypassLine,
    CheckIn,
    Decision,
    Facts,
    Join,
    PassThrough,
    Refuse,
    RequestFacts,
    decide,
)
from gateway.domain.credentials import Pass
from gateway.domain.overload import Who
from gateway.domain.paths import PathRules, safe_return_text
from gateway.errors import AmbiguousPath, CredentialError
from gateway.overload import Overload
from gateway.visitor.answers import Answer, json_answer, not_allowed, problem, see_other
from gateway.visitor.check_in import Call, CheckInCalls
from gateway.visitor.counting import count_request, counting_requests
from gateway.visitor.draw_page import DrawCalls
from gateway.visitor.extras import extra_calls
from gateway.visitor.forward_auth import PATH as AUTHORIZE
from gateway.visitor.forward_auth import ForwardAuth
from gateway.visitor.look import Logo, icon
from gateway.visitor.move_page import MoveCalls
from gateway.visitor.move_view import move_view
from gateway.visitor.onward import VisitorHeader, pass_free, pass_on
from gateway.visitor.pages import chosen_language, kept_language
from gateway.visitor.pulse import Pulse
from gateway.visitor.reception import Onward
from gateway.visitor.reception import receive as receive_visitor
from gateway.visitor.rehearsal import MarkCalls, Rehearsals, refusal
from gateway.visitor.requests import Request, query_value
from gateway.visitor.rooms import Places, VisitorRoom
from gateway.visitor.turned_away import TurnedAway

OURS = b"/_queue/"
ICON = b"/favicon.ico"  # browsers ask for it by themselves: it takes no number
AUTHORIZE_BEHIND = AUTHORIZE + b"/"

log = structlog.get_logger(__name__)


class Gate:
    """ASGI app for http and websocket scopes (lifespan is the composition root's).

    ``rules`` place a path in one of ``rooms``; ``public_url`` is where visitors find us, if the settings say.
    """

    def __init__(
        self,
        rooms: Mapping[str, VisitorRoom],
        rules: PathRules,
        *,
        public_url: str | None = None,
        turned_away: TurnedAway | None = None,
        overload: Overload | None = None,
    ) -> None:
        self._rooms = rooms
        self._places = Places(rules)
        self._secure = None if public_url is None else public_url.startswith("https:")
        self._overload = overload
        self._turned_away = turned_away
        self._rehearsals = Rehearsals(rooms.values())
        self._visitors = {room_id: VisitorHeader(room) for room_id, room in rooms.items()}
        self._rooms_of_calls: dict[bytes, VisitorRoom] = {}  # of the calls that ask for something of one's own
        self._calls = self._public_calls((public_url or "").encode())

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "websocket":
            await self._websocket(scope, receive, send)
            return
        outcome = await self._answer(scope, receive)
        if isinstance(outcome, Answer):
            await outcome.send(send)
        else:
            await outcome(scope, receive, send)

    def direct(self, scope: Scope) -> Coroutine[Any, Any, Answer | ASGIApp]:
        """The same for a request without a body, as ``gateway.direct`` wants it."""
        return self._answer(scope, _no_body)

    async def _answer(self, scope: Scope, receive: Receive) -> Answer | ASGIApp:
        """What a request is answered, or the app that answers it: the way to the origin."""
        raw_path = scope.get("raw_path") or scope["path"].encode()
        call = self._calls.get(raw_path)
        try:
            if call is not None:
                if self._overload is not None and self._overload.is_counting:
                    spared = self._spared(raw_path, scope)
                    if spared is not None:
                        return spared
                return await call(scope, receive)
            if raw_path.startswith(OURS):
                if raw_path.startswith(AUTHORIZE_BEHIND):
                    return await self._calls[AUTHORIZE](scope, receive)
                return self._unknown_call(raw_path, Request(scope, secure=self._secure))
            return await self._site(raw_path, scope)
        except Exception:
            # Whatever it is, the visitor is told that it is our fault, and may try again.
            log.exception("a request failed", path=raw_path.decode("latin-1"))
            return _BROKEN

    def _public_calls(self, public_origin: bytes) -> dict[bytes, Call]:
        """Every public call by its raw path: found before anything of the request is looked at."""
        calls: dict[bytes, Call] = {
            OURS + b"health": self._health,
            AUTHORIZE: ForwardAuth(
                self._rooms, self._places, self._visitors, self._rehearsals, secure=self._secure
            ),
        }
        for room in self._rooms.values():
            prefix = OURS + room.id.encode() + b"/"
            in_room = CheckInCalls(room, secure=self._secure, public_origin=public_origin)
            calls[prefix + b"pulse"] = _pulse_call(room)
            calls[prefix + b"wait"] = self._wait_call(room)
            calls[prefix + b"move"] = MoveCalls(room, secure=self._secure, public_origin=public_origin)
            calls |= {prefix + name: call for name, call in extra_calls(room.settings).items()}
            draw = DrawCalls(room, secure=self._secure)
            calls[prefix + b"draw"], calls[prefix + b"draw.json"] = draw.page, draw.export
            if room.settings.rehearses:
                marks = MarkCalls(room, secure=self._secure)
                calls[prefix + b"begin"], calls[prefix + b"end"] = marks.begin, marks.end
            if room.settings.logo:
                calls[prefix + b"logo"] = Logo(room.settings)
            for name, call in in_room.by_name().items():
                calls[prefix + name.encode()] = call
                self._rooms_of_calls[prefix + name.encode()] = room
        return calls

    async def _site(self, raw_path: bytes, scope: Scope) -> Answer | ASGIApp:
        request = Request(scope, secure=self._secure)
        try:
            place = self._places.place(raw_path, request.header(b"host"))
        except AmbiguousPath as error:
            return problem(400, "ambiguous-path", str(error))
        if place is None:
            return self._lost(request, "no-room", "No room protects this path at this host.")
        now_s = time.time()
        if not place.protected:
            return _guarded(partial(pass_free, self._rooms[place.room]))
        room = self._rehearsals.room_for(self._rooms[place.room], request, now_s)
        if isinstance(room, Answer):
            return room
        decision = self._decide(room, request, now_s)
        if raw_path == ICON and not isinstance(decision, PassThrough | BypassLine):
            return icon(room.settings)
        if (refused := self._turns_away(room, request, decision, now_s)) is not None:
            return refused
        outcome = await receive_visitor(room, request, decision, now_s)
        if isinstance(outcome, Onward):
            return _guarded(self._onward(room, request, outcome, now_s))
        count_request(room.line, "refused" if isinstance(decision, Refuse) else "page")
        return outcome

    def _spared(self, raw_path: bytes, scope: Scope) -> Answer | None:
        """The answer for who carries what looks like a pass and is none: the server believed the look of it."""
        overload, turned_away, room = self._overload, self._turned_away, self._rooms_of_calls.get(raw_path)
        if overload is None or turned_away is None or room is None:
            return None
        request = Request(scope, secure=self._secure)
        who = Who.NEWCOMER if raw_path.endswith(b"/join") else Who.WAITING
        if not isinstance(room.read_pass(request, time.time()), CredentialError) or not overload.turns_away(who):
            return None
        return turned_away.answer(request, overload.severity)

    def _turns_away(self, room: VisitorRoom, request: Request, decision: Decision, now_s: float) -> Answer | None:
        """The answer for who carries what looks like a pass and is none; all others the server has judged."""
        overload = self._overload
        if overload is None or self._turned_away is None or not overload.is_counting:
            return None
        who = _WHO.get(type(decision), Who.INSIDE)
        if who is Who.INSIDE or room.read_pass(request, now_s) is None or not overload.turns_away(who):
            return None
        return self._turned_away.answer(request, overload.severity)

    def _decide(self, room: VisitorRoom, request: Request, now_s: float, facts: Facts | None = None) -> Decision:
        visitor_pass = room.read_pass(request, now_s)
        inside = isinstance(visitor_pass, Pass) and not visitor_pass.is_idle(now_s)
        return decide(
            facts or request,
            snapshot=room.snapshot,
            reachable=room.line.reachable,
            # A ticket has no say when there is a good pass: its signature need not be checked.
            ticket=None if inside else room.read_ticket(request, now_s),
            visitor_pass=visitor_pass,
            now_s=now_s,
        )

    def _onward(self, room: VisitorRoom, request: Request, onward: Onward, now_s: float) -> ASGIApp:
        visitor = self._visitors[room.id].value(onward.visitor_pass, now_s)
        cookies = room.cookies(request)
        return partial(pass_on, room, visitor, onward.visitor_pass, cookies, onward.headers)

    async def _websocket(self, scope: Scope, receive: Receive, send: Send) -> None:
        """A websocket goes on with a pass, or from a free path; there is no page to show in one."""
        request = Request(scope, secure=self._secure)
        try:
            place = self._places.place(request.raw_path, request.header(b"host"))
        except AmbiguousPath:
            place = None
        if place is not None and not request.raw_path.startswith(OURS):
            now_s = time.time()
            if not place.protected:
                await pass_free(self._rooms[place.room], scope, receive, send)
                return
            room = self._rehearsals.room_for(self._rooms[place.room], request, now_s)
            if not isinstance(room, Answer):
                decision = self._decide(room, request, now_s, _NO_PAGE)
                outcome = await receive_visitor(room, request, decision, now_s)
                if isinstance(outcome, Onward):
                    await self._onward(room, request, outcome, now_s)(scope, receive, send)
                    return
        await receive()
        await send({"type": "websocket.close", "code": 1008, "reason": "no pass"})  # the server answers 403

    def _wait_call(self, room: VisitorRoom) -> Call:
        """``GET /_queue/{room}/wait?to=/path``: the line itself, for a site behind another proxy."""

        async def wait(scope: Scope, receive: Receive) -> Answer:
            request = Request(scope, secure=self._secure)
            if request.method not in ("GET", "POST"):
                return not_allowed("GET", "POST")
            count_request(room.line, "wait")
            now_s = time.time()
            if (refused := refusal(room, request, now_s)) is not None:
                return refused
            return_to = _wanted(request.query)
            decision = self._decide(room, request, now_s)
            if (turned_away := self._turns_away(room, request, decision, now_s)) is not None:
                return turned_away
            outcome = await receive_visitor(room, request, decision, now_s, return_to=return_to)
            if isinstance(outcome, Onward):
                return see_other(return_to, *outcome.headers)
            return outcome

        return wait

    async def _health(self, scope: Scope, receive: Receive) -> Answer:
        """This worker serves; what it knows of the store is in the body."""
        if scope["method"] not in ("GET", "HEAD"):
            return not_allowed("GET")
        reachable = all(room.line.reachable for room in self._rooms.values())
        overloaded = self._overload is not None and self._overload.severity > 0
        body = {
            "status": "ok", "store": "reachable" if reachable else "unreachable", "overloaded": overloaded,
        }  # fmt: skip
        return json_answer(200, json.dumps(body).encode())

    def _unknown_call(self, raw_path: bytes, request: Request) -> Answer:
        room_id = raw_path[len(OURS) :].partition(b"/")[0].decode("latin-1")
        if room_id in self._rooms:
            return self._lost(
                request, "unknown-call", "The calls are pulse, join, check-in, ticket, leave, move and draw."
            )
        return self._lost(request, "unknown-room", f"There is no room {room_id[:40]!r} here.")

    def _lost(self, request: Request, reason: str, detail: str) -> Answer:
        """An address that is none: a page for people, in the look of the room that they most likely look for."""
        if not request.navigation:
            return problem(404, reason, detail)
        room = self._rooms.get(request.raw_path[len(OURS) :].partition(b"/")[0].decode("latin-1"))
        room = room or next(room for room in self._rooms.values() if not room.settings.rehearses)
        home = (*room.settings.paths, "/")[0]
        return move_view(room.settings, chosen_language(room, request), "lost", *kept_language(request), home=home)


def _pulse_call(room: VisitorRoom) -> Call:
    pulse = Pulse(room.line)
    count = counting_requests(room.line, "pulse")

    async def call(scope: Scope, receive: Receive) -> Answer:
        if scope["method"] not in ("GET", "HEAD"):
            return not_allowed("GET")
        count()
        return pulse.answer()

    return call


def _guarded(app: ASGIApp) -> ASGIApp:
    """``app``, whose failure is told as our fault."""

    async def guarded(scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await app(scope, receive, send)
        except Exception:
            log.exception("a request failed", path=scope["path"])
            with contextlib.suppress(RuntimeError):  # the reply had begun: the server cuts it off
                await _BROKEN.send(send)

    return guarded


async def _no_body() -> Message:
    return {"type": "http.request", "body": b"", "more_body": False}


def _wanted(query: bytes) -> str:
    """The address in ``to``, if it is one of this site."""
    return safe_return_text(query_value(query, "to")) or "/"


_WHO = {Join: Who.NEWCOMER, CheckIn: Who.WAITING}
_NO_PAGE = RequestFacts(navigation=False, safe=True)
_BROKEN = problem(503, "broken", "We have a problem of our own. Try again.", retry_after_s=5)
