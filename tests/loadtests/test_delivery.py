"""Delivered against configured is told of the time in which people waited, and of no other."""

from __future__ import annotations

import pytest

from loadtests.delivery import delivered_per_minute
from loadtests.ledger import Absent, Admitted, Event, Ledger, Silence
from tests.loadtests.ledgers import seen

RATE = 60.0  # one a second: twelve must wait


def waited(visitor: int, from_s: float, until_s: float) -> list[Event]:
    entry = Admitted(visitor, "line", visitor + 1, visitor + 1, until_s, until_s)
    return [seen(visitor, from_s - 0.1), entry]


def crowd(let_in_s: list[float]) -> list[Event]:
    return [event for visitor, at_s in enumerate(let_in_s) for event in waited(visitor, 0.0, at_s)]


def test_the_slow_end_of_a_line_is_left_out() -> None:
    line = [*range(1, 31), *(50 + 10 * index for index in range(11))]
    assert delivered_per_minute(Ledger.of(crowd([float(at_s) for at_s in line])), RATE) == pytest.approx(60)


def test_a_line_that_is_served_at_half_the_rate_is_seen() -> None:
    assert delivered_per_minute(Ledger.of(crowd([2.0 * at for at in range(1, 50)])), RATE) == pytest.approx(30)


def test_an_outage_is_not_held_against_the_line() -> None:
    line = [*range(1, 11), *range(41, 71)]
    events = crowd([float(at_s) for at_s in line])
    assert delivered_per_minute(Ledger.of([*events, Silence(-1, 10.5, 40.5)]), RATE) == pytest.approx(60, rel=0.02)
    assert delivered_per_minute(Ledger.of(events), RATE) == pytest.approx(29, rel=0.05)


def test_sleepers_are_no_waiters_and_few_say_nothing() -> None:
    events = crowd([float(at_s) for at_s in range(1, 31)])
    assert delivered_per_minute(Ledger.of([*events, *(Absent(who, 0.0, 9.0) for who in range(25))]), RATE) is None
    assert delivered_per_minute(Ledger(), RATE) is None
