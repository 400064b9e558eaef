"""What is told about a room, a ticket and an audit entry, as plain values: the API's JSON, the pages' data."""

from __future__ import annotations

from typing import Any

from gateway.desk.actions import Ticket
from gateway.domain.changes import Entry
from gateway.domain.help_desk import ADVICE
from gateway.domain.numbers import format_number
from gateway.domain.room import Snapshot

STANDSTILL_S = 5.0  # without a tick
NO_RELEASE_S = 30.0  # with somebody present, who could be let in

ALERTS = ("no-workers", "standstill", "full", "rate-zero", "no-release")


def room_view(snapshot: Snapshot, *, name: str, standstill_s: float = 0.0) -> dict[str, Any]:
    """The room as API and command line show it. Times ending in ``_ms`` are unix milliseconds.

    ``standstill_s``: for how long room time has not moved, if the caller has watched it.
    """
    knobs = snapshot.knobs
    since_release_s = seconds_since_release(snapshot, standstill_s)
    return {
        "room": snapshot.room,
        "name": name,
        "instance": snapshot.instance,
        "generation": snapshot.generation,
        "revision": snapshot.revision,
        "phase": str(knobs.phase),
        "rate_per_minute": knobs.rate_per_minute,
        "ceiling": knobs.ceiling,
        "ending": str(knobs.ending),
        "opens_at_ms": knobs.opens_at_ms or None,
        "closes_at_ms": knobs.closes_at_ms or None,
        "message": dict(knobs.message),
        "now_ms": snapshot.now_ms,
        **cursors(snapshot),
        "delivered_per_minute": round(snapshot.delivered_per_minute, 2),
        "seconds_since_last_release": round(since_release_s, 1),
        "standstill_s": round(standstill_s, 1),
        "density": round(snapshot.density, 4),
        "claimed": snapshot.claimed,
        "finished": snapshot.finished,
        "lapsed": snapshot.lapsed,
        "passed": snapshot.passed,
        "late_returns": snapshot.late_returns,
        "workers": snapshot.workers,
        "poll_max_s": snapshot.poll_max_s,
        "alerts": alerts(snapshot, since_release_s, standstill_s),
    }


def seconds_since_release(snapshot: Snapshot, standstill_s: float) -> float:
    """With people present. Room time stands still while no worker ticks, so that time is added here:
    workers that all hang at once must not look like a release a moment ago."""
    return snapshot.since_release_ms / 1000 + standstill_s


def alerts(snapshot: Snapshot, since_release_s: float, standstill_s: float) -> list[str]:
    """What an operator must look into now, as stable words."""
    knobs = snapshot.knobs
    held_up = snapshot.phase.releases and snapshot.present > 0 and since_release_s > NO_RELEASE_S
    full = snapshot.inside >= knobs.ceiling
    found = {
        "no-workers": snapshot.workers == 0,
        "standstill": standstill_s > STANDSTILL_S,
        "full": held_up and full,
        "rate-zero": held_up and knobs.rate_per_minute == 0,
        "no-release": held_up and not full and knobs.rate_per_minute > 0,
    }
    return [name for name, is_so in found.items() if is_so]


def cursors(snapshot: Snapshot) -> dict[str, int]:
    """Where the line stands, in numbers of visitors."""
    return {
        "issued": snapshot.issued,
        "called": snapshot.called,
        "ready": snapshot.ready,
        "serving": snapshot.serving,
        "waiting": snapshot.waiting,
        # Measured every few seconds, while `waiting` is of this moment: a part never exceeds its whole.
        "present": min(snapshot.present, snapshot.waiting),
        "late": snapshot.late,
        "inside": snapshot.inside,
        "leases": snapshot.leases,
        "offers": snapshot.offers,
        "ghosts": snapshot.ghosts,
    }


def ticket_view(ticket: Ticket) -> dict[str, Any]:
    """A ticket for the help desk. ``ahead`` counts tickets in front, present or not."""
    snapshot, number, state = ticket.snapshot, ticket.number, str(ticket.state)
    position = snapshot.position(number)
    waits = state in ("waiting", "called")
    return {
        "room": snapshot.room,
        "instance": snapshot.instance,
        "number": number,
        "shown": format_number(number),
        "position": position,
        "state": state,
        "ahead": snapshot.between(snapshot.serving, position - 1) if waits else None,
        "advice": ADVICE.get(state, ""),
        "events": [{"at_ms": at_ms, "what": what} for at_ms, what in ticket.events],
    }


def entry_view(entry: Entry) -> dict[str, Any]:
    """An audit entry."""
    return {
        "revision": entry.revision,
        "at_ms": entry.at_ms,
        "actor": entry.actor,
        "action": entry.action,
        "why": entry.why,
        "before": dict(entry.before),
        "after": dict(entry.after),
        "undoable": entry.undoable,
    }
