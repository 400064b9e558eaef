"""The fair draw: who registered before the opening is put in an order that nobody could choose.

The secret is committed to before the first number exists; the number of those drawn is fixed at the freeze;
public entropy becomes known after it. From these three follows the order, computed for one number at a time:
nothing is stored, and anyone can check it. ``static/draw.js`` has the same functions for the page.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import Any

from gateway.errors import DrawRefuted

SMALL = 64  # below, four rounds are measurably uneven: a Fisher-Yates shuffle instead
ROUNDS = 4
SHUFFLE_ROUND = 4  # what the shuffle's HMACs begin with; those of the network begin with 0 to 3
REMEMBERED = 16_384  # positions that a worker keeps: a check-in asks for its own more than once
MAX_SIZE = 1 << 32  # halves have at most 16 bits, and numbers travel as four bytes
MAX_ENTROPY_CHARACTERS = 500


def draw_secret(key: str, room: str, instance: str) -> bytes:
    """The secret of one line's draw: 32 bytes that only who has the key can know beforehand."""
    draw_key = _hmac(key.encode(), b"antrean draw key")
    return _hmac(draw_key, b"".join(_prefixed(part) for part in (b"draw", room.encode(), instance.encode())))


def commitment_of(secret: bytes) -> str:
    """What is published before the first number exists: the secret's SHA-256, in hex."""
    return hashlib.sha256(secret).hexdigest()


def secret_behind(commitment: str, keys: Iterable[str], room: str, instance: str) -> bytes | None:
    """The secret that was committed to, whichever of the keys it was made with; None if none of them."""
    secrets = (draw_secret(key, room, instance) for key in keys)
    return next((secret for secret in secrets if hmac.compare_digest(commitment_of(secret), commitment)), None)


@lru_cache(maxsize=64)
def seed_of(secret_hex: str, entropy: str) -> bytes:
    """What the order follows from. Raises ValueError when the secret is not hex."""
    return _hmac(bytes.fromhex(secret_hex), entropy.encode())


@lru_cache(maxsize=REMEMBERED)
def position_of(seed: bytes, size: int, number: int) -> int:
    """Place in line of ``number``, both from 1; who came after the freeze stays behind all of the drawn."""
    if not 1 <= number <= size:
        return number
    if size < SMALL:
        return _shuffle(seed, size)[number - 1] + 1
    bits = _half_bits(size)
    value = _network(seed, bits, number - 1)
    while value >= size:
        value = _network(seed, bits, value)
    return value + 1


def number_at(seed: bytes, size: int, position: int) -> int:
    """The number that was drawn to ``position``: the inverse of ``position_of``."""
    if not 1 <= position <= size:
        return position
    if size < SMALL:
        return _shuffle(seed, size).index(position - 1) + 1
    bits = _half_bits(size)
    value = _network_back(seed, bits, position - 1)
    while value >= size:
        value = _network_back(seed, bits, value)
    return value + 1


def verified(published: Mapping[str, Any]) -> tuple[bytes, int]:
    """Seed and N of a draw as pulse, page and export publish it. Raises DrawRefuted with the reason."""
    draw = published["draw"] if isinstance(published.get("draw"), Mapping) else published
    try:
        commitment, secret = str(draw["commitment"]), str(draw["secret"])
        entropy, size = str(draw["entropy"]), draw["size"]
    except KeyError as missing:
        raise DrawRefuted(f"this is not a published draw: it has no {missing}") from None
    if not secret:
        raise DrawRefuted("not drawn yet: the secret is published at the draw, after the freeze")
    if isinstance(size, bool) or not isinstance(size, int) or not 0 <= size <= MAX_SIZE:
        raise DrawRefuted("this is not a published draw: size is not a whole number")
    try:
        told = commitment_of(bytes.fromhex(secret))
    except ValueError:
        raise DrawRefuted("this is not a published draw: the secret is not hexadecimal") from None
    if told != commitment:
        raise DrawRefuted("the secret is NOT the one that was committed to: do not trust this draw")
    if draw.get("announced_entropy") and not entropy:
        raise DrawRefuted("the entropy that was announced is missing: do not trust this draw")
    return seed_of(secret, entropy), size


def entropy_problem(entropy: str) -> str:
    """What is wrong with a public value, or nothing: it must be the same text for everyone who copies it."""
    if not entropy or entropy != entropy.strip():
        return "the entropy is empty, or begins or ends with a space"
    if len(entropy) > MAX_ENTROPY_CHARACTERS:
        return f"the entropy has {len(entropy):,} characters: at most {MAX_ENTROPY_CHARACTERS} fit"
    return "" if entropy.isprintable() else "the entropy holds characters that cannot be seen"


def _half_bits(size: int) -> int:
    return -(-(size - 1).bit_length() // 2)


def _hmac(key: bytes, message: bytes) -> bytes:
    return hmac.digest(key, message, "sha256")


def _prefixed(part: bytes) -> bytes:
    return len(part).to_bytes(4, "big") + part


def _word(seed: bytes, index: int, value: int) -> int:
    """F of the design: four bytes of an HMAC, as a number."""
    return int.from_bytes(_hmac(seed, bytes((index,)) + value.to_bytes(4, "big"))[:4], "big")


def _network(seed: bytes, bits: int, value: int) -> int:
    mask = (1 << bits) - 1
    left, right = value >> bits, value & mask
    for index in range(ROUNDS):
        left, right = right, left ^ (_word(seed, index, right) & mask)
    return left << bits | right


def _network_back(seed: bytes, bits: int, value: int) -> int:
    mask = (1 << bits) - 1
    left, right = value >> bits, value & mask
    for index in reversed(range(ROUNDS)):
        left, right = right ^ (_word(seed, index, left) & mask), left
    return left << bits | right


@lru_cache(maxsize=64)
def _shuffle(seed: bytes, size: int) -> tuple[int, ...]:
    """Fisher and Yates: every order of fewer than 64 is as likely as another, but for one part in 2 ** 26."""
    order = list(range(size))
    for last in range(size - 1, 0, -1):
        other = _word(seed, SHUFFLE_ROUND, last) % (last + 1)
        order[last], order[other] = order[other], order[last]
    return tuple(order)
