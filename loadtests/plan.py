"""Who comes when: decided before the run, from a seed, so that two runs can be compared."""

from __future__ import annotations

import random
from collections.abc import Mapping
from dataclasses import dataclass

from loadtests.shapes import Shape


@dataclass(frozen=True, slots=True)
class Planned:
    """One visit. ``at_s`` counts from the start of the run; ``seed`` decides all of its dice."""

    index: int
    at_s: float
    persona: str
    seed: int


def parse_mix(text: str, known: frozenset[str], everyone: str = "") -> dict[str, float]:
    """Read ``patient=8,leaver=1`` (weights; a bare name weighs 1), or ``everyone``, which stands for another mix.

    Raises ValueError naming what is wrong.
    """
    text = everyone if everyone and text == "everyone" else text
    mix: dict[str, float] = {}
    for part in filter(None, (piece.strip() for piece in text.split(","))):
        name, _, weight = part.partition("=")
        if name not in known:
            raise ValueError(f"unknown visitor {name!r}: choose from {', '.join(sorted(known))}")
        try:
            mix[name] = float(weight or 1)
        except ValueError:
            raise ValueError(f"weight of {name!r} is {weight!r}: give a number") from None
    if not mix or min(mix.values()) < 0 or not 0 < sum(mix.values()) < float("inf"):
        raise ValueError(f"mix {text!r} has no visitors: give for example patient=9,leaver=1")
    return mix


@dataclass(frozen=True, slots=True)
class Outage:
    """Nobody reaches the site from one moment until another."""

    from_s: float
    until_s: float

    def wake_s(self, due_s: float) -> float:
        """When somebody asks who would have asked at ``due_s``."""
        return self.until_s if self.from_s <= due_s < self.until_s else due_s


def outage_of(shape: Shape, length_s: float, started_s: float) -> Outage | None:
    """The shape's silence, in the times of a run."""
    if shape.silence is None:
        return None
    first, last = shape.silence
    return Outage(started_s + first * length_s, started_s + last * length_s)


def make_plan(
    shape: Shape, visitors: int, mix: Mapping[str, float], seed: int, length_s: float | None = None
) -> list[Planned]:
    """The visits in order of arrival, the mix kept to the nearest visitor."""
    dice = random.Random(seed)
    times = shape.arrivals(visitors, shape.default_length_s if length_s is None else length_s, dice)
    personas = _deal(visitors, mix)
    dice.shuffle(personas)
    return [
        Planned(index, at_s, persona, dice.getrandbits(32))
        for index, (at_s, persona) in enumerate(zip(times, personas, strict=True))
    ]


def _deal(visitors: int, mix: Mapping[str, float]) -> list[str]:
    """Whole visitors by largest remainder, so that small runs keep the proportions too."""
    total = sum(mix.values())
    exact = {name: visitors * weight / total for name, weight in mix.items()}
    counts = {name: int(share) for name, share in exact.items()}
    by_remainder = sorted(exact, key=lambda name: counts[name] - exact[name])
    for name in by_remainder[: visitors - sum(counts.values())]:
        counts[name] += 1
    return [name for name, count in counts.items() for _ in range(count)]
