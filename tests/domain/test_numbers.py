"""The number that people see, say and type."""

from __future__ import annotations

import pytest

from gateway.domain.numbers import format_number, parse_number
from gateway.errors import MistypedNumber


@pytest.mark.parametrize("number", [1, 9, 10, 1234, 999_999, 10_000_000, 123_456_789_012])
def test_a_number_is_read_back(number: int) -> None:
    assert parse_number(format_number(number)) == number


def test_a_number_is_shown_in_groups_of_four_with_a_check_digit() -> None:
    assert format_number(1234) == "A-0001-2340"
    assert format_number(12_345_678).startswith("A-0001-2345-678")


@pytest.mark.parametrize("typed", ["A-0001-2340", "a 0001 2340", " 00012340", "12340", "a12340"])
def test_people_may_type_it_as_they_like(typed: str) -> None:
    assert parse_number(typed) == 1234


def test_every_single_wrong_digit_and_every_swap_of_neighbours_is_noticed() -> None:
    for number in (1, 90, 1234, 20_140_820):
        digits = format_number(number).replace("-", "")[1:]
        wrong = {digits[:at] + digit + digits[at + 1 :] for at in range(len(digits)) for digit in "0123456789"}
        wrong |= {digits[:at] + digits[at + 1] + digits[at] + digits[at + 2 :] for at in range(len(digits) - 1)}
        for typed in wrong - {digits}:
            with pytest.raises(MistypedNumber):
                parse_number(typed)


@pytest.mark.parametrize(
    "typed", ["", "A", "A-", "0", "00000000", "A-12x4", "B-0001-2340", "１２３４０", "-1", "9" * 50]
)
def test_what_is_no_number_gets_a_clear_answer(typed: str) -> None:
    with pytest.raises(MistypedNumber):
        parse_number(typed)


def test_numbers_start_at_one() -> None:
    with pytest.raises(ValueError):
        format_number(0)
