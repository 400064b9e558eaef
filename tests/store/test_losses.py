"""What a store that lost something may not change: no number twice, no place lost, nobody made to wait for it."""

from __future__ import annotations

from conftest import OpenLine
from virtual import Crowd


def test_an_emptied_store_goes_on_behind_a_gap_with_everyone_in_line(open_line: OpenLine) -> None:
    """Safeguards: the workers' last snapshot, the safety gap, the generation."""
    line = open_line(rate_per_minute=600, ceiling=100_000)
    crowd = Crowd(line)
    crowd.arrive(3000)
    crowd.run(120)
    known = line.snapshot
    line.client.flushall()
    line.client.function_load(line.library, replace=True)
    after = line.restore(known, issued=known.issued + 40)
    assert (after.instance, after.generation) == (known.instance, known.generation + 1)
    assert after.serving == known.serving
    assert line.join()[0] > known.issued + 40
    crowd.run(240)
    lost = [number for number in crowd.wronged if number > known.serving]
    assert lost == [], "nobody who was still in line was passed over"


def test_a_restart_with_nobody_waiting_leaves_the_room_invisible(open_line: OpenLine) -> None:
    """Safeguard: the gap counts as left. Without it the next visitor waits more than a minute behind nobody."""
    line = open_line(rate_per_minute=600, ceiling=100_000)
    line.tick_for(2)
    assert line.join() == (1, 1)
    line.run_id = "second"
    line.restore(line.snapshot)
    line.tick_for(3)
    assert line.snapshot.waiting == 0
    number, straight_in = line.join()
    assert number > 1000
    assert straight_in == 1


def test_a_number_of_the_gap_that_was_given_out_keeps_its_place(open_line: OpenLine) -> None:
    """Safeguard: a check-in takes the gone mark away."""
    line = open_line(rate_per_minute=60, ceiling=100_000)
    line.join(100)
    line.run_id = "second"
    line.restore(line.snapshot)
    assert line.check_in(103) == ["waiting"], "issued in the lost moments"
    line.set(rate_per_minute=600_000)
    states = []
    for _ in range(30):
        line.tick()
        states += line.check_in(103)
    assert states[-1] == "admitted"
    assert "late" not in states
    assert line.snapshot.between(line.snapshot.serving, line.snapshot.issued) == 0


def test_a_worker_that_knows_less_takes_nothing_away(open_line: OpenLine) -> None:
    line = open_line(rate_per_minute=0)
    line.join(50)
    known, line.run_id = line.snapshot, "second"
    after = line.restore(None)
    assert after.instance == known.instance
    assert line.join()[0] > 50


def test_who_finishes_waits_in_no_lane_and_holds_no_offer(open_line: OpenLine) -> None:
    """Safeguard: otherwise a late bit stands for nobody, and its offer holds a place inside for minutes."""
    line = open_line(rate_per_minute=600, ceiling=1)
    line.join(2)
    line.tick_for(2)
    assert line.check_in(1) == ["admitted"]
    line.touch(1)
    line.tick_for(1300)  # idle for longer than the lease
    assert line.check_in(1, returning=True) == ["late"]
    assert line.snapshot.late <= 1
    line.finish(1)
    line.tick_for(2)
    assert (line.snapshot.late, line.look(1)) == (0, "finished")
    assert line.call(("ZSCORE", "antrean:{room}:offers:late", "1")) is None
