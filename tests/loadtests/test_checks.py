"""Each check passes an honest run and catches the run that breaks its promise."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from loadtests.checks import judge
from loadtests.ledger import (
    Absent,
    Admitted,
    Arrived,
    Attempt,
    Ended,
    Event,
    Failure,
    Known,
    Ledger,
    Pulse,
    Registered,
    Seen,
    Silence,
)
from loadtests.verdict import Check, Facts, Figures, broken
from tests.loadtests.ledgers import VISITORS, admitted_s, changed, honest, honest_events, honest_facts, pulse, seen


def failing(ledger: Ledger, facts: Facts | None = None) -> set[str]:
    return {check.key for check in broken(judge(ledger, facts or honest_facts()))}


def of(ledger: Ledger, key: str, facts: Facts | None = None) -> Check:
    return next(check for check in judge(ledger, facts or honest_facts()) if check.key == key)


def is_a(kind: type[Event], *visitors: int) -> Callable[[Event], bool]:
    return lambda event: isinstance(event, kind) and (not visitors or event.visitor in visitors)


def with_fields(**fields: object) -> Callable[[Event], list[Event]]:
    return lambda event: [replace(event, **fields)]  # type: ignore[arg-type]


def plus(*extra: Event) -> Ledger:
    return Ledger.of([*honest_events(), *extra])


def test_an_honest_run_passes_every_check() -> None:
    checks = judge(honest(), honest_facts())
    assert [check for check in checks if check.passed is not True] == []


def test_an_empty_run_proves_nothing() -> None:
    checks = judge(Ledger(), Facts(60))
    assert {check.passed for check in checks} == {None}


BROKEN: list[tuple[str, str, Callable[[], Ledger]]] = [
    ("a refused connection", "errors", lambda: plus(Failure(3, "ConnectionRefusedError", "pulse", "", 9.0))),
    (
        "a visitor who stayed and got nothing",
        "registered",
        lambda: changed(is_a(Ended, 4), with_fields(outcome="cut off")),
    ),
    ("a visitor whose end is not known", "registered", lambda: changed(is_a(Ended, 4), lambda event: [])),
    ("a number given twice", "numbers", lambda: changed(is_a(Seen, 5), with_fields(number=2))),
    (
        "a number given twice, once on the empty line's way",
        "numbers",
        lambda: plus(Admitted(99, "empty-line", 3, 3, 60.0, 60.1), pulse(60.0, 99)),
    ),
    ("a number that changed", "places", lambda: plus(seen(7, 30.0, number=77))),
    (
        "a registration number given twice",
        "registrations",
        lambda: changed(is_a(Registered, 1), with_fields(registration="2026-0000001-0")),
    ),
    ("a copied ticket that is two visitors at the origin", "origin-id", lambda: plus(Known(4, "one:99", 60.0))),
    ("a visitor who is another at the origin", "origin-id", lambda: plus(Known(99, "one:5", 60.0))),
    ("a position that grew", "position", lambda: plus(seen(9, 41.0, position=11, ahead=0))),
    (
        "a visitor told of people ahead when one behind was inside",
        "order",
        lambda: plus(seen(5, admitted_s(8) + 2, "called", ahead=1)),
    ),
    (
        "a visitor present and yet too late",
        "order",
        lambda: plus(seen(5, admitted_s(8) + 2, "late", ahead=0)),
    ),
    (
        "a visitor put off at the door for long",
        "order",
        lambda: plus(seen(5, 40.0, "called", ahead=0), seen(5, 71.0, "called", ahead=0)),
    ),
    (
        "the last one let in first",
        "turn",
        lambda: changed(is_a(Admitted, 9), with_fields(sent_s=5.0, received_s=5.1)),
    ),
    (
        "everybody at once",
        "rate",
        lambda: changed(is_a(Admitted), with_fields(sent_s=40.0, received_s=40.1)),
    ),
    ("another rate than the one set", "rate-set", lambda: plus(pulse(30.0, rate_per_minute=60.0))),
    ("a pulse with more served than called", "cursors", lambda: plus(pulse(30.0, called=2))),
    ("a pulse with more called than issued", "cursors", lambda: plus(pulse(30.0, issued=3))),
    (
        "a forged pass that was believed",
        "forgeries",
        lambda: changed(is_a(Attempt), with_fields(refused=False, detail="answered with 200")),
    ),
    ("a range upside down", "ranges", lambda: plus(seen(2, 3.0, low_s=9.0, high_s=3.0))),
    ("a range without end", "ranges", lambda: plus(seen(2, 3.0, low_s=9.0, high_s=None))),
    ("a negative wait", "ranges", lambda: plus(seen(2, 3.0, low_s=-1.0, high_s=3.0))),
]


@pytest.mark.parametrize(("what", "key", "run"), BROKEN, ids=[row[0] for row in BROKEN])
def test_a_broken_promise_is_caught(what: str, key: str, run: Callable[[], Ledger]) -> None:
    assert key in failing(run()), what


def test_only_what_is_broken_fails() -> None:
    assert failing(changed(is_a(Attempt), with_fields(refused=False))) == {"forgeries"}


@pytest.mark.parametrize(
    ("after", "key"),
    [
        (Figures(100 + VISITORS - 1, 60, 50), "reconcile-origin"),
        (Figures(100 + VISITORS + 1, 60, 50), "reconcile-origin"),
        (Figures(110, 61, 50), "reconcile-tickets"),
        (Figures(110, 60, 49), "reconcile-admissions"),
    ],
)
def test_any_difference_between_visitors_and_server_fails(after: Figures, key: str) -> None:
    assert failing(honest(), replace(honest_facts(), after=after)) == {key}


def test_a_count_that_cannot_be_read_is_said_and_not_guessed() -> None:
    check = of(honest(), "reconcile-origin", replace(honest_facts(), after=Figures()))
    assert (check.passed, check.word) == (None, "not exercised")


def test_a_pulse_from_before_the_rate_was_set_may_show_the_former_one() -> None:
    ledger = plus(pulse(30.0, rate_per_minute=60.0))
    assert of(ledger, "rate-set", replace(honest_facts(), rate_set_s=31.0)).passed is True


def test_a_leaver_may_leave_and_a_patient_may_not() -> None:
    left = changed(is_a(Ended, 4), with_fields(outcome="left"))
    assert "registered" in failing(left)
    leaver = Ledger.of(
        replace(event, persona="leaver") if isinstance(event, Arrived) and event.visitor == 4 else event
        for kind in left.events.values()
        for event in kind
    )
    assert of(leaver, "registered").passed is True


def test_a_new_generation_may_move_positions() -> None:
    assert of(plus(seen(9, 41.0, position=11, ahead=0, generation=2)), "position").passed is True


def test_the_same_number_in_two_lines_is_not_given_twice() -> None:
    other = seen(99, 50.0, number=3, position=3, instance="two")
    ledger = plus(other, pulse(50.0, 99, instance="two"))
    assert of(ledger, "numbers").passed is True


def test_a_copied_ticket_that_is_let_in_twice_is_one_admission() -> None:
    both = plus(Admitted(4, "line", 5, 5, admitted_s(4) + 0.05, admitted_s(4) + 0.2))
    assert failing(both) == set()


def test_one_number_that_the_server_let_in_twice_is_a_difference() -> None:
    both = plus(Admitted(4, "line", 5, 5, admitted_s(4) + 0.05, admitted_s(4) + 0.2))
    facts = replace(honest_facts(), after=Figures(100 + VISITORS, 50 + VISITORS, 41 + VISITORS))
    assert failing(both, facts) == {"reconcile-admissions"}


def test_a_second_number_of_the_same_visitor_is_a_ticket_more() -> None:
    two = plus(seen(7, 30.0, number=77))
    assert failing(two) >= {"places", "reconcile-tickets"}


def test_the_wait_through_an_outage_says_nothing_about_estimates() -> None:
    whole = of(honest(), "estimates").detail
    assert whole == f"100% of {VISITORS}"
    assert (
        of(plus(Silence(-1, admitted_s(4) - 0.5, admitted_s(4))), "estimates").detail == f"100% of {VISITORS - 6}"
    )


def test_waits_outside_the_range_are_advice() -> None:
    late = changed(is_a(Seen), with_fields(low_s=500.0, high_s=600.0))
    check = of(late, "estimates")
    assert (check.passed, check.word) == (False, "look")
    assert check not in broken(judge(late, honest_facts()))


def test_the_wait_of_a_sleeper_says_nothing_about_estimates() -> None:
    slept = [Absent(visitor, 1.0, 500.0) for visitor in range(VISITORS)]
    assert of(plus(*slept), "estimates").passed is None


def test_a_late_generator_is_said() -> None:
    late = changed(is_a(Arrived, 4), with_fields(at_s=3.0))
    assert of(late, "generator").word == "look"


def test_a_pulse_alone_is_not_a_visit() -> None:
    assert of(Ledger.of([pulse(1.0)]), "registered").passed is None
    assert isinstance(pulse(1.0), Pulse)
