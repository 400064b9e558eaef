"""Releases without the store: a worker's share of the rate and of the free places, and not a visitor more."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from gateway.domain.room import Phase, Snapshot
from gateway.domain.standing_in import LONGEST_S, StandIn

Make = Callable[..., Snapshot]
HEARD_S = 1000.0


def admitted(snapshot: Snapshot | None, positions: Any, *, until_s: float, every_s: float = 0.1) -> list[float]:
    """When, after the store was last heard, each admission came; every position asks all the time."""
    stand_in, times, now_s, seen = StandIn(), [], 0.0, set()
    while now_s <= until_s:
        for position in positions:
            new = position is None or position not in seen
            if new and stand_in.admits(snapshot, position, heard_s=HEARD_S, now_s=HEARD_S + now_s):
                times.append(now_s)
                seen.add(position)
        now_s += every_s
    return times


@pytest.mark.parametrize(
    ("rate_per_minute", "workers", "most"), [(60, 1, 26), (60, 2, 13), (600, 4, 65), (6000, 1, 2600)]
)
def test_a_worker_lets_in_its_share_of_the_rate_from_four_seconds_on(
    snapshot_with: Make, rate_per_minute: float, workers: int, most: int
) -> None:
    snapshot = snapshot_with(rate_per_minute=rate_per_minute, ceiling=10_000, registered=workers, issued=9000)
    times = admitted(snapshot, range(101, 4000), until_s=30, every_s=0.5)
    assert most * 0.9 <= len(times) <= most
    assert times[0] > 4, "nobody before the others have noticed the silence, and no bucket that was full"


def test_the_share_of_the_free_places_is_kept(snapshot_with: Make) -> None:
    snapshot = snapshot_with(rate_per_minute=6000, ceiling=100, leases=60, offers=10, registered=3)
    assert len(admitted(snapshot, range(101, 900), until_s=30)) == 10


@pytest.mark.parametrize(
    ("changes", "positions"),
    [
        ({"phase": Phase.PAUSED}, [101]),
        ({"phase": Phase.CLOSED}, [101]),
        ({"rate_per_minute": 0.0}, [101]),
        ({"ceiling": 0}, [101]),
        ({}, [900]),  # far behind the cursor
        ({}, [None]),  # somebody new, behind a line
    ],
)
def test_who_is_not_to_go_in_waits(snapshot_with: Make, changes: dict[str, Any], positions: list[Any]) -> None:
    assert admitted(snapshot_with(registered=1, **changes), positions, until_s=60) == []


def test_newcomers_go_in_when_nobody_waited(snapshot_with: Make) -> None:
    snapshot = snapshot_with(issued=100, called=100, ready=100, registered=1, rate_per_minute=60)
    assert 20 <= len(admitted(snapshot, [None], until_s=30)) <= 26


def test_without_a_snapshot_nobody_is_let_in() -> None:
    assert admitted(None, [1, None], until_s=60) == []


def test_a_visitor_who_asks_again_is_let_in_again_and_counts_once(snapshot_with: Make) -> None:
    snapshot, stand_in = snapshot_with(registered=1, rate_per_minute=60), StandIn()
    asked = [stand_in.admits(snapshot, 101, heard_s=HEARD_S, now_s=HEARD_S + second) for second in (0, 5, 5.1, 6)]
    assert asked == [False, True, True, True]
    assert stand_in.admits(snapshot, 102, heard_s=HEARD_S, now_s=HEARD_S + 6), "one more second, one more visitor"


def test_it_ends_before_the_store_gives_the_share_to_others(snapshot_with: Make) -> None:
    snapshot = snapshot_with(registered=1, rate_per_minute=60, issued=10_000)
    times = admitted(snapshot, range(101, 1000), until_s=400, every_s=1)
    assert times
    assert times[-1] <= LONGEST_S
