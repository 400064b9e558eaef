"""How long the waiting page waits before it looks at the pulse again: its own law, written anew."""

from __future__ import annotations

from loadtests.ledger import Pulse, Seen

POLL_LEAST_S = 2.0
SHORTER, LONGER, LONGER_S = 0.9, 1.15, 20.0  # the range that the page makes of an expected wait
SLOWER = 0.8  # between two answers the page moves its own count a little slower than the rate
TICKET_AGE_S = 5.0  # a ticket's own answer is better than a pulse that is not younger by more than this
MOVES_FOR_S = 90.0


def pulse_interval_s(me: Seen, pulse: Pulse, now_s: float) -> float:
    """A tenth of the middle of the expected range, between 2 s and the longest that the room allows."""
    wait_s = _middle_of_wait_s(me, pulse, now_s) if me.position else 0.0
    if pulse.phase in ("scheduled", "drawn"):
        wait_s = max(0.0, pulse.opens_at_s - now_s) + (wait_s or 0.0)
    return pulse.poll_max_s if wait_s is None else min(max(wait_s / 10, POLL_LEAST_S), pulse.poll_max_s)


def people_ahead(me: Seen, pulse: Pulse, now_s: float) -> float:
    """As the page counts them at this moment."""
    from_ticket = me.ahead is not None and me.received_s >= pulse.received_s - TICKET_AGE_S
    known = me.ahead if from_ticket and me.ahead is not None else _tickets_between(me.position, pulse)
    if pulse.phase not in ("open", "last-call"):
        return known
    since_s = min(now_s - (me.received_s if from_ticket else pulse.received_s), MOVES_FOR_S)
    return max(0.0, known - SLOWER * _rate_per_minute(pulse) / 60 / pulse.density * since_s)


def _middle_of_wait_s(me: Seen, pulse: Pulse, now_s: float) -> float | None:
    ahead = people_ahead(me, pulse, now_s)
    if me.received_s >= pulse.received_s - TICKET_AGE_S and me.low_s is not None and me.high_s is not None:
        share = min(ahead / me.ahead, 1) if me.ahead else 1
        return (me.low_s + me.high_s) / 2 * share
    rate = _rate_per_minute(pulse)
    if rate <= 0:
        return None
    return (SHORTER + LONGER) / 2 * ahead * pulse.density * 60 / rate + LONGER_S / 2


def _rate_per_minute(pulse: Pulse) -> float:
    return pulse.expected_per_minute or pulse.rate_per_minute


def _tickets_between(position: int, pulse: Pulse) -> int:
    ahead = position - pulse.serving - 1
    for first, last in pulse.skipped:
        ahead -= max(0, min(position - 1, last) - max(pulse.serving, first - 1))
    return max(0, ahead)
