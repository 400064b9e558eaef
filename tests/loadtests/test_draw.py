"""The load code's own draw against the gateway's, and what it refuses to believe."""

from __future__ import annotations

from dataclasses import asdict

import pytest

from gateway.domain import draw as fair
from gateway.domain.room import Draw
from loadtests.draw import FalseDrawError, place

SECRET = fair.draw_secret("a secret key of sufficient length", "registration", "an-opening")
COMMITMENT = fair.commitment_of(SECRET)


@pytest.mark.parametrize("size", [1, 2, 63, 64, 1000])
def test_it_gives_the_places_of_the_gateway(size: int) -> None:
    facts = Draw(COMMITMENT, "the lottery", size=size, secret=SECRET.hex(), entropy="04-17 é")
    numbers = range(1, size + 3)
    assert [place(asdict(facts), n, COMMITMENT) for n in numbers] == [facts.position(n) for n in numbers]


@pytest.mark.parametrize(("secret", "seen"), [("00" * 32, COMMITMENT), (SECRET.hex(), "00" * 32)])
def test_another_secret_or_commitment_than_before_is_no_draw(secret: str, seen: str) -> None:
    with pytest.raises(FalseDrawError):
        place({"commitment": COMMITMENT, "size": 5, "secret": secret, "entropy": ""}, 1, seen)
