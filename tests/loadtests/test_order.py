"""What proves that somebody was passed, and what does not."""

from __future__ import annotations

import pytest

from loadtests.ledger import Absent, Admitted, Event, Ledger, Pulse, Seen, Silence
from loadtests.order import admitted_after_their_turn, claims_out_of_order, inversions
from tests.loadtests.ledgers import pulse, seen


def inside(visitor: int, at_s: float, way: str = "line") -> Admitted:
    return Admitted(visitor, way, visitor + 1, visitor + 1, at_s - 0.1, at_s)


def passed(*events: Event) -> list[int]:
    return [found.visitor for found in inversions(Ledger.of(events), hold_s=10)]


BEHIND = inside(8, at_s=100.0)


@pytest.mark.parametrize(
    ("reading", "is_passed"),
    [
        (seen(5, 99.0, "called", ahead=2), False),  # before the one behind was in
        (seen(5, 100.5, "called", ahead=2), False),  # an answer may be a second old
        (seen(5, 101.5, "called", ahead=2), True),
        (seen(5, 101.5, "waiting", ahead=2), True),
        (seen(5, 101.5, "called", ahead=0), False),  # at the door: the meter of claims may put it off
        (seen(5, 101.5, "called", ahead=None), False),
        (seen(5, 101.5, "admitted", ahead=0), False),
        (seen(5, 101.5, "late", ahead=0), True),
        (seen(9, 101.5, "called", ahead=2), False),  # it is behind itself
    ],
)
def test_after_one_behind_is_inside(reading: Seen, is_passed: bool) -> None:
    assert passed(BEHIND, reading) == ([reading.visitor] if is_passed else [])


def test_being_put_off_is_counted_from_the_first_refusal() -> None:
    refused = [seen(5, at_s, "called", ahead=0) for at_s in (140.0, 145.0, 150.0)]
    assert passed(BEHIND, *refused) == []
    assert passed(BEHIND, *refused, seen(5, 150.1, "called", ahead=0)) == [5]


def test_an_outage_puts_nobody_off() -> None:
    refused = [seen(5, at_s, "called", ahead=0) for at_s in (140.0, 151.0)]
    assert passed(BEHIND, *refused) == [5]
    assert passed(BEHIND, Silence(-1, 145.0, 150.0), *refused) == []
    assert passed(BEHIND, Silence(-1, 145.0, 150.0), *refused, seen(5, 155.1, "called", ahead=0)) == [5]


def test_a_sleeper_can_be_passed() -> None:
    assert passed(BEHIND, Absent(5, 50.0, 101.0), seen(5, 101.5, "late", ahead=0)) == []


def test_a_late_return_passes_nobody() -> None:
    assert passed(inside(8, 100.0, way="late"), seen(5, 101.5, "called", ahead=2)) == []


def test_the_empty_line_is_no_way_past_people() -> None:
    assert passed(inside(8, 100.0, way="empty-line"), seen(5, 101.5, "waiting", ahead=2)) == [5]


def turn(admitted: Admitted, *pulses: Pulse) -> bool | None:
    return admitted_after_their_turn(Ledger.of([admitted, *pulses])).passed


def test_a_turn_is_judged_by_pulses_too_young_to_be_cached() -> None:
    entry = inside(8, at_s=100.0)
    assert turn(entry, pulse(102.0, serving=5)) is None
    assert turn(entry, pulse(103.5, serving=5)) is False
    assert turn(entry, pulse(103.5, serving=9)) is True
    assert turn(entry, pulse(103.5, serving=9), pulse(104.0, serving=5)) is False


def test_a_turn_in_another_line_is_not_judged() -> None:
    elsewhere = pulse(10.0, visitor=8, instance="two")
    assert turn(inside(8, at_s=100.0), elsewhere, pulse(103.5, serving=5)) is None


def test_claims_between_two_check_ins_are_told_and_not_judged() -> None:
    ledger = Ledger.of([inside(1, 10.0), inside(2, 8.0), inside(3, 9.0)])
    assert claims_out_of_order(ledger) == (1, 2.0)
    assert inversions(ledger) == []
