"""``make capacity`` to its end, in processes of its own, against the fake gateway."""

from __future__ import annotations

from pathlib import Path

import pytest

from loadtests import outside
from tests.loadtests.runs import fake_gateway, generator_python, load

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(generator_python() is None, reason="needs locust: `make load` installs it"),
]
MODULE = "loadtests.capacity"


def test_a_search_ends_in_the_command_to_paste_and_sets_the_rate_back(tmp_path: Path) -> None:
    with fake_gateway("none", rate=77) as host:
        few = ("--start-rate", "120", "--most-rate", "120", "--step-seconds", "5", "--form-s", "0")
        outcome = load(host, tmp_path, *few, module=MODULE)
        assert outside.rate_per_minute(host, "registration") == 77
    assert outcome.code == 0, outcome.output
    assert "No knee was found up to 120 a minute" in outcome.output
    advice = outcome.result["advice"]
    assert advice["command"] == f"antrean room set registration --rate 96 --ceiling {advice['ceiling']}"
    assert advice["command"] in outcome.output
    assert 1 <= advice["ceiling"] <= 60
    assert {path.name for path in outcome.folder.glob("*.png")} == {"p95.png", "delivered.png"}
    assert (outcome.folder / "index.html").read_text().count("<svg") == 2


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--factor", "1"), "--factor 1: give 1.1 to 4"),
        (("--mix", "ghost"), "unknown visitor 'ghost'"),
        ((), "answer"),
    ],
)
def test_what_cannot_be_done_is_one_clear_line(arguments: tuple[str, ...], said: str, tmp_path: Path) -> None:
    outcome = load("http://127.0.0.1:9", tmp_path, *arguments, module=MODULE)
    assert outcome.code == 2
    assert said in outcome.output
    assert "Traceback" not in outcome.output
