"""The safeguards of the tick: what is banked, who is called, and what is offered to whom."""

from __future__ import annotations

import pytest
import redis
from conftest import OpenLine
from test_safeguards import late_returns, offered
from virtual import VirtualLine


def read(line: VirtualLine, field: str) -> float:
    return float(line.state()[field])


# What is banked


def full_for_long(open_line: OpenLine) -> VirtualLine:
    """Fifty are inside, which is the ceiling, and many wait."""
    line = open_line(rate_per_minute=6000, ceiling=50)
    offered(line, 50, seconds=5)
    line.check_in(*range(1, 51))
    line.touch(*range(1, 51))
    line.join(500)
    line.set(rate_per_minute=60)
    line.tick_for(60)
    assert line.snapshot.inside == 50
    return line


def test_places_that_fall_free_at_once_are_offered_ten_seconds_worth_at_a_time(open_line: OpenLine) -> None:
    line = full_for_long(open_line)
    line.finish(*range(1, 51))
    assert line.tick().offers <= 11


def test_a_pause_and_a_gap_in_ticks_leave_nothing_banked(open_line: OpenLine) -> None:
    """Safeguard: grace forgets both credits."""
    for away in ("pause", "gap"):
        line = full_for_long(open_line)
        line.touch(*range(1, 51))
        line.finish(*range(1, 51))
        if away == "pause":
            line.set(phase="paused")
            line.tick_for(10)
            line.set(phase="open")
        else:
            line.now_ms += 30_000
        line.tick()
        assert line.snapshot.offers <= 2
        assert read(line, "claim_credit") <= 1
        line.client.flushall()


def test_nothing_is_banked_in_a_pause(open_line: OpenLine) -> None:
    line = open_line(rate_per_minute=600)
    line.set(phase="paused")
    line.tick_for(20)
    assert (read(line, "credit"), read(line, "claim_credit")) == (0, 0)


def test_after_a_pause_a_claim_waits_for_its_place_in_the_rate(open_line: OpenLine) -> None:
    """Safeguard: the claim bucket starts empty again."""
    line = open_line(rate_per_minute=60)
    offered(line, 3, seconds=5)
    line.tick_for(5)
    line.set(phase="paused")
    line.set(phase="open")
    line.check_in(1)
    assert line.waits_ms[1] == 1000


def test_after_a_pause_absent_offers_give_nothing_back_before_they_are_counted_anew(open_line: OpenLine) -> None:
    """Safeguard: absent_offers in grace. Who could not come in the pause is not absent."""
    line = open_line(rate_per_minute=600, ceiling=100_000)
    line.join(3000)
    for _ in range(100):
        line.tick(1000)
        line.check_in(*range(line.snapshot.serving + 1, 3001, 10), 3000)
    assert read(line, "absent_offers") > 300
    line.set(phase="paused")
    line.tick_for(30)
    line.set(phase="open")
    assert read(line, "absent_offers") == 0
    line.join(500)
    before = line.tick().offers
    line.tick_for(4)
    assert line.snapshot.offers - before <= 4.25 * 2 * 10, "the rate, and what runs over at the door"


def test_what_went_by_before_a_change_of_rate_went_by_at_the_old_one(open_line: OpenLine) -> None:
    line = open_line(rate_per_minute=0)
    line.join(500)
    line.tick_for(2)
    line.now_ms += 1000
    line.set(rate_per_minute=6000)
    line.tick(200)
    assert 0 < read(line, "claim_credit") <= 20, "a fifth of a second's worth, not a whole one"


def test_a_lower_rate_holds_also_for_what_was_banked(open_line: OpenLine) -> None:
    line = open_line(rate_per_minute=6000, ceiling=0)
    line.join(500)
    line.tick_for(20)
    line.set(rate_per_minute=60, ceiling=500)
    assert read(line, "credit") <= 10
    assert read(line, "claim_credit") <= 1


def test_offers_are_taken_for_absent_in_the_second_half_of_their_life_and_nine_for_a_claim(
    open_line: OpenLine,
) -> None:
    """Safeguards: the half-life in step, ABSENT_MOST in pass_time."""
    line = open_line(rate_per_minute=600, ceiling=100_000)
    line.join(9000)
    line.tick_for(70)
    assert line.snapshot.serving <= 70 * 20 + 20, "none is half its life old"
    line = open_line(rate_per_minute=6000, ceiling=100_000)
    line.join(6000)
    line.tick_for(20)
    line.set(rate_per_minute=60)
    line.tick_for(70)
    line.check_in(*range(line.snapshot.serving + 1, 6001))
    before = line.tick_for(15)
    assert read(line, "absent_offers") > 1400
    assert line.tick_for(10).serving - before.serving <= 10 * 11 + 10


# Who is called


def test_after_a_pause_nobody_is_ready_before_having_had_the_time_to_hear(open_line: OpenLine) -> None:
    """Safeguard: the history of calls is forgotten in grace."""
    line = open_line(rate_per_minute=60, ceiling=50)
    line.join(5000)
    line.tick_for(130)
    assert line.snapshot.ready > line.snapshot.serving
    line.set(phase="paused")
    called = line.tick_for(20).called
    assert called < 5000
    line.set(phase="open")
    line.tick_for(75)
    assert line.snapshot.ready == line.snapshot.serving


def test_nobody_is_called_in_a_pause(open_line: OpenLine) -> None:
    line = open_line(rate_per_minute=60)
    line.set(phase="paused")
    line.join(50)
    assert line.tick_for(20).called == 0


def test_a_line_in_which_nobody_answers_is_not_called_whole_for_want_of_a_measure(open_line: OpenLine) -> None:
    line = open_line(rate_per_minute=60, ceiling=0)
    line.join(2000)
    line.tick_for(700)
    assert 0.001 <= line.snapshot.density <= 0.002


def test_the_wait_reckons_with_those_who_enter(open_line: OpenLine) -> None:
    """Safeguard: measure_entering. Half of those who are there never claim; the first offers lapse after 150 s."""
    line = open_line(rate_per_minute=600, ceiling=100_000)
    line.join(8000)
    for second in range(400):
        line.tick(1000)
        if second % 50 == 0:
            line.check_in(*range(line.snapshot.serving + 1, 8001))
        offers = line.client.zrange("antrean:{room}:offers", 0, 200)
        line.check_in(*[int(number) for number in offers if number != "sentinel" and int(number) % 2][:30])
    assert read(line, "density") > 0.95
    assert 0.4 < line.snapshot.density < 0.6


def test_who_is_seen_in_two_windows_is_one_visitor(open_line: OpenLine) -> None:
    line = open_line(rate_per_minute=0)
    line.join(100)
    line.tick_for(90)
    line.check_in(*range(1, 101))
    assert line.tick_for(6).present == 100


def test_a_hole_of_millions_is_walked_in_bounded_work(open_line: OpenLine) -> None:
    """Safeguard: SCAN_BYTES_MOST."""
    line = open_line(rate_per_minute=60)
    cursors = {"issued": 3_000_000, "called": 3_000_000, "ready": 3_000_000}
    line.state(**cursors)
    line.tick_for(2)
    passed = line.tick().serving
    assert 0 < passed - (line.tick().serving - passed) <= 8 * (65_536 + 512) * 9
    line.state(**cursors, serving=0)
    line.tick()
    assert 0 < line.snapshot.serving <= 8 * (65_536 + 512)


# What is offered to whom


def test_a_tick_offers_no_more_than_five_thousand_places(open_line: OpenLine) -> None:
    line = open_line(rate_per_minute=1_000_000, ceiling=1_000_000)
    line.join(40_000)
    before = line.tick().serving
    assert line.tick(1000).serving - before == 5000


def test_late_returns_that_sleep_again_are_offered_nothing(open_line: OpenLine) -> None:
    line = open_line(rate_per_minute=600, ceiling=100)
    late_returns(line, 5)
    line.set(ceiling=0)
    line.tick_for(160)
    line.set(ceiling=100)
    line.tick_for(3)
    assert (line.snapshot.offers, line.snapshot.late) == (0, 0)


def lanes(line: VirtualLine) -> tuple[int, int]:
    """How many hold offers of the main and of the late lane."""
    return line.client.zcard("antrean:{room}:offers") - 1, line.client.zcard("antrean:{room}:offers:late") - 1


def test_late_returns_hold_half_of_the_free_places_though_nobody_else_waits(open_line: OpenLine) -> None:
    line = open_line(rate_per_minute=600, ceiling=20)
    late_returns(line, 40)
    line.tick_for(6)
    assert lanes(line) == (0, 10)
    line.join(40)
    line.tick_for(6)
    assert lanes(line) == (10, 10)
    line.tick_for(6)
    assert line.snapshot.inside == 20


def test_late_returns_and_the_line_take_turns(open_line: OpenLine) -> None:
    line = open_line(rate_per_minute=600, ceiling=200)
    late_returns(line, 40)
    line.join(40)
    while sum(lanes(line)) < 10:
        line.tick()
    main, late = lanes(line)
    assert abs(main - late) <= 1


def test_who_was_never_given_up_counts_as_no_late_return(open_line: OpenLine) -> None:
    line = open_line(rate_per_minute=0)
    line.join(3)
    line.leave(2)
    assert line.tick().late == 0


# The operator's hand


def test_a_last_call_lasts_until_five_minutes_after_the_last(open_line: OpenLine) -> None:
    """Safeguards: those in line, the late, and those with an offer all count; the time begins with the call."""
    line = open_line(rate_per_minute=600)
    line.set(rate_per_minute=0)
    line.join(1)
    line.set(rate_per_minute=600)
    assert line.tick_for(3).offers == 1
    line.set(phase="last-call", rate_per_minute=0)
    for _ in range(330):
        line.tick(1000)
        assert line.check_in(1) == ["called"], "who knocks keeps the offer"
    assert line.snapshot.phase == "last-call", "one has an offer"
    line.set(rate_per_minute=600)
    line.tick_for(2)
    assert line.check_in(1) == ["admitted"]
    line.tick_for(290)
    assert line.snapshot.phase == "last-call"
    assert line.tick_for(12).phase == "closed"


def test_a_last_call_that_begins_in_an_empty_room_lasts_five_minutes(open_line: OpenLine) -> None:
    line = open_line(rate_per_minute=600)
    line.tick_for(310)
    line.set(phase="last-call")
    assert line.tick_for(250).phase == "last-call"
    assert line.tick_for(55).phase == "closed"


def test_a_last_call_waits_for_those_in_line_and_for_the_late(open_line: OpenLine) -> None:
    line = open_line(rate_per_minute=600, ceiling=500)
    late_returns(line, 1)
    line.set(phase="last-call", ceiling=0)
    for _ in range(320):
        line.tick(1000)
        line.check_in(1)
    assert line.snapshot.phase == "last-call"


def test_two_operators_do_not_overwrite_each_other(open_line: OpenLine) -> None:
    line = open_line()
    seen = line.snapshot.revision
    line.set(rate_per_minute=120)
    with pytest.raises(redis.ResponseError, match="CONFLICT"):
        line.call(line.functions.set_knobs(line.now_ms, seen, "test", "", "rate", 600))


def test_in_a_new_line_those_of_the_old_one_stay_inside_and_nothing_is_banked(open_line: OpenLine) -> None:
    line = open_line(rate_per_minute=600, ceiling=50)
    offered(line, 10, seconds=5)
    line.check_in(*range(1, 11))
    line.tick_for(30)
    line.call(line.functions.new_line(line.now_ms, "another", "test", ""))
    assert line.tick().inside == 10
    assert line.join(10)[1] <= 3
