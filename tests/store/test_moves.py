"""Moving a place to another device: one place, one pass, never two."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.store.virtual import VirtualLine

OpenLine = Callable[..., "VirtualLine"]
GONE, LET_IN, ENDED = 0, -1, -2


def a_line(open_line: OpenLine, people: int = 300) -> VirtualLine:
    """Opened, with a line; the first few have an offer."""
    line = open_line(rate_per_minute=60, ceiling=100)
    line.tick_for(2)
    line.join(people)
    line.tick_for(10)
    assert line.snapshot.serving < people
    return line


def test_the_next_device_has_the_place_and_the_one_before_is_told(open_line: OpenLine) -> None:
    line = a_line(open_line)
    assert line.move(250, 0, "phone") == 1
    assert line.check_in(250) == ["moved"]
    assert line.look(250) == "moved"
    assert line.check_in(250, device=1) == ["waiting"]
    assert line.move(250, 1, "laptop") == 2
    assert (line.check_in(250, device=1), line.check_in(250, device=2)) == (["moved"], ["waiting"])


def test_a_code_is_good_for_one_claim_however_often_that_asks(open_line: OpenLine) -> None:
    line = a_line(open_line)
    assert [line.move(250, 0, claim) for claim in ("a", "b", "a", "b")] == [1, GONE, 1, GONE]
    assert line.move(250, 1, "b") == 2
    assert line.move(250, 0, "a") == GONE


def test_whichever_of_claim_and_move_comes_first_there_is_one_pass(open_line: OpenLine) -> None:
    line = a_line(open_line)
    first = next(n for n in range(1, 300) if line.look(n) == "called" and n <= line.snapshot.serving)
    assert line.move(first, 0, "phone") == 1, "an offer moves along"
    assert line.check_in(first) == ["moved"]
    assert line.check_in(first, device=1) == ["admitted"]
    line.tick_for(3)
    other = next(n for n in range(first + 1, 300) if line.look(n) == "called" and n <= line.snapshot.serving)
    assert line.check_in(other) == ["admitted"]
    assert line.move(other, 0, "phone") == LET_IN


def test_who_was_let_in_once_is_never_moved_although_the_pass_was_not_used(open_line: OpenLine) -> None:
    line = a_line(open_line)
    first = next(n for n in range(1, 300) if line.look(n) == "called" and n <= line.snapshot.serving)
    assert line.check_in(first) == ["admitted"]
    line.tick_for(181)
    assert line.check_in(first) == ["late"], "the unused lease has lapsed"
    assert line.move(first, 0, "phone") == LET_IN
    for _ in range(400):
        line.tick()
        assert line.move(first, 0, "phone") == LET_IN, "nor with the offer of a late return"
    assert line.look(first) == "called"


def test_who_holds_a_pass_is_whom_the_place_belongs_to(open_line: OpenLine) -> None:
    line = a_line(open_line)
    assert line.move(250, 0, "phone") == 1
    assert line.check_in(250, returning=True) == ["waiting"]


def test_a_place_that_was_given_up_or_never_given_out_does_not_move(open_line: OpenLine) -> None:
    line = a_line(open_line)
    line.leave(250)
    assert line.move(250, 0, "phone") == ENDED
    assert line.move(301, 0, "phone") == ENDED


def test_a_store_that_lost_the_moves_learns_them_from_the_tickets(open_line: OpenLine) -> None:
    line = a_line(open_line)
    line.move(250, 0, "phone")
    line.client.delete("antrean:{room}:moves")
    assert line.check_in(250, device=1) == ["waiting"]
    assert line.check_in(250) == ["moved"]


def test_but_not_against_one_who_was_let_in_meanwhile(open_line: OpenLine) -> None:
    line = a_line(open_line)
    first = next(n for n in range(1, 300) if line.look(n) == "called" and n <= line.snapshot.serving)
    line.move(first, 0, "phone")
    line.client.delete("antrean:{room}:moves")
    assert line.check_in(first) == ["admitted"]
    assert line.check_in(first, device=1) == ["moved"]


def test_moving_marks_present_so_that_nobody_is_passed_over_for_it(open_line: OpenLine) -> None:
    line = a_line(open_line)
    line.tick_for(151)  # nobody was heard of for two windows
    position = line.snapshot.serving + 1
    before = line.look(position)
    assert line.move(position, 0, "phone") == 1
    seen = [line.client.getbit(f"antrean:{{room}}:seen:{window}", position) for window in ("even", "odd")]
    assert any(seen)
    assert before in ("called", "waiting")


def test_a_new_line_knows_nothing_of_the_moves_of_the_last(open_line: OpenLine) -> None:
    line = a_line(open_line)
    line.move(250, 0, "phone")
    line.call(line.functions.new_line(line.now_ms, "next", "test", ""))
    assert line.client.exists("antrean:{room}:moves") == 0


def passed_over(line: VirtualLine) -> int:
    """A number that was absent, called up and passed over: its return is late."""
    line.tick_for(400)
    number = line.snapshot.serving - 5
    assert line.check_in(number) == ["late"]
    return number


def test_a_late_return_that_was_never_let_in_moves_with_its_turn_and_its_offer(open_line: OpenLine) -> None:
    line = a_line(open_line)
    number = passed_over(line)
    assert line.move(number, 0, "phone") == 1
    assert (line.check_in(number), line.check_in(number, device=1)) == (["moved"], ["late"])
    while line.look(number) == "late":
        line.tick()
        line.check_in(number, device=1)
    assert line.move(number, 1, "laptop") in (2, LET_IN)
    assert line.check_in(number) == ["moved"]


def test_whether_a_late_return_was_let_in_before_is_not_known_where_the_store_lost_something(
    open_line: OpenLine,
) -> None:
    line = a_line(open_line)
    number = passed_over(line)
    line.state(generation=2)
    assert line.move(number, 0, "phone") == LET_IN


def test_a_place_given_back_after_the_visit_stays_on_its_device(open_line: OpenLine) -> None:
    line = a_line(open_line)
    first = next(n for n in range(1, 300) if line.look(n) == "called" and n <= line.snapshot.serving)
    assert line.check_in(first) == ["admitted"]
    line.leave(first)
    order = line.snapshot.order
    line.call(line.functions.reinstate(line.now_ms, line.run_id, order, first, first))
    assert line.check_in(first) == ["late"]
    assert line.move(first, 0, "phone") == LET_IN
