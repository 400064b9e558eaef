"""The measuring instrument is measured: a gateway broken in one way must be caught, an honest one not accused."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

import pytest

from loadtests import outside
from tests.loadtests.runs import Outcome, fake_gateway, generator_python, load

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(generator_python() is None, reason="needs locust: `make load` installs it"),
]

CAUGHT = {
    "rate": {"rate"},
    "order": {"order", "turn"},
    "turn": {"turn"},
    "duplicate-number": {"numbers"},
    "duplicate-registration": {"registrations"},
    "position-grows": {"position"},
    "error-page": {"errors", "registered"},
    "forgery": {"forgeries"},
    "server-error": {"errors"},
    "dies": {"errors", "registered"},
    "lost-registration": {"reconcile-origin"},
    "deaf": {"rate-set"},
    "forgets": {"registered"},
    "number-lost": {"places"},
    "two-leases": {"origin-id", "forgeries", "reconcile-admissions"},
    "absurd-range": {"ranges"},
    "cursors": {"cursors"},
    "miscounts-tickets": {"reconcile-tickets"},
    "miscounts-admissions": {"reconcile-admissions"},
}
MIX = {
    "forgery": "patient=3,forger=1,line-jumper=1",
    "number-lost": "impatient=1,patient=3",
    "two-leases": "patient=3,sharer=1",
    "none": ("patient=8,impatient=3,many-tabs=3,json-client=2,no-javascript=2,forger=2,line-jumper=2,sharer=2"),
}
RATE = {"order": "120", "turn": "120", "number-lost": "120"}  # slow enough for those passed to ask once more
AT_ONCE = 3  # runs side by side: each mostly waits


def run(fault: str, reports: Path) -> Outcome:
    with fake_gateway(fault) as host:
        return load(
            *(host, reports, "--users", "24", "--rate", RATE.get(fault, "300"), "--arrive-within", "1"),
            *("--mix", MIX.get(fault, "patient"), "--most-seconds", "30"),
        )


@pytest.fixture(scope="module")
def outcomes(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Future[Outcome]]]:
    with ThreadPoolExecutor(AT_ONCE) as pool:
        yield {fault: pool.submit(run, fault, tmp_path_factory.mktemp(fault)) for fault in ("none", *CAUGHT)}


def test_an_honest_gateway_is_not_accused(outcomes: dict[str, Future[Outcome]]) -> None:
    outcome = outcomes["none"].result()
    assert (outcome.code, outcome.failed()) == (0, set()), outcome.output
    assert {check["key"] for check in outcome.result["checks"] if check["passed"] is None} == set()


def test_an_honest_run_ends_in_a_table_and_a_page_with_pictures(outcomes: dict[str, Future[Outcome]]) -> None:
    outcome = outcomes["none"].result()
    assert "Every promise that this run could break was kept." in outcome.output
    assert outcome.result["table"]["joined"] == "24"
    assert {path.name for path in outcome.folder.glob("*.png")} == {
        "line.png",
        "rate.png",
        "waits.png",
        "calls.png",
    }
    assert (outcome.folder / "index.html").read_text().count("<svg") == 4


def test_every_promise_has_a_gateway_that_breaks_it(outcomes: dict[str, Future[Outcome]]) -> None:
    promises = {check["key"] for check in outcomes["none"].result().result["checks"] if not check["advice"]}
    assert promises == set().union(*CAUGHT.values())


@pytest.mark.parametrize("fault", CAUGHT)
def test_a_broken_gateway_is_caught(fault: str, outcomes: dict[str, Future[Outcome]]) -> None:
    outcome = outcomes[fault].result()
    assert outcome.code == 1, outcome.output
    assert outcome.failed() >= CAUGHT[fault], outcome.output


def test_the_former_rate_is_set_again(tmp_path: Path) -> None:
    with fake_gateway("none", rate=77) as host:
        outcome = load(host, tmp_path, "--users", "2", "--rate", "300", "--arrive-within", "1")
        assert outcome.code == 0, outcome.output
        assert outside.rate_per_minute(host, "registration") == 77


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
    ],
)
def test_options_that_cannot_be_used_are_said(arguments: tuple[str, ...], said: str, tmp_path: Path) -> None:
    outcome = load("http://127.0.0.1:9", tmp_path, *arguments)
    assert outcome.code == 2
    assert said in outcome.output
    assert "Traceback" not in outcome.output
