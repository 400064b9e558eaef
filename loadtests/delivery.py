"""What the line delivered while it could: people enough waited, and they could ask."""

from __future__ import annotations

from collections.abc import Sequence

from loadtests.admissions import distinct
from loadtests.ledger import Absent, Admitted, Ended, Ledger, Pulse, Seen, Silence
from loadtests.verdict import HEARING_S

LEAST_S = 5.0  # less says nothing


def delivered_per_minute(ledger: Ledger, rate_per_minute: float) -> float | None:
    """Admissions a minute over the times in which more waited than are let in until one hears of its turn.

    With fewer, it is their asking that sets the pace. None: there was hardly such a time. Sleepers are no waiters.
    """
    slept = {event.visitor for event in ledger.all(Absent)}
    enough = max(2.0, rate_per_minute / 60 * HEARING_S)
    busy = _crowded(_changes(ledger, slept), enough)
    opens_s = max((pulse.opens_at_s for pulse in ledger.all(Pulse)), default=0.0)
    busy = [(max(from_s, opens_s), until_s) for from_s, until_s in busy if until_s > opens_s]
    length_s = sum(until_s - from_s - _silent_s(ledger, from_s, until_s) for from_s, until_s in busy)
    if length_s < LEAST_S:
        return None
    times = [entry.received_s for entry in distinct(ledger) if entry.visitor not in slept]
    let_in = sum(any(from_s < at_s <= until_s for from_s, until_s in busy) for at_s in times)
    return let_in * 60 / length_s


def _changes(ledger: Ledger, slept: set[int]) -> list[tuple[float, int]]:
    """Moments at which one more waited, or one less."""
    admitted, ended = ledger.first(Admitted), ledger.first(Ended)
    changes = []
    for visitor, first in ledger.first(Seen).items():
        gone = admitted.get(visitor) or ended.get(visitor)
        if visitor not in slept and gone:
            until_s = gone.received_s if isinstance(gone, Admitted) else gone.at_s
            changes += [(first.received_s, 1), (until_s, -1)]
    return sorted(changes)


def _crowded(changes: Sequence[tuple[float, int]], enough: float) -> list[tuple[float, float]]:
    """From and until when so many waited."""
    waiting, since_s, found = 0, None, []
    for at_s, change in changes:
        waiting += change
        if since_s is None and waiting >= enough:
            since_s = at_s
        elif since_s is not None and waiting < enough:
            found.append((since_s, at_s))
            since_s = None
    return found


def _silent_s(ledger: Ledger, from_s: float, until_s: float) -> float:
    return sum(max(0.0, min(until_s, each.until_s) - max(from_s, each.from_s)) for each in ledger.all(Silence))
