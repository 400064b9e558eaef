"""Who comes when is decided before the run: by shape, mix and seed."""

from __future__ import annotations

import random
from collections import Counter

import pytest

from loadtests.plan import make_plan, parse_mix
from loadtests.shapes import SHAPES, OpeningSpike

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
