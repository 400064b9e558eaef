"""Where a visitor stands: after joining or checking in, and how that is said."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from gateway.domain import estimate
from gateway.domain.credentials import Pass, Stamp, Ticket, format_number, new_nonce, renew
from gateway.domain.passes import admit
from gateway.domain.quota import left
from gateway.domain.room import Phase, Snapshot
from gateway.errors import StoreError, StoreUnreachable
from gateway.store.line import State
from gateway.visitor.rooms import VisitorRoom

TICKET_GRAIN_S = 1.0  # a ticket tells its time in whole seconds

# A number in one of these states leads nowhere any more: its visitor may join anew.
ENDED = frozenset((State.FINISHED, State.EXPIRED, State.WITHDRAWN, State.UNKNOWN))
_JSON = {True: "true", False: "false", None: "null"}
_IN_LINE = frozenset((State.WAITING, State.CALLED, State.LATE))
_SHOWN = {state: state.value for state in State} | {State.UNKNOWN: State.EXPIRED.value}


@dataclass(frozen=True, slots=True)
class Standing:
    """A ticket, what it is at this moment, and the pass if it was just let in."""

    ticket: Ticket
    state: State
    visitor_pass: Pass | None = None


async def join(room: VisitorRoom, return_to: str, now_s: float) -> Standing:
    """Take a number. Raises LineClosed, StoreError."""
    joined = await room.line.join()
    ticket = Ticket(room.id, joined.instance, joined.generation, joined.number, int(now_s), new_nonce(), return_to)
    if joined.admitted:
        return Standing(ticket, State.ADMITTED, admit(ticket, now_s))
    snapshot = room.snapshot
    called = snapshot is not None and snapshot.position(joined.number) <= snapshot.called
    return Standing(ticket, State.CALLED if called else State.WAITING)


async def check_in(room: VisitorRoom, ticket: Ticket, held: Pass | None, now_s: float) -> Standing:
    """Mark present, claim an offer if there is one. ``held``: a pass within its hard limit. Raises StoreError."""
    if held is not None and held.number != ticket.number:
        held = None
    try:
        # A ticket that was moved says when that was, not when its visitor joined.
        joined_s = None if ticket.device else ticket.issued_at_s + TICKET_GRAIN_S / 2
        state = await room.line.check_in(
            ticket.number, returning=held is not None, device=ticket.device, joined_s=joined_s
        )
    except StoreError:
        alone = admitted_alone(room, ticket, now_s)
        if alone is None:
            raise
        return alone
    if state is not State.ADMITTED:
        return Standing(ticket, state)
    room.uses.readmit(ticket.instance, ticket.number)
    if held is not None and not held.is_idle(now_s):
        return Standing(ticket, state, renew(held, now_s))
    return Standing(ticket, state, admit(ticket, now_s, hard_limit_s=held.hard_limit_s if held else 0))


def admitted_alone(room: VisitorRoom, ticket: Ticket, now_s: float) -> Standing | None:
    """The visitor is let in without the store, where the room says so and it is their turn."""
    if not room.admits_alone(ticket.number, time.monotonic()):
        return None
    return Standing(ticket, State.ADMITTED, admit(ticket, now_s))


async def redeem(room: VisitorRoom, stamp: Stamp, now_s: float) -> Ticket:
    """The ticket that a stamp stands for. Raises StoreError, LineClosed."""
    number = await room.line.redeem(stamp.block, stamp.index)
    snapshot = room.snapshot
    if snapshot is None:
        raise StoreUnreachable("nothing is known of the line yet")
    return Ticket(
        room.id, snapshot.instance, snapshot.generation, number, int(now_s), new_nonce(), stamp.return_to
    )


def bound_for(ticket: Ticket, return_to: str) -> Ticket:
    """The ticket with the address that its visitor wants now."""
    return ticket if ticket.return_to == return_to else replace(ticket, return_to=return_to)


def describe(standing: Standing, snapshot: Snapshot | None) -> dict[str, Any]:
    """The ticket's state as check-in and its relatives say it."""
    said: dict[str, Any] = json.loads(describe_json(standing, snapshot))
    return said


def describe_json(
    standing: Standing, snapshot: Snapshot | None, spread: Callable[[int, int], int] | None = None
) -> bytes:
    """The same as JSON, written out: a check-in is asked for more often than anything but the pulse.

    ``spread``: makes the interval until the next one longer while the worker has too much to do.
    """
    ticket, state = standing.ticket, standing.state
    number = ticket.number
    position = number if snapshot is None else snapshot.position(number)
    place: int | str = position
    poll_s = estimate.POLL_CALLED_S if snapshot is None else snapshot.poll_max_s
    ahead: int | str = "null"
    eta = in_time = "null"
    if snapshot is not None and state in _IN_LINE:
        ahead, wait, poll_s = _outlook(snapshot, position, state)
        if spread is not None:
            poll_s = spread(poll_s, snapshot.poll_max_s)
        if snapshot.draw is not None and snapshot.awaits_draw(number):
            # Nobody has a place yet: to tell the number as one would be a promise.
            place = ahead = "null"
        else:
            in_time, wait = _in_time(snapshot, position, state, ahead, wait)
            if wait is not None:
                eta = f'{{"low_s":{wait.low_s},"high_s":{wait.high_s}}}'
    location = json.dumps(ticket.return_to) if state is State.ADMITTED else "null"
    return (
        f'{{"number":{number},"shown":"{format_number(number)}","position":{place},'
        f'"state":"{_SHOWN[state]}","ahead":{ahead},"eta":{eta},"in_time":{in_time},'
        f'"poll_s":{poll_s},"location":{location}}}'
    ).encode()


def _in_time(
    snapshot: Snapshot, position: int, state: State, ahead: int, wait: estimate.Wait | None
) -> tuple[str, estimate.Wait | None]:
    """Whether the visitor makes it, by rate, quotas and closing time, as JSON; and the wait unless there is no end
    of it: a place that is not there today has none."""
    closing = estimate.in_time(snapshot, wait)
    offered = state is State.CALLED and position <= snapshot.serving
    place = True if offered else estimate.makes_it(snapshot, position, ahead)
    if place is False:
        return "false", None
    return _JSON[closing if place else (False if closing is False else None)], wait


def describe_for_page(standing: Standing, snapshot: Snapshot | None) -> dict[str, Any]:
    """The same with what else the page shows of the room."""
    state = describe(standing, snapshot)
    if snapshot is not None:
        knobs = snapshot.knobs
        state |= {"phase": str(knobs.phase), "now_ms": snapshot.now_ms, "opens_at_ms": knobs.opens_at_ms}
        state |= {"quota": quota_of(snapshot)}
        if knobs.phase in (Phase.SCHEDULED, Phase.DRAWN):
            state |= {"drawn": snapshot.draw is not None, "reason": snapshot.reason}
        state |= {"message": knobs.message, "closes_at_ms": knobs.closes_at_ms, "ending": knobs.ending.value}
    return state


def quota_of(snapshot: Snapshot) -> dict[str, Any] | None:
    """The scarcer quota as everybody may know it; None without one."""
    quota = left(snapshot)
    return None if quota is None else {"kind": quota.kind.value, "left": quota.to_offer}


def _outlook(snapshot: Snapshot, position: int, state: State) -> estimate.Outlook:
    if state is State.LATE:
        return estimate.Outlook(max(0, snapshot.late - 1), estimate.wait_late(snapshot), estimate.POLL_CALLED_S)
    return estimate.outlook(snapshot, position)
