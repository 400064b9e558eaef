"""Who comes when is decided before the run: by shape, mix and seed."""

from __future__ import annotations

import random
from collections import Counter
from itertools import pairwise

import numpy as np
import pytest

from loadtests.personas import EVERYONE, PERSONAS
from loadtests.plan import make_plan, outage_of, parse_mix
from loadtests.replay.profiles import PROFILES
from loadtests.shapes import SHAPES, Cpns2014, OpeningSpike, ReopenHerd, Soak, StepToLimit

KNOWN = frozenset({"patient", "leaver", "forger"})


@pytest.mark.parametrize("name", SHAPES)
def test_every_shape_brings_everyone_in_its_time_and_in_order(name: str) -> None:
    times = SHAPES[name].arrivals(500, 30, random.Random(1))
    assert len(times) == 500
    assert times == sorted(times)
    assert times[0] >= 0
    assert times[-1] <= 30


@pytest.mark.parametrize("name", SHAPES)
def test_every_shape_says_what_it_leaves_out(name: str) -> None:
    assert "Models" in str(SHAPES[name].__doc__)
    assert "Leaves out" in str(SHAPES[name].__doc__)


def test_the_opening_comes_with_a_third_at_the_doors_and_then_ever_fewer() -> None:
    times = OpeningSpike().arrivals(3000, 100, random.Random(1))
    tenths = Counter(int(time // 10) for time in times)
    assert tenths[0] > 1000
    assert tenths[1] > tenths[4] > tenths[9]


def test_the_compressed_day_is_the_day_that_is_replayed() -> None:
    profile = PROFILES["cpns-2014"]
    shares = np.linspace(0, 1, 200)
    density = [Cpns2014().density(share) for share in shares]
    assert density == pytest.approx(profile.arrivals(shares).tolist())
    changes = [(0.0, profile.rate), *profile.rate_changes, (1.0, 0.0)]
    let_in = sum(rate * (until - at) for (at, rate), (until, _) in pairwise(changes)) * profile.hours * 60
    assert Cpns2014.rate_over_arrivals == pytest.approx(let_in / profile.tickets, abs=0.01)


def test_arrivals_follow_the_density_of_the_day() -> None:
    times = Cpns2014().arrivals(26_000, 26, random.Random(1))
    hours = Counter(int(time) for time in times)
    assert hours[0] > 3 * hours[8]
    assert hours[11] > 1.8 * hours[8]
    assert hours[20] < hours[8] / 4


def test_each_step_brings_as_many_more_as_the_first_had() -> None:
    times = StepToLimit().arrivals(21_000, 6, random.Random(1))
    steps = Counter(int(time) for time in times)
    assert [round(steps[step] / 1000) for step in range(6)] == [1, 2, 3, 4, 5, 6]


def test_tides_come_and_go_in_a_soak() -> None:
    times = Soak().arrivals(12_000, 12, random.Random(1))
    halves = Counter(int(time) for time in times)
    assert all(halves[rising] > 1.5 * halves[rising + 1] for rising in range(0, 12, 2))


def test_in_a_reopening_everyone_has_come_before_the_outage_and_asks_at_its_end() -> None:
    shape = ReopenHerd()
    outage = outage_of(shape, 60, started_s=1000)
    assert outage is not None
    assert 1000 + max(shape.arrivals(100, 60, random.Random(1))) < outage.from_s
    assert {outage.wake_s(due) for due in (1030, 1040, 1059.9)} == {1060}
    assert [outage.wake_s(due) for due in (1029.9, 1060, 1061)] == [1029.9, 1060, 1061]


def test_other_shapes_have_no_outage() -> None:
    assert [name for name in SHAPES if outage_of(SHAPES[name], 60, 0)] == ["ReopenHerd"]


def test_everyone_is_a_mix_of_all_there_are() -> None:
    assert set(parse_mix("everyone", frozenset(PERSONAS), EVERYONE)) == set(PERSONAS)


def test_a_seed_makes_the_same_plan_again() -> None:
    plans = [make_plan(SHAPES["Smoke"], 50, {"patient": 1.0}, seed) for seed in (1, 1, 2)]
    assert plans[0] == plans[1] != plans[2]


@pytest.mark.parametrize("visitors", [1, 2, 3, 7, 10, 100])
def test_the_mix_is_kept_to_the_nearest_visitor(visitors: int) -> None:
    mix = {"patient": 7.0, "leaver": 2.0, "forger": 1.0}
    counts = Counter(visit.persona for visit in make_plan(SHAPES["Smoke"], visitors, mix, 1))
    assert counts.total() == visitors
    assert all(abs(counts[name] - visitors * weight / 10) < 1 for name, weight in mix.items())


def test_a_mix_is_read_with_and_without_weights() -> None:
    assert parse_mix("patient=8, leaver", KNOWN) == {"patient": 8.0, "leaver": 1.0}


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("ghost", "unknown visitor 'ghost'"),
        ("patient=much", "'much'"),
        ("patient=0", "no visitors"),
        ("", "no visitors"),
        ("patient=-1,leaver=3", "no visitors"),
        ("patient=inf", "no visitors"),
        ("patient=nan", "no visitors"),
    ],
)
def test_a_mix_that_cannot_be_dealt_is_refused(text: str, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        parse_mix(text, KNOWN)
