"""What an operator does, once: the pages, the API and the command line all go through these."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace

from gateway.domain.changes import CannotUndo, Entry, entry_of, revert
from gateway.domain.history import timeline
from gateway.domain.numbers import format_number
from gateway.domain.room import Snapshot
from gateway.errors import AntreanError
from gateway.store.line import SAMPLE_COLUMNS, Line, State

AUDIT_KEPT = 1000  # entries; the store keeps no more


@dataclass(frozen=True, slots=True)
class Ticket:
    """A ticket as the help desk sees it."""

    snapshot: Snapshot
    number: int
    state: State
    events: tuple[tuple[int, str], ...]  # wall time in ms and one word each, newest first
    timeline: tuple[tuple[int, str], ...] = ()  # about when: wall time in ms and one word, oldest first
    before: State | None = None  # what it was before it was withdrawn or reinstated just now


class NumberUnknown(AntreanError):
    """No such ticket in this line: it was never given out."""


class NoSuchEntry(AntreanError):
    """The audit holds no entry of that revision."""


async def entries(line: Line, most: int = 50) -> list[Entry]:
    """The latest changes, newest first. Raises StoreError."""
    return [entry_of(stored) for stored in await line.audit(most)]


async def entry(line: Line, revision: int) -> Entry:
    """The change that made ``revision``. Raises NoSuchEntry, StoreError."""
    if revision < 1:
        raise NoSuchEntry(f"revision {revision} is none of a change")
    for found in await entries(line, AUDIT_KEPT):
        if found.revision == revision:
            return found
    raise NoSuchEntry(f"the audit has no change with revision {revision}")


async def latest(line: Line) -> Entry:
    """The latest change that can be taken back. Raises NoSuchEntry, StoreError."""
    for found in await entries(line, AUDIT_KEPT):
        if found.undoable:
            return found
    raise NoSuchEntry("the audit has no change that can be taken back")


async def change(
    line: Line, changes: Mapping[str, object], *, actor: str, why: str, expected_revision: int | None
) -> Snapshot:
    """Make the changes that ``read_changes`` returned. Raises StaleRevision, StoreError.

    A rate set by hand ends a ramp or the autopilot, even if it is the rate that they had set. What is so already
    is no change: it makes no revision and no entry.
    """
    taken_over = "rate_per_minute" in changes and await line.watch.take_over()
    now = await line.refresh()
    is_so = all(getattr(now.knobs, name) == value for name, value in changes.items())
    if is_so and not taken_over and expected_revision in (None, now.revision):
        return now
    return await line.set_knobs(dict(changes), actor=actor, why=why, expected_revision=expected_revision)


async def undo(line: Line, revision: int, *, actor: str, why: str) -> tuple[Entry, Snapshot]:
    """Take the change of ``revision`` back, as a change of its own.

    Raises NoSuchEntry, CannotUndo when a later change touched the same knobs, StaleRevision when
    somebody changes the room in this very moment, StoreError.
    """
    found = await entry(line, revision)
    now = await line.refresh()
    changes = revert(found, now.knobs)
    reason = why or f"undo of revision {revision}"
    return found, await change(line, changes, actor=actor, why=reason, expected_revision=now.revision)


async def look(line: Line, number: int) -> Ticket:
    """Where a ticket is. Raises NumberUnknown, StoreError."""
    snapshot = await line.refresh()
    if number > snapshot.issued:
        raise NumberUnknown(f"number {number:,} was not given out: the last one is {snapshot.issued:,}")
    if any(first <= number <= last for first, last in snapshot.skipped):
        raise NumberUnknown(f"number {number:,} was lost with the store's last moments: its visitor joins anew")
    rows = [dict(zip(SAMPLE_COLUMNS, row, strict=False)) for row in await line.samples()]
    events = await line.log(number)
    let_in_ms = min((at_ms for at_ms, what in events if what == "claimed"), default=math.inf)
    told = timeline(rows, number, snapshot.position(number), let_in_ms)
    return Ticket(snapshot, number, await line.look(number), tuple(events), tuple(told))


async def withdraw(line: Line, number: int, *, actor: str) -> Ticket:
    """Give up a place on the visitor's behalf. Raises NumberUnknown, StoreError."""
    before = (await look(line, number)).state
    await line.leave(number)
    return await _told(line, number, before, "withdraw", actor)


async def reinstate(line: Line, number: int, *, actor: str) -> Ticket:
    """Give a place back that was withdrawn, or finished by mistake.

    Raises NumberUnknown, CannotUndo, StoreError.
    """
    before = (await look(line, number)).state
    if before not in (State.WITHDRAWN, State.FINISHED):
        raise CannotUndo(f"the ticket is {before}: only a withdrawn or finished one can be reinstated")
    await line.reinstate(number)
    return await _told(line, number, before, "reinstate", actor)


async def _told(line: Line, number: int, before: State, action: str, actor: str) -> Ticket:
    ticket = replace(await look(line, number), before=before)
    if ticket.state is not before:
        states = ({"ticket": format_number(number), "state": state.value} for state in (before, ticket.state))
        await line.note(action, actor=actor, before=next(states), after=next(states))
    return ticket
