"""Visitors ask as seldom as the page does: the same law, written twice, held to one table."""

from __future__ import annotations

from dataclasses import replace

import pytest

from loadtests.ledger import Pulse, Seen
from loadtests.page_law import people_ahead, pulse_interval_s
from tests.loadtests.ledgers import pulse, seen

NOW_S = 1000.0


def told(**changes: object) -> Pulse:
    """A pulse of this moment."""
    return replace(pulse(NOW_S), received_s=NOW_S, **changes)  # type: ignore[arg-type]


def long_ago(position: int, **changes: object) -> Seen:
    """A ticket whose own answer is too old to be used."""
    return seen(0, 100.0, position=position, **changes)


@pytest.mark.parametrize(
    ("ahead", "density", "rate", "interval_s"),
    [
        (0, 1.0, 600.0, 2.0),  # never more often
        (500, 1.0, 600.0, (1.025 * 50 + 10) / 10),  # the middle of 0.9 and 1.15 of the wait, and half of 20 s
        (500, 0.3, 600.0, (1.025 * 15 + 10) / 10),  # seven in ten are not there
        (500, 1.0, 60.0, (1.025 * 500 + 10) / 10),
        (900, 1.0, 60.0, 60.0),  # never more seldom than the room says
    ],
)
def test_a_tenth_of_the_expected_wait(ahead: int, density: float, rate: float, interval_s: float) -> None:
    heard = told(serving=4, density=density, rate_per_minute=rate)
    assert pulse_interval_s(long_ago(5 + ahead), heard, NOW_S) == pytest.approx(interval_s)


def test_what_the_main_lane_can_reckon_with_is_better_than_the_rate() -> None:
    heard = told(serving=4, rate_per_minute=600.0, expected_per_minute=300.0)
    assert pulse_interval_s(long_ago(505), heard, NOW_S) == pytest.approx((1.025 * 100 + 10) / 10)


def test_the_tickets_own_range_counts_while_it_is_fresh() -> None:
    fresh = seen(0, NOW_S - 1, position=100, ahead=99, low_s=100.0, high_s=200.0)
    at_once = replace(fresh, received_s=NOW_S)
    assert pulse_interval_s(at_once, told(phase="paused"), NOW_S) == pytest.approx(15)
    stale = replace(fresh, received_s=NOW_S - 6)
    assert pulse_interval_s(stale, told(phase="paused", serving=0, rate_per_minute=6000.0), NOW_S) == 2


def test_stretches_without_people_are_not_ahead() -> None:
    heard = told(phase="paused", serving=10, skipped=[[5, 20], [30, 39], [95, 200]])
    assert people_ahead(long_ago(100), heard, NOW_S) == 89 - 10 - 10 - 5


def test_a_room_at_rest_is_asked_as_seldom_as_it_allows() -> None:
    assert pulse_interval_s(long_ago(3), told(rate_per_minute=0.0, poll_max_s=45.0), NOW_S) == 45
