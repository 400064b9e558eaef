"""The rate in any window: what is proof, and what a slow network only makes look like it."""

from __future__ import annotations

import random

import pytest

from loadtests.windows import busiest, keeps_rate, quantile, worst_window


def at(*times: float, late: float = 0.0) -> list[tuple[float, float]]:
    return [(time, time + late) for time in times]


@pytest.mark.parametrize(
    ("rate", "times", "kept"),
    [
        (60, [0.0], True),  # at least one visitor at once
        (60, [0.0, 1.0, 2.0, 3.0], True),
        (60, [0.0, 1.0, 1.9], False),
        (60, [0.0, 0.5, 0.9], False),
        (60, [0.0, 0.0], False),
        (600, [0.0] * 10, True),
        (600, [0.0] * 11, False),
        (600, [i / 10 for i in range(100)], True),
        (600, [i / 11 for i in range(100)], True),  # lives on what was banked
        (600, [i / 12 for i in range(200)], False),  # slowly too fast: no short window shows it
        (30, [0.0, 2.0, 4.0], True),
        (30, [0.0, 2.0], True),
        (30, [0.0, 1.0], False),
        (0, [5.0], True),
    ],
)
def test_windows_of_every_length(rate: float, times: list[float], kept: bool) -> None:
    assert keeps_rate(worst_window(at(*times), rate), rate) is kept


def test_nobody_let_in_breaks_nothing() -> None:
    assert keeps_rate(worst_window([], 60), 60)


def test_a_slow_answer_is_no_proof() -> None:
    together = [(float(second), 20.0) for second in range(20)]  # sent apart, all answered at 20
    assert keeps_rate(worst_window(together, 60), 60)
    assert not keeps_rate(worst_window([(20.0, 20.0)] * 3, 60), 60)


def test_the_worst_window_is_the_one_that_a_slow_search_finds() -> None:
    dice = random.Random(7)
    for _ in range(50):
        times = sorted(dice.uniform(0, 10) for _ in range(20))
        rate = dice.uniform(20, 200)
        slow = max(
            sum(start <= time <= end for time in times) - rate / 60 * (end - start) - max(1, rate / 60)
            for start in times
            for end in times
            if end >= start
        )
        found = worst_window(at(*times), rate)
        assert found is not None
        assert found.excess == pytest.approx(slow)


def test_an_accusation_holds_wherever_the_moments_really_were() -> None:
    dice = random.Random(8)
    for _ in range(200):
        intervals = [(start, start + dice.uniform(0, 2)) for start in (dice.uniform(0, 10) for _ in range(15))]
        blurred = worst_window(intervals, 60)
        moments = worst_window([(t, t) for start, end in intervals for t in [dice.uniform(start, end)]], 60)
        assert blurred is not None
        assert moments is not None
        assert blurred.excess <= moments.excess + 1e-9


def test_the_busiest_second_counts_what_fits_into_one() -> None:
    assert busiest([0.0, 0.5, 0.99, 1.0, 5.0], 1) == 3
    assert busiest([], 1) == 0


def test_quantiles_are_values_that_occurred() -> None:
    assert [quantile([3, 1, 2], share) for share in (0.0, 0.5, 1.0)] == [1, 2, 3]
    assert quantile([], 0.5) is None
