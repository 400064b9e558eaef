"""The parts of the replay that everything else rests on."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

pytest.importorskip("matplotlib")

from gateway.domain import estimate
from gateway.domain.room import Knobs, Phase, Snapshot
from loadtests.replay import law
from loadtests.replay.ledger import Lane, Ledger
from loadtests.replay.population import Diary, draw
from loadtests.replay.profiles import PROFILES
from loadtests.replay.wheel import Wheel


def snapshot(rng: np.random.Generator) -> Snapshot:
    """Any line that can be."""
    serving = int(rng.integers(0, 5000))
    called = serving + int(rng.integers(0, 2000))
    return Snapshot(
        room="r", instance="i", generation=1, revision=1, now_ms=0, vt_ms=0,
        issued=called + int(rng.integers(0, 90_000)),
        knobs=Knobs(rate_per_minute=float(rng.choice([0, 30, 2400])), phase=Phase(rng.choice(["open", "paused"]))),
        called=called, ready=serving, serving=serving, late=int(rng.choice([0, 0, 7, 900])), offers=0,
        leases=int(rng.choice([0, 500])), ghosts=0, density=float(rng.uniform(0.01, 1)),
        delivered_per_minute=float(rng.choice([0, 25, 2500])), present=0, since_release_ms=0, claimed=0,
        finished=0, late_share=float(rng.choice([0, 0.2, 0.7])), lapsed=0, passed=0, late_returns=0,
        workers=1, poll_max_s=60,
    )  # fmt: skip


def test_many_ranges_at_once_are_the_gateways_own_ranges_one_by_one() -> None:
    rng = np.random.default_rng(1)
    for _ in range(200):
        line = snapshot(rng)
        positions = rng.integers(line.serving + 1, line.issued + 50, 20)
        told = law.ranges(line, positions)
        for index, position in enumerate(positions.tolist()):
            wait = estimate.wait(line, position)
            assert wait == (None if told is None else estimate.Wait(int(told[0][index]), int(told[1][index])))


def test_pulses_are_a_tenth_of_the_wait_within_their_bounds() -> None:
    line = replace(snapshot(np.random.default_rng(2)), knobs=Knobs(rate_per_minute=60), density=1.0, late=0)
    line = replace(line, delivered_per_minute=60.0, late_share=0.0)
    positions = line.serving + np.array([1, 101, 100_000])
    seconds = law.pulse_interval(line, positions, np.array([False, False, False]), np.full(3, 0.5))
    assert seconds.tolist() == pytest.approx([2, (100 * law.PAGE_MIDDLE + law.PAGE_LATER_S) / 10, 60])
    hidden = law.pulse_interval(line, positions, np.array([True, True, True]), np.full(3, 0.5))
    assert hidden.tolist() == [60, 60, 60]


def test_a_wheel_gives_back_everyone_in_their_second_and_once() -> None:
    rng, wheel = np.random.default_rng(3), Wheel(64)
    at_s = rng.integers(1, 60, 5000)
    wheel.put(np.arange(5000), at_s)
    for second in range(64):
        assert sorted(wheel.take(second).tolist()) == np.flatnonzero(at_s == second).tolist()
        assert len(wheel.take(second)) == 0


def test_a_diary_is_read_in_order_and_to_the_end() -> None:
    diary = Diary(np.array([7, 8, 9]), np.array([5, 1, 5]))
    assert [diary.take(second).tolist() for second in (0, 1, 4, 5, 6)] == [[], [8], [], [7, 9], []]


def test_the_same_seed_draws_the_same_people() -> None:
    profile = PROFILES["cpns-2014"].scaled(0.001)
    first, second = (draw(profile, np.random.default_rng(5)) for _ in range(2))
    assert np.array_equal(first.arrived, second.arrived)
    assert np.array_equal(first.session_s, second.session_s)
    assert first.size == first.arrived[-1] == profile.tickets


def ledger_of(claims_ms: list[int], rates: list[float]) -> Ledger:
    ledger = Ledger()
    for second, rate in enumerate(rates):
        ledger.seconds.add(second, 0, rate, 0, 0, 0, 0, 1, 0)
    ledger.admit(0, claims_ms)
    return ledger


CLAIMS = [
    ("at the rate", list(range(0, 60_000, 1000)), 0.0),
    ("one second's worth at once", [0, 1000, 2000, 30_000], 0.0),
    ("one more than that", [0, 1000, 1000, 2000], 1.0),
    ("a double rate for ten seconds", [20_000 + 500 * index for index in range(20)], 9.5),
]


@pytest.mark.parametrize(("claims_ms", "excess"), [row[1:] for row in CLAIMS], ids=[row[0] for row in CLAIMS])
def test_the_most_claims_in_any_window(claims_ms: list[int], excess: float) -> None:
    assert ledger_of(claims_ms, [60.0] * 60).excess(0) == pytest.approx(excess, abs=0.01)


def test_a_rate_that_is_kept_on_average_but_not_within_its_stretch_is_seen() -> None:
    early = [500 * index for index in range(60)]
    assert ledger_of(early, [60.0] * 30 + [600.0] * 30).excess(0) > 25


def test_the_ledger_sees_a_number_that_is_given_out_twice() -> None:
    ledger = Ledger()
    ledger.issue(1, 10)
    ledger.issue(11, 5)
    assert ledger.issued_twice == 0
    ledger.issue(14, 4)
    assert ledger.issued_twice == 2


def test_the_ledger_sees_offers_out_of_order() -> None:
    ledger = Ledger()
    ledger.offer_main([3, 4])
    ledger.offer_main([9, 8])
    assert ledger.main_inversions == 1


def test_the_late_lane_names_who_was_passed() -> None:
    lane = Lane()
    for position in (30, 10, 20):
        lane.enter(position)
    assert lane.serve(20) == [10]
    assert lane.serve(30) == []
