"""Requests a second that a waiting line makes: under the polling law, against asking every five seconds.

Reckoned with the gateway's own ``estimate.poll_s``, over places spread evenly along the line.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from gateway.domain import estimate
from gateway.domain.room import Knobs, Snapshot

SIZES = (10_000, 100_000, 1_000_000, 10_000_000)
FIXED_S = 5.0
JITTER = 0.2  # either way, as the page does it
_RATE_PER_MINUTE = 6000.0
_CALLED_S = 180  # of admissions, called ahead
_PLACES = 20_000  # looked at along the line


@dataclass(frozen=True, slots=True)
class Polling:
    """One line."""

    waiting: int
    pulses_per_s: float  # public and the same for everyone: a cache may answer them
    check_ins_per_s: float
    fixed_per_s: float

    @property
    def total_per_s(self) -> float:
        return self.pulses_per_s + self.check_ins_per_s


def reckon(sizes: Sequence[int] = SIZES, *, poll_max_s: int = 60) -> list[Polling]:
    """Every size, at 6,000 admissions a minute."""
    return [_reckon(waiting, poll_max_s) for waiting in sizes]


def _reckon(waiting: int, poll_max_s: int) -> Polling:
    snapshot = _line(waiting, poll_max_s)
    # 1/x averaged over x uniform around the mean: jitter makes the mean rate a little higher.
    jitter = math.log((1 + JITTER) / (1 - JITTER)) / (2 * JITTER)
    places = min(_PLACES, waiting)
    pulses = check_ins = 0.0
    for index in range(places):
        position = int((index + 0.5) * waiting / places) + 1
        per_s = jitter / estimate.poll_s(snapshot, position) * waiting / places
        if position <= snapshot.called:
            check_ins += per_s
        else:
            pulses += per_s
    return Polling(waiting, pulses, check_ins, waiting / FIXED_S)


def _line(waiting: int, poll_max_s: int) -> Snapshot:
    called = min(waiting, int(_RATE_PER_MINUTE * _CALLED_S / 60))
    return Snapshot(
        room="bench", instance="bench", generation=1, revision=1, now_ms=0, vt_ms=0,
        knobs=Knobs(rate_per_minute=_RATE_PER_MINUTE, ceiling=1_000_000),
        issued=waiting, called=called, ready=0, serving=0, late=0, offers=0, leases=0, ghosts=0, density=1.0,
        delivered_per_minute=_RATE_PER_MINUTE, present=waiting, since_release_ms=0, claimed=0, finished=0,
        lapsed=0, passed=0, late_returns=0, workers=1, poll_max_s=poll_max_s,
    )  # fmt: skip
