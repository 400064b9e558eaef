"""Everybody's state, as arrays by number."""

from __future__ import annotations

import numpy as np

from loadtests.replay.population import Population

NOT_YET, WAITING, CALLED, LATE, INSIDE, DONE, GONE = range(7)
NEVER = -1


class Crowd:
    """The visitors of one day. Index 0 is nobody."""

    def __init__(self, population: Population) -> None:
        size = population.size + 1
        self.hidden = population.hidden
        self.state = np.zeros(size, dtype=np.uint8)
        self.awake = np.zeros(size, dtype=bool)
        self.far = np.zeros(size, dtype=bool)  # polls the pulse at the slowest interval, counted as one of many
        self.excused = np.zeros(size, dtype=bool)  # was away since being called: may be passed over
        self.offered = np.zeros(size, dtype=bool)
        self.in_late_lane = np.zeros(size, dtype=bool)
        self.failures = np.zeros(size, dtype=np.uint8)
        self.window = np.full(size, -1, dtype=np.int32)  # presence window of the last mark
        self.due_s = np.full(size, NEVER, dtype=np.int32)
        self.session_end_s = np.zeros(size, dtype=np.int32)
        self.joined_s = np.full(size, NEVER, dtype=np.int32)
        self.claimed_s = np.full(size, NEVER, dtype=np.int32)
        self.middle = np.zeros(size, dtype=np.int64)  # position that is served at half of the way
        self.half_s = np.full(size, NEVER, dtype=np.int32)
        self.told = np.full((2, size), NEVER, dtype=np.int32)  # low and high at the join, seconds
        self.told_half = np.full((2, size), NEVER, dtype=np.int32)

    def in_line(self, who: np.ndarray) -> np.ndarray:
        """Which of ``who`` hold a place that was not used yet."""
        state = self.state[who]
        return np.asarray((state >= WAITING) & (state <= LATE))
