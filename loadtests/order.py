"""Order, judged from outside: who was let in before whom, and whether it was their turn."""

from __future__ import annotations

import bisect
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate

from loadtests.admissions import distinct
from loadtests.ledger import Absent, Admitted, Ledger, Pulse, Seen, Silence
from loadtests.verdict import HOLD_S, PULSE_AGE_S, SETTLE_S, Check, verdict

NOT_YET = frozenset({"waiting", "called"})


@dataclass(frozen=True, slots=True)
class Inversion:
    """``visitor`` was present at ``position``, was refused at ``at_s``, with ``behind`` already inside."""

    visitor: int
    position: int
    behind: int
    at_s: float
    why: str

    def __str__(self) -> str:
        return f"position {self.position} passed by {self.behind}: {self.why}"


class _Inside:
    """The furthest position that had certainly been let in through the main lane, at any moment."""

    def __init__(self, admitted: Sequence[Admitted]) -> None:
        entries = sorted(
            (a.received_s, a.position) for a in admitted if a.way != "late" and a.position is not None
        )
        self._times = [time for time, _ in entries]
        self._furthest = list(accumulate((position for _, position in entries), max))

    def furthest(self, at_s: float) -> int:
        index = bisect.bisect_right(self._times, at_s)
        return self._furthest[index - 1] if index else 0


def inversions(ledger: Ledger, hold_s: float = HOLD_S) -> list[Inversion]:
    """One for each visitor who was present all the time and was passed by somebody behind.

    Offers are made in order, and an offer is claimed at the visitor's next check-in. So claims alone
    are out of order by up to one polling interval, and a check-in at the door may be put off by the
    meter of claims. What proves that somebody was passed: after one behind was let in, the visitor
    asks and hears that people are still ahead, or that it is late, or is put off for ``hold_s``
    (a time in which nobody could ask is not counted).
    """
    inside = _Inside(ledger.all(Admitted))
    slept = {event.visitor for event in ledger.all(Absent)}
    found = []
    for visitor, readings in ledger.by_visitor(Seen).items():
        if visitor not in slept and (inversion := _passed(readings, inside, hold_s, ledger.all(Silence))):
            found.append(inversion)
    return found


def _passed(
    readings: Sequence[Seen], inside: _Inside, hold_s: float, silences: Sequence[Silence]
) -> Inversion | None:
    put_off_since: float | None = None
    for reading in readings:
        behind = inside.furthest(reading.sent_s - SETTLE_S)
        if reading.state == "late":
            return _inversion(reading, behind, "present, and told that its turn was missed")
        if reading.state not in NOT_YET or behind <= reading.position:
            continue
        if reading.ahead:
            return _inversion(reading, behind, f"told that {reading.ahead} are ahead")
        put_off_since = reading.sent_s if put_off_since is None else put_off_since
        put_off_s = reading.sent_s - put_off_since - _silent_s(silences, put_off_since, reading.sent_s)
        if put_off_s > hold_s:
            return _inversion(reading, behind, f"put off for {put_off_s:.0f} s")
    return None


def _silent_s(silences: Sequence[Silence], from_s: float, until_s: float) -> float:
    return sum(max(0.0, min(until_s, each.until_s) - max(from_s, each.from_s)) for each in silences)


def _inversion(reading: Seen, behind: int, why: str) -> Inversion:
    return Inversion(reading.visitor, reading.position, behind, reading.sent_s, why)


def nobody_passed(ledger: Ledger, hold_s: float = HOLD_S) -> Check:
    """Promise 2: nobody who has been present is passed by somebody behind."""
    waited = len(ledger.by_visitor(Seen))
    wrong = [str(inversion) for inversion in inversions(ledger, hold_s)]
    return verdict(
        "order",
        "Nobody present was passed by somebody behind",
        waited,
        wrong,
        f"0 inversions among {waited} waiting",
    )


def admitted_after_their_turn(ledger: Ledger) -> Check:
    """Nobody is let in at a position that the line had not reached: later pulses must have passed it."""
    pulses: dict[tuple[str, int], list[Pulse]] = {}
    for pulse in ledger.all(Pulse):
        pulses.setdefault((pulse.instance, pulse.generation), []).append(pulse)
    where = {visitor: (own[-1].instance, own[-1].generation) for visitor, own in ledger.by_visitor(Pulse).items()}
    only = next(iter(pulses)) if len(pulses) == 1 else None  # who saw no pulse was in it all the same
    served = {key: _served_after(line) for key, line in pulses.items()}
    looked_at, wrong = 0, []
    for entry in distinct(ledger):
        line = where.get(entry.visitor, only)
        if entry.position is None or line is None:
            continue
        lowest = _at_least(served[line], entry.received_s + PULSE_AGE_S)
        if lowest is None:
            continue
        looked_at += 1
        if lowest < entry.position:
            wrong.append(f"position {entry.position} was let in, and later the line had only reached {lowest}")
    return verdict(
        "turn",
        "Nobody was let in before their turn",
        looked_at,
        wrong,
        f"{looked_at} admissions against later pulses",
    )


def _served_after(pulses: Sequence[Pulse]) -> tuple[list[float], list[int]]:
    """Request times, and the least ``serving`` among the pulses asked for then or later."""
    ordered = sorted(pulses, key=lambda pulse: pulse.sent_s)
    least = list(accumulate((pulse.serving for pulse in reversed(ordered)), min))[::-1]
    return [pulse.sent_s for pulse in ordered], least


def _at_least(served: tuple[list[float], list[int]], at_s: float) -> int | None:
    times, least = served
    index = bisect.bisect_left(times, at_s)
    return least[index] if index < len(times) else None


def claims_out_of_order(ledger: Ledger) -> tuple[int, float]:
    """For the table: visitors who came in after somebody behind them, and the most seconds of that.

    No promise: called visitors ask once in ten seconds, each at its own moment.
    """
    slept = {event.visitor for event in ledger.all(Absent)}
    entries = sorted(
        (a.position, a.received_s)
        for a in distinct(ledger)
        if a.way == "line" and a.position is not None and a.visitor not in slept
    )
    count, most, earliest_behind = 0, 0.0, float("inf")
    for _, received_s in reversed(entries):
        if received_s > earliest_behind:
            count += 1
            most = max(most, received_s - earliest_behind)
        earliest_behind = min(earliest_behind, received_s)
    return count, most
