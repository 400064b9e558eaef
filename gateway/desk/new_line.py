"""A new line: from number 1, at once, or announced for an opening to come."""

from __future__ import annotations

from collections.abc import Mapping

from gateway.domain.changes import InvalidChanges, read_changes
from gateway.domain.openings import Opening
from gateway.domain.room import Ending, Snapshot
from gateway.store.line import Line
from gateway.store.openings import schedule

FIELDS = ("opens_at_ms", "closes_at_ms", "ending")


def read_opening(asked: Mapping[str, object]) -> Opening | None:
    """The opening that is asked for; None: the new line begins at once. Raises InvalidChanges."""
    if unknown := asked.keys() - set(FIELDS):
        raise InvalidChanges(
            dict.fromkeys(sorted(unknown), f"is not known here: only {', '.join(FIELDS)} and why")
        )
    read = read_changes(asked)
    times = [read.get(name, 0) for name in ("opens_at_ms", "closes_at_ms")]
    opens_at_ms, closes_at_ms = (at_ms if isinstance(at_ms, int) else 0 for at_ms in times)
    if not opens_at_ms and closes_at_ms:
        raise InvalidChanges({"closes_at_ms": "give the opening too, or set it when the line has begun"})
    return (
        Opening(opens_at_ms, closes_at_ms, Ending(str(read.get("ending", Ending.SERVE)))) if opens_at_ms else None
    )


async def begin(line: Line, opening: Opening | None, *, actor: str, why: str) -> Snapshot:
    """Everyone in line loses their place; those inside stay. It cannot be undone.

    Raises InvalidKnob when an opening is announced while people are in line, StoreError.
    """
    if opening is None:
        return await line.new_line(actor=actor, why=why)
    after, _ = await schedule(line, opening, (), actor=actor, why=why)
    return after
