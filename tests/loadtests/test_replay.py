"""Whole days in small, on a real store: every promise of the engine is kept."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("matplotlib")

from loadtests.replay import __main__ as command
from loadtests.replay import opening_report
from loadtests.replay.crowd import NEVER
from loadtests.replay.day import Day
from loadtests.replay.population import draw
from loadtests.replay.profiles import PROFILES, Profile
from loadtests.replay.store import own_store
from loadtests.replay.verdict import Check, judge

# In small, a handful of visitors more or less is a large share: how close an estimate is can be judged in
# the whole day only, and how long a tick takes on a machine that does nothing else.
SMALL_SAYS_NOTHING = ("range", "upper bound", "worst tick", "delivered")


def replay(profile: Profile, *, every_check_in: bool = False) -> tuple[Day, list[Check]]:
    rng = np.random.default_rng(7)
    with own_store() as store:
        day = Day(store, profile, draw(profile, rng), rng, every_check_in=every_check_in)
        day.run(lambda second, most: None)
        return day, judge(day.ledger, day.crowd, profile, store.effort())


def broken(checks: list[Check]) -> list[Check]:
    return [c for c in checks if c.held is False and not any(word in c.promise for word in SMALL_SAYS_NOTHING)]


def test_an_opening_with_a_change_of_rate_and_an_outage_breaks_no_promise() -> None:
    profile = replace(
        PROFILES["cpns-2014"].scaled(0.004),
        hours=0.4,
        rate=60,
        rate_changes=((0.2, 600.0), (0.8, 120.0)),
        ceiling=9000,
    )
    day, checks = replay(profile)
    assert broken(checks) == []
    assert day.ledger.claims > 2000
    assert day.ledger.highest == profile.tickets


def test_a_drawn_opening_delivers_the_rate_from_its_first_second_in_the_order_of_the_draw() -> None:
    profile = replace(PROFILES["opening"].scaled(0.004), rate=600, ceiling=9000, hours=0.1, opens_s=300)
    day, checks = replay(profile)
    assert broken(checks + opening_report.checks(day)) == []
    assert day.opening is not None
    entered = np.flatnonzero(day.crowd.claimed_s != NEVER)
    assert len(entered) > 500
    assert len([check for check in opening_report.checks(day) if check.held]) == 4
    drawn = entered[entered <= day.opening.size]
    assert np.corrcoef(day.opening.numbers[drawn], drawn)[0, 1] < 0.2, "coming early was no advantage"


def test_a_trickle_sees_no_line_worth_the_name() -> None:
    day, checks = replay(replace(PROFILES["trickle"], hours=0.3, visits=360))
    assert broken(checks) == []
    claimed = day.crowd.claimed_s != NEVER
    assert np.median((day.crowd.claimed_s - day.crowd.joined_s)[claimed]) <= 10


def test_check_ins_that_are_not_sent_would_have_changed_nothing() -> None:
    profile = replace(PROFILES["mass-no-show"].scaled(0.01), hours=0.1, drain_hours=0, outage_at=0.5, rate=60)
    few, _ = replay(profile)
    all_of_them, _ = replay(profile, every_check_in=True)
    assert few.ledger.check_ins_sent < all_of_them.ledger.check_ins_sent
    assert few.ledger.admitted_ms == all_of_them.ledger.admitted_ms


def test_the_command_writes_its_report(tmp_path: Path) -> None:
    options = ["--profile", "on-sale", "--scale", "0.001", "--drain-hours", "0.05", "--reports", str(tmp_path)]
    assert command.run(command.parse(options)) in (0, 1)
    facts = json.loads((tmp_path / "replay-on-sale" / "result.json").read_text())
    assert facts["numbers"]["visits"] == 1000
    page = (tmp_path / "replay-on-sale" / "index.html").read_text()
    for picture in ("day", "cursors", "delivered", "requests"):
        assert (tmp_path / "replay-on-sale" / f"{picture}.png").stat().st_size > 1000
        assert f"{picture}.svg" in page


BAD = [["--scale", "0"], ["--rate", "-1"], ["--change", "noon"], ["--profile", "none"], ["--returning", "0.9"]]


@pytest.mark.parametrize("options", BAD, ids=" ".join)
def test_a_number_that_cannot_be_is_refused_in_one_line(
    options: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        command.parse(options)
    assert ended.value.code == 2
    assert options[0].lstrip("-") in capsys.readouterr().err
