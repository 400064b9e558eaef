"""The rules of an operator's change, without any store."""

from __future__ import annotations

import pytest

from gateway.domain.changes import (
    CannotUndo,
    Entry,
    InvalidChanges,
    describe,
    entry_of,
    read_changes,
    read_time,
    revert,
    tell,
)
from gateway.domain.help_desk import ADVICE, read_number
from gateway.domain.numbers import format_number
from gateway.domain.room import Knobs, Phase
from gateway.errors import InvalidKnob, MistypedNumber

GOOD = [
    ({"rate_per_minute": 30}, {"rate_per_minute": 30.0}),
    ({"rate_per_minute": "7.5"}, {"rate_per_minute": 7.5}),
    ({"rate_per_minute": 0}, {"rate_per_minute": 0.0}),
    ({"rate_per_minute": 1_000_000}, {"rate_per_minute": 1_000_000.0}),
    ({"ceiling": "500"}, {"ceiling": 500}),
    ({"ceiling": 500.0}, {"ceiling": 500}),
    ({"phase": "last-call"}, {"phase": Phase.LAST_CALL}),
    ({"message": {"id": " Halo\r\nsemua ", "en": " "}}, {"message": {"id": "Halo\nsemua"}}),
    ({"message": {}}, {"message": {}}),
]

BAD = [
    ({"rate_per_minute": "nan"}, "rate nan a minute is not usable"),
    ({"rate_per_minute": "inf"}, "is not usable"),
    ({"rate_per_minute": "-0.1"}, "give 0 to 1,000,000"),
    ({"rate_per_minute": "1e12"}, "give 0 to 1,000,000"),
    ({"rate_per_minute": ""}, "is not a number of visitors a minute"),
    ({"rate_per_minute": "٣٠ orang"}, "is not a number"),
    ({"rate_per_minute": []}, "is not a number"),
    ({"ceiling": "inf"}, "is not a whole number"),
    ({"ceiling": "1.5"}, "is not a whole number"),
    ({"ceiling": 10**400}, "a number that large is not a whole number"),
    ({"phase": "scheduled"}, "entered by the room's schedule"),
    ({"phase": "Open"}, "'Open' is not a phase: use open, paused"),
    ({"message": ["x"]}, "give a text for each language"),
    ({"message": {"xx": "y"}}, "'xx' is not a language of the page"),
    ({"rate": 30}, "there is no such setting: use rate_per_minute, ceiling, phase, message"),
]


@pytest.mark.parametrize(("asked", "changes"), GOOD, ids=str)
def test_what_can_be_used_gets_its_proper_type(asked: dict[str, object], changes: dict[str, object]) -> None:
    assert read_changes(asked) == changes


@pytest.mark.parametrize(("asked", "message"), BAD, ids=lambda value: str(value)[:40])
def test_what_cannot_be_used_says_what_is_allowed(asked: dict[str, object], message: str) -> None:
    with pytest.raises(InvalidChanges) as caught:
        read_changes(asked)
    assert message in caught.value.problems[next(iter(asked))]


def entry(before: dict[str, object], after: dict[str, object]) -> Entry:
    return Entry(7, 0, "desk", "set", "", before, after)


def test_only_what_still_stands_is_taken_back() -> None:
    made = entry({"rate_per_minute": 60.0, "phase": "open"}, {"rate_per_minute": 30.0, "phase": "paused"})
    assert revert(made, Knobs(rate_per_minute=30, phase=Phase.PAUSED)) == made.before
    with pytest.raises(CannotUndo, match="phase changed again since revision 7"):
        revert(made, Knobs(rate_per_minute=30, phase=Phase.OPEN))


def test_a_new_line_cannot_be_undone() -> None:
    stored = {"revision": 3, "at_ms": 5, "actor": "a", "why": "", "changes": {"line": ["x", "y"]}}
    assert entry_of(stored).action == "new-line"
    with pytest.raises(CannotUndo):
        revert(entry_of(stored), Knobs())


def test_an_entry_of_the_store_speaks_of_knobs_by_their_names() -> None:
    stored = {
        "revision": 3,
        "at_ms": 5,
        "actor": "a",
        "why": "w",
        "changes": {"rate": [60, 30], "message": ["", '{"en": "Hi"}'], "ceiling": [500, 100]},
    }
    read = entry_of(stored)
    assert read.before == {"rate_per_minute": 60.0, "message": {}, "ceiling": 500}
    assert read.after == {"rate_per_minute": 30.0, "message": {"en": "Hi"}, "ceiling": 100}
    assert describe(read.before, read.after) == (
        "rate 60 → 30 a minute, message none → en: “Hi”, ceiling 500 → 100 visitors inside"
    )


@pytest.mark.parametrize(
    ("typed", "at_ms"),
    [
        ("2026-08-20 09:00 WIB", 1_787_191_200_000),
        ("2026-08-20 10:00 WITA", 1_787_191_200_000),
        ("2026-08-20T11:00 WIT", 1_787_191_200_000),
        ("2026-08-20T02:00:00Z", 1_787_191_200_000),
        (" 2026-08-20T09:00+07:00 ", 1_787_191_200_000),
        (1_787_191_200_000, 1_787_191_200_000),
        ("none", 0),
        ("", 0),
        (0, 0),
    ],
)
def test_a_time_is_read_with_its_zone(typed: object, at_ms: int) -> None:
    assert read_time(typed) == at_ms


@pytest.mark.parametrize(
    "typed",
    ["2026-08-20 09:00", "tomorrow", "2026-13-01 00:00 WIB", True, None, -1, 1.5, 10**20, "0001-01-01 00:00Z"],
)
def test_a_time_without_a_zone_or_out_of_this_world_is_refused(typed: object) -> None:
    with pytest.raises(InvalidKnob, match="a time with its zone"):
        read_time(typed)


def test_times_are_told_as_times() -> None:
    told = describe({"closes_at_ms": 0}, {"closes_at_ms": 1_787_191_200_000})
    assert told == "closing time none → 2026-08-20 02:00:00 UTC"


def test_numbers_are_told_without_noise() -> None:
    assert [tell(60.0), tell(7.5), tell(1_000_000), tell(1234567.5)] == ["60", "7.5", "1,000,000", "1,234,567.5"]


@pytest.mark.parametrize("number", [1, 1234, 9_999_999, 123_456_789])
def test_a_number_is_read_in_every_form_that_people_use(number: int) -> None:
    shown = format_number(number)
    for typed in (
        shown,
        shown.lower(),
        shown.replace("-", " "),
        shown.removeprefix("A-"),
        f"#{number}",
        f" {shown} ",
    ):
        assert read_number(typed) == number


@pytest.mark.parametrize("typed", ["", "A", "#", "#0", "0", "A-0001-2341", "#1.5", "-5", "#" + "9" * 16, "²"])
def test_a_mistyped_number_is_never_somebody_elses(typed: str) -> None:
    with pytest.raises(MistypedNumber):
        read_number(typed)


def test_there_is_advice_for_every_state() -> None:
    assert all(ADVICE.values())


@pytest.mark.parametrize(
    ("changes", "action", "opening_ms"),
    [
        ({"opening": ["open", "1000"], "order": ["", "draw"]}, "schedule", 1000),
        ({"planned": ["", "2000"], "order": ["", "fifo"]}, "plan", 2000),
        ({"planned": ["2000", ""]}, "unplan", 2000),
        ({"line": ["x", "y"]}, "new-line", 0),
    ],
)
def test_an_entry_says_which_opening_was_announced_or_called_off(
    changes: dict[str, list[str]], action: str, opening_ms: int
) -> None:
    entry = entry_of({"revision": 3, "at_ms": 5, "actor": "a", "why": "", "changes": changes})
    assert (entry.action, entry.opening_ms) == (action, opening_ms)
