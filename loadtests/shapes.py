"""When visitors come. Every shape is an open model: arrival times are fixed in advance, by a seed,

and no slowness of the system holds anyone back. (A closed model, where a visitor comes again only
after being served, goes easy on a system exactly when it is in trouble.)
"""

from __future__ import annotations

import bisect
import math
import random
from abc import ABC, abstractmethod
from collections.abc import Callable
from itertools import accumulate
from typing import ClassVar


class Shape(ABC):
    """A way of arriving."""

    default_length_s: ClassVar[float]
    """How long arrivals go on if nobody says otherwise."""
    silence: ClassVar[tuple[float, float] | None] = None
    """From and until which share of the length nobody can reach the site; at its end everyone tries at once."""
    rate_over_arrivals: ClassVar[float | None] = None
    """The admission rate that belongs to the shape, in average arrivals; None: any."""

    drawn_opening: ClassVar[bool] = False
    """Whether the room is scheduled for the run: a countdown while people come, a draw, the doors, a last call."""

    @abstractmethod
    def arrivals(self, visitors: int, length_s: float, dice: random.Random) -> list[float]:
        """Seconds from the start of the run, ascending, one for each visitor."""


class Smoke(Shape):
    """One minute of people coming independently of each other, evenly.

    Models an ordinary busy minute: is everything connected and does one of each work?
    Leaves out: any rush. With a rate above the arrivals nobody queues for long.
    """

    default_length_s = 60.0

    def arrivals(self, visitors: int, length_s: float, dice: random.Random) -> list[float]:
        return sorted(dice.uniform(0, length_s) for _ in range(visitors))


class OpeningSpike(Shape):
    """The doors open: a third were sitting there reloading, the rest hear of it and come, fewer and fewer.

    Models the first minutes of an announced opening: ``AT_THE_DOORS`` of the visitors come within the
    first tenth of the time, the others with exponentially falling density.
    Leaves out: a scheduled opening with its countdown (people who gather before), the second waves of
    news and office hours, and people who come again.
    """

    default_length_s = 20.0
    AT_THE_DOORS = 1 / 3
    STEEPNESS = 3.0  # the density falls by e to this power over the whole time

    def arrivals(self, visitors: int, length_s: float, dice: random.Random) -> list[float]:
        times = []
        for index in range(visitors):
            if index < visitors * self.AT_THE_DOORS:
                times.append(dice.uniform(0, length_s / 10))
            else:
                times.append(length_s * self._falling(dice.random()))
        return sorted(times)

    def _falling(self, share: float) -> float:
        return -math.log(1 - share * (1 - math.exp(-self.STEEPNESS))) / self.STEEPNESS


class Cpns2014(Shape):
    """20 August 2014, 26 hours from the opening, compressed: six seconds stand for an hour.

    Models the day's arrivals in their proportions: the spike of the first half hour, office hours, the peak
    of the evening, the quiet of the night; and what the room of such a day would let in, against what comes
    (the curve and that ratio are those of ``make replay``).
    Leaves out: the size (five million visits; ``make replay`` has it), and everything that does not compress:
    pages ask as often as ever, which is seldom against such short hours, and forms take their seconds. Also
    the changes of the rate in the course of the day, patience that ends in hours, and people who come again.
    """

    default_length_s = 156.0
    rate_over_arrivals = 1.18  # 4.1 million admissions at the rates of the replayed day, for 3.5 million tickets
    HOURS = 26.0

    def arrivals(self, visitors: int, length_s: float, dice: random.Random) -> list[float]:
        return _drawn(self.density, visitors, length_s, dice)

    def density(self, share: float) -> float:
        """Arrivals at a moment of the day (0 to 1), in a unit of their own."""
        hour = share * self.HOURS
        spike = 12 * math.exp(-hour / 0.4)
        office, evening = math.exp(-(((hour - 4.5) / 3) ** 2)), math.exp(-(((hour - 11) / 1.8) ** 2))
        return spike + 0.9 + 0.6 * office + 1.9 * evening - (0.75 if hour > 15.5 else 0)


class Soak(Shape):
    """Half an hour of steady coming with slow tides, or as long as you say.

    Models ordinary operation for long: what leaks, fills or drifts has time to show in the later figures (memory
    and open files of the server's processes are watched by ``make soak``). A tide every ``TIDES``th of the time
    makes a line form and empty again, if the rate is near the average of the arrivals.
    Leaves out: any rush, and faults.
    """

    default_length_s = 1800.0
    rate_over_arrivals = 1.1
    TIDES = 6
    SWELL = 0.5  # how far a tide rises above the average, and falls below

    def arrivals(self, visitors: int, length_s: float, dice: random.Random) -> list[float]:
        return _drawn(self._density, visitors, length_s, dice)

    def _density(self, share: float) -> float:
        return 1 + self.SWELL * math.sin(2 * math.pi * self.TIDES * share)


class StepToLimit(Shape):
    """Arrivals in steps, each with as many more a second as the first had, to the last, ``STEPS`` times the first.

    Models a growing demand at one admission rate: below the rate nobody waits; from the step that passes it on a
    line forms and the site goes on at its rate. The pictures show which step that was, and whether the times of
    the calls rose with the line (they must not) or with the arrivals.
    Leaves out: raising the rate, which is how to find what the site can bear; that people leave when it is long.
    """

    default_length_s = 120.0
    rate_over_arrivals = 1.0
    STEPS = 6

    def arrivals(self, visitors: int, length_s: float, dice: random.Random) -> list[float]:
        return _drawn(self._density, visitors, length_s, dice)

    def _density(self, share: float) -> float:
        return 1.0 + min(int(share * self.STEPS), self.STEPS - 1)


class ReopenHerd(Shape):
    """People come, then nobody can reach the site for a while, then everyone asks in the same moment.

    Models the end of an outage between visitors and gateway (a mobile network, a load balancer, a cache), at its
    worst: all that fell due meanwhile is sent at once, by those in line, at the door and in the form.
    Leaves out: the spread of retries that the page makes by itself (this herd is denser than any page's), people
    who come during the outage, and an outage of gateway or store themselves (``make faults`` has those).
    """

    default_length_s = 60.0
    silence = (0.5, 1.0)
    ARRIVED = 0.3  # everyone is there by then

    def arrivals(self, visitors: int, length_s: float, dice: random.Random) -> list[float]:
        return sorted(dice.uniform(0, length_s * self.ARRIVED) for _ in range(visitors))


class Opening(Shape):
    """An announced opening: people gather during the countdown, ever more, are drawn, and enter; then a last call.

    Models the whole of it: a pre-queue in which nobody has a place, the freeze, the draw that every visitor checks
    and computes from the pulse alone, the first admissions, and a closing time at which half are still in line.
    Leaves out: tabs in the background, a public value entered by hand (the draw is one without), and how long the
    countdown of a real opening is.
    """

    default_length_s = 60.0
    drawn_opening = True

    def arrivals(self, visitors: int, length_s: float, dice: random.Random) -> list[float]:
        return _drawn(lambda share: 0.4 + share**2, visitors, length_s, dice)


def _drawn(
    density: Callable[[float], float], visitors: int, length_s: float, dice: random.Random, grain: int = 26 * 60
) -> list[float]:
    """Times with this density over the length (0 to 1), taken as constant within each of ``grain`` pieces."""
    sums = list(accumulate(density((index + 0.5) / grain) for index in range(grain)))

    def one() -> float:
        piece = bisect.bisect_left(sums, dice.uniform(0, sums[-1]))
        return (min(piece, grain - 1) + dice.random()) / grain * length_s

    return sorted(one() for _ in range(visitors))


SHAPES: dict[str, Shape] = {
    type(shape).__name__: shape
    for shape in (Smoke(), OpeningSpike(), Cpns2014(), Soak(), StepToLimit(), ReopenHerd(), Opening())
}
