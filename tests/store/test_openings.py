"""Several openings in a row, in virtual time: each begins by itself when the one before it is over."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import Any

import pytest
import redis
from conftest import OpenLine
from virtual import Crowd, VirtualLine

from gateway.domain import draw as fair
from gateway.domain.room import Draw, Phase, Snapshot
from gateway.store.openings import reveal_command
from gateway.store.snapshots import parse_snapshot

KEYS = ["a secret key of sufficient length"]
MINUTE = 60_000


def commitment(name: str) -> str:
    return fair.commitment_of(fair.draw_secret(KEYS[-1], "room", name))


def plan(
    line: VirtualLine, name: str, opens: int, closes: int = 0, *, draw: bool = False, ending: str = "serve"
) -> Snapshot:
    """``opens`` and ``closes``: minutes from now; no closing time by default."""
    facts = json.dumps(asdict(Draw(commitment(name)))) if draw else ""
    at_ms = [line.now_ms + opens * MINUTE, line.now_ms + closes * MINUTE if closes else 0]
    reason = json.dumps({"id": f"alasan {name}", "en": f"reason {name}"})
    challenge = 1 if draw else ""
    command = line.functions.schedule(line.now_ms, "test", "", name, *at_ms, ending, facts, reason, challenge)
    line.snapshot = parse_snapshot("room", line.call(command))
    return line.snapshot


def tick_minutes(line: VirtualLine, minutes: float) -> Snapshot:
    """A tick a second, and the draw when it is due, as every worker does."""
    for _ in range(round(minutes * 60)):
        line.tick(1000)
        if (command := reveal_command(line.functions, line.snapshot, line.run_id, KEYS)) is not None:
            line.call(command)
    return line.snapshot


def planned(snapshot: Snapshot) -> list[str]:
    return [each.instance for each in snapshot.openings]


def test_the_next_opening_begins_by_itself_when_the_line_before_it_is_over(open_line: OpenLine) -> None:
    """Safeguards: begin_next; the line is empty before it closes. Each has its line, order and commitment."""
    line = open_line(rate_per_minute=6000, ceiling=100_000)
    plan(line, "morning", 20, 40)
    plan(line, "evening", 200, 240)
    noon = plan(line, "noon", 100, 140, draw=True)
    assert (noon.instance, planned(noon)) == ("morning", ["noon", "evening"])
    assert noon.openings[0].draw is not None
    assert noon.openings[0].draw.commitment == commitment("noon"), "published long before its first number"
    crowd = Crowd(line)
    crowd.arrive(30)
    crowd.run(40 * 60)
    assert (len(crowd.claims), line.snapshot.instance) == (30, "morning")
    assert tick_minutes(line, 4).phase is Phase.LAST_CALL
    assert tick_minutes(line, 1.5).phase is Phase.CLOSED, "pages say so for a while"
    begun = tick_minutes(line, 1)
    assert (begun.instance, begun.phase, begun.issued) == ("noon", Phase.SCHEDULED, 0)
    assert begun.draw is not None
    assert (begun.draw.commitment, begun.reason) == (
        commitment("noon"),
        {"id": "alasan noon", "en": "reason noon"},
    )
    assert planned(begun) == ["evening"]
    line.join(100)
    drawn = tick_minutes(line, 60)
    assert drawn.phase is Phase.OPEN
    assert drawn.draw is not None
    assert (drawn.draw.size, drawn.draw.secret) == (100, fair.draw_secret(KEYS[-1], "room", "noon").hex())
    last = tick_minutes(line, 60)
    assert (last.instance, last.draw, planned(last)) == ("evening", None, [])


def test_people_still_in_line_are_served_before_the_next_opening_which_keeps_its_length(
    open_line: OpenLine,
) -> None:
    """Safeguard: is_over; a drawn opening that begins late leaves time to come before its freeze."""
    line = open_line(rate_per_minute=1, ceiling=1000)
    plan(line, "first", 5, 10)
    plan(line, "second", 20, 50, draw=True)
    crowd = Crowd(line)
    crowd.arrive(30)
    crowd.run(30 * 60)
    assert (line.snapshot.instance, line.snapshot.phase) == ("first", Phase.LAST_CALL), "the second waits"
    while len(crowd.claims) < 30:
        crowd.run(1)
    assert line.snapshot.instance == "first"
    begun = line.tick()
    while begun.instance == "first":
        begun = line.tick()
    left_ms = begun.knobs.opens_at_ms - begun.now_ms
    assert (begun.phase, left_ms) == (Phase.SCHEDULED, 7 * MINUTE)
    assert begun.knobs.closes_at_ms - begun.knobs.opens_at_ms == 30 * MINUTE


def test_a_line_that_is_cut_makes_room_at_closing_time(open_line: OpenLine) -> None:
    line = open_line(rate_per_minute=0)
    plan(line, "first", 5, 10, ending="cut")
    plan(line, "second", 60)
    line.join(30)
    assert tick_minutes(line, 10.5).phase is Phase.CLOSED
    assert tick_minutes(line, 1).instance == "second"


def test_a_line_closed_by_hand_is_kept_for_whoever_may_open_it_again(open_line: OpenLine) -> None:
    """Safeguard: is_over asks whether anybody is in line. Else an emergency stop would take everybody's place."""
    line = open_line(rate_per_minute=0)
    plan(line, "first", 5, 300)
    plan(line, "second", 400)
    line.join(30)
    tick_minutes(line, 6)
    line.set(phase="closed")
    assert tick_minutes(line, 30).instance == "first"
    assert line.set(phase="open").issued == 30
    line.set(phase="closed")
    assert tick_minutes(line, 280).instance == "second"


@pytest.mark.parametrize(
    ("before", "new", "told"),
    [
        ([("a", 10, 0)], ("b", 60, 90), "no closing time"),
        ([("a", 10, 50)], ("b", 30, 90), "overlaps the opening under way"),
        ([("a", 10, 50)], ("b", 5, 8), "overlaps the opening under way"),
        ([("a", 10, 50), ("c", 60, 90)], ("b", 80, 99), "overlaps the opening c"),
        ([("a", 10, 50), ("c", 60, 90)], ("b", 55, 0), "overlaps the opening c"),
        ([("a", 10, 50), ("c", 60, 0)], ("b", 99, 120), "overlaps the opening c"),
        ([("a", 10, 50)], ("b", -5, 90), "lies in the past"),
        ([("a", 10, 50)], ("b", 60, 55), "close before it opens"),
    ],
)
def test_openings_that_cannot_follow_each_other_are_refused(
    open_line: OpenLine, before: list[Any], new: Any, told: str
) -> None:
    line = open_line()
    for each in before:
        plan(line, *each)
    known = line.snapshot
    with pytest.raises(redis.ResponseError, match=told):
        plan(line, *new)
    after = line.tick()
    assert (after.openings, after.revision) == (known.openings, known.revision), "nothing is lost"


def test_the_opening_under_way_is_not_moved_into_the_next_one(open_line: OpenLine) -> None:
    line = open_line()
    plan(line, "first", 10, 50)
    plan(line, "second", 60, 90)
    for minute in (0, 61):
        with pytest.raises(redis.ResponseError, match="next opening begins before that"):
            line.set(closes_at_ms=line.now_ms + minute * MINUTE if minute else 0)
    line.set(closes_at_ms=line.now_ms + 60 * MINUTE)


@pytest.mark.parametrize("minutes", [0, 30, 57])
def test_an_emptied_store_forgets_no_opening(open_line: OpenLine, minutes: int) -> None:
    """Safeguard: every snapshot carries what is planned, with its commitments."""
    line = open_line()
    plan(line, "first", 10, 50)
    plan(line, "second", 100, 140, draw=True)
    known = tick_minutes(line, minutes) if minutes else line.tick()
    line.client.flushall()
    line.client.function_load(line.library, replace=True)
    after = line.restore(known, issued=known.issued)
    assert (after.openings, after.reason, after.draw) == (known.openings, known.reason, known.draw)
    begun = tick_minutes(line, 65)
    assert begun.draw is not None
    assert begun.draw.commitment == commitment("second")
    assert begun.knobs.challenge, "a draw's newcomers solve a riddle"


def test_a_planned_opening_is_called_off_and_no_other(open_line: OpenLine) -> None:
    line = open_line()
    plan(line, "first", 10, 50)
    for name, opens in (("second", 60), ("third", 80)):
        plan(line, name, opens, opens + 10)
    line.call(line.functions.unschedule(line.now_ms, "test", "", "second"))
    assert planned(line.tick()) == ["third"]
    with pytest.raises(redis.ResponseError, match="no such opening"):
        line.call(line.functions.unschedule(line.now_ms, "test", "", "first"))


def test_standby_ends_when_somebody_waits_and_comes_back_by_itself(open_line: OpenLine) -> None:
    """Safeguard: note_queueing. Nobody turns a knob."""
    line = open_line(rate_per_minute=60, ceiling=100_000)
    for _ in range(3):
        line.tick(1000)
        assert line.join()[1] == 1, "straight through"
        assert line.tick(1000).queueing_since_ms == 0
    crowd = Crowd(line)
    crowd.arrive(100)
    began = line.tick().queueing_since_ms
    assert began == line.now_ms
    crowd.run(10)
    assert line.snapshot.queueing_since_ms == began
    crowd.run(220)
    assert len(crowd.claims) == 100
    assert line.snapshot.queueing_since_ms == 0
    assert line.join()[1] == 1
