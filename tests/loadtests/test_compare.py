"""The figures of a comparison, from records made by hand, and what is said of them."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace
from typing import Any

import pytest

from loadtests.browser import Browser, RawReply
from loadtests.compare.figures import Figures, Site, Times, reckon, steady_per_minute, verdict
from loadtests.compare.people import Hopeful, Temper
from loadtests.identities import Identities
from loadtests.ledger import Arrived, Call, Ended, Event, Failure, Ledger, Registered
from loadtests.plan import Planned
from loadtests.visitors import World

OPENING_S = 1000.0
QUIET = Site(registrations=0, most_in_flight=1)


def person(index: int, after_s: float | None, outcome: str = "registered") -> list[Event]:
    """Somebody who came a second after the one before, and saw the number ``after_s`` the opening."""
    came = OPENING_S + index
    events: list[Event] = [Arrived(index, "hopeful", came, came + 0.01)]
    if after_s is not None:
        events.append(Registered(index, f"2026-{index:07d}-0", came, OPENING_S + after_s))
    return [*events, Ended(index, outcome, OPENING_S + (after_s or 60.0))]


def figures(*events: Event, site: Site = QUIET, log: str = "") -> Figures:
    return reckon(Ledger.of(events), site, log)


def pages(*took_s: float, status: int = 200, name: str = "open the site") -> list[Event]:
    return [Call(0, name, status, 0.0, each) for each in took_s]


def test_percentiles_are_of_pages_and_forms_not_of_what_a_script_asks() -> None:
    hundred = pages(*(each / 100 for each in range(1, 100)), 30.0)
    found = figures(*hundred, *pages(0.001, 0.001, 0.001, name="pulse"), *pages(2.0, name="submit the form"))
    assert found.page == Times(0.51, 0.96, 2.0)
    assert found.form == Times(2.0, 2.0, 2.0)
    assert found.pages == 101


@pytest.mark.parametrize(
    ("status", "is_failed"), [(0, True), (200, False), (303, False), (409, True), (503, True)]
)
def test_no_answer_and_an_error_are_failures_a_redirect_is_none(status: int, is_failed: bool) -> None:
    assert figures(*pages(0.1, status=status)).failed == int(is_failed)


def test_what_had_no_answer_counts_with_the_time_waited_for_it() -> None:
    assert figures(*pages(30.0, status=0)).page.p50_s == 30.0


def test_served_a_minute_is_over_the_time_in_which_anybody_still_tried() -> None:
    assert figures(*person(0, 10.0), *person(1, 30.0)).served_per_minute == 4.0
    assert figures(*person(0, 10.0), *person(1, 30.0), *person(2, None, "gave up")).served_per_minute == 2.0


@pytest.mark.parametrize(
    ("last", "all_after_s"),
    [
        (person(2, 45.0), 45.0),
        (person(2, None, "gave up"), 30.0),  # who gave up did not stay
        (person(2, None, "cut off"), None),
        (person(2, None, "failed"), None),
    ],
)
def test_the_time_until_everyone_who_stayed_was_registered(last: list[Event], all_after_s: float | None) -> None:
    assert figures(*person(0, 10.0), *person(1, 30.0), *last).all_after_s == all_after_s


def test_nobody_registered_is_never_and_not_at_once() -> None:
    assert figures(*person(0, None, "gave up")).all_after_s is None


def test_the_peak_is_the_sites_own_count_and_who_does_not_know_is_told() -> None:
    found = figures(*person(0, 10.0), site=Site(registrations=3, most_in_flight=17))
    assert (found.most_in_flight, found.unaware) == (17, 2)


def test_the_steady_rate_leaves_out_the_first_and_the_last_tenth() -> None:
    times = [0.0, *(100.0 + each for each in range(18)), 500.0]
    ledger = Ledger.of(Registered(index, "", OPENING_S, at_s) for index, at_s in enumerate(times))
    assert len(ledger.all(Registered)) == 20
    assert steady_per_minute(ledger) == pytest.approx(60 * 15 / 15)
    assert steady_per_minute(Ledger()) == 0.0


GOOD = figures(*person(0, 10.0), *pages(0.1))
BROKEN = figures(*person(0, 10.0), *person(1, None, "gave up"), *pages(0.1, 0.2), *pages(30.0, status=0))


def test_a_site_that_broke_and_a_line_that_held() -> None:
    alone, behind = verdict(BROKEN, GOOD)
    assert alone == "Alone, the site did not bear this surge: 50% left without a number, 33% of pages failed."
    assert behind.startswith("Through Antrean, the same people")


def test_a_site_that_did_not_collapse_is_said_to_stand() -> None:
    alone, behind = verdict(GOOD, BROKEN)
    assert "did NOT collapse at this load" in alone
    assert "--visitors" in alone
    assert "did NOT hold" in behind


@pytest.mark.parametrize("limit", [{"hot": True}, {"late_s": 1.5}])
def test_a_generator_that_was_the_limit_is_told(limit: dict[str, float]) -> None:
    sentences = verdict(replace(BROKEN, **limit), GOOD)  # type: ignore[arg-type]
    assert sentences[2].startswith("Caution: straight at the site, the load generator itself was a limit")
    assert len(verdict(BROKEN, GOOD)) == 2


def test_locusts_warning_is_found_in_its_log() -> None:
    assert figures(log="WARNING/root: CPU usage above 90%! This may constrain your throughput").hot
    assert not figures(log="INFO/locust.main: Starting Locust").hot


def no_others(acts: object) -> list[Any]:
    """There is one tab."""
    return []


class DeadWire:
    """A network that brings no answer, ever."""

    def __init__(self) -> None:
        self.sent = 0

    def send(self, *_: Any) -> RawReply:
        self.sent += 1
        return RawReply(0, {}, "", error="timeout")

    def cookies(self) -> dict[str, str]:
        return {}


@pytest.mark.parametrize(("temper", "sent"), [(Temper(reloads=3), 4), (Temper(reloads=9, patience_s=-1.0), 1)])
def test_people_reload_a_few_times_and_give_up(monkeypatch: pytest.MonkeyPatch, temper: Temper, sent: int) -> None:
    monkeypatch.setattr(Hopeful, "temper", temper)
    noted: list[Event] = []
    slept: list[float] = []
    wire: Any = DeadWire()
    world: Any = World("r", "/", Identities("", dt.date(2026, 11, 24)), slept.append, noted.append, no_others)
    visitor = Hopeful(world, Browser(wire, "http://127.0.0.1:1", 0, noted.append), Planned(0, 0.0, "hopeful", 1))
    assert visitor.live() == "gave up"
    assert wire.sent == sent == sum(isinstance(event, Failure) for event in noted)
    assert len(slept) == sent - 1
