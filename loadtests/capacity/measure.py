"""One step out of its ledger: what the visitors saw of the site while the line was long. Pure."""

from __future__ import annotations

import math
from collections.abc import Sequence, Set
from dataclasses import dataclass
from statistics import fmean

from loadtests import windows
from loadtests.capacity.search import Step
from loadtests.ledger import Admitted, Arrived, Call, Ended, Ledger, Registered

SITE_CALLS = ("enter", "open the form", "submit the form")  # and their redirects; all go through to the site
# A called visitor looks every 10 s (±20 %), so admissions run at the rate from so long after the first, and
# until so long before the line has run out.
LOOK_S = 12.0
LATE_S = 1.0  # a visitor who comes later than planned by more waited for the generator
LATE_SHARE = 0.05
CPU_WARNING = "CPU usage above"  # as locust logs it


@dataclass(frozen=True, slots=True)
class Window:
    """The part of a step that is judged, seconds since the epoch."""

    from_s: float
    until_s: float

    def holds(self, at_s: float) -> bool:
        return self.from_s <= at_s <= self.until_s


def visitors_for(rate_per_minute: float, seconds: float) -> int:
    """So many that the line outlasts the window by the interval at which they look."""
    return math.ceil(rate_per_minute / 60 * (seconds + 2 * LOOK_S)) + 1


def window_of(ledger: Ledger, seconds: float) -> Window | None:
    """From when all who are called look by turns; None when hardly anybody was let in by then."""
    times = sorted(event.received_s for event in ledger.first(Admitted).values())
    if not times or times[-1] <= times[0] + LOOK_S:
        return None
    return Window(times[0] + LOOK_S, times[0] + LOOK_S + seconds)


def step_of(
    ledger: Ledger,
    seconds: float,
    rate_per_minute: float,
    log: str,
    inside: Sequence[tuple[float, int]] = (),
    foreign: float = 0.0,
) -> Step:
    """The step that this ledger tells of, by a window of so many ``seconds``.

    ``inside``: the gateway's own count at moments, where it is known. ``foreign``: as in ``Step``.
    """
    window = window_of(ledger, seconds)
    generator = generator_limit(ledger, log)
    if window is None:  # the site, or the gateway, let next to nobody through
        return Step(rate_per_minute, 0.0, 0.0, 1.0, 0.0, 0, foreign, generator)
    let_in = {who: event for who, event in ledger.first(Admitted).items() if window.holds(event.received_s)}
    if not let_in:
        return Step(rate_per_minute, 0.0, 0.0, 1.0, 0.0, 0, foreign, generator)
    delivered = len(let_in) * 60 / seconds
    return Step(
        rate_per_minute,
        delivered,
        slowest_p95_ms(ledger, window),
        _without_registration(ledger, let_in.keys()),
        _inside_s(ledger, let_in, window, delivered, inside),
        len(let_in),
        foreign,
        generator,
    )


def slowest_p95_ms(ledger: Ledger, window: Window) -> float:
    """Of each kind of call to the site its p95, and of these the slowest: a fast page hides no slow form."""
    times: dict[str, list[float]] = {}
    for call in ledger.all(Call):
        if call.name.removesuffix(" (redirected)") in SITE_CALLS and window.holds(call.sent_s):
            times.setdefault(call.name, []).append((call.received_s - call.sent_s) * 1000)
    return max((windows.quantile(ms, 0.95) or 0.0 for ms in times.values()), default=0.0)


def generator_limit(ledger: Ledger, log: str) -> str:
    """How the generator shows that it cannot keep up; empty when it does."""
    if CPU_WARNING in log:
        return "locust warned that its processor is busy"
    arrivals = ledger.all(Arrived)
    late = sum(event.at_s - event.planned_s > LATE_S for event in arrivals)
    if late > LATE_SHARE * len(arrivals):
        return f"{late} of {len(arrivals)} visitors started more than {LATE_S:g} s late"
    return ""


def _without_registration(ledger: Ledger, let_in: Set[int]) -> float:
    """Of those let in, the share whose visit did not end in a registration: refused, failed, or cut off."""
    done = let_in & {event.visitor for event in ledger.all(Registered)}
    return 1 - len(done) / len(let_in)


def _inside_s(
    ledger: Ledger,
    let_in: dict[int, Admitted],
    window: Window,
    delivered_per_minute: float,
    inside: Sequence[tuple[float, int]],
) -> float:
    """Little's law, from the gateway's count, which knows offers too; else from what visitors saw."""
    counted = [count for at_s, count in inside if window.holds(at_s)]
    if counted and delivered_per_minute > 0:
        return fmean(counted) * 60 / delivered_per_minute
    ends = {event.visitor: event.at_s for event in ledger.all(Ended)}
    stays = [ends[who] - event.sent_s for who, event in let_in.items() if who in ends]
    return fmean(stays) if stays else 0.0
