"""The wait as an honest range, and how often to ask."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from gateway.domain import estimate
from gateway.domain.room import Ending, Phase, Snapshot

SnapshotFactory = Callable[..., Snapshot]

WAITS: list[tuple[str, dict[str, Any], int, tuple[int, int] | None]] = [
    ("the next one waits for a step of the calls at most", {}, 101, (0, 20)),
    ("sixty ahead at sixty a minute is about a minute", {}, 161, (54, 89)),
    ("twice the rate is half the wait", {"rate_per_minute": 120.0}, 161, (27, 54)),
    ("absent visitors ahead cost nothing", {"density": 0.5}, 161, (27, 54)),
    ("late returns take every other turn meanwhile", {"late": 500}, 161, (108, 159)),
    ("a few late returns delay by no more than they are", {"late": 6}, 161, (59, 95)),
    ("late returns go on coming, though none is here now", {"late_share": 0.25}, 161, (72, 112)),
    ("late returns get no more than every other turn", {"late_share": 0.9}, 161, (108, 158)),
    (
        "a line that has just begun: the configured rate is to be believed, whatever went in before",
        {"delivered_per_minute": 3.0},
        161,
        (54, 89),
    ),
    (
        "nothing delivered yet: the configured rate is to be believed",
        {"delivered_per_minute": 0.0},
        161,
        (54, 89),
    ),
    (
        "a site with hardly any room admits as fast as it empties",
        {"leases": 495, "delivered_per_minute": 30.0},
        161,
        (108, 158),
    ),
    (
        "hardly any room, and nothing delivered yet",
        {"leases": 495, "delivered_per_minute": 0.0},
        161,
        (54, 89),
    ),
    (
        "a full site admits as fast as it empties",
        {"leases": 500, "delivered_per_minute": 6.0},
        161,
        (540, 710),
    ),
    ("a full site that nobody leaves: unknown", {"leases": 500, "delivered_per_minute": 0.0}, 161, None),
    ("a burst of claims does not shorten the wait", {"delivered_per_minute": 600.0}, 161, (54, 89)),
    ("unknown while paused", {"phase": Phase.PAUSED}, 161, None),
    ("unknown before opening", {"phase": Phase.SCHEDULED}, 161, None),
    ("unknown when closed", {"phase": Phase.CLOSED}, 161, None),
    ("unknown at rate zero", {"rate_per_minute": 0.0}, 161, None),
    ("last call serves those in line", {"phase": Phase.LAST_CALL}, 161, (54, 89)),
    ("a number beyond the line waits for the line, not for its number", {}, 999_999, (810, 1055)),
    ("a number newer than the snapshot waits for all before it", {"issued": 100, "gap": 1000}, 161, (54, 89)),
    ("a number that was passed waits for nobody", {}, 3, (0, 20)),
]


@pytest.mark.parametrize(
    ("changes", "position", "expected"), [row[1:] for row in WAITS], ids=[row[0] for row in WAITS]
)
def test_the_wait(
    snapshot_with: SnapshotFactory, changes: dict[str, Any], position: int, expected: tuple[int, int] | None
) -> None:
    wait = estimate.wait(snapshot_with(**changes), position)
    assert (None if wait is None else (wait.low_s, wait.high_s)) == expected


def test_the_wait_never_grows_towards_the_front(snapshot_with: SnapshotFactory) -> None:
    waits = [estimate.wait(snapshot_with(late=40, density=0.4), position) for position in range(1000, 100, -1)]
    lows = [wait.low_s for wait in waits if wait]
    assert lows == sorted(lows, reverse=True)


def test_a_late_return_waits_for_the_late_lane_at_half_the_rate(snapshot_with: SnapshotFactory) -> None:
    assert estimate.wait_late(snapshot_with(late=30)) == estimate.Wait(0, 89)
    assert estimate.wait_late(snapshot_with(late=30, phase=Phase.PAUSED)) is None


POLLS: list[tuple[str, dict[str, Any], int, int]] = [
    ("an offer is there: claim it soon", {}, 100, 2),
    ("called: every ten seconds", {}, 101, 10),
    ("called: still every ten seconds at the end of the called", {}, 300, 10),
    ("a tenth of the wait", {}, 401, 30),
    ("never slower than the room's slowest", {}, 1000, 60),
    ("a room whose pulse comes from a cache polls faster", {"poll_max_s": 10}, 1000, 10),
    ("never faster than two seconds", {"rate_per_minute": 6000.0}, 310, 2),
    ("paused: as if running", {"phase": Phase.PAUSED}, 401, 30),
    ("rate zero: at leisure", {"rate_per_minute": 0.0}, 401, 60),
    ("before opening: at leisure", {"phase": Phase.SCHEDULED}, 401, 60),
    ("full and stuck: as the configured rate says", {"leases": 500, "delivered_per_minute": 0.0}, 401, 30),
]


@pytest.mark.parametrize(
    ("changes", "position", "expected"), [row[1:] for row in POLLS], ids=[row[0] for row in POLLS]
)
def test_the_poll(snapshot_with: SnapshotFactory, changes: dict[str, Any], position: int, expected: int) -> None:
    assert estimate.poll_s(snapshot_with(**changes), position) == expected


@pytest.mark.parametrize(
    ("ending", "closes_in_s", "position", "told"),
    [
        (Ending.SERVE, 1, 900, True),  # a last call serves everyone in line
        (Ending.CUT, 0, 900, True),  # no closing time: nothing ends
        (Ending.CUT, 600, 161, True),
        (Ending.CUT, 60, 161, None),  # within the range: nobody can say
        (Ending.CUT, 30, 161, False),
    ],
)
def test_whether_somebody_will_make_it(
    snapshot_with: SnapshotFactory, ending: Ending, closes_in_s: int, position: int, told: bool | None
) -> None:
    closes_at_ms = 1_764_000_000_000 + closes_in_s * 1000 if closes_in_s else 0
    snapshot = snapshot_with(ending=ending, closes_at_ms=closes_at_ms)
    assert estimate.in_time(snapshot, estimate.wait(snapshot, position)) is told


def test_nobody_can_say_while_nobody_is_let_in_and_the_line_will_end(snapshot_with: SnapshotFactory) -> None:
    snapshot = snapshot_with(ending=Ending.CUT, closes_at_ms=1_764_000_060_000, phase=Phase.PAUSED)
    assert estimate.in_time(snapshot, estimate.wait(snapshot, 161)) is None


def test_when_everyone_in_line_will_be_in(snapshot_with: SnapshotFactory) -> None:
    assert estimate.over(snapshot_with()) == estimate.Wait(810, 1055)
    assert estimate.over(snapshot_with(phase=Phase.PAUSED)) is None
