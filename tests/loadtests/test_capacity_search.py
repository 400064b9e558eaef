"""The search for the knee, against sites whose knee is known: found despite noise, or honestly not found."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import replace

import pytest

from loadtests.capacity.advice import advise, sentences
from loadtests.capacity.search import Finding, Law, Outcome, Step, conclude, next_rate

LAW = Law(target_p95_ms=1000, target_errors=0.01, start_rate=60, most_rate=3000, factor=1.5, precision=0.1)
Site = Callable[[float], Step]


def step(rate: float, p95_ms: float = 100, **changes: float | str) -> Step:
    return replace(Step(rate, rate, p95_ms, 0.0, 4.0, 1000), **changes)  # type: ignore[arg-type]


def site(knee: float, noise: float = 0.0, seed: int = 1) -> Site:
    """p95 is 200 ms, doubling with every tenth above the knee's own 1,000 ms, times a noise."""
    dice = random.Random(seed)

    def answer(rate: float) -> Step:
        steepness = 2 ** ((rate / knee - 1) * 10)
        return step(rate, max(200.0, 1000 * steepness) * dice.uniform(1 - noise, 1 + noise))

    return answer


def searched(answer: Site, law: Law = LAW) -> list[Step]:
    """Every step that the law asks for; more than it allows would be a loop."""
    steps: list[Step] = []
    while (rate := next_rate(steps, law)) is not None:
        assert len(steps) <= law.most_steps
        steps.append(answer(rate))
    return steps


def test_the_rate_goes_up_by_the_factor_until_the_target_is_missed() -> None:
    rates = [entry.rate_per_minute for entry in searched(site(200))]
    assert rates[:6] == [60, 90, 135, 202, 202, 165]  # missed at 202, measured again, then between 135 and 202


@pytest.mark.parametrize("knee", [62, 75, 200, 401, 1777, 2900])
def test_the_knee_is_found(knee: float) -> None:
    finding = conclude(searched(site(knee)), LAW)
    assert finding.kind == "found"
    assert finding.kept is not None
    assert finding.missed is not None
    assert finding.kept <= knee <= finding.missed <= finding.kept * (1 + LAW.precision)
    assert finding.knee == pytest.approx(knee, rel=0.02)


@pytest.mark.parametrize("seed", range(30))
def test_noise_of_a_fifth_moves_the_knee_by_less_than_a_sixth(seed: int) -> None:
    finding = conclude(searched(site(400, noise=0.2, seed=seed)), LAW)
    assert finding.kind == "found"
    assert finding.knee == pytest.approx(400, rel=1 / 6)


def test_one_unlucky_measurement_decides_nothing() -> None:
    healthy, hiccups = site(400), iter([True])

    def answer(rate: float) -> Step:
        return step(rate, 9000) if rate == 135 and next(hiccups, False) else healthy(rate)

    steps = searched(answer)
    assert [entry.rate_per_minute for entry in steps].count(135) == 3
    assert conclude(steps, LAW).knee == pytest.approx(400, rel=0.02)


def test_both_sides_of_the_knee_are_measured_as_often_as_asked() -> None:
    law = replace(LAW, repeats=5)
    steps = searched(site(400), law)
    finding = conclude(steps, law)
    for side in (finding.kept, finding.missed):
        assert [entry.rate_per_minute for entry in steps].count(side or 0) == 5
    assert len(finding.rounds) == 5


def test_a_site_that_bears_everything_is_not_given_a_knee() -> None:
    steps = searched(site(100_000))
    finding = conclude(steps, LAW)
    assert (finding.kind, finding.kept, finding.knee) == ("not reached", LAW.most_rate, None)
    assert "No knee was found up to 3000" in sentences(finding, steps, LAW)[0]


def test_a_first_rate_that_is_too_high_is_lowered() -> None:
    finding = conclude(searched(site(25)), LAW)
    assert finding.kind == "found"
    assert finding.knee == pytest.approx(25, rel=0.1)


def test_a_site_that_bears_nothing_gets_no_recommendation() -> None:
    steps = searched(lambda rate: step(rate, errors=1.0))
    finding = conclude(steps, LAW)
    assert finding.kind == "below"
    assert advise(finding, steps, LAW, margin=0.2, form_s=0) is None
    assert "nothing to recommend" in sentences(finding, steps, LAW)[0]


@pytest.mark.parametrize(
    ("limit", "said"),
    [
        ({"delivered_per_minute": 250.0}, "250 of 303 a minute came"),
        ({"generator": "locust warned that its processor is busy", "p95_ms": 9000.0}, "locust warned"),
    ],
)
def test_a_load_that_did_not_arrive_is_not_held_against_the_site(limit: dict[str, float | str], said: str) -> None:
    steps = searched(lambda rate: step(rate, **(limit if rate > 250 else {})))  # type: ignore[arg-type]
    finding = conclude(steps, LAW)
    assert (finding.kind, finding.kept, finding.missed, finding.knee) == ("generator", 202, 303, None)
    told = sentences(finding, steps, LAW)
    assert "could not be tried" in told[0]
    assert said in told[-1]


@pytest.mark.parametrize(
    ("changes", "outcome"),
    [
        ({}, Outcome.KEPT),
        ({"p95_ms": 1000.0}, Outcome.KEPT),
        ({"p95_ms": 1001.0}, Outcome.MISSED),
        ({"errors": 0.01}, Outcome.KEPT),
        ({"errors": 0.02}, Outcome.MISSED),
        ({"delivered_per_minute": 91.0}, Outcome.KEPT),
        ({"delivered_per_minute": 89.0}, Outcome.LIMITED),
        (
            {"delivered_per_minute": 85.0, "let_in": 17},
            Outcome.KEPT,
        ),  # 18 are counted when one looks a moment later
        ({"delivered_per_minute": 80.0, "let_in": 16}, Outcome.KEPT),
        ({"delivered_per_minute": 75.0, "let_in": 15}, Outcome.LIMITED),
        ({"delivered_per_minute": 89.0, "errors": 0.5}, Outcome.MISSED),  # an ill site slows its visitors down
        ({"generator": "busy", "errors": 0.5}, Outcome.LIMITED),
    ],
)
def test_what_one_measurement_says(changes: dict[str, float | str], outcome: Outcome) -> None:
    assert LAW.outcome(step(100, **changes)) is outcome  # type: ignore[arg-type]


def test_a_search_that_was_ended_says_so() -> None:
    steps = searched(site(400))[:3]
    finding = conclude(steps, LAW)
    assert (finding.kind, finding.kept) == ("unsettled", 135)


def test_errors_put_the_knee_on_the_side_that_is_safe() -> None:
    finding = conclude(searched(lambda rate: step(rate, 5000, errors=0.3) if rate > 400 else step(rate)), LAW)
    assert finding.knee == finding.kept


@pytest.mark.parametrize(("foreign", "warned"), [(0.05, False), (0.6, True)])
def test_a_machine_that_does_something_else_is_said(foreign: float, warned: bool) -> None:
    steps = searched(lambda rate: step(rate, 100 if rate < 300 else 5000, foreign=foreign))
    assert (
        any("busy with something else" in text for text in sentences(conclude(steps, LAW), steps, LAW)) is warned
    )


def test_the_ceiling_holds_those_who_are_inside_at_that_rate() -> None:
    steps = [step(300, inside_s=inside_s) for inside_s in (4.0, 6.0, 50.0)]
    finding = Finding("found", 300, 330, 310.0, (305.0, 310.0, 320.0))
    advice = advise(finding, steps, LAW, margin=0.2, form_s=294)
    assert advice is not None
    assert advice.rate == 248  # 310 less a fifth
    assert advice.ceiling == 1488  # 248 a minute × 300 s, and a fifth
    assert advice.command("hall") == "antrean room set hall --rate 248 --ceiling 1488"
