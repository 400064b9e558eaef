"""The order of a draw as an outsider computes it, from what the pulse publishes: nothing of the gateway's."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Mapping
from functools import lru_cache
from typing import Any


class FalseDrawError(Exception):
    """What was published is not what was committed to."""


def place(draw: Mapping[str, Any], number: int, commitment: str) -> int:
    """The place of a number. ``commitment``: as it was seen before the draw. Raises FalseDrawError."""
    secret, size = bytes.fromhex(draw["secret"]), int(draw["size"])
    if not hashlib.sha256(secret).hexdigest() == draw["commitment"] == commitment:
        raise FalseDrawError("the secret is not the one that was committed to")
    if number > size:
        return number
    seed = hmac.digest(secret, str(draw["entropy"]).encode(), "sha256")
    return _shuffled(seed, size)[number - 1] + 1 if size < 64 else _walked(seed, size, number - 1) + 1


def _word(seed: bytes, head: int, value: int) -> int:
    return int.from_bytes(hmac.digest(seed, bytes([head]) + value.to_bytes(4, "big"), "sha256")[:4], "big")


@lru_cache(maxsize=4)
def _shuffled(seed: bytes, size: int) -> list[int]:
    order = list(range(size))
    for last in range(size - 1, 0, -1):
        other = _word(seed, 4, last) % (last + 1)
        order[last], order[other] = order[other], order[last]
    return order


def _walked(seed: bytes, size: int, value: int) -> int:
    bits = -(-(size - 1).bit_length() // 2)
    mask = (1 << bits) - 1
    while True:
        left, right = value >> bits, value & mask
        for head in range(4):
            left, right = right, left ^ _word(seed, head, right) & mask
        value = left << bits | right
        if value < size:
            return value
