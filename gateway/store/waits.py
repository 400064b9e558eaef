"""A worker's record of told waits: what it remembers of the line, and what it counts when somebody enters."""

from __future__ import annotations

from collections.abc import Callable

from gateway.counters import LATE_CLAIMS, WAIT_SECONDS, WAIT_TOLD, WAIT_TOLD_ERROR_SECONDS, observe
from gateway.domain.room import Snapshot
from gateway.domain.told import Judgement, Memory, Outcome

_COUNTED = {
    (when, outcome): WAIT_TOLD.key(when=when, outcome=outcome.value)
    for when in ("join", "halfway")
    for outcome in Outcome
}
_JUDGED = (Outcome.RIGHT, Outcome.TOO_SHORT, Outcome.TOO_LONG)


class Waits:
    """Of one line. ``count`` adds to what all workers share."""

    def __init__(self, count: Callable[[str, float], None]) -> None:
        self._count = count
        self._memory = Memory()
        self._noted: Snapshot | None = None

    def note(self, snapshot: Snapshot | None, now_s: float) -> None:
        """Remember the line as it is told now; about once a second. ``now_s``: wall time."""
        if snapshot is not None and snapshot is not self._noted:
            self._noted = snapshot
            self._memory.note(snapshot, now_s)

    def claimed(self, position: int, joined_s: float, now_s: float, *, late: bool) -> None:
        """Somebody enters who joined at ``joined_s``; ``late``: by a wait that was not the line's."""
        if late:
            self._count(LATE_CLAIMS.key(), 1)
            return
        admission = self._memory.admission(position, joined_s=joined_s, now_s=now_s)
        if admission is None:
            return
        observe(self._count, WAIT_SECONDS, admission.waited_s)
        self._judged("join", admission.join)
        self._judged("halfway", admission.halfway)

    def _judged(self, when: str, judgement: Judgement) -> None:
        self._count(_COUNTED[when, judgement.outcome], 1)
        if judgement.outcome in _JUDGED:
            observe(self._count, WAIT_TOLD_ERROR_SECONDS[when], judgement.error_s)
