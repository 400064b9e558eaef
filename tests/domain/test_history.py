"""What the samples say of one ticket."""

from __future__ import annotations

from math import inf

from gateway.domain.history import joins_per_minute, timeline

ROWS = [
    {"now_ms": 0, "issued": 5, "called": 0, "serving": 0},
    {"now_ms": 10_000, "issued": 30, "called": 20, "serving": 0},
    {"now_ms": 20_000, "issued": 60, "called": 50, "serving": 12},
]


def test_each_passage_is_told_at_the_first_sample_that_shows_it() -> None:
    assert timeline(ROWS, 12, 12, inf) == [(10_000, "joined"), (10_000, "called"), (20_000, "turn")]
    assert timeline(ROWS, 40, 40, inf) == [(20_000, "joined"), (20_000, "called")]
    assert timeline(ROWS, 3, 3, inf) == [(10_000, "called"), (20_000, "turn")]  # it joined before the first sample
    # In a drawn line the place is another than the number, which is what was given out.
    assert timeline(ROWS, 40, 12, inf) == [(20_000, "joined"), (10_000, "called"), (20_000, "turn")]


def test_no_passage_is_told_later_than_the_visitor_was_let_in() -> None:
    assert timeline(ROWS, 12, 12, 13_000) == [(10_000, "joined"), (10_000, "called"), (13_000, "turn")]


def test_the_gap_that_a_lost_store_left_is_nobodys_join() -> None:
    """Safeguard: skipped numbers are taken out. Else every start of the store looks like a surge of a thousand."""
    rows = [{"now_ms": 0, "issued": 40}]
    assert joins_per_minute(rows, 1070, 60_000, ((41, 1040),)) == 30
    assert joins_per_minute(rows, 1070, 60_000, ((1, 30), (1041, 1050))) == 1020
