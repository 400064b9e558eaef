"""A drawn opening within a replayed day: announced before the first arrival; the store freezes and opens it.

Visitors are followed by their place. Who comes before the freeze has a number first and is drawn to a place later;
since the draw is a function of secret, public value and N, the replay knows beforehand which place that will be.
"""

from __future__ import annotations

import json
from dataclasses import asdict

import numpy as np
from numpy.typing import NDArray

from gateway.domain import draw as fair
from gateway.domain.room import Draw
from gateway.store.functions import Command
from loadtests.replay.population import PARTS, Population
from loadtests.replay.profiles import Profile
from loadtests.replay.store import ROOM, ReplayStore

Index = NDArray[np.int64]

KEY, INSTANCE = "the secret key of a replay", "an-opening"
ANNOUNCED, ENTROPY = "said beforehand", "known afterwards"
ENTERED_AFTER_S, DRAWN_AFTER_S = 5, 6  # of the freeze: an operator who was ready, and the worker that draws


class DrawnOpening:
    """``places`` by number, and ``numbers`` by place; index 0 is nobody."""

    def __init__(self, profile: Profile, population: Population) -> None:
        self.opens_s, self.freezes_s = profile.opens_s, profile.opens_s - profile.freeze_s
        self.size = int(population.arrived[self.freezes_s * PARTS - 1])
        self._secret = fair.draw_secret(KEY, ROOM, INSTANCE)
        self._freeze_s = profile.freeze_s
        self.places: Index = np.arange(population.size + 1)
        self.numbers: Index = np.arange(population.size + 1)
        seed = fair.seed_of(self._secret.hex(), ENTROPY)
        drawn = [fair.position_of(seed, self.size, number) for number in range(1, self.size + 1)]
        self.places[1 : self.size + 1] = drawn
        self.numbers[self.places] = np.arange(population.size + 1)
        for diary in (population.leaves, population.sleeps, population.wakes):
            diary.rename(self.places)

    def schedule(self, store: ReplayStore, now_ms: int, opens_ms: int) -> Command:
        """Announce it, with the commitment; the doors stay open until the end of the day."""
        draw = Draw(fair.commitment_of(self._secret), ANNOUNCED, self._freeze_s)
        text = json.dumps(asdict(draw))
        return store.functions.schedule(now_ms, "replay", "", INSTANCE, opens_ms, 0, "serve", text, "")

    def due(self, store: ReplayStore, second: int, now_ms: int) -> list[Command]:
        """What operator and worker do in this second."""
        if second == self.freezes_s + ENTERED_AFTER_S:
            return [store.functions.enter_entropy(now_ms, "replay", "", INSTANCE, ENTROPY)]
        if second == self.freezes_s + DRAWN_AFTER_S:
            return [store.functions.reveal(now_ms, store.run_id, INSTANCE, self._secret.hex())]
        return []

    def is_drawn_in(self, second: int) -> bool:
        """Whether the draw is published in this second: what was marked by number is forgotten then."""
        return second == self.freezes_s + DRAWN_AFTER_S
