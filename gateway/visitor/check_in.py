"""The calls of the waiting page and of programs: join, check-in, ticket, leave.

Each is a POST (ticket: GET) under ``/_queue/{room}/``, answers JSON, and changes nothing when another
site made the browser send it.
"""

from __future__ import annotations

import json
import time
from collections.abc import Awaitable, Callable

from starlette.types import Receive, Scope

from gateway.domain.admission import believed, place_of
from gateway.domain.credentials import Pass, Stamp, Ticket
from gateway.domain.paths import safe_return_text
from gateway.domain.room import Phase
from gateway.errors import (
    CredentialError,
    ExpiredCredential,
    LineClosed,
    OtherLineCredential,
    StoreError,
    StoreUnreachable,
)
from gateway.store.line import State
from gateway.visitor import newcomers, pages, standing
from gateway.visitor.answers import Answer, json_answer, not_allowed, problem, see_other
from gateway.visitor.body import BodyTooLarge, read_body
from gateway.visitor.counting import counting_requests
from gateway.visitor.pages import Header
from gateway.visitor.reception import bypass_pass, credential_headers, pass_headers, stamp_headers
from gateway.visitor.rehearsal import refusal
from gateway.visitor.requests import Request
from gateway.visitor.rooms import VisitorRoom
from gateway.visitor.standing import ENDED, Standing, describe_json

Call = Callable[[Scope, Receive], Awaitable[Answer]]
Work = Callable[[Request, Scope, Receive, float], Awaitable[Answer]]

BODY_BYTES = 4096
_AUTHENTICATE = (b"www-authenticate", b"Antrean")


class CheckInCalls:
    """One room's calls. ``secure`` and ``public_origin``: where the settings know the visitor's side."""

    def __init__(self, room: VisitorRoom, *, secure: bool | None, public_origin: bytes) -> None:
        self._room = room
        self._secure = secure
        self._public_origin = public_origin

    def by_name(self) -> dict[str, Call]:
        """Each call by the last part of its path."""
        return {
            "join": self._serve("join", "POST", self.join),
            "check-in": self._serve("check-in", "POST", self.check_in),
            "ticket": self._serve("ticket", "GET", self.ticket),
            "leave": self._serve("leave", "POST", self.leave),
        }

    def _serve(self, name: str, method: str, work: Work) -> Call:
        count = counting_requests(self._room.line, name)

        async def call(scope: Scope, receive: Receive) -> Answer:
            count()
            request = Request(scope, secure=self._secure)
            if request.method != method:
                return not_allowed(method)
            if method == "POST" and request.is_cross_site(self._public_origin):
                return problem(403, "cross-site", "This call is for pages of this site only.")
            now_s = time.time()
            if (refused := refusal(self._room, request, now_s)) is not None:
                return refused
            try:
                return await work(request, scope, receive, now_s)
            except LineClosed:
                return problem(401, "closed", "The room closed before this stamp had a number.", _AUTHENTICATE)
            except StoreError:
                return _trouble(self._room.retry_trouble_s())

        return call

    async def join(self, request: Request, scope: Scope, receive: Receive, now_s: float) -> Answer:
        """Take a number, or say where the one stands that the visitor has."""
        try:
            return_to = return_address(await read_body(scope, receive, BODY_BYTES))
        except BodyTooLarge:
            return problem(413, "body-too-large", f"The body may have {BODY_BYTES} bytes at most.")
        except ValueError as error:
            return problem(400, "bad-body", str(error))
        try:
            ticket, held, _ = await self._redeemed(request, now_s)
        except LineClosed as error:
            return problem(409, "closed", f"No numbers are given out: the room is in {error.phase}.")
        stands = None
        if isinstance(ticket, Ticket):
            stands = await standing.check_in(self._room, ticket, held, now_s)
        status = 200
        if stands is None or stands.state in ENDED or stands.state is State.MOVED:
            status = 201
            if (stopped := newcomers.stopped(self._room, request, return_to, now_s)) is not None:
                return stopped
            try:
                stands = self._bypassed(await standing.join(self._room, return_to, now_s), now_s)
            except LineClosed as error:
                return problem(409, "closed", f"No numbers are given out: the room is in {error.phase}.")
            except StoreUnreachable:
                headers = stamp_headers(self._room, request, return_to, now_s)
                return _trouble(self._room.retry_trouble_s(), *headers)
        headers = credential_headers(self._room, request, stands, now_s)
        if request.wants_html():
            return see_other(stands.ticket.return_to, *headers)
        body = describe_json(stands, self._room.snapshot, self._room.spread_poll_s)
        return json_answer(status, body, *headers)

    async def check_in(self, request: Request, scope: Scope, receive: Receive, now_s: float) -> Answer:
        """I am here: marks presence, and takes the pass when it is this visitor's turn."""
        ticket, held, cookies = await self._redeemed(request, now_s)
        if not isinstance(ticket, Ticket):
            return self._no_ticket(request, ticket, now_s)
        snapshot = self._room.snapshot
        if snapshot is not None and snapshot.phase is Phase.BYPASS:
            stands = self._bypassed(Standing(ticket, State.WAITING), now_s)
        else:
            stands = await standing.check_in(self._room, ticket, held, now_s)
        body = describe_json(stands, self._room.snapshot, self._room.spread_poll_s)
        if stands.visitor_pass is None:
            return json_answer(200, body, *cookies)
        return json_answer(200, body, *cookies, *pass_headers(self._room, request, stands.visitor_pass, now_s))

    async def ticket(self, request: Request, scope: Scope, receive: Receive, now_s: float) -> Answer:
        """The same answer, without marking presence or claiming."""
        ticket, held, cookies = await self._redeemed(request, now_s)
        if not isinstance(ticket, Ticket):
            return self._no_ticket(request, ticket, now_s)
        state = await self._room.line.look(ticket.number, returning=held is not None, device=ticket.device)
        return json_answer(200, describe_json(Standing(ticket, state), self._room.snapshot), *cookies)

    async def leave(self, request: Request, scope: Scope, receive: Receive, now_s: float) -> Answer:
        """Give the place up; both cookies are taken back."""
        ticket, held, _ = await self._redeemed(request, now_s)
        if not isinstance(ticket, Ticket):
            return self._no_ticket(request, ticket, now_s)
        if held is None and await self._room.line.look(ticket.number, device=ticket.device) is State.MOVED:
            stands = Standing(ticket, State.MOVED)  # not this device's to give up
            if request.wants_html():
                return see_other(f"/_queue/{self._room.id}/move")
            return json_answer(200, describe_json(stands, self._room.snapshot))
        await self._room.line.leave(ticket.number)
        cleared = self._room.cookies(request).clear()
        if request.wants_html():
            return pages.left(self._room, request, *cleared)
        stands = Standing(ticket, State.WITHDRAWN)
        return json_answer(200, describe_json(stands, self._room.snapshot), *cleared)

    def _carried(self, request: Request, now_s: float) -> tuple[Ticket | CredentialError | None, Pass | None]:
        """The ticket, if it leads anywhere, and the pass within its hard limit."""
        visitor_pass = self._room.read_pass(request, now_s)
        held = visitor_pass if isinstance(visitor_pass, Pass) else None
        ticket = believed(self._room.read_ticket(request, now_s), visitor_pass, self._room.snapshot)
        return place_of(ticket, held) or ticket, held

    async def _redeemed(
        self, request: Request, now_s: float
    ) -> tuple[Ticket | CredentialError | None, Pass | None, tuple[Header, ...]]:
        """As ``_carried``, and a stamp is exchanged for its ticket, whose cookie comes third.

        Raises StoreUnreachable, LineClosed.
        """
        ticket, held = self._carried(request, now_s)
        stamp = None if isinstance(ticket, Ticket) else self._room.read_stamp(request, now_s)
        if not isinstance(stamp, Stamp):
            return ticket, held, ()
        ticket = await standing.redeem(self._room, stamp, now_s)
        return ticket, held, credential_headers(self._room, request, Standing(ticket, State.WAITING), now_s)

    def _bypassed(self, stands: Standing, now_s: float) -> Standing:
        """In a bypass everyone passes, who waits in line as well."""
        snapshot = self._room.snapshot
        if snapshot is None or snapshot.phase is not Phase.BYPASS:
            return stands
        return Standing(stands.ticket, State.ADMITTED, bypass_pass(self._room, now_s))

    def _no_ticket(self, request: Request, refusal: CredentialError | None, now_s: float) -> Answer:
        """A ticket that was good once is answered as what it is; anything else is no ticket.

        Raises StoreUnreachable while the store is away: a page that came up in that trouble has no
        ticket yet, and is to ask again rather than to think that its cookies are refused.
        """
        if not self._room.line.reachable:
            raise StoreUnreachable("no numbers can be given out")
        if isinstance(refusal, OtherLineCredential | ExpiredCredential):
            old = self._room.read_old_ticket(request, now_s)
            if isinstance(old, Ticket):
                return json_answer(200, describe_json(Standing(old, State.EXPIRED), self._room.snapshot))
        reason = "no-ticket" if refusal is None else refusal.reason
        return problem(401, reason, "There is no valid ticket here: join first.", _AUTHENTICATE)


def return_address(body: bytes) -> str:
    """The address in a join's body, "/" without one. Raises ValueError, whose message is for the client."""
    if not body.strip():
        return "/"
    try:
        wanted = json.loads(body)
    except (ValueError, RecursionError):
        raise ValueError('The body must be empty, or JSON such as {"return_to": "/path"}.') from None
    named = wanted.get("return_to", "/") if isinstance(wanted, dict) else None
    address = safe_return_text(named) if isinstance(named, str) else None
    if address is None:
        raise ValueError("return_to must be a path of this site, such as /daftar.")
    return address


def _trouble(retry_after_s: int, *headers: Header) -> Answer:
    return problem(
        503,
        "store-unreachable",
        "We have a problem of our own. Your place is kept; ask again.",
        *headers,
        retry_after_s=retry_after_s,
    )
