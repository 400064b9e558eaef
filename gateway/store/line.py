"""The room's operations, as the rest of the gateway calls them.

``Line`` batches: what is asked during one turn of the event loop goes to the store in one pipeline.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from gateway.domain.room import Knobs, Phase, Snapshot


class State(StrEnum):
    """What a ticket is, at this moment."""

    WAITING = "waiting"
    CALLED = "called"
    ADMITTED = "admitted"
    LATE = "late"
    FINISHED = "finished"
    EXPIRED = "expired"
    WITHDRAWN = "withdrawn"
    CLOSED = "closed"


@dataclass(frozen=True, slots=True)
class Joined:
    number: int
    instance: str
    generation: int
    admitted: bool  # the empty-line path: sign a pass at once


class Line:
    """One room's line in the store (interface; implementation lands soon)."""

    room: str

    @property
    def snapshot(self) -> Snapshot | None:
        """The latest, at most about 250 ms old while the store answers; None before the first."""
        raise NotImplementedError

    @property
    def reachable(self) -> bool:
        raise NotImplementedError

    async def join(self) -> Joined:
        """Take the next number. Raises StoreUnreachable, LineClosed."""
        raise NotImplementedError

    async def check_in(self, number: int, *, returning: bool = False) -> State:
        """Mark present and claim an offer if there is one. ``returning``: holds a pass within its hard limit."""
        raise NotImplementedError

    async def look(self, number: int) -> State:
        """The same answer without marking or claiming."""
        raise NotImplementedError

    async def touch(self, number: int) -> bool:
        """The pass was used: extend (or recreate) its lease. False: finished or withdrawn, refuse it."""
        raise NotImplementedError

    async def finish(self, number: int) -> None:
        raise NotImplementedError

    async def leave(self, number: int) -> None:
        """The visitor (or the operator) gives the place up."""
        raise NotImplementedError

    async def reinstate(self, number: int) -> None:
        raise NotImplementedError

    async def set_knobs(
        self, changes: dict[str, object], *, actor: str, why: str = "", expected_revision: int | None = None
    ) -> Snapshot:
        """Change knobs (names of Knobs fields), write an audit entry. Raises StaleRevision, InvalidKnob."""
        raise NotImplementedError

    async def audit(self, most: int = 50) -> list[dict[str, object]]:
        raise NotImplementedError

    async def new_line(self, *, actor: str) -> Snapshot:
        raise NotImplementedError


__all__ = ["Joined", "Knobs", "Line", "Phase", "Snapshot", "State"]
