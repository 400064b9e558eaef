"""The safeguards of the store, of joining, of claiming and of leaving, each with what goes wrong without it.

``docs/proofs.md`` says which test of which file notices the removal of which safeguard.
"""

from __future__ import annotations

import pytest
import redis
from conftest import OpenLine
from virtual import VirtualLine

from gateway.store.snapshots import known_json


def refused(line: VirtualLine, word: str) -> None:
    with pytest.raises(redis.ResponseError, match=word):
        line.tick()
    with pytest.raises(redis.ResponseError, match=word):
        line.join()


def emptied(line: VirtualLine) -> None:
    line.client.flushall()
    line.client.function_load(line.library, replace=True)


def offered(line: VirtualLine, count: int, *, seconds: float = 30) -> None:
    """The first ``count`` come and are offered their places."""
    line.join(count)
    line.tick_for(seconds)
    assert line.snapshot.serving == count


def measured(line: VirtualLine) -> float:
    """The share of those called who are there, as it is measured; what is shown is smoother."""
    return float(line.state()["density"])


def late_returns(line: VirtualLine, count: int) -> None:
    """The first ``count`` come, sleep until they are passed over, and return."""
    line.join(count)
    line.tick_for(330)
    assert line.check_in(*range(1, count + 1)) == ["late"] * count


def test_a_place_that_was_given_up_is_none_in_whatever_batch_it_asks(open_line: OpenLine) -> None:
    """Safeguard: the withdrawn bit, of those ahead of the cursor and of those far behind it in one batch."""
    line = open_line()
    offered(line, 3)
    assert line.check_in(1) == ["admitted"]
    line.finish(1)
    line.leave(2)
    ahead, _ = line.join(3000)
    line.leave(ahead + 900)
    asked = line.check_in(1, 2, ahead + 900, ahead + 901)
    assert asked[:3] == ["finished", "withdrawn", "withdrawn"]
    assert asked[3] in ("waiting", "called")


# The store


def test_a_room_that_is_not_there_is_opened_by_nothing_but_restore(open_line: OpenLine) -> None:
    line = open_line()
    emptied(line)
    refused(line, "MISSING")


def test_what_another_version_wrote_is_left_alone(open_line: OpenLine) -> None:
    line = open_line()
    line.state(schema=3)
    refused(line, "SCHEMA")
    line.run_id = "second"
    with pytest.raises(redis.ResponseError, match="SCHEMA"):
        line.restore(line.snapshot)


def test_a_store_with_another_run_id_is_written_to_by_nobody_before_restore(open_line: OpenLine) -> None:
    """Safeguard: a replica that lags would give numbers out again."""
    line = open_line()
    line.run_id = "second"
    refused(line, "RESTORE")
    line.restore(line.snapshot)
    assert line.join()[0] > 1000


def test_while_one_worker_restores_the_others_wait(open_line: OpenLine) -> None:
    line = open_line()
    told = known_json(line.snapshot, issued=0, instance="fresh", defaults=line.knobs, poll_max_s=60)
    assert line.call(line.functions.restore(line.now_ms, "second", told)) == "restoring"
    refused(line, "RESTORE under way")
    line.now_ms -= 3_600_000
    assert line.call(line.functions.restore(line.now_ms, "second", told)) != "restoring", "nor for an hour"


@pytest.mark.parametrize("key", ["seen:even", "gone", "late", "spent", "withdrawn", "offers", "leases", "door"])
def test_a_key_that_was_lost_stops_the_tick(open_line: OpenLine, key: str) -> None:
    """Safeguard: the sentinels. Else an evicted bitmap is a line in which nobody is present."""
    line = open_line()
    line.tick()
    line.client.delete(f"antrean:{{room}}:{key}")
    with pytest.raises(redis.ResponseError, match="RESTORE keys"):
        line.tick()


def test_a_lost_store_reckons_with_those_inside_until_they_show_themselves(open_line: OpenLine) -> None:
    """Safeguard: the ghosts, fewer with each lease that is found again and with time."""
    line = open_line(rate_per_minute=6000, ceiling=10)
    offered(line, 10)
    line.check_in(*range(1, 11))
    line.touch(*range(1, 11))
    known = line.tick()
    assert known.inside == 10
    emptied(line)
    line.restore(known)
    number, _ = line.join(5)
    line.tick_for(10)
    assert line.snapshot.inside == 10
    assert line.snapshot.serving < number, "nobody goes in above the ceiling"
    line.touch(*range(1, 6))
    line.touch(*range(1, 6))
    assert 9 <= line.tick().inside <= 10, "nobody is counted twice"
    line.tick_for(1300)
    assert line.snapshot.offers + line.snapshot.leases == line.snapshot.inside, "no ghost outlives a lease"
    assert line.check_in(1) == ["expired"], "who was found inside has been admitted"


def test_a_store_that_fell_back_counts_nobody_inside_twice(open_line: OpenLine) -> None:
    line = open_line(rate_per_minute=6000, ceiling=50)
    offered(line, 10)
    line.check_in(*range(1, 11))
    known, line.run_id = line.tick(), "second"
    assert line.restore(known).inside == 10


def test_a_loss_is_counted_once_however_many_workers_notice(open_line: OpenLine) -> None:
    line = open_line()
    known, line.run_id = line.snapshot, "second"
    first = line.restore(known)
    assert (first.generation, line.restore(known).generation) == (2, 2)
    assert line.restore(known).issued == first.issued


def test_the_gap_is_as_wide_as_ten_seconds_of_the_greatest_crowd(open_line: OpenLine) -> None:
    line = open_line(rate_per_minute=0)
    for _ in range(24):
        line.join(500)
        line.tick()
    known, line.run_id = line.snapshot, "second"
    assert line.restore(known).issued - known.issued >= 18_000


def test_after_a_loss_the_newest_line_and_the_newest_knobs_win(open_line: OpenLine) -> None:
    line = open_line(rate_per_minute=60)
    line.join(100)
    old = line.tick()
    line.now_ms += 1000
    line.call(line.functions.new_line(line.now_ms, "another", "test", ""))
    line.set(rate_per_minute=120)
    line.join(3)
    new = line.tick()
    line.run_id = "second"
    after = line.restore(old)
    assert (after.instance, after.knobs.rate_per_minute) == ("another", 120)
    emptied(line)
    line.run_id = "third"
    told = [
        known_json(known, issued=0, instance="fresh", defaults=line.knobs, poll_max_s=60) for known in (old, new)
    ]
    for known in told:  # two workers, one of which slept
        assert line.call(line.functions.restore(line.now_ms, line.run_id, known)) == "restoring"
    after = line.restore(old)
    assert (after.instance, after.knobs.rate_per_minute) == ("another", 120)
    assert after.issued < 100 + 2000, "the old line's numbers say nothing of the new one's"


def test_after_a_loss_nobody_is_passed_over_and_the_late_are_counted_anew(open_line: OpenLine) -> None:
    line = open_line(rate_per_minute=600, ceiling=0)
    line.join(2000)
    line.tick_for(300)
    assert line.snapshot.ready > line.snapshot.serving
    line.client.setbit("antrean:{room}:late", 7, 1)
    line.run_id = "second"
    after = line.restore(line.snapshot)
    assert (after.ready, after.late) == (after.serving, 1)
    emptied(line)
    line.run_id = "third"
    assert line.restore(after).density == 1


def test_memories_of_joins_workers_and_samples_are_bounded(open_line: OpenLine) -> None:
    line = open_line(rate_per_minute=0)
    line.join(worker="gone")
    line.call(line.functions.tick(line.now_ms, line.run_id, "gone"))
    line.client.rpush("antrean:{room}:samples", *["0"] * 10_005)
    for _ in range(620):
        line.tick(1000)
    assert line.client.hlen("antrean:{room}:joins") == 0
    assert line.snapshot.registered == 1
    assert line.client.llen("antrean:{room}:samples") == 10_000
    samples = line.client.lrange("antrean:{room}:samples", -1, -1)
    line.tick(-3_600_000)
    assert line.client.lrange("antrean:{room}:samples", -1, -1) != samples, "a clock set back stops no chart"


# Joining an empty line


def test_nobody_goes_straight_in_past_anybody(open_line: OpenLine) -> None:
    line = open_line(rate_per_minute=600)
    line.join(5)
    line.now_ms += 900
    assert line.join() == (6, 0), "five wait"


def test_nobody_goes_straight_in_past_a_late_return(open_line: OpenLine) -> None:
    line = open_line(rate_per_minute=600, ceiling=500)
    late_returns(line, 1)
    assert line.join() == (2, 0)


def test_nobody_goes_straight_in_on_places_that_are_offered(open_line: OpenLine) -> None:
    line = open_line(rate_per_minute=600, ceiling=2)
    offered(line, 2)
    assert line.join() == (3, 0)


def test_nobody_goes_straight_in_on_credit_that_was_used(open_line: OpenLine) -> None:
    line = open_line(rate_per_minute=600)
    line.join(41)
    while line.tick().serving < 41:
        assert line.snapshot.claimed == 0, "the claim bucket is full meanwhile"
    banked = int(line.state()["credit"])
    assert (banked < 8, line.join(10)) == (True, (42, banked))
    line.client.flushall()
    line = open_line(rate_per_minute=600)
    line.tick_for(5)
    first = line.join(10)[0]
    line.join(20)
    line.tick()
    assert line.snapshot.serving <= first + 9 + 3


def test_nobody_goes_straight_in_when_the_claims_of_this_second_are_used(open_line: OpenLine) -> None:
    line = open_line(rate_per_minute=600)
    offered(line, 10, seconds=5)
    assert line.check_in(*range(1, 11)) == ["admitted"] * 10
    assert line.state()["credit"] >= 5
    assert line.join(5) == (11, 0)


@pytest.mark.parametrize("change", [{"phase": "paused"}, {"rate_per_minute": 0}], ids=str)
def test_nobody_goes_in_at_rate_zero_or_in_a_pause(open_line: OpenLine, change: dict[str, object]) -> None:
    line = open_line(rate_per_minute=60)
    line.tick_for(5)
    line.join(2)
    line.tick_for(4)
    line.set(**change)
    before = line.tick()
    assert (before.serving, line.check_in(2)) == (2, ["called"])
    assert line.join(3)[1] == 0
    assert line.tick_for(20).serving == before.serving


# Claiming


def test_who_asks_again_is_admitted_again_and_once(open_line: OpenLine) -> None:
    line = open_line(rate_per_minute=600)
    offered(line, 1, seconds=3)
    assert [line.check_in(1), line.check_in(1), line.look(1)] == [["admitted"], ["admitted"], "admitted"]
    assert line.tick().claimed == 1
    assert line.client.zcard("antrean:{room}:door") == 1, "nobody stands at the door"


def test_who_was_at_the_door_and_claims_or_finishes_is_not_there_any_more(open_line: OpenLine) -> None:
    line = open_line(rate_per_minute=600)
    offered(line, 30, seconds=10)
    states = line.check_in(*range(1, 31))
    at_the_door = [number for number, state in enumerate(states, 1) if state == "called"]
    assert line.client.zcard("antrean:{room}:door") == 1 + len(at_the_door) > 5
    line.tick_for(2)
    assert line.check_in(*at_the_door[:5]) == ["admitted"] * 5
    line.finish(at_the_door[5])
    assert line.client.zcard("antrean:{room}:door") == 1 + len(at_the_door) - 6
    assert line.client.zscore("antrean:{room}:offers", str(at_the_door[5])) is None


def test_what_is_booked_ahead_is_one_seconds_worth(open_line: OpenLine) -> None:
    line = open_line(rate_per_minute=600)
    offered(line, 60, seconds=10)
    assert line.check_in(*range(1, 61)).count("admitted") == 20, "the bucket and as much again"
    line.set(rate_per_minute=60)
    line.tick_for(5)
    assert "admitted" in line.check_in(*range(21, 61)), "the new rate does not wait for the old one's bookings"


def test_at_the_door_the_foremost_enter_first_and_no_more_are_called_to_it(open_line: OpenLine) -> None:
    """Safeguards: the limit at the door, its order, and that offers rest while many knock."""
    line = open_line(rate_per_minute=6000)
    offered(line, 100, seconds=5)
    line.join(200)
    line.set(rate_per_minute=60)
    waiting = list(range(1, 101))
    line.check_in(*reversed(waiting))
    served = line.tick().serving
    for _ in range(120):
        states = dict(zip(reversed(waiting), line.check_in(*reversed(waiting)), strict=True))
        for number in [n for n, state in states.items() if state == "admitted"]:
            assert number in waiting[:8] or number > 94, "those before the first tick came as they liked"
            waiting.remove(number)
        assert line.tick().serving == served
    assert len(waiting) < 80
    line.tick_for(20)  # they are gone
    assert line.snapshot.serving > served, "and hold nobody up"


def test_an_admission_that_lapsed_says_so_and_only_a_pass_brings_it_back(open_line: OpenLine) -> None:
    line = open_line(rate_per_minute=600)
    offered(line, 1, seconds=3)
    line.check_in(1)
    line.touch(1)
    line.tick_for(1210)
    assert (line.look(1), line.check_in(1)) == ("expired", ["expired"])
    assert (line.look(1, returning=True), line.check_in(1, returning=True)) == ("late", ["late"])
    assert line.look(line.snapshot.issued + line.snapshot.gap + 1) == "unknown"


# Leaving and coming back


def test_who_leaves_holds_nothing_any_more(open_line: OpenLine) -> None:
    line = open_line(rate_per_minute=600, ceiling=3)
    offered(line, 3, seconds=3)
    line.check_in(1, 2)
    line.touch(1)
    line.client.zadd("antrean:{room}:door", {"3": line.snapshot.vt_ms})
    assert [line.leave(number) for number in (1, 2, 3, 3, 4)] == [1, 1, 1, 0, 0], "nobody leaves twice, or unborn"
    after = line.tick()
    assert (after.offers, after.leases, after.late) == (0, 0, 0)
    assert line.client.zcard("antrean:{room}:door") == 1
    assert [line.look(number) for number in (1, 2, 3)] == ["withdrawn"] * 3, "none has finished"


def test_a_late_return_that_leaves_holds_nothing_any_more(open_line: OpenLine) -> None:
    line = open_line(rate_per_minute=600, ceiling=2)
    late_returns(line, 4)
    line.tick_for(2)
    assert (line.snapshot.offers, line.snapshot.late) == (1, 3)
    for number in (1, 2, 3, 4):
        line.leave(number)
    assert (line.tick().offers, line.snapshot.late) == (0, 0)


def test_those_who_left_are_not_counted_as_there(open_line: OpenLine) -> None:
    line = open_line(rate_per_minute=600)
    line.join(400)
    for number in (*range(1, 101), *range(301, 401)):
        line.leave(number)
    assert line.tick_for(6).present <= 200


@pytest.mark.parametrize("left", [range(8, 96), [n for n in range(1, 101) if n % 8]], ids=["bytes", "bits"])
def test_those_who_left_say_nothing_about_how_many_of_the_others_are_there(
    open_line: OpenLine, left: list[int]
) -> None:
    """Safeguard: the density is measured without them (main_lane)."""
    line = open_line(rate_per_minute=60, ceiling=0)
    line.join(400)
    for second in range(240):
        line.tick(1000)
        if second % 10 == 0:
            line.check_in(*range(2, 401, 2))
    before = measured(line)
    assert 0.45 < before <= 0.505
    for number in left:
        line.leave(number)
    line.set(ceiling=20)
    while measured(line) == before:
        line.tick()
    assert line.snapshot.serving >= 96
    assert measured(line) < before + 0.025


def test_those_who_left_move_the_cursor_no_further_than_was_called(open_line: OpenLine) -> None:
    line = open_line(rate_per_minute=6)
    line.join(60)
    for number in range(2, 41):
        line.leave(number)
    while (after := line.tick()).serving == 0:
        assert after.called == 20
    assert after.serving <= after.ready <= after.called == 20


def test_who_is_given_a_place_back_has_it(open_line: OpenLine) -> None:
    line = open_line(rate_per_minute=600)
    offered(line, 1, seconds=3)
    line.check_in(1)
    line.finish(1)
    line.set(rate_per_minute=0)
    line.join(5)
    line.leave(6)
    back = line.functions.reinstate(line.now_ms, line.run_id, line.snapshot.order, 1, 1, 6, 6, 9, 9)
    assert line.call(back) == 2, "9 was nobody's"
    assert line.check_in(1, 6) == ["late", "waiting"]
    line.set(rate_per_minute=600)
    line.tick_for(4)
    assert line.check_in(1, 6) == ["admitted", "admitted"]
