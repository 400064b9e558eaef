"""One number, one admission: however many browsers hear of it, and whenever."""

from __future__ import annotations

from loadtests.admissions import distinct
from loadtests.ledger import Admitted, Ledger
from tests.loadtests.ledgers import pulse


def let_in(sent_s: float, received_s: float, visitor: int = 1, number: int | None = 5) -> Admitted:
    return Admitted(visitor, "line", number, number, sent_s, received_s)


def test_the_requests_of_all_who_heard_of_it_enclose_an_admission() -> None:
    for heard in ([let_in(10.0, 11.0), let_in(9.0, 12.0)], [let_in(9.0, 12.0), let_in(10.0, 11.0)]):
        assert distinct(Ledger.of(heard)) == [let_in(9.0, 11.0)]


def test_who_was_let_in_without_a_number_is_one_each() -> None:
    assert len(distinct(Ledger.of([let_in(1.0, 2.0, number=None), let_in(1.0, 2.0, 2, None)]))) == 2


def test_the_same_number_in_two_lines_is_two_admissions() -> None:
    lines = [pulse(0.0, 1), pulse(0.0, 2, instance="two")]
    assert len(distinct(Ledger.of([*lines, let_in(1.0, 2.0, 1), let_in(3.0, 4.0, 2)]))) == 2
