"""The promises of the line, on the real function library in virtual time.

Each test names the safeguard whose removal it notices.
"""

from __future__ import annotations

import pytest
from conftest import OpenLine
from virtual import Crowd, VirtualLine, delivered, worst_excess


def test_no_number_is_issued_twice_when_a_reply_is_lost(open_line: OpenLine) -> None:
    """Safeguard: the answer remembered per worker and sequence."""
    line = open_line(rate_per_minute=0)
    first = line.join(7, worker="a", sequence=1)
    assert line.join(7, worker="a", sequence=1) == first
    assert line.join(1, worker="b", sequence=1) == (8, 0)


def test_an_empty_line_lets_in_at_the_rate_and_not_in_a_burst(open_line: OpenLine) -> None:
    """Safeguard: the claim bucket in straight_in, and that buckets begin empty."""
    line = open_line(rate_per_minute=60, ceiling=10_000)
    assert line.join() == (1, 0), "no full bucket at the start"
    crowd = Crowd(line, slowest=False)
    for _ in range(120):
        crowd.arrive(3)
        crowd.run(1)
    assert worst_excess(crowd.claims, 60) <= 0.001
    assert len(crowd.claims) >= 110


def test_a_rate_rise_of_fifty_times_passes_over_nobody_who_obeys(open_line: OpenLine) -> None:
    """Safeguard: `ready` lags `called` by G, the time to hear and to answer."""
    line = open_line(rate_per_minute=60, ceiling=100_000)
    crowd = Crowd(line)
    crowd.arrive(12_000, hidden_share=0.6)
    crowd.run(300)
    rose_at = line.now_ms
    line.set(rate_per_minute=3000)
    crowd.run(200)
    assert crowd.wronged == []
    assert worst_excess([claim for claim in crowd.claims if claim[0] >= rose_at], 3000) <= 0.001
    full = delivered(crowd.claims, line.now_ms - 40_000, line.now_ms)
    assert full >= 0.95 * 2000, "full rate within about two minutes, hidden tabs included"


def test_a_hole_of_absentees_is_crossed_without_using_up_the_rate(open_line: OpenLine) -> None:
    """Safeguard: the called range doubles while nobody answers; absentees are passed over free."""
    line = open_line(rate_per_minute=60, ceiling=100_000)
    crowd = Crowd(line)
    crowd.arrive(50_000, stay=0)
    line.tick_for(200)  # the presence that came with joining has lapsed
    crowd.arrive(500)
    crowd.run(240)
    assert crowd.wronged == []
    assert delivered(crowd.claims, line.now_ms - 60_000, line.now_ms) >= 58


def test_nine_in_ten_no_shows_leave_the_rate_whole(open_line: OpenLine) -> None:
    """Safeguard: absent positions cost no credit, and calling is widened by density."""
    line = open_line(rate_per_minute=300, ceiling=100_000)
    crowd = Crowd(line)
    crowd.arrive(60_000, stay=0.1)
    crowd.run(400)
    assert crowd.wronged == []
    assert delivered(crowd.claims, line.now_ms - 120_000, line.now_ms) >= 0.98 * 600


def test_steady_no_shows_leave_the_rate_whole(open_line: OpenLine) -> None:
    """Safeguard: the second half of an unclaimed offer's life gives its credit back."""
    line = open_line(rate_per_minute=300, ceiling=100_000)
    crowd = Crowd(line)
    crowd.arrive(6000)
    for _ in range(400):
        front = line.snapshot.serving
        crowd.silence(number for number in range(front + 1, front + 21) if number % 2)
        crowd.run(1)
    assert crowd.wronged == []
    assert delivered(crowd.claims, line.now_ms - 120_000, line.now_ms) >= 0.95 * 600
    assert worst_excess(crowd.claims, 300) <= 0.001


def test_six_visitors_in_ten_waking_once_a_minute_lose_nothing(open_line: OpenLine) -> None:
    """Safeguard: W is at least 1.25 times the slowest check-in; offers live 2 x W."""
    line = open_line(rate_per_minute=300, ceiling=100_000)
    crowd = Crowd(line)
    crowd.arrive(4000, hidden_share=0.6)
    crowd.run(500)
    assert crowd.wronged == []
    assert line.snapshot.lapsed == 0
    assert worst_excess(crowd.claims, 300) <= 0.001
    assert delivered(crowd.claims, line.now_ms - 120_000, line.now_ms) >= 0.95 * 600


def test_an_outage_of_a_minute_passes_over_nobody_who_was_called(open_line: OpenLine) -> None:
    """Safeguard: room time adds one second at the most for a gap."""
    line = open_line(rate_per_minute=600, ceiling=100_000)
    crowd = Crowd(line)
    crowd.arrive(3500, hidden_share=0.3)
    crowd.run(240)
    assert line.snapshot.called == line.snapshot.issued, "everyone is called"
    assert line.snapshot.issued - line.snapshot.serving > 1000
    crowd.run(60, can_reach=False)
    crowd.run(240)
    assert crowd.wronged == []
    assert worst_excess(crowd.claims, 600) <= 0.001


@pytest.mark.parametrize("step_ms", [60_000, -60_000, 3_600_000, -3_600_000])
def test_a_step_of_the_clock_changes_nothing_that_was_promised(open_line: OpenLine, step_ms: int) -> None:
    """Safeguards: room time never goes back and never jumps; a tick is due also when the clock went back."""
    line = open_line(rate_per_minute=600, ceiling=100_000)
    crowd = Crowd(line)
    crowd.arrive(2600, hidden_share=0.3)
    crowd.run(120)
    before, claims = line.snapshot, crowd.claims
    crowd.claims = []  # windows are judged by one clock
    crowd.store_clock_steps(step_ms)
    line.tick()
    assert 0 <= line.snapshot.vt_ms - before.vt_ms <= 1000
    assert line.snapshot.serving - before.serving <= 11
    crowd.run(150)
    assert crowd.wronged == []
    assert line.snapshot.lapsed == 0
    assert worst_excess(claims, 600) <= 0.001
    assert worst_excess(crowd.claims, 600) <= 0.001
    assert delivered(crowd.claims, line.now_ms - 60_000, line.now_ms) >= 590


def test_the_order_of_release_is_the_order_of_arrival(open_line: OpenLine) -> None:
    """Safeguard: the walk stops at the first who may not be passed over yet."""
    line = open_line(rate_per_minute=600, ceiling=100_000)
    line.join(200)
    offered: list[int] = []
    for _ in range(400):
        line.tick()
        line.check_in(*[n for n in range(1, 201) if n % 3 and n > line.snapshot.serving])
        live = {int(m) for m in line.client.zrange("antrean:{room}:offers", 0, -1) if m != "sentinel"}
        offered += sorted(live - set(offered))
    assert offered == sorted(offered)
    assert all(n in offered for n in range(1, 201) if n % 3)


def test_nobody_is_released_while_the_ceiling_is_reached(open_line: OpenLine) -> None:
    """Safeguard: offers count as inside, not only those who came."""
    line = open_line(rate_per_minute=6000, ceiling=5)
    line.tick()
    crowd = Crowd(line, visit_s=30)
    crowd.arrive(500)
    most = 0
    for _ in range(600):
        crowd.run(0.25)
        most = max(most, line.snapshot.inside)
    assert most == 5
    assert len(crowd.claims) >= 20


def test_a_ceiling_below_the_number_inside_drains_and_then_holds(open_line: OpenLine) -> None:
    line = open_line(rate_per_minute=6000, ceiling=100)
    crowd = Crowd(line, visit_s=60)
    crowd.arrive(2000)
    crowd.run(80)
    assert line.snapshot.inside == 100
    line.set(ceiling=10)
    crowd.run(45)
    assert len(crowd.claims) == 100, "nobody new while above the ceiling"
    crowd.run(45)
    assert line.snapshot.inside == 10


def test_thousands_who_keep_presence_and_never_claim_take_nothing_from_the_others(open_line: OpenLine) -> None:
    """Safeguard: what runs over at the door goes back to the release credit (pass_time)."""
    line = open_line(rate_per_minute=600, ceiling=100_000)
    line.join(12_000)
    crowd = Crowd(line)
    crowd.arrive(1000)
    for _ in range(450):
        # They are seen, and never ask: presence without a check-in.
        for window in ("even", "odd"):
            line.client.setrange(f"antrean:{{room}}:seen:{window}", 1, b"\xff" * 1499)
        crowd.run(1)
    assert crowd.wronged == []
    assert delivered(crowd.claims, line.now_ms - 60_000, line.now_ms) >= 0.98 * 600
    assert worst_excess(crowd.claims, 600) <= 0.001


def test_a_claim_stall_does_not_let_hundreds_in_at_once(open_line: OpenLine) -> None:
    """Safeguard: the claim bucket. Everyone with an offer comes in the same moment."""
    line = open_line(rate_per_minute=600, ceiling=100_000)
    line.join(2000)
    claims: list[tuple[int, int]] = []
    for _ in range(4 * 60):
        line.tick()
        line.check_in(*range(line.snapshot.serving + 1, 2001, 7))
    offered = line.snapshot.offers
    assert offered > 300
    for _ in range(200):
        numbers = range(1, line.snapshot.serving + 1)
        inside = {n for _, n in claims}
        states = zip(numbers, line.check_in(*numbers), strict=True)
        claims += [
            (line.now_ms + line.waits_ms[n], n) for n, state in states if state == "admitted" and n not in inside
        ]
        line.tick()
    assert worst_excess(claims, 600) <= 0.001
    assert len(claims) >= 300


def test_asking_twice_lets_nobody_in_before_the_time_that_was_booked(open_line: OpenLine) -> None:
    """Safeguard: the lease of a booked claim remembers its moment; no booking is longer than a knock."""
    for rate in (3, 60):
        line = open_line(rate_per_minute=rate, ceiling=10_000)
        line.join(20)
        line.tick_for(6 * 60 / rate)
        due_ms: dict[int, float] = {}
        for _ in range(2000):
            asking = [n for n in range(1, 8) if n <= line.snapshot.serving]
            for number, state in zip(asking, line.check_in(*asking), strict=True):
                told_at = line.now_ms + line.waits_ms[number]
                assert line.waits_ms[number] <= 2000
                if state == "admitted":
                    assert told_at >= due_ms.setdefault(number, told_at) - 1
            line.tick()
        assert len(due_ms) == 7
        assert worst_excess([(int(at), n) for n, at in due_ms.items()], rate) <= 0.001
        line.client.flushall()


def test_late_returns_get_at_least_half_of_the_rate(open_line: OpenLine) -> None:
    """Safeguard: the stored turn. Nobody in the main lane is passed over by them either."""
    line = open_line(rate_per_minute=600, ceiling=100_000)
    sleepers = line.join(3000)[0]
    line.tick_for(600)  # asleep, and passed over
    assert line.snapshot.serving == 3000
    crowd = Crowd(line)
    crowd.arrive(5000)
    crowd.run(200)
    for number in range(sleepers, sleepers + 2000):
        crowd.follow(number)
    crowd.run(120)
    late = [number for at_ms, number in crowd.claims if at_ms >= line.now_ms - 60_000 and number <= 3000]
    main = [number for at_ms, number in crowd.claims if at_ms >= line.now_ms - 60_000 and number > 3000]
    assert len(late) >= 270
    assert len(main) >= 230
    assert worst_excess(crowd.claims, 600) <= 0.001


def test_rate_to_zero_holds_at_once_and_back_starts_without_a_burst(open_line: OpenLine) -> None:
    line = open_line(rate_per_minute=600, ceiling=100_000)
    crowd = Crowd(line)
    crowd.arrive(3000)
    crowd.run(60)
    line.set(rate_per_minute=0)
    held = len(crowd.claims)
    crowd.run(120)
    assert len(crowd.claims) == held
    line.set(rate_per_minute=600)
    crowd.run(120)
    assert crowd.wronged == []
    assert worst_excess(crowd.claims, 600) <= 0.001
    assert delivered(crowd.claims, line.now_ms - 60_000, line.now_ms) >= 590


def test_pause_releases_nobody_and_resume_passes_over_nobody(open_line: OpenLine) -> None:
    """Safeguard: offers do not lapse in a pause."""
    line = open_line(rate_per_minute=600, ceiling=100_000)
    crowd = Crowd(line)
    crowd.arrive(4000, hidden_share=0.3)
    crowd.run(60)
    line.set(phase="paused")
    held = len(crowd.claims)
    crowd.run(600)
    assert len(crowd.claims) == held
    line.set(phase="open")
    crowd.run(200)
    assert crowd.wronged == []
    assert line.snapshot.lapsed == 0
    assert worst_excess(crowd.claims, 600) <= 0.001


def long_line_with_some_ready(open_line: OpenLine) -> VirtualLine:
    line = open_line(rate_per_minute=60, ceiling=50)
    line.join(5000)
    line.tick_for(120)
    assert line.snapshot.ready > line.snapshot.serving
    return line


def test_a_gap_in_ticks_gives_everyone_the_full_time_to_answer_again(open_line: OpenLine) -> None:
    """Safeguard: grace in tick. Who could not reach us meanwhile may not be passed over yet."""
    line = long_line_with_some_ready(open_line)
    line.tick(after_ms=10_000)
    assert line.snapshot.ready == line.snapshot.serving


def test_the_end_of_a_pause_gives_everyone_the_full_time_to_answer_again(open_line: OpenLine) -> None:
    """Safeguard: grace in change_phase."""
    line = long_line_with_some_ready(open_line)
    line.set(phase="paused")
    line.tick_for(5)
    line.set(phase="open")
    assert line.tick().ready == line.snapshot.serving


def test_who_held_an_offer_when_the_room_was_paused_still_holds_it_afterwards(open_line: OpenLine) -> None:
    """Safeguards: offers do not lapse in a pause, and change_phase renews them when it ends."""
    line = open_line(rate_per_minute=600, ceiling=100_000)
    line.join(20)
    line.tick_for(10)
    assert line.snapshot.offers == 20
    line.set(phase="paused")
    line.tick_for(600)
    assert line.snapshot.offers == 20
    line.set(phase="open")
    line.tick_for(60)
    assert line.check_in(20) == ["admitted"]


def test_crawlers_on_an_empty_line_do_not_fill_the_ceiling(open_line: OpenLine) -> None:
    """Safeguard: an admission whose pass is never used lapses after three minutes, and its number may return."""
    line = open_line(rate_per_minute=600, ceiling=500)
    crawlers = Crowd(line, uses_pass=False)
    for _ in range(400):
        crawlers.run(1)
        crawlers.arrive(1)
    assert 170 <= line.snapshot.inside <= 190
    assert line.check_in(1) == ["late"], "a pass that never arrived costs nobody the place"


def test_who_leaves_the_front_holds_nobody_up(open_line: OpenLine) -> None:
    """Safeguard: the gone bitmap. Without it the next waits until `ready`, more than a minute."""
    line = open_line(rate_per_minute=60, ceiling=10)
    line.join(5)
    line.leave(1)
    line.tick_for(3)
    assert line.check_in(2) == ["admitted"]
    assert line.look(1) == "withdrawn"


def test_the_empty_line_admits_by_rate_ceiling_and_order(open_line: OpenLine) -> None:
    line = open_line(rate_per_minute=600, ceiling=3)
    line.tick_for(2)
    assert line.join(5) == (1, 3)
    assert line.join(1) == (6, 0), "somebody waits already"


def test_a_million_late_returns_are_walked_in_bounded_work_and_hold_nobody_up(open_line: OpenLine) -> None:
    """Safeguard: no more than a thousand late returns are examined in a tick."""
    line = open_line(rate_per_minute=6000, ceiling=1_000_000)
    line.join(1_000_000)
    line.tick_for(160)
    cursors = {"serving": 1_000_000, "called": 1_000_000, "ready": 1_000_000, "late": 1_000_000}
    line.state(**cursors)
    line.client.setrange("antrean:{room}:late", 0, b"\xff" * 125_000)
    line.client.setbit("antrean:{room}:late", 1_000_000, 1)
    for key in ("offers", "offers:late"):
        line.client.zremrangebyscore(f"antrean:{{room}}:{key}", 0, 1e12)
    line.tick()
    crowd = Crowd(line, slowest=False)
    crowd.arrive(2000)
    assert line.check_in(900_000) == ["late"]
    for _ in range(80):
        before = line.snapshot.late
        crowd.run(0.25)
        assert 0 <= before - line.snapshot.late <= 1001, "the absent lose their bit, a thousand a tick"
    assert line.snapshot.late < 1_000_000 - 79 * 1000
    assert len(crowd.claims) >= 1500, "the main lane goes on meanwhile"


def test_a_slow_rate_keeps_nobody_waiting_for_an_answer_and_is_delivered(open_line: OpenLine) -> None:
    """Safeguard: a claim is booked no further ahead than until the next knock (wait_to_claim)."""
    line = open_line(rate_per_minute=2)
    crowd = Crowd(line)
    crowd.arrive(30)
    longest_ms = 0
    for _ in range(4 * 600):
        crowd.run(0.25)
        longest_ms = max([longest_ms, *line.waits_ms.values()])
    assert longest_ms <= 2000
    assert worst_excess(crowd.claims, 2) <= 0.001
    assert delivered(crowd.claims, line.now_ms - 480_000, line.now_ms) >= 15


def test_changes_in_a_row_let_in_nobody_more(open_line: OpenLine) -> None:
    """Safeguard: what was booked ahead stays booked, whatever knob is turned (trim_credits, grace)."""
    line = open_line(rate_per_minute=60)
    line.join(100)
    for _ in range(160):
        line.tick()
        line.check_in(*range(line.snapshot.serving + 1, 101))
    claims = []
    for turn in range(100):
        numbers = [n for n in range(1, line.snapshot.serving + 1) if n not in {number for _, number in claims}]
        states = line.check_in(*numbers)
        claims += [
            (line.now_ms + line.waits_ms[n], n) for n, s in zip(numbers, states, strict=True) if s == "admitted"
        ]
        line.set(**({"ceiling": 500 - turn}, {"phase": "paused"}, {"phase": "open"})[turn % 3])
        line.tick(50)
    assert worst_excess(claims, 60) <= 0.001


def test_a_surge_after_a_quiet_time_enters_in_the_order_of_arrival(open_line: OpenLine) -> None:
    """Safeguard: credit of a time in which nobody waited is not banked (release)."""
    line = open_line(rate_per_minute=60)
    line.tick_for(60)
    _, straight_in = line.join(8)
    entered: list[int] = list(range(1, straight_in + 1))
    for _ in range(60):
        line.tick()
        for number in range(8, straight_in, -1):  # whoever is further behind asks first
            if number not in entered and line.check_in(number) == ["admitted"]:
                entered.append(number)
    assert entered == sorted(entered)
    assert len(entered) == 8
