"""The days that can be replayed. Every number is an option of the command line."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, fields, replace

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Arrivals = Callable[[Floats], Floats]  # share of the day (0..1) to relative density of arrivals


@dataclass(frozen=True, slots=True)
class Profile:
    """One day. Shares are 0..1; a rate is in admissions (claims) a minute."""

    title: str
    arrivals: Arrivals
    visits: int  # page visits from outside, returning ones included
    returning: float  # share of the visits by people who hold a place already: they take no number
    hours: float  # of arrivals
    drain_hours: float  # at most this long after the last arrival
    rate: float
    rate_changes: tuple[tuple[float, float], ...]  # (share of the day, rate)
    ceiling: int
    hidden: float = 0.6  # share of visitors whose tab is in the background
    patience_h: float = 8.0  # median; lognormal
    patience_sigma: float = 1.0
    gone: float = 0.05  # share who close the page for good within gone_s
    gone_s: float = 300.0
    nap_after_s: float = 1800.0  # mean time from joining to the phone's sleep
    nap_s: float = 3600.0  # median length of the sleep; lognormal
    session_s: float = 420.0  # median time inside; lognormal
    session_sigma: float = 0.6
    never_finish: float = 0.12  # share of those inside who wander off
    never_use: float = 0.02  # share of passes that never reach the site
    outage_at: float = 0.5  # share of the day; the store is unreachable from then on
    outage_s: int = 60
    poll_max_s: int = 60
    wake_grid_s: int = 0  # 60: hidden tabs run their timers once a minute at most, whenever they were due
    opens_s: int = (
        0  # seconds after the first arrival; the order of who came before is drawn. 0: open from the start
    )
    freeze_s: int = 120
    enough_min: float = 3.0  # minutes of rate that must be awake in line for the delivery to be judged

    @property
    def tickets(self) -> int:
        """How many take a number."""
        return max(1, round(self.visits * (1 - self.returning)))

    def scaled(self, scale: float) -> Profile:
        """The same day with fewer people, and everything that is counted in people reduced alike."""
        return replace(
            self,
            visits=max(1, round(self.visits * scale)),
            rate=self.rate * scale,
            rate_changes=tuple((at, rate * scale) for at, rate in self.rate_changes),
            ceiling=max(1, round(self.ceiling * scale)),
        )


def _peak(at: Floats, centre: float, width: float) -> Floats:
    return np.asarray(np.exp(-(((at - centre) / width) ** 2)))


def opening_day(at: Floats) -> Floats:
    """Doors at 9: a spike of the first half hour, office hours, an evening peak at 20:00, a quiet night."""
    hour = at * 26
    spike = 12 * np.exp(-hour / 0.4)
    return np.asarray(spike + 0.9 + 0.6 * _peak(hour, 4.5, 3) + 1.9 * _peak(hour, 11, 1.8) - 0.75 * (hour > 15.5))


def two_days(at: Floats) -> Floats:
    """The opening day, and a second one like it without the spike."""
    hour = at * 48
    spike = 12 * np.exp(-hour / 0.4)
    night = 0.7 * (((hour > 15) & (hour < 22)) | (hour > 39))
    return np.asarray(
        spike + 0.9 + 0.6 * _peak(hour, 5, 3) + 1.9 * _peak(hour, 11, 1.8) + 2.2 * _peak(hour, 34.5, 2.5) - night
    )


def countdown(at: Floats) -> Floats:
    """People gather, more and more, until shortly before the end, and a few come late."""
    return np.where(at < 0.85, 0.4 + at**2, 0.15)


def even(at: Floats) -> Floats:
    """The same at every moment."""
    return np.ones_like(at)


PROFILES = {
    "cpns-2014": Profile(
        "20 August 2014: 5 million visits in 26 hours",
        opening_day,
        visits=5_000_000,
        returning=0.3,
        hours=26,
        drain_hours=0,
        rate=1200,
        rate_changes=((1 / 26, 2400), (7 / 26, 3000), (22 / 26, 2000)),
        ceiling=48_000,
    ),
    "two-days": Profile(
        "Two days, 10 million visits",
        two_days,
        visits=10_000_000,
        returning=0.3,
        hours=48,
        drain_hours=0,
        rate=1200,
        rate_changes=((1 / 48, 2400), (8 / 48, 3200)),
        ceiling=50_000,
    ),
    "on-sale": Profile(
        "A sale: a million people in one minute",
        even,
        visits=1_000_000,
        returning=0.0,
        hours=1 / 60,
        drain_hours=3,
        rate=12_000,
        rate_changes=(),
        ceiling=250_000,
        patience_h=3,
        outage_at=60.0,
    ),
    "opening": Profile(
        "An announced opening: a million in the pre-queue, and a draw",
        countdown,
        visits=1_050_000,
        returning=0.0,
        hours=0.3,
        drain_hours=0.4,
        rate=6_000,
        rate_changes=(),
        ceiling=125_000,
        patience_h=3,
        outage_at=60.0,
        opens_s=1050,
    ),
    "trickle": Profile(
        "An ordinary day: never a line",
        even,
        visits=7_200,
        returning=0.1,
        hours=6,
        drain_hours=0,
        rate=60,
        rate_changes=(),
        ceiling=700,
    ),
    "mass-no-show": Profile(
        "Nine in ten are gone before their turn",
        even,
        visits=400_000,
        returning=0.02,
        hours=1,
        drain_hours=2,
        rate=600,
        rate_changes=(),
        ceiling=15_000,
        gone=0.9,
        gone_s=600.0,
        outage_at=0.9,
    ),
}

NUMBERS = tuple(entry.name for entry in fields(Profile) if entry.name not in ("title", "arrivals", "rate_changes"))
