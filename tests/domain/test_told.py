"""The record of told waits: what was told when, thinned out with age, and how it came out."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from gateway.domain.accuracy import Outcomes, Tally
from gateway.domain.estimate import Wait
from gateway.domain.room import Phase, Snapshot
from gateway.domain.told import MOST_KEPT, Judgement, Memory, Outcome, judge

SnapshotFactory = Callable[..., Snapshot]

JUDGEMENTS = [
    (Wait(54, 89), 54.0, Judgement(Outcome.RIGHT)),
    (Wait(54, 89), 89.0, Judgement(Outcome.RIGHT)),
    (Wait(54, 89), 99.0, Judgement(Outcome.TOO_SHORT, 10.0)),
    (Wait(54, 89), 50.0, Judgement(Outcome.TOO_LONG, 4.0)),
    (None, 50.0, Judgement(Outcome.UNTOLD)),
]


@pytest.mark.parametrize(("told", "waited_s", "judgement"), JUDGEMENTS)
def test_a_range_holds_from_end_to_end(told: Wait | None, waited_s: float, judgement: Judgement) -> None:
    assert judge(told, waited_s) == judgement


def test_what_was_told_at_joining_and_half_way_is_reckoned_from_the_line_as_it_was(
    snapshot_with: SnapshotFactory,
) -> None:
    memory = Memory()
    memory.note(snapshot_with(serving=100, rate_per_minute=60.0), 1000.0)  # 60 ahead: 54 to 89 s
    memory.note(snapshot_with(serving=100, rate_per_minute=30.0), 1020.0)  # 108 to 158 s
    memory.note(snapshot_with(serving=130, rate_per_minute=30.0), 1060.0)  # 54 to 89 s
    admission = memory.admission(161, joined_s=1000.0, now_s=1120.0)
    assert admission is not None
    assert admission.waited_s == 120
    assert admission.join == Judgement(Outcome.TOO_SHORT, 31.0)
    assert admission.halfway == Judgement(Outcome.RIGHT), "60 s left at 1060"


def test_who_joined_after_the_snapshot_has_everybody_ahead_who_came_before(snapshot_with: SnapshotFactory) -> None:
    memory = Memory()
    memory.note(snapshot_with(serving=0, issued=10, gap=1000, rate_per_minute=60.0), 1000.0)
    admission = memory.admission(3001, joined_s=1000.0, now_s=4000.0)
    assert admission is not None
    assert admission.join.outcome is Outcome.RIGHT, "3,000 ahead, not the gap of 1,000"


def test_between_two_memories_the_cursor_moved_on_evenly(snapshot_with: SnapshotFactory) -> None:
    memory = Memory()
    memory.note(snapshot_with(serving=100, rate_per_minute=60.0), 1000.0)
    memory.note(snapshot_with(serving=200, rate_per_minute=60.0), 1100.0)
    admission = memory.admission(401, joined_s=1090.0, now_s=1300.0)
    assert admission is not None
    assert admission.join.outcome is Outcome.RIGHT, "210 s for 210 ahead of it at 1090, not 300 as at 1000"


def test_nothing_told_is_not_wrong(snapshot_with: SnapshotFactory) -> None:
    memory = Memory()
    memory.note(snapshot_with(phase=Phase.PAUSED), 1000.0)
    memory.note(snapshot_with(), 1050.0)
    admission = memory.admission(161, joined_s=1000.0, now_s=1120.0)
    assert admission is not None
    assert (admission.join.outcome, admission.halfway.outcome) == (Outcome.UNTOLD, Outcome.RIGHT)


def test_what_was_before_the_memory_is_unknown_and_so_is_an_earlier_line(snapshot_with: SnapshotFactory) -> None:
    memory = Memory()
    memory.note(snapshot_with(instance="before"), 900.0)
    memory.note(snapshot_with(), 1000.0)
    admission = memory.admission(161, joined_s=950.0, now_s=1090.0)
    assert admission is not None
    assert (admission.join.outcome, admission.halfway.outcome) == (Outcome.UNKNOWN, Outcome.RIGHT)


def test_a_clock_that_was_set_back_hides_what_it_cannot_date(snapshot_with: SnapshotFactory) -> None:
    memory = Memory()
    for at_s in (1000.0, 2000.0, 1500.0):
        memory.note(snapshot_with(), at_s)
    assert len(memory) == 2
    assert memory.admission(161, joined_s=1600.0, now_s=1500.0) is None


def test_a_day_of_26_hours_fits_and_stays_true(snapshot_with: SnapshotFactory) -> None:
    """One visitor a second throughout: whoever joined at any age is told what the line was then."""
    memory, most = Memory(), 0
    day_s, joins = 26 * 3600, range(0, 26 * 3600, 997)
    rows = [snapshot_with(serving=serving, issued=10**6) for serving in range(0, day_s, 10)]
    for now_s in range(day_s):
        memory.note(rows[now_s // 10], float(now_s))
        most = max(most, len(memory))
    assert most <= MOST_KEPT + 1
    for joined_s in joins:
        admission = memory.admission(day_s, joined_s=float(joined_s), now_s=float(day_s))
        assert admission is not None
        assert admission.join.outcome is admission.halfway.outcome is Outcome.RIGHT, joined_s


def test_a_tally_begins_with_its_line_and_never_again_in_it() -> None:
    before = Tally(1000, "k3xq", Outcomes(5, 3, 2), Outcomes(6, 2, 2), 4)
    now = Tally(9000, "k3xq", Outcomes(8, 4, 2), Outcomes(10, 2, 2), 5)
    assert now.since(before) == Tally(1000, "k3xq", Outcomes(3, 1, 0), Outcomes(4, 0, 0), 1)
    assert now.since(None) == now.since(Tally(1000, "other")) == Tally(9000, "k3xq")
    assert before.since(now).join.judged == 0, "the store lost its counters"


def test_percent_is_of_those_judged_and_nothing_while_nobody_was() -> None:
    outcomes = Outcomes(3, 1, 0)
    assert (outcomes.percent(outcomes.right), outcomes.percent(outcomes.too_short)) == (75, 25)
    assert Outcomes().percent(0) is None
