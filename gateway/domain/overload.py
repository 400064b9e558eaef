"""When a worker has more to do than it can, and whom it then sends away: newcomers first, who is inside never.

As many may begin as were answered lately: what a worker can do is learned from what it did. ``severity`` tells how
bad it is: 0 all are served, 1 newcomers are turned away, 2 visitors in line too.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

LOOK_EVERY_S = 0.05
RETRY_LEAST_S, RETRY_SPREAD_S = 10, 20  # the spread grows with severity, up to three times
CROWDED = 0.8  # of the connections that a worker may have: from here on fewer are let in
LONG_QUEUE = 64  # connections that wait to be accepted
_LEAST_PER_S = 1000  # requests a second that any machine is believed to manage for as long as the lag may be
_GROWTH = 2.0  # of what may begin, over what was answered, while the lag is short
_ALWAYS = 0.2  # of what was answered: a worker that others push aside is late whatever it begins
_LEAST = 10  # between two looks: one stall of a quiet machine turns nobody away
_NEWCOMERS_PART = 0.6  # of what may begin; the rest is for visitors in line
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
    queued: int = 0  # connections that wait to be accepted
    answered_per_s: float = 0.0  # lately
    asking: int = 0  # requests that wait for the store

    def fullness(self, limits: Limits) -> float:
        """Connections, in parts of the limit."""
        return self.connections / limits.connections


def is_too_much(load: Load, limits: Limits) -> bool:
    """Whether what may begin has to be counted."""
    most_asking = _LEAST_PER_S * limits.lag_s
    busy = load.lag_s > limits.lag_s / 2 or load.queued > LONG_QUEUE or load.asking > most_asking
    return busy or load.fullness(limits) > CROWDED


def may_begin(load: Load, limits: Limits) -> int:
    """How many requests may begin until the next look, those of visitors inside among them.

    With a short lag, more than were answered; at half of the allowed one as many; then fewer, down to a fifth.
    """
    late = load.lag_s / limits.lag_s
    until_next_s = LOOK_EVERY_S + load.lag_s
    if late <= 0.5:
        wanted = max(
            _LEAST_PER_S * limits.lag_s - load.asking, load.answered_per_s * until_next_s * _GROWTH - load.asking
        )
    else:
        wanted = max(_LEAST, load.answered_per_s * until_next_s * max(_ALWAYS, 1.5 - late))
    # The last of the connections are for those who are inside.
    room = (1 - load.fullness(limits)) / (1 - CROWDED)
    return int(max(0.0, wanted) * min(1.0, max(0.0, room)))


def is_turned_away(who: Who, left: float, of: int) -> bool:
    """Whether a request is not served when ``left`` ``of`` those that may begin are left."""
    if who is Who.INSIDE:
        return False
    return left <= (of * (1 - _NEWCOMERS_PART) if who is Who.NEWCOMER else 0)


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
    if severity <= 0:
        return poll_s
    most = max(poll_s, min(_CALLED_MOST_S, poll_max_s) if poll_s <= _CALLED_MOST_S else poll_max_s)
    return min(most, round(poll_s * (1 + severity * dice)))
