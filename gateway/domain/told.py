"""The wait that visitors were told, against the wait that they had: judged when they enter.

Nothing is kept for anybody who waits. A worker remembers how the line was, a snapshot a second, thinned out
with age; with the ticket's own time and place that gives back the range that was told, by the same function.
"""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass, replace
from enum import StrEnum

from gateway.domain import estimate
from gateway.domain.room import Snapshot

MOST_KEPT = 2048  # snapshots of about 1.5 kB; thinned out, a day needs 1,400 of them and a week 1,800
FINENESS = 200  # what is t seconds old is kept every t / 200 to t / 100: the line is known to 1 % of the wait


class Outcome(StrEnum):
    """How a told range came out."""

    RIGHT = "right"
    TOO_SHORT = "too-short"  # the visitor waited longer than the range said
    TOO_LONG = "too-long"
    UNTOLD = "untold"  # no range was shown: paused, before the opening, no rate
    UNKNOWN = "unknown"  # before this worker began to remember


@dataclass(frozen=True, slots=True)
class Judgement:
    """``error_s``: seconds between the wait and the nearer end of the range; 0 inside it."""

    outcome: Outcome
    error_s: float = 0.0


@dataclass(frozen=True, slots=True)
class Admission:
    """One visitor's wait, and what was said of it when they joined and when half of it was over."""

    waited_s: float
    join: Judgement
    halfway: Judgement


def judge(told: estimate.Wait | None, waited_s: float) -> Judgement:
    """Whether the range held."""
    if told is None:
        return Judgement(Outcome.UNTOLD)
    if waited_s > told.high_s:
        return Judgement(Outcome.TOO_SHORT, waited_s - told.high_s)
    if waited_s < told.low_s:
        return Judgement(Outcome.TOO_LONG, told.low_s - waited_s)
    return Judgement(Outcome.RIGHT)


class Memory:
    """How one line was, as one worker saw it. Times are wall time in seconds, as the tickets' are."""

    def __init__(self) -> None:
        self._at_s: list[float] = []
        self._snapshots: list[Snapshot] = []

    def __len__(self) -> int:
        return len(self._at_s)

    def note(self, snapshot: Snapshot, now_s: float) -> None:
        """Remember the line as it is now. Of an earlier line nothing stays."""
        if self._snapshots and self._snapshots[-1].instance != snapshot.instance:
            self._keep([])
        if self._at_s and now_s <= self._at_s[-1]:  # the clock was set back: nobody can date what is beyond
            self._keep(range(bisect_right(self._at_s, now_s)))
        self._at_s.append(now_s)
        self._snapshots.append(snapshot)
        if len(self._at_s) > MOST_KEPT:
            self._thin_out(now_s)

    def admission(self, position: int, *, joined_s: float, now_s: float) -> Admission | None:
        """Judge the wait of who took ``position`` and enters now; None if clocks that disagree hide it."""
        waited_s = now_s - joined_s
        if waited_s < 0:
            return None
        half_s = waited_s / 2
        return Admission(
            waited_s,
            self._judge(position, joined_s, waited_s),
            self._judge(position, joined_s + half_s, half_s),
        )

    def _judge(self, position: int, at_s: float, waited_s: float) -> Judgement:
        line = self._line_at(at_s, position)
        return Judgement(Outcome.UNKNOWN) if line is None else judge(estimate.wait(line, position), waited_s)

    def _line_at(self, at_s: float, position: int) -> Snapshot | None:
        """The line as it was then: knobs and crowd as last remembered, the cursor moved on evenly since.

        A position given out since had everybody ahead who came before it.
        """
        index = bisect_right(self._at_s, at_s) - 1
        if index < 0:
            return None
        line, moved = self._snapshots[index], 0.0
        if index + 1 < len(self._at_s):
            share = (at_s - self._at_s[index]) / (self._at_s[index + 1] - self._at_s[index])
            moved = share * (self._snapshots[index + 1].serving - line.serving)
        return replace(line, serving=line.serving + round(moved), issued=max(line.issued, position))

    def _thin_out(self, now_s: float) -> None:
        """The oldest stays: else the memory would begin a little later each time."""
        kept = [0]
        for index, at_s in enumerate(self._at_s):
            if at_s - self._at_s[kept[-1]] >= (now_s - at_s) / FINENESS:
                kept.append(index)
        self._keep(kept[-MOST_KEPT * 9 // 10 :])

    def _keep(self, indexes: list[int] | range) -> None:
        self._at_s = [self._at_s[index] for index in indexes]
        self._snapshots = [self._snapshots[index] for index in indexes]
