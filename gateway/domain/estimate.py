"""How long somebody at a position has to wait, said as a range, and how often to ask meanwhile."""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple

from gateway.domain import quota
from gateway.domain.room import Ending, Phase, Snapshot

POLL_LEAST_S = 2
POLL_CALLED_S = 10
POLL_CLAIM_S = 2  # an offer is there and only the claim bucket was empty
NEARLY_FULL_S, NEARLY_FULL = 10, 0.02  # room for this long at the rate, at most this share of the ceiling
SHORTER, LONGER = 0.9, 1.15  # the range around the expectation: in replays it holds nine waits in ten and more
LONGER_S = 20  # calls move in steps, and a hidden tab claims its offer when it wakes


class Wait(NamedTuple):
    """An honest range, in seconds."""

    low_s: int
    high_s: int


class Outlook(NamedTuple):
    """What somebody at a position of the main lane is told."""

    ahead: int  # tickets
    wait: Wait | None
    poll_s: int


def outlook(snapshot: Snapshot, position: int) -> Outlook:
    """All three at once: see ``ahead``, ``wait`` and ``poll_s``."""
    before = ahead(snapshot, position)
    people = _people(snapshot, before)
    return Outlook(before, _wait(snapshot, people), _poll_s(snapshot, position, people))


def ahead(snapshot: Snapshot, position: int) -> int:
    """How many tickets are before ``position`` in its lane, present or not.

    A position a little beyond ``issued`` is of somebody who joined after the snapshot: all before it are ahead.
    """
    return snapshot.between(snapshot.serving, min(position, snapshot.issued + snapshot.gap + 1) - 1)


def present_ahead(snapshot: Snapshot, position: int) -> float:
    """How many visitors go in before ``position``: those present, and late returns meanwhile.

    Those who are in the late lane now, or as many as will have come back by then if they go on coming as
    lately: on a long day every fourth admission is one of theirs, though their lane is nearly empty.
    """
    return _people(snapshot, ahead(snapshot, position))


def _people(snapshot: Snapshot, tickets_ahead: int) -> float:
    main = tickets_ahead * snapshot.density
    late = main * _late_per_main(snapshot)
    if snapshot.late:
        late = max(late, min(snapshot.late, main + 1))
    return main + late


@lru_cache(64)
def _late_per_main(snapshot: Snapshot) -> float:
    """Late returns for each visitor of the main lane, as lately; at most one, since turns alternate."""
    share = min(snapshot.late_share, 0.5)
    return share / (1 - share)


@lru_cache(64)
def expected_rate_per_minute(snapshot: Snapshot) -> float:
    """Admissions a minute to reckon with; 0 when nobody can say.

    A full site admits as many as leave it. With room inside the configured rate is delivered, however
    little went in lately: else a line that has just begun, or a rate that just rose, would be reckoned
    by what was before it (in a replayed sale that told half of the line two and a half times its wait).
    """
    configured, delivered = snapshot.knobs.rate_per_minute, snapshot.delivered_per_minute
    left = quota.left(snapshot)
    if configured <= 0 or (left is not None and not left.to_offer):
        return 0.0
    ceiling = snapshot.knobs.ceiling
    room = ceiling - snapshot.inside
    nearly_full = room <= min(configured / 60 * NEARLY_FULL_S, ceiling * NEARLY_FULL)
    if room <= 0 or (nearly_full and delivered > 0):
        return min(delivered, configured)
    return configured


def main_lane_per_minute(snapshot: Snapshot) -> float:
    """What of the expected rate the main lane gets, late returns coming as lately: what the page reckons with."""
    return expected_rate_per_minute(snapshot) / (1 + _late_per_main(snapshot))


def wait(snapshot: Snapshot, position: int) -> Wait | None:
    """The wait of somebody present at ``position``; None while nothing is released or nobody can say."""
    return _wait(snapshot, present_ahead(snapshot, position))


def _wait(snapshot: Snapshot, people: float) -> Wait | None:
    rate_per_minute = expected_rate_per_minute(snapshot)
    if rate_per_minute <= 0 or not snapshot.phase.releases:
        return None
    expected_s = people * 60 / rate_per_minute
    return Wait(int(expected_s * SHORTER), int(expected_s * LONGER) + LONGER_S)


def wait_late(snapshot: Snapshot) -> Wait | None:
    """The wait of somebody in the late lane, who may be anywhere in it, at half of the rate."""
    rate_per_minute = expected_rate_per_minute(snapshot)
    if not snapshot.phase.releases or rate_per_minute <= 0:
        return None
    everybody_s = max(snapshot.late, 1) * 2 * 60 / rate_per_minute
    return Wait(0, int(everybody_s * LONGER) + LONGER_S)


def in_time(snapshot: Snapshot, expected: Wait | None) -> bool | None:
    """Whether somebody in line is let in before it ends, given the wait; None when nobody can say yet.

    A last call serves everyone in line, however long it takes.
    """
    knobs = snapshot.knobs
    if knobs.ending is Ending.SERVE or not knobs.closes_at_ms:
        return True
    left_s = (knobs.closes_at_ms - snapshot.now_ms) / 1000
    if expected is None or expected.low_s <= left_s < expected.high_s:
        return None
    return expected.high_s <= left_s


def makes_it(snapshot: Snapshot, position: int, tickets_ahead: int) -> bool | None:
    """Whether the quotas leave a place for ``position``, with so many ahead of it in its lane; None: not known."""
    if quota.left(snapshot) is None:
        return True
    return quota.makes_it(snapshot, tickets_ahead=tickets_ahead, people_ahead=_people(snapshot, tickets_ahead))


def over(snapshot: Snapshot) -> Wait | None:
    """When everyone in line now will have been let in; None while nobody can say."""
    return wait(snapshot, snapshot.issued + 1)


def poll_s(snapshot: Snapshot, position: int) -> int:
    """Seconds until a visitor at ``position`` should ask again.

    A tenth of the wait, so that a change of rate is heard in good time; while paused as if running,
    so that nobody is surprised by the resumption.
    """
    return _poll_s(snapshot, position, present_ahead(snapshot, position))


def _poll_s(snapshot: Snapshot, position: int, people: float) -> int:
    if position <= snapshot.serving:
        return POLL_CLAIM_S
    if position <= snapshot.called:
        return POLL_CALLED_S
    configured = snapshot.knobs.rate_per_minute
    if configured <= 0 or snapshot.phase in (Phase.SCHEDULED, Phase.DRAWN):
        return snapshot.poll_max_s
    rate_per_minute = expected_rate_per_minute(snapshot) or configured
    seconds = people * 6 / rate_per_minute
    if seconds <= POLL_LEAST_S:
        return POLL_LEAST_S
    return round(seconds) if seconds < snapshot.poll_max_s else snapshot.poll_max_s
