"""Whole runs of the command: from its options to its table, its pictures and its exit code."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

import pytest

from loadtests import outside
from loadtests.__main__ import default_rate, parse
from loadtests.shapes import SHAPES
from tests.loadtests.runs import Outcome, fake_gateway, generator_python, load

needs_locust = pytest.mark.skipif(generator_python() is None, reason="needs locust: `make load` installs it")

RUNS = {
    "honest": ("none", "--mix", "patient=8,json-client=1,forger=1,sharer=2"),
    "two workers": ("none", "--processes", "2"),
    "rate": ("rate",),
}


def run(fault: str, reports: Path, *arguments: str) -> Outcome:
    with fake_gateway(fault) as host:
        return load(
            *(host, reports, "--users", "24", "--rate", "300", "--arrive-within", "1", "--most-seconds", "60"),
            *arguments,
        )


@pytest.fixture(scope="module")
def outcomes(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Future[Outcome]]]:
    with ThreadPoolExecutor(len(RUNS)) as pool:
        yield {
            name: pool.submit(run, fault, tmp_path_factory.mktemp("run"), *arguments)
            for name, (fault, *arguments) in RUNS.items()
        }


@pytest.mark.slow
@needs_locust
def test_an_honest_run_ends_in_a_table_and_a_page_with_pictures(outcomes: dict[str, Future[Outcome]]) -> None:
    outcome = outcomes["honest"].result()
    assert (outcome.code, outcome.failed()) == (0, set()), outcome.output
    assert "Every promise that this run could break was kept." in outcome.output
    assert outcome.result["table"]["joined"] == "24"
    assert {path.name for path in outcome.folder.glob("*.png")} == {
        "line.png",
        "rate.png",
        "site.png",
        "waits.png",
        "calls.png",
    }
    assert (outcome.folder / "index.html").read_text().count("<svg") == 5


@pytest.mark.slow
@needs_locust
def test_two_workers_bring_everyone_once(outcomes: dict[str, Future[Outcome]]) -> None:
    outcome = outcomes["two workers"].result()
    assert (outcome.code, outcome.failed()) == (0, set()), outcome.output
    assert {outcome.result["table"][row] for row in ("arrived", "joined", "registered")} == {"24"}


@pytest.mark.slow
@needs_locust
def test_a_broken_promise_is_the_exit_code(outcomes: dict[str, Future[Outcome]]) -> None:
    outcome = outcomes["rate"].result()
    assert (outcome.code, outcome.failed() & {"rate"}) == (1, {"rate"}), outcome.output


@pytest.mark.slow
@needs_locust
def test_the_former_rate_is_set_again(tmp_path: Path) -> None:
    with fake_gateway("none", rate=77) as host:
        outcome = load(host, tmp_path, "--users", "2", "--rate", "300", "--arrive-within", "1")
        assert outcome.code == 0, outcome.output
        assert outside.rate_per_minute(host, "registration") == 77


@pytest.mark.slow
@needs_locust
def test_a_rate_that_cannot_be_set_is_one_clear_line(tmp_path: Path) -> None:
    with fake_gateway("none") as host:
        outcome = load(host, tmp_path, "--users", "2", "--antrean", "false")
    assert outcome.code == 2
    assert "`false room set registration --rate 60` ended with 1" in outcome.output
    assert "Traceback" not in outcome.output


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--users", "0"), "give at least 1"),
        (("--rate", "-1"), "give more than 0"),
        (("--mix", "patient=1,ghost=2"), "unknown visitor 'ghost'"),
        (("--mix", "patient=x"), "weight of 'patient' is 'x'"),
        (("--shape", "Hexagon"), "Smoke"),
        (("--processes", "2", "--expect-workers", "2"), "give one of them"),
    ],
)
def test_options_that_cannot_be_used_are_said(
    arguments: tuple[str, ...], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as stopped:
        parse(list(arguments))
    assert stopped.value.code == 2
    assert said in capsys.readouterr().err


@pytest.mark.parametrize(
    ("shape", "visitors", "length_s", "per_minute"),
    [
        ("OpeningSpike", 200, 20.0, 160.0),  # done in a little over a minute
        ("OpeningSpike", 20, 20.0, 60.0),
        ("OpeningSpike", 20_000, 20.0, 240.0),
        ("Cpns2014", 2000, 1560.0, 91.0),  # the ratio of the day, at any size and length
        ("Cpns2014", 200, 156.0, 91.0),
        ("StepToLimit", 240, 120.0, 120.0),
    ],
)
def test_a_rate_that_nobody_gave_is_that_of_the_shape(
    shape: str, visitors: int, length_s: float, per_minute: float
) -> None:
    assert default_rate(visitors, SHAPES[shape], length_s) == per_minute
