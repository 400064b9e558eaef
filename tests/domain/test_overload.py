"""What may begin, and who is turned away."""

from __future__ import annotations

import pytest

from gateway.domain.overload import (
    Limits,
    Load,
    Who,
    is_too_much,
    is_turned_away,
    may_begin,
    retry_after_outage_s,
    retry_after_s,
    spread_poll_s,
)

LIMITS = Limits(connections=1000, lag_s=0.25)


@pytest.mark.parametrize(
    ("load", "too_much"),
    [
        (Load(0, 0.0), False),
        (Load(800, 0.1, queued=64, asking=250), False),
        (Load(801, 0.0), True),
        (Load(0, 0.13), True),
        (Load(0, 0.0, queued=65), True),
        (Load(0, 0.0, asking=251), True),
    ],
)
def test_too_much_is_lateness_a_queue_a_slow_store_or_many_connections(load: Load, too_much: bool) -> None:
    assert is_too_much(load, LIMITS) is too_much


def test_what_may_begin_falls_with_the_lag_and_with_the_room_that_is_left() -> None:
    by_lag = [may_begin(Load(0, lag_s, answered_per_s=4000), LIMITS) for lag_s in (0.1, 0.2, 0.25, 0.3)]
    assert by_lag == sorted(by_lag, reverse=True)
    assert 0 < by_lag[-1] < 4000 * 0.35 / 2
    by_room = [may_begin(Load(connections, 0.0), LIMITS) for connections in (0, 900, 1000, 1200)]
    assert by_room[:1] == [250]
    assert 0 < by_room[1] < 250
    assert by_room[2:] == [0, 0]
    assert may_begin(Load(0, 0.0, asking=10_000), LIMITS) == 0


def test_one_stall_of_a_quiet_machine_turns_nobody_away() -> None:
    left = of = may_begin(Load(connections=3, lag_s=2.0, answered_per_s=1), LIMITS)
    assert not is_turned_away(Who.NEWCOMER, left - 4, of)


def test_newcomers_are_turned_away_before_check_ins_and_who_is_inside_never() -> None:
    turned_away = {
        left: {who for who in Who if is_turned_away(who, left, 100)} for left in (100, 41, 40, 1, 0, -50)
    }
    assert turned_away[100] == turned_away[41] == set()
    assert turned_away[40] == turned_away[1] == {Who.NEWCOMER}
    assert turned_away[0] == turned_away[-50] == {Who.NEWCOMER, Who.WAITING}


def test_the_worse_it_is_the_wider_all_are_spread() -> None:
    assert [retry_after_s(severity, 0.99) for severity in (0, 1, 2)] == [29, 49, 69]
    assert {retry_after_s(severity, 0.0) for severity in (0, 1, 2)} == {10}
    assert [retry_after_outage_s(outage_s, 0.99) for outage_s in (1, 20, 600)] == [5, 9, 29]


def test_a_longer_interval_never_makes_absent_who_obeys() -> None:
    assert spread_poll_s(10, 60, 0, 0.9) == 10
    assert spread_poll_s(10, 60, 2, 0.9) == 28
    assert spread_poll_s(20, 60, 2, 0.9) == 30
    assert spread_poll_s(60, 60, 2, 0.9) == 60
    assert spread_poll_s(2, 20, 1, 0.5) == 3
