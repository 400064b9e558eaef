"""The load tests' visitors solve the gateway's riddle, on the page and in the problem document."""

from __future__ import annotations

import time
from urllib.parse import parse_qs, urlsplit

import pytest

from gateway.domain.challenge import MOST, Challenge, check, new_challenge
from gateway.visitor.newcomer_page import newcomer_page
from loadtests import riddles
from tests.visitor.conftest import SETTINGS

NOW = time.time()


def is_right(challenge: Challenge, number: str) -> bool:
    return check(challenge, number, room=challenge.room, instance=challenge.instance, now_s=NOW)


def test_the_page_and_the_problem_are_answered() -> None:
    challenge = new_challenge("registration", "k3xq", NOW)
    page = newcomer_page(
        SETTINGS, "id", "challenge", 200, go="/_queue/registration/wait?to=/a%3Fb&amp;solution=TOKEN",
        seconds=31, nonce=challenge.nonce, target=challenge.target,
    )  # fmt: skip
    way = riddles.way_on(page.body.decode())
    assert way is not None
    token, _, number = parse_qs(urlsplit(way).query)["solution"][0].partition(":")
    assert token == "TOKEN"
    assert is_right(challenge, number)
    told = {"token": "TOKEN", "nonce": challenge.nonce, "target": challenge.target, "most": MOST}
    assert riddles.answer(told) == {"Antrean-Solution": f"TOKEN:{number}"}


def test_another_page_has_no_riddle_and_an_impossible_one_is_said() -> None:
    assert riddles.way_on("<title>the waiting page</title>") is None
    with pytest.raises(ValueError, match="no number below 10"):
        riddles.answer({"token": "t", "nonce": "n", "target": "00" * 32, "most": 10})
