"""The code that moves a place: what it carries, how it is typed, when it is no good."""

from __future__ import annotations

from dataclasses import replace

import pytest

from gateway.domain.credentials import Keyring, Ticket
from gateway.domain.moving import MOVES_MOST, Move
from gateway.errors import CredentialError, ExpiredCredential, ForgedCredential

NOW_S = 1_787_202_000.0
KEYS = ["an older key of sufficient length!!", "the key that signs, long enough!!!"]
TICKET = Ticket("registration", "k3xq", 1, 1234, int(NOW_S), "nonce", "/")


def read(code: str, now_s: float = NOW_S, *, instance: str = "k3xq", generation: int = 1) -> Move:
    return Keyring(KEYS).read_move(
        code, room="registration", instance=instance, generation=generation, now_s=now_s
    )


@pytest.mark.parametrize("number", [1, 31, 32, 1234, 99_999_999])
@pytest.mark.parametrize("device", [0, 1, MOVES_MOST - 1])
def test_a_code_says_number_and_device_for_five_minutes(number: int, device: int) -> None:
    code = Keyring(KEYS).move_code(replace(TICKET, number=number, device=device), NOW_S)
    move = read(code)
    assert (move.number, move.device) == (number, device)
    assert 290 <= move.ends_s - NOW_S <= 300
    assert read(code, move.ends_s) == move


@pytest.mark.parametrize("late_s", [1, 60, 3600, 10_240, 86_400])
def test_later_it_is_expired_or_unknown_but_never_good(late_s: float) -> None:
    code = Keyring(KEYS).move_code(TICKET, NOW_S)
    with pytest.raises(CredentialError) as caught:
        read(code, read(code).ends_s + late_s)
    assert isinstance(caught.value, ExpiredCredential) == (late_s < 10_000)


def test_however_it_is_typed() -> None:
    code = Keyring(KEYS).move_code(TICKET, NOW_S)
    typed = code.lower().replace("-", " ").replace("0", "o").replace("1", "l")
    assert read(typed) == read(code)


def test_a_wrong_letter_makes_it_unknown_and_so_does_another_line() -> None:
    code = Keyring(KEYS).move_code(TICKET, NOW_S)
    for at, letter in enumerate(code):
        if letter != "-":
            with pytest.raises(CredentialError):
                read(code[:at] + ("A" if letter != "A" else "B") + code[at + 1 :])
    for changes in ({"instance": "other"}, {"generation": 2}):
        with pytest.raises(ForgedCredential):
            read(code, **changes)


@pytest.mark.parametrize("code", ["", "0", "U" * 16, "A" * 500, "ÄÖÜ" * 6, "%00" * 8, "-" * 30, "٣" * 16])
def test_anything_else_is_unknown(code: str) -> None:
    with pytest.raises(ForgedCredential):
        read(code)


def test_a_key_that_signs_no_more_is_still_believed() -> None:
    code = Keyring(KEYS[:1]).move_code(TICKET, NOW_S)
    assert read(code).number == 1234


def test_a_moved_ticket_reads_as_it_was_written_and_one_that_never_moved_as_before() -> None:
    keyring = Keyring(KEYS)
    for ticket in (TICKET, replace(TICKET, device=7, return_to="/a~b")):
        token = keyring.sign_ticket(ticket)
        assert token.startswith("2~7~" if ticket.device else "1~registration~")
        assert keyring.read_ticket(token, room="registration", instance=None, now_s=NOW_S) == ticket
