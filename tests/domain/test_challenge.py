"""The riddle before a number: solved, waited for, or neither."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from gateway.domain.challenge import (
    LIVES_S,
    MOST,
    WAIT_S,
    Challenge,
    TooEarlyError,
    Used,
    check,
    new_challenge,
    parse,
)
from gateway.domain.credentials import Keyring
from gateway.errors import (
    AntreanError,
    CredentialError,
    ExpiredCredential,
    ForgedCredential,
    FutureCredential,
    OtherLineCredential,
)

NOW = 1_755_655_200.0
LINE = {"room": "registration", "instance": "k3xq"}


def a_challenge() -> Challenge:
    return new_challenge("registration", "k3xq", NOW)


def solution(challenge: Challenge) -> str:
    return next(str(number) for number in range(MOST) if challenge.is_solved_by(str(number)))


def test_every_riddle_has_an_answer_below_the_most_and_only_in_one_spelling() -> None:
    challenge = a_challenge()
    number = solution(challenge)
    assert check(challenge, number, **LINE, now_s=NOW + 1)
    for spelling in (f"0{number}", f" {number}", f"{number}.0", f"+{number}", str(int(number) + 1), "x", "\udc00"):
        with pytest.raises(ForgedCredential):
            check(challenge, spelling, **LINE, now_s=NOW + 1)


@pytest.mark.parametrize(
    ("changes", "later_s", "error"),
    [
        ({"room": "vaksin"}, 1, OtherLineCredential),
        ({"instance": "before"}, 1, OtherLineCredential),
        ({}, LIVES_S + 1, ExpiredCredential),
        ({}, -200, FutureCredential),
        ({}, 0, TooEarlyError),
        ({}, WAIT_S - 1, TooEarlyError),
        ({}, WAIT_S, None),
        ({}, LIVES_S, None),
    ],
)
def test_who_waits_instead_comes_back_in_time(
    changes: dict[str, Any], later_s: float, error: type[AntreanError] | None
) -> None:
    challenge = replace(a_challenge(), **changes)
    if error is None:
        assert check(challenge, "", **LINE, now_s=NOW + later_s) is False
    else:
        with pytest.raises(error):
            check(challenge, "", **LINE, now_s=NOW + later_s)


def test_it_is_signed_for_its_purpose_with_every_key() -> None:
    old, both = (
        Keyring(["the old key, long enough"]),
        Keyring(["the old key, long enough", "the new key, as long"]),
    )
    challenge = a_challenge()
    token = old.sign_challenge(challenge)
    assert both.read_challenge(token) == challenge == parse(challenge.payload)
    for bad in (
        token[:-1],
        token.replace("c1~", "1~"),
        "",
        "x" * 5000,
        token + "~",
        token.replace("k3xq", "k3xp"),
    ):
        with pytest.raises(CredentialError):
            both.read_challenge(bad)
    with pytest.raises(CredentialError):
        both.read_ticket(token, room="registration", instance="k3xq", now_s=NOW)


def test_an_answer_is_remembered_while_it_could_come_again_and_memory_is_bounded() -> None:
    used, challenge = Used(remembered=100), a_challenge()
    used.use(challenge, NOW)
    assert challenge in used
    for _ in range(99):
        used.use(a_challenge(), NOW)
    assert challenge in used
    for _ in range(300):
        used.use(a_challenge(), NOW)
    assert len(used) == 100
    used.use(replace(a_challenge(), issued_at_s=int(NOW) + 5000), NOW + 5000)
    assert len(used) < 100, "what has lapsed is let go of"
