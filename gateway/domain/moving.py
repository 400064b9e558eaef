"""The code with which another device takes a place: short enough to type, signed, good for five minutes and once.

A code says number, device and end in base 32 (Crockford's letters: no I, L, O, U), then 50 bits of an HMAC over
these and the line. Nothing is stored for it: that it is good once comes from the device, counted up by each move.
"""

from __future__ import annotations

import hmac
import math
from collections.abc import Callable
from dataclasses import dataclass

from gateway.domain.passes import Ticket
from gateway.errors import ExpiredCredential, ForgedCredential

CODE_S = 300
MOVES_MOST = 31  # of one place, so that the device is one letter

_LETTERS = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_MEANT = str.maketrans("OIL", "011", "- ")
_SLOT_S = 10  # ends are told apart by ten seconds, in two letters: they come round after three hours
_SLOTS = 32**2
_MAC_LETTERS = 10
_LONGEST = 40

Digests = Callable[[bytes], list[bytes]]
"""The HMAC of a value by each key, the signing one first."""
Of = tuple[str, str, int]
"""Room, instance and generation of the line."""


@dataclass(frozen=True, slots=True)
class Move:
    """A place that may be taken."""

    number: int
    device: int  # that it is taken from
    ends_s: int  # unix seconds


def write(ticket: Ticket, now_s: float, digests: Digests) -> str:
    """The code for the ticket's place, in groups of four. Raises ValueError beyond MOVES_MOST."""
    if ticket.device >= MOVES_MOST:
        raise ValueError("the place was moved too often")
    slot = math.floor((now_s + CODE_S) / _SLOT_S)
    move = Move(ticket.number, ticket.device, slot * _SLOT_S)
    mac = _macs(move, (ticket.room, ticket.instance, ticket.generation), digests)[0]
    code = _letters(move.number, 1) + _letters(move.device, 1) + _letters(slot % _SLOTS, 2) + mac
    return "-".join(code[at : at + 4] for at in range(0, len(code), 4))


def read(code: str, of: Of, now_s: float, digests: Digests) -> Move:
    """What the code moves, however it was typed. Raises ForgedCredential, ExpiredCredential."""
    text = code.upper().translate(_MEANT)
    if not _MAC_LETTERS + 4 <= len(text) <= _LONGEST or not set(text) <= set(_LETTERS):
        raise ForgedCredential("not a code of ours")
    fields, mac = text[:-_MAC_LETTERS], text[-_MAC_LETTERS:]
    now_slot = math.floor(now_s / _SLOT_S)
    ahead = (_value(fields[-2:]) - now_slot) % _SLOTS
    # An end further ahead than any code has is one that has passed.
    slot = now_slot + (ahead if ahead <= CODE_S // _SLOT_S + 1 else ahead - _SLOTS)
    move = Move(_value(fields[:-3]), _value(fields[-3]), slot * _SLOT_S)
    if not any(hmac.compare_digest(mac, known) for known in _macs(move, of, digests)):
        raise ForgedCredential("not a code of ours")
    if now_s > move.ends_s:
        raise ExpiredCredential("the code was good for five minutes", move.number)
    return move


def _macs(move: Move, of: Of, digests: Digests) -> list[str]:
    value = "~".join(map(str, (*of, move.number, move.device, move.ends_s))).encode()
    return [_letters(int.from_bytes(digest[:8]) >> 14, _MAC_LETTERS) for digest in digests(value)]


def _letters(value: int, least: int) -> str:
    found = ""
    while value or len(found) < least:
        value, digit = divmod(value, 32)
        found = _LETTERS[digit] + found
    return found


def _value(letters: str) -> int:
    value = 0
    for letter in letters:
        value = value * 32 + _LETTERS.index(letter)
    return value
