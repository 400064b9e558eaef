"""NIK: what the registry issues, what it cannot have issued, and what a number says about its holder."""

from __future__ import annotations

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from registration_app import nik
from registration_app.errors import InvalidNik

GENUINE = [
    # number, sex, date of birth
    ("3171011708950001", "male", date(1995, 8, 17)),
    ("3171015708950001", "female", date(1995, 8, 17)),
    ("3171017112990007", "female", date(1999, 12, 31)),  # the largest day there is: 31 + 40
    ("3171010101000001", "male", date(2000, 1, 1)),
    ("3171012902040001", "male", date(2004, 2, 29)),
    ("3171016902040001", "female", date(2004, 2, 29)),
    ("6571011708950001", "male", date(1995, 8, 17)),  # North Kalimantan, a province since 2012
    ("9271011708950001", "male", date(1995, 8, 17)),  # West Papua by the registry's code
    ("9301011708950001", "male", date(1995, 8, 17)),  # South Papua, since 2022
    ("9501015708950001", "female", date(1995, 8, 17)),
    ("9671011708950001", "male", date(1995, 8, 17)),
]

IMPOSSIBLE = [
    ("", "digits only"),
    ("317101170895000", "16 digits"),
    ("31710117089500011", "16 digits"),
    ("317101170895000A", "digits only"),
    ("٣١٧١٠١١٧٠٨٩٥٠٠٠١", "digits only"),
    ("3171010008950001", "date of birth"),  # day 0
    ("3171014008950001", "date of birth"),  # a woman's day 0
    ("3171013208950001", "date of birth"),
    ("3171017208950001", "date of birth"),  # a woman's day 32
    ("3171018108950001", "date of birth"),  # python-stdnum reads 81 as day 1
    ("3171019908950001", "date of birth"),
    ("3171011713950001", "date of birth"),  # month 13
    ("3171012902010001", "date of birth"),  # 2001 was no leap year
    ("3171013104990001", "date of birth"),  # 31 April
    ("0071011708950001", "province"),
    ("4171011708950001", "province"),
    ("9971011708950001", "province"),
    ("3171011708950000", "0000"),
]


@pytest.mark.parametrize(("number", "sex", "birth_date"), GENUINE)
def test_a_genuine_number_tells_sex_and_date_of_birth(number: str, sex: str, birth_date: date) -> None:
    parsed = nik.parse(number)
    assert parsed.number == number
    assert parsed.sex == sex
    assert parsed.encodes_birth_date(birth_date)


@pytest.mark.parametrize(("number", "reason"), IMPOSSIBLE)
def test_an_impossible_number_is_refused_with_its_reason(number: str, reason: str) -> None:
    with pytest.raises(InvalidNik) as refused:
        nik.parse(number)
    problem = refused.value.problem
    assert reason in problem.message % problem.values


@pytest.mark.parametrize("written", ["3171 0117 0895 0001", "3171.0117.0895.0001", " 317101-170895-0001 "])
def test_separators_do_not_matter(written: str) -> None:
    assert nik.parse(written).number == "3171011708950001"


@pytest.mark.parametrize(
    "other", [date(1995, 8, 18), date(1995, 9, 17), date(1994, 8, 17), date(1995, 1, 17), date(1995, 8, 7)]
)
def test_another_date_of_birth_is_not_the_one_in_the_number(other: date) -> None:
    assert not nik.parse("3171011708950001").encodes_birth_date(other)


def test_the_century_is_not_in_the_number() -> None:
    parsed = nik.parse("3171011708050001")
    assert parsed.encodes_birth_date(date(2005, 8, 17))
    assert parsed.encodes_birth_date(date(1905, 8, 17))


def test_a_masked_number_hides_the_date_of_birth() -> None:
    assert nik.parse("3171011708950001").masked == "3171 •••• •••• 0001"


@given(
    birth_date=st.dates(date(1920, 1, 1), date(2019, 12, 31)),
    sex=st.sampled_from(["male", "female"]),
    serial=st.integers(1, 9999),
)
def test_a_composed_number_says_what_it_was_composed_of(birth_date: date, sex: nik.Sex, serial: int) -> None:
    composed = nik.compose("317106", birth_date, sex, serial)
    assert composed.sex == sex
    assert composed.encodes_birth_date(birth_date)
    assert nik.parse(composed.number) == composed
