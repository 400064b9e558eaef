"""Limits sign-in attempts by address: a few at once, then one every half minute. Pure: time is given."""

from __future__ import annotations

import math

BURST = 8  # a person who mistypes is not stopped
REFILL_S = 30.0
ADDRESSES_MOST = 4096


class Attempts:
    """A leaky bucket of failed attempts per address."""

    def __init__(self) -> None:
        self._failed: dict[str, tuple[float, float]] = {}  # address: failures not yet forgotten, as of (s)

    def wait_s(self, address: str, now_s: float) -> int:
        """Seconds until the address may try; 0 is at once."""
        excess = self._level(address, now_s) - (BURST - 1)
        return math.ceil(excess * REFILL_S) if excess > 0 else 0

    def failed(self, address: str, now_s: float) -> None:
        """Count one."""
        level = self._level(address, now_s) + 1
        if len(self._failed) >= ADDRESSES_MOST:
            self._forget_oldest(now_s)
        self._failed[address] = (level, now_s)

    def succeeded(self, address: str) -> None:
        """Forget what failed before."""
        self._failed.pop(address, None)

    def _level(self, address: str, now_s: float) -> float:
        level, at_s = self._failed.get(address, (0.0, now_s))
        return max(0.0, level - (now_s - at_s) / REFILL_S)

    def _forget_oldest(self, now_s: float) -> None:
        self._failed = {
            address: (lv, at) for address, (lv, at) in self._failed.items() if self._level(address, now_s)
        }
        while len(self._failed) >= ADDRESSES_MOST:
            del self._failed[min(self._failed, key=lambda address: self._failed[address][1])]
