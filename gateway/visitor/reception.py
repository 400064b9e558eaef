"""Carries out what ``decide()`` decided: an answer of ours, or onward to the origin."""

from __future__ import annotations

import time
from dataclasses import dataclass, replace

from gateway.domain.admission import (
    BypassLine,
    CheckIn,
    Decision,
    Join,
    PassThrough,
    Refuse,
    ShowClosed,
    ShowTrouble,
)
from gateway.domain.credentials import Pass, Stamp, Ticket, renew
from gateway.domain.passes import let_past
from gateway.domain.paths import safe_return
from gateway.errors import LineClosed, StoreError
from gateway.store.line import State
from gateway.visitor import newcomers, pages, standing
from gateway.visitor.answers import Answer, problem, see_other
from gateway.visitor.pages import Header, presumed_state
from gateway.visitor.requests import Request
from gateway.visitor.rooms import VisitorRoom
from gateway.visitor.standing import ENDED, Standing, bound_for, describe

# Past the hard limit, so that we see that the visit is over; without it, the ticket alone would begin another.
PASS_KEPT_S = 86_400

_DETAILS = {
    "no-ticket": "There is a line in front of this site. Open it as a page in a browser to take a number.",
    "waiting": "You are in line and not let in yet. Check in, and come back with the pass.",
    "idle": "The pass was not used for too long. Open the site as a page in a browser to return.",
    "expired": "The pass is beyond its time. Open the site as a page in a browser to take a new number.",
    "finished": "The pass was given back at the end of the visit. Open the site as a page to come again.",
    "closed": "The site is closed.",
    "line": "There is a line of people in front of this site at the moment.",
    "store-unreachable": "We have a problem of our own. Your place is kept; try again.",
}
_NOT_BELIEVED = "What was carried here is not valid. Open the site as a page in a browser to take a number."


@dataclass(frozen=True, slots=True)
class Onward:
    """To the origin, with these cookies on the reply."""

    visitor_pass: Pass
    headers: tuple[Header, ...] = ()


async def receive(
    room: VisitorRoom, request: Request, decision: Decision, now_s: float, *, return_to: str | None = None
) -> Answer | Onward:
    """What a visitor gets. Raises nothing that the store does: its trouble is a page too.

    ``return_to``: where the visitor wants to go, if that is not the address of the request itself.
    """
    match decision:
        case PassThrough(visitor_pass, renew=due):
            room.uses.use(visitor_pass)
            return Onward(*renewed(room, request, visitor_pass, now_s)) if due else Onward(visitor_pass)
        case BypassLine():
            visitor_pass = bypass_pass(room, now_s)
            return Onward(visitor_pass, pass_headers(room, request, visitor_pass, now_s))
        case Join():
            return await _join(room, request, return_to or own_address(request), now_s)
        case CheckIn(ticket, held):
            bound = bound_for(ticket, return_to or own_address(request))
            return await _check_in(room, request, bound, held, now_s)
        case ShowClosed(last_call=True) if isinstance(room.read_stamp(request, now_s), Stamp):
            return await _join(
                room, request, return_to or own_address(request), now_s
            )  # came before it was called
        case ShowClosed():
            return pages.closed(room, request)
        case ShowTrouble(ticket):
            wanted = return_to or own_address(request)
            if ticket is None and not isinstance(room.read_stamp(request, now_s), Stamp):
                stopped = newcomers.stopped(room, request, wanted, now_s)  # a stamp becomes a number
                if stopped is not None:
                    return stopped
            return _without_store(room, request, ticket, wanted, now_s)
        case Refuse():
            return refusal(room, decision)


def own_address(request: Request) -> str:
    """The address of a request, to come back to."""
    return safe_return(request.raw_path, pages.without_language(request.query))


async def _join(room: VisitorRoom, request: Request, return_to: str, now_s: float) -> Answer | Onward:
    stamp = room.read_stamp(request, now_s)
    if not isinstance(stamp, Stamp):
        return await _take_number(room, request, return_to, now_s)
    try:
        ticket = await standing.redeem(room, stamp, now_s)
    except LineClosed:
        return pages.closed(room, request)
    except StoreError:
        return _without_store(room, request, None, return_to, now_s)
    return await _check_in(room, request, bound_for(ticket, return_to), None, now_s)


async def _take_number(room: VisitorRoom, request: Request, return_to: str, now_s: float) -> Answer | Onward:
    if (stopped := newcomers.stopped(room, request, return_to, now_s)) is not None:
        return stopped
    try:
        stands = await standing.join(room, return_to, now_s)
    except LineClosed:
        return pages.closed(room, request)
    except StoreError:
        return _without_store(room, request, None, return_to, now_s)
    if stands.visitor_pass is not None:
        return _let_in(room, request, stands, stands.visitor_pass, now_s)
    return pages.newcomer(room, request, *credential_headers(room, request, stands, now_s))


def _let_in(room: VisitorRoom, request: Request, stands: Standing, visitor_pass: Pass, now_s: float) -> Onward:
    """Onward with the pass.

    A request for the site itself may be the only page of the visit: who fills it in for ten minutes is not to find
    the pass lapsed as unused. The place inside still lapses after three if nothing comes with the pass: crawlers.
    """
    if not request.raw_path.startswith(b"/_queue/"):
        visitor_pass = renew(visitor_pass, now_s)
        stands = replace(stands, visitor_pass=visitor_pass)
    return Onward(visitor_pass, credential_headers(room, request, stands, now_s))


async def _check_in(
    room: VisitorRoom, request: Request, ticket: Ticket, held: Pass | None, now_s: float
) -> Answer | Onward:
    try:
        stands = await standing.check_in(room, ticket, held, now_s)
    except StoreError:
        return pages.trouble(room, request, ticket)
    if stands.state in ENDED:
        return await _take_number(room, request, ticket.return_to, now_s)
    if stands.state is State.CLOSED:
        return pages.closed(room, request)
    if stands.state is State.MOVED:
        return see_other(f"/_queue/{room.id}/move")
    if stands.visitor_pass is not None:
        return _let_in(room, request, stands, stands.visitor_pass, now_s)
    headers = credential_headers(room, request, stands, now_s)
    return pages.standing(room, request, stands, *headers)


def _without_store(
    room: VisitorRoom, request: Request, ticket: Ticket | None, return_to: str, now_s: float
) -> Answer | Onward:
    """The page of our trouble, with a stamp for who has no ticket; or in, if the room admits alone."""
    if ticket is not None:
        alone = standing.admitted_alone(room, bound_for(ticket, return_to), now_s)
        if alone is None or alone.visitor_pass is None:
            return pages.trouble(room, request, ticket)
        return _let_in(room, request, alone, alone.visitor_pass, now_s)
    if room.admits_alone(None, time.monotonic()):
        visitor_pass = bypass_pass(room, now_s)
        return Onward(visitor_pass, pass_headers(room, request, visitor_pass, now_s))
    return pages.trouble(room, request, None, *stamp_headers(room, request, return_to, now_s))


def stamp_headers(room: VisitorRoom, request: Request, return_to: str, now_s: float) -> tuple[Header, ...]:
    """A stamp for somebody who comes while the store is away; nothing for who has one, or where none is given."""
    if isinstance(room.read_stamp(request, now_s), Stamp):
        return ()
    if room.snapshot is not None and not room.snapshot.phase.issues_tickets:
        return ()
    instance, block, index = room.line.stamp()
    token = room.keyring.sign_stamp(Stamp(room.id, instance, block, index, int(now_s), return_to))
    cookie = room.cookies(request).set_ticket(token)
    return (cookie, (b"antrean-ticket", token.encode())) if request.has(b"antrean-ticket") else (cookie,)


def credential_headers(room: VisitorRoom, request: Request, stands: Standing, now_s: float) -> tuple[Header, ...]:
    """The ticket, and the pass if there is one, as cookies; as headers too for who carries them so."""
    token = room.keyring.sign_ticket(stands.ticket)
    headers: tuple[Header, ...] = (room.cookies(request).set_ticket(token),)
    if request.has(b"antrean-ticket"):
        headers = (*headers, (b"antrean-ticket", token.encode()))
    if stands.visitor_pass is None:
        return headers
    return headers + pass_headers(room, request, stands.visitor_pass, now_s)


def pass_headers(room: VisitorRoom, request: Request, visitor_pass: Pass, now_s: float) -> tuple[Header, ...]:
    token = room.keyring.sign_pass(visitor_pass)
    cookie = room.cookies(request).set_pass(token, visitor_pass.hard_limit_s - int(now_s) + PASS_KEPT_S)
    if request.has(b"antrean-ticket") or request.has(b"antrean-pass"):
        return cookie, (b"antrean-pass", token.encode())
    return (cookie,)


def renewed(
    room: VisitorRoom, request: Request, visitor_pass: Pass, now_s: float
) -> tuple[Pass, tuple[Header, ...]]:
    """The pass with fresh idle time, and the headers that hand it out."""
    fresh = renew(visitor_pass, now_s)
    return fresh, pass_headers(room, request, fresh, now_s)


def bypass_pass(room: VisitorRoom, now_s: float) -> Pass:
    """A pass that is good after the bypass too, so that its end interrupts nobody."""
    snapshot = room.snapshot
    assert snapshot is not None  # nobody knows of a bypass without one
    return let_past(room.id, snapshot.instance, snapshot.generation, now_s)


def refusal(room: VisitorRoom, decision: Refuse) -> Answer:
    """The short answer for programs, with their ticket's state if they have one."""
    detail = _DETAILS.get(decision.reason, _NOT_BELIEVED)
    more = {}
    if decision.ticket is not None:
        state = presumed_state(decision.ticket, room.snapshot)
        more["ticket"] = describe(Standing(decision.ticket, state), room.snapshot)
    return problem(decision.status, decision.reason, detail, retry_after_s=decision.retry_after_s, **more)
