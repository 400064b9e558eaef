"""When visitors come. Every shape is an open model: arrival times are fixed in advance, by a seed,

and no slowness of the system holds anyone back. (A closed model, where a visitor comes again only
after being served, goes easy on a system exactly when it is in trouble.)
"""

from __future__ import annotations

import math
import random
from typing import Protocol


class Shape(Protocol):
    """A way of arriving. ``default_length_s``: how long arrivals go on if nobody says otherwise."""

    default_length_s: float

    def arrivals(self, visitors: int, length_s: float, dice: random.Random) -> list[float]:
        """Seconds from the start of the run, ascending, one for each visitor."""
        ...


class Smoke:
    """One minute of people coming independently of each other, evenly.

    Models an ordinary busy minute: is everything connected and does one of each work?
    Leaves out: any rush. With a rate above the arrivals nobody queues for long.
    """

    default_length_s = 60.0

    def arrivals(self, visitors: int, length_s: float, dice: random.Random) -> list[float]:
        return sorted(dice.uniform(0, length_s) for _ in range(visitors))


class OpeningSpike:
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


SHAPES: dict[str, Shape] = {"Smoke": Smoke(), "OpeningSpike": OpeningSpike()}
