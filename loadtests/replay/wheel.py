"""A timing wheel: whose turn it is in which second, without looking at everybody."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Index = NDArray[np.int64]


_ZERO = np.zeros(1, dtype=np.int64)


class Wheel:
    """Visitors by the second in which they act next. ``slots``: a power of two, further ahead than anybody is."""

    def __init__(self, slots: int) -> None:
        self._mask = slots - 1
        self._filled = np.zeros(slots, dtype=np.int64)
        self._room = 64
        self._ring = np.zeros((slots, self._room), dtype=np.int32)

    def put(self, who: Index, at_s: Index) -> None:
        """``who[i]`` acts in second ``at_s[i]``."""
        if len(who) == 0:
            return
        slot = at_s & self._mask
        order = np.argsort(slot, kind="stable")
        slot, who = slot[order], who[order]
        breaks = np.flatnonzero(slot[1:] != slot[:-1]) + 1
        first = np.concatenate((_ZERO, breaks))
        sizes = np.concatenate((breaks, (len(slot),))) - first
        rank = np.arange(len(slot)) - np.repeat(first, sizes)
        column = self._filled[slot] + rank
        if int(column.max()) >= self._room:
            self._grow(int(column.max()) + 1)
        self._ring[slot, column] = who
        self._filled[slot[first]] += sizes

    def take(self, now_s: int) -> Index:
        """Who acts in this second; the slot is empty afterwards."""
        slot = now_s & self._mask
        count = self._filled[slot]
        self._filled[slot] = 0
        return self._ring[slot, :count].astype(np.int64)

    def _grow(self, least: int) -> None:
        room = max(least, self._room * 2)
        ring = np.zeros((len(self._filled), room), dtype=np.int32)
        ring[:, : self._room] = self._ring
        self._ring, self._room = ring, room
