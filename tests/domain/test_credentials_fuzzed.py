"""Thousands of damaged, mixed and invented credentials: none is believed, each refusal is a CredentialError."""

from __future__ import annotations

import random
from collections.abc import Callable

import pytest

from gateway.domain.credentials import Keyring, Pass, Stamp, Ticket
from gateway.errors import CredentialError

NOW = 1_764_000_000
RING = Keyring(["an older key of sufficient length!!", "the key that signs, long enough!!!"])
OTHER = Keyring(["another installation's key, long enough"])
TICKET = Ticket("registration", "k3xq", 1, 7, NOW, "nonce", "/form?a=1")
PASS = Pass("registration", "k3xq", 1, 7, "nonce", NOW + 1200, NOW + 7200)
STAMP = Stamp("registration", "k3xq", "w.0", 3, NOW, "/form")
CASES = 4000

READERS: dict[str, Callable[..., object]] = {
    "ticket": RING.read_ticket,
    "pass": RING.read_pass,
    "stamp": RING.read_stamp,
}
GOOD = {"ticket": RING.sign_ticket(TICKET), "pass": RING.sign_pass(PASS), "stamp": RING.sign_stamp(STAMP)}


def damaged(token: bytes, chance: random.Random) -> bytes:
    at = chance.randrange(len(token))
    match chance.randrange(6):
        case 0:
            return token[:at]
        case 1:
            return token[:at] + bytes([token[at] ^ (1 << chance.randrange(8))]) + token[at + 1 :]
        case 2:
            return token[:at] + token[at + 1 :]
        case 3:
            return token[:at] + bytes([chance.randrange(256)]) + token[at:]
        case 4:
            return token + chance.randbytes(chance.randrange(1, 9))
        case _:
            payload, _, signature = token.rpartition(b".")
            return payload.replace(b"~7~", b"~8~", 1).replace(b"~3~", b"~4~", 1) + b"." + signature


@pytest.mark.parametrize("kind", READERS)
def test_no_damaged_credential_is_believed(kind: str) -> None:
    chance, good = random.Random(20140820), GOOD[kind].encode()
    for _ in range(CASES):
        token = damaged(good, chance)
        if token == good:
            continue
        with pytest.raises(CredentialError):
            READERS[kind](token, room="registration", instance="k3xq", now_s=NOW)
    READERS[kind](good, room="registration", instance="k3xq", now_s=NOW)


@pytest.mark.parametrize("kind", READERS)
def test_no_credential_stands_in_for_another_purpose_room_line_or_installation(kind: str) -> None:
    others = [token for name, token in GOOD.items() if name != kind]
    others += [OTHER.sign_ticket(TICKET), OTHER.sign_pass(PASS), OTHER.sign_stamp(STAMP)]
    others += [RING.sign_visitor(PASS, NOW), "", ".", "~" * 50, "." * 5000]
    for token in others:
        with pytest.raises(CredentialError):
            READERS[kind](token, room="registration", instance="k3xq", now_s=NOW)
    for line in ({"room": "vaksin", "instance": "k3xq"}, {"room": "registration", "instance": "next"}):
        with pytest.raises(CredentialError):
            READERS[kind](GOOD[kind], **line, now_s=NOW)
