"""The form's rules, field by field, and the example that keeps all of them."""

from __future__ import annotations

import random
from datetime import date

import pytest

from registration_app import forms
from registration_app.errors import InvalidForm
from registration_app.examples import example

TODAY = date(2026, 11, 24)
FORMATIONS = ("KES-001", "KEU-001")
GOOD = {
    "nik": "3171015708950001",
    "name": "Siti Rahmawati",
    "birth_date": "1995-08-17",
    "sex": "female",
    "email": "siti@example.com",
    "phone": "0812 3456 7890",
    "formation": "KES-001",
    "password": "kuda-baterai-tepat",
}


def problems_of(**changed: str) -> dict[str, str]:
    """What the form says about the good values with some changed."""
    with pytest.raises(InvalidForm) as refused:
        forms.check({**GOOD, **changed}, FORMATIONS, TODAY)
    return {name: problem.message % problem.values for name, problem in refused.value.problems.items()}


def test_a_good_form_becomes_an_application_in_one_spelling() -> None:
    application = forms.check(
        {**GOOD, "name": "  Siti \t Rahmawati ", "email": "siti@EXAMPLE.com", "nik": "3171 0157 0895 0001"},
        FORMATIONS,
        TODAY,
    )
    assert application.nik == GOOD["nik"]
    assert application.name == "Siti Rahmawati"
    assert application.birth_date == date(1995, 8, 17)
    assert application.email == "siti@example.com"
    assert application.phone == "+6281234567890"
    assert GOOD["password"] not in repr(application)


def test_an_empty_form_names_every_field() -> None:
    with pytest.raises(InvalidForm) as refused:
        forms.check({}, FORMATIONS, TODAY)
    assert set(refused.value.problems) == {*forms.FIELDS, "password"}


REFUSED = [
    ("nik", "3171011708950001", {"sex"}),  # a man's number
    ("birth_date", "1995-08-18", {"birth_date"}),
    ("birth_date", "2008-11-25", {"birth_date"}),
    ("birth_date", "95-08-17", {"birth_date"}),
    ("birth_date", "1995-02-30", {"birth_date"}),
    ("birth_date", "yesterday", {"birth_date"}),
    ("sex", "other", {"sex"}),
    ("name", "", {"name"}),
    ("name", "R2D2", {"name"}),
    ("name", "<script>", {"name"}),
    ("name", "- -", {"name"}),
    ("name", "x" * 101, {"name"}),
    ("email", "siti", {"email"}),
    ("email", "siti@localhost", {"email"}),
    ("email", "a b@example.com", {"email"}),
    ("email", "siti@example..com", {"email"}),
    ("email", f"siti@{'x.' * 130}com", {"email"}),
    ("phone", "12", {"phone"}),
    ("phone", "0812-CALL-ME", {"phone"}),
    ("phone", "+0812345678", {"phone"}),
    ("phone", "0812 3456 7890 1234 5678", {"phone"}),
    ("formation", "NONE-1", {"formation"}),
    ("formation", "", {"formation"}),
    ("password", "", {"password"}),
    ("password", "short", {"password"}),
    ("password", "x" * 129, {"password"}),
    ("password", "aaaaaaaaaaaa", {"password"}),
    ("password", "3171015708950001", {"password"}),
    ("password", "siti rahmawati!", {"password"}),
]


@pytest.mark.parametrize(("field", "value", "named"), REFUSED)
def test_a_wrong_value_is_named_and_nothing_else(field: str, value: str, named: set[str]) -> None:
    assert set(problems_of(**{field: value})) == named


ACCEPTED = [
    ("name", "Suharto", "Suharto"),
    ("name", "I Gusti Ngurah Ma'ruf-Nur, Jr.", "I Gusti Ngurah Ma'ruf-Nur, Jr."),
    ("name", "Zoe\u0308 N", "Zoë N"),
    ("phone", "081234567890", "+6281234567890"),
    ("phone", "6281234567890", "+6281234567890"),
    ("phone", "+62 812-3456-7890", "+6281234567890"),
    ("phone", "(021) 345 6789", "+62213456789"),
    ("phone", "0062 812 3456 7890", "+6281234567890"),
    ("phone", "+31 20 123 4567", "+31201234567"),
    ("birth_date", "17-08-1995", date(1995, 8, 17)),
    ("birth_date", "17/08/1995", date(1995, 8, 17)),
    ("birth_date", "17.8.1995", date(1995, 8, 17)),
    ("email", "a.b+c@sub.example.co.id", "a.b+c@sub.example.co.id"),
    ("password", "a b c d e f", "a b c d e f"),
]


@pytest.mark.parametrize(("field", "value", "kept"), ACCEPTED)
def test_what_people_write_is_understood(field: str, value: str, kept: object) -> None:
    application = forms.check({**GOOD, field: value}, FORMATIONS, TODAY)
    assert getattr(application, field) == kept


@pytest.mark.parametrize(
    ("birth_date", "accepted"),
    [
        (date(2008, 11, 24), True),  # 18 today
        (date(2008, 11, 25), False),
        (date(1968, 11, 25), True),  # 58 tomorrow
        (date(1968, 11, 24), False),
    ],
)
def test_age_is_counted_to_the_day(birth_date: date, accepted: bool) -> None:
    day = f"{birth_date.day + 40:02d}{birth_date:%m%y}"
    fields = {**GOOD, "nik": f"317101{day}0001", "birth_date": birth_date.isoformat()}
    if accepted:
        assert forms.check(fields, FORMATIONS, TODAY).birth_date == birth_date
    else:
        with pytest.raises(InvalidForm) as refused:
            forms.check(fields, FORMATIONS, TODAY)
        assert set(refused.value.problems) == {"birth_date"}


def test_every_example_is_a_good_form() -> None:
    rng = random.Random(2014)
    examples = [example(FORMATIONS, TODAY, rng) for _ in range(500)]
    for fields in examples:
        forms.check(fields, FORMATIONS, TODAY)
    assert len({fields["nik"] for fields in examples}) == 500
