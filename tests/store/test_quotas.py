"""Quotas: never more than they allow, whoever comes back, whatever is lost, and nobody counted twice."""

from __future__ import annotations

import pytest
from conftest import OpenLine
from virtual import Crowd, VirtualLine

from gateway.domain.quota import DAY_MS, day_ends_ms, left


def held(line: VirtualLine) -> int:
    """Places of a quota that are promised and not used yet."""
    return line.snapshot.unused + line.snapshot.offers


def let_in(line: VirtualLine, *numbers: int) -> list[int]:
    """Those of them who are let in within a while, each with a pass that is not used yet."""
    entered: list[int] = []
    for _ in range(40):
        line.tick()
        states = line.check_in(*numbers)
        entered += [number for number, state in zip(numbers, states, strict=True) if state == "admitted"]
    return sorted(set(entered))


def test_no_day_and_no_line_lets_in_more_than_its_quota(open_line: OpenLine) -> None:
    """Safeguards: quota_left in release and in straight_in; the first use of a pass is counted."""
    line = open_line(rate_per_minute=600, ceiling=100_000, daily_quota=60, total_quota=100)
    line.now_ms = day_ends_ms(line.tick()) - 120_000
    first_day = line.tick().day
    crowd = Crowd(line, slowest=False, visit_s=20)
    used_by_day: dict[int, int] = {}
    for second in range(300):
        crowd.arrive(2, stay=0.8)
        if second % 50 == 0:
            line.join(1)  # straight in or not, this one never shows a pass
        crowd.run(1)
        snapshot = line.snapshot
        assert snapshot.day_used + held(line) <= 60
        assert snapshot.used + held(line) <= 100
        used_by_day[snapshot.day] = snapshot.day_used
    assert used_by_day[first_day] >= 57, "what is used up is the quota, but for passes nobody has shown"
    assert sum(used_by_day.values()) == line.snapshot.used
    assert line.snapshot.used >= 95
    assert list(used_by_day) == [first_day, first_day + 1]
    assert crowd.wronged == [], "who waits for a quota loses no place"


def test_an_empty_line_keeps_to_the_quota_too(open_line: OpenLine) -> None:
    """Safeguard: quota_left in straight_in."""
    line = open_line(rate_per_minute=60_000, ceiling=100_000, total_quota=3)
    line.tick_for(2)
    assert line.join(10)[1] == 3


def test_nobody_is_called_when_no_place_is_left_and_all_are_when_there_are_more(open_line: OpenLine) -> None:
    """Safeguard: call_ahead calls nobody for a used-up quota. Who is called reads: your turn is near."""
    line = open_line(rate_per_minute=6000, ceiling=100, total_quota=1)
    line.join(1)
    assert let_in(line, 1) == [1]
    line.touch(1)
    line.join(5)
    assert line.tick_for(10).called == 1
    assert line.check_in(2) == ["waiting"]
    line.set(total_quota=3)
    assert line.tick_for(10).called == 6


def test_a_pass_that_is_never_used_gives_its_place_back(open_line: OpenLine) -> None:
    """Safeguard: an unused lease lapses; what is counted is the first use."""
    line = open_line(rate_per_minute=6000, ceiling=100, daily_quota=1)
    line.join(2)
    assert let_in(line, 1, 2) == [1]
    line.tick_for(181)
    assert let_in(line, 2) == [2]
    assert line.touch(1) == [0], "its place of the quota went to the next"
    assert line.touch(2, 2) == [1, 1]
    assert (line.tick().used, line.snapshot.day_used) == (1, 1)


def test_who_was_counted_comes_in_again_when_the_quota_is_used_up_and_counts_once(open_line: OpenLine) -> None:
    """Safeguards: admit_again; a lease of one who was spent counts as used."""
    line = open_line(rate_per_minute=6000, ceiling=100, total_quota=2)
    line.join(3)
    assert let_in(line, 1, 2, 3) == [1, 2]
    line.touch(1, 2)
    line.tick_for(1201)  # idle for longer than the lease
    assert line.check_in(1, returning=True) == ["admitted"]
    assert let_in(line, 3) == []
    line.touch(1)
    assert (line.tick().used, held(line)) == (2, 0)
    line.set(total_quota=4)
    assert line.check_in(2, returning=True) == ["late"], "with places left the late lane has its order"
    for _ in range(8):
        line.tick()
        line.check_in(2, returning=True)
    assert line.look(2) == "admitted"
    line.touch(2)
    assert line.tick().used == 2


@pytest.mark.parametrize("emptied", [True, False])
def test_a_lost_store_forgets_nobody_who_was_counted(open_line: OpenLine, emptied: bool) -> None:
    """Safeguards: what workers know of uses, passes that are out among them; found leases are none of new ones."""
    line = open_line(rate_per_minute=6000, ceiling=100, daily_quota=5, total_quota=9)
    line.join(20)
    inside = let_in(line, *range(1, 21))
    assert len(inside) == 5
    line.touch(*inside[:3])
    known = line.tick()
    assert (known.used, known.unused) == (3, 2)
    if emptied:
        line.client.flushall()
        line.client.function_load(line.library, replace=True)
    line.run_id = "second"
    line.restore(known)
    assert line.touch(*inside) == [1] * 5, "nobody inside is interrupted"
    assert let_in(line, *range(6, 21)) == []
    assert (line.snapshot.used, line.snapshot.day_used) == (5, 5)


def test_a_new_line_has_the_whole_total_and_what_is_left_of_the_day(open_line: OpenLine) -> None:
    """Safeguard: begin_again counts the passes that are out."""
    line = open_line(rate_per_minute=6000, ceiling=100, daily_quota=5, total_quota=3)
    line.join(5)
    line.touch(*let_in(line, 1, 2))
    let_in(line, 3)
    line.call(line.functions.new_line(line.now_ms, "next", "test", ""))
    assert (line.tick().used, line.snapshot.day_used, line.snapshot.instance) == (0, 3, "next")
    quota = left(line.snapshot)
    assert quota is not None
    assert (quota.kind, quota.to_offer) == ("daily-quota", 2)


def test_a_day_begins_at_midnight_of_the_zone_and_only_once(open_line: OpenLine) -> None:
    """Safeguard: a clock that is set back over midnight begins no day anew."""
    line = open_line(daily_quota=1)
    assert day_ends_ms(line.tick()) % DAY_MS == 17 * 3_600_000, "midnight in Jakarta"
    line.now_ms = day_ends_ms(line.snapshot) - 1000
    before = line.tick().day
    line.now_ms += 1000
    assert line.tick().day == before + 1
    line.now_ms -= 5000
    assert line.tick().day == before + 1
