"""When a worker has more to do than it can, and whom it then sends away: newcomers first, who is inside never.

``severity`` runs from 0 (all are served) over 1 (no newcomer is) to 2 (no check-in is either). Between the whole
numbers a share of them is: what cannot be served is turned away, and no more than that.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

NOTHING, NEWCOMERS, ALL_WAITING = 0.0, 1.0, 2.0
LOOK_EVERY_S = 0.05
RETRY_LEAST_S, RETRY_SPREAD_S = 10, 20  # the spread grows with severity, up to three times
CROWDED = 0.8  # of the connections that a worker may have: from here on fewer are let in
_RISE, _MOST_RISE, _FALL = 0.1, 0.5, 0.05  # of severity, at one look
_OUTAGE_LEAST_S, _OUTAGE_SPREAD, _OUTAGE_SPREAD_MOST_S = 5, 0.25, 25
_CALLED_MOST_S = 30  # between check-ins of who is called: two of them fit into a presence window of 75 s


class Who(Enum):
    """Whose request it is."""

    INSIDE = "inside"  # carries a pass, or another proxy asks for one who may
    WAITING = "check-in"  # carries a ticket, or the page asks how the line is
    NEWCOMER = "newcomer"


@dataclass(frozen=True, slots=True)
class Limits:
    """What a worker can bear."""

    connections: int
    lag_s: float  # by which its event loop may be late


@dataclass(frozen=True, slots=True)
class Load:
    """What a worker bears at this moment."""

    connections: int
    lag_s: float

    def fullness(self, limits: Limits) -> float:
        """Connections, in parts of the limit."""
        return self.connections / limits.connections

    def excess(self, limits: Limits) -> float:
        """The worst of them, in parts of what it may be: above 1, somebody has to be turned away."""
        return max(self.lag_s / limits.lag_s, self.fullness(limits) / CROWDED)


def next_severity(severity: float, load: Load, limits: Limits) -> float:
    """The severity after one more look: up as long as the load is too much, then slowly down again."""
    excess = load.excess(limits)
    if excess <= 1:
        return max(NOTHING, severity - _FALL)
    severity = min(ALL_WAITING, severity + min(_MOST_RISE, _RISE * excess))
    # The rest of the connections is for those who are inside.
    return max(severity, NEWCOMERS) if load.fullness(limits) >= 1 else severity


def is_turned_away(who: Who, severity: float, dice: float) -> bool:
    """Whether this request is not served. ``dice``: 0 to 1, thrown for each."""
    if who is Who.INSIDE:
        return False
    return dice < (severity if who is Who.NEWCOMER else severity - NEWCOMERS)


def retry_after_s(severity: float, dice: float) -> int:
    """When to come again: the worse it is, the wider all are spread."""
    return RETRY_LEAST_S + int(RETRY_SPREAD_S * (1 + severity) * dice)


def retry_after_outage_s(outage_s: float, dice: float) -> int:
    """When to come again while the store is away: the longer it was, the more will come at once."""
    return _OUTAGE_LEAST_S + int(min(outage_s * _OUTAGE_SPREAD, _OUTAGE_SPREAD_MOST_S) * dice)


def spread_poll_s(poll_s: int, poll_max_s: int, severity: float, dice: float) -> int:
    """The interval told to somebody in line, longer by chance while there is more to do than can be done.

    Never beyond what the rules of presence allow: who obeys is not taken for absent.
    """
    if severity <= NOTHING:
        return poll_s
    most = max(poll_s, min(_CALLED_MOST_S, poll_max_s) if poll_s <= _CALLED_MOST_S else poll_max_s)
    return min(most, round(poll_s * (1 + severity * dice)))
