"""A drawn opening in virtual time: commitment, freeze, entropy, draw, the doors; and losses in between."""

from __future__ import annotations

import asyncio
import contextlib
import json
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import pytest
import redis
from conftest import OpenLine
from virtual import Crowd, VirtualLine, delivered, worst_excess

from gateway.domain import draw as fair
from gateway.domain.openings import Opening
from gateway.domain.room import Draw, Ending, Knobs, Phase, Snapshot
from gateway.errors import InvalidKnob, StoreError
from gateway.store.keys import KEYS as KEY_NAMES
from gateway.store.line import Line
from gateway.store.openings import check_freeze, enter_entropy, reveal_command, schedule
from gateway.store.rooms import open_store
from gateway.store.snapshots import parse_snapshot

KEYS = ["a secret key of sufficient length"]
ANNOUNCED = "the lottery of the evening"


def drawn_opening(line: VirtualLine, *, opens_in_s: float = 600, announced: str = "", **more: Any) -> Snapshot:
    """Schedules one as ``openings.schedule`` does, by the test's clock."""
    commitment = fair.commitment_of(fair.draw_secret(KEYS[-1], "room", "an-opening"))
    draw = "" if more.get("fifo") else json_of(Draw(commitment, announced))
    opens_at_ms = line.now_ms + int(opens_in_s * 1000)
    closes_at_ms = opens_at_ms + int(more.get("closes_after_s", 0) * 1000) if more.get("closes_after_s") else 0
    command = line.functions.schedule(
        line.now_ms, "test", "", "an-opening", opens_at_ms, closes_at_ms, more.get("ending", "serve"), draw, ""
    )
    line.snapshot = parse_snapshot("room", line.call(command))
    return line.snapshot


def json_of(draw: Draw) -> str:
    return json.dumps(asdict(draw))


def reveal(line: VirtualLine) -> Snapshot:
    """What every worker does after a tick."""
    command = reveal_command(line.functions, line.snapshot, line.run_id, KEYS)
    if command is not None:
        clock = 3 + len(KEY_NAMES)  # behind the verb, the function, and the keys with their count
        command = (*command[:clock], line.now_ms, *command[clock + 1 :])
        line.snapshot = parse_snapshot("room", line.call(command))
    return line.snapshot


def tick_and_draw(line: VirtualLine, seconds: float) -> Snapshot:
    for _ in range(int(seconds * 4)):
        line.tick()
        reveal(line)
    return line.snapshot


def enter(line: VirtualLine, entropy: str) -> Snapshot:
    command = line.functions.enter_entropy(line.now_ms, "test", "", line.snapshot.order, entropy)
    line.snapshot = parse_snapshot("room", line.call(command))
    return line.snapshot


class DrawnCrowd(Crowd):
    """Everybody learns the draw from the pulse, as the page does, and polls as often as the opening is near."""

    def run(self, seconds: float, *, can_reach: bool = True) -> None:
        for _ in range(int(seconds * 4)):
            super().run(0.25, can_reach=can_reach)
            reveal(self.line)


def test_the_commitment_is_there_before_the_first_number_can_exist(open_line: OpenLine) -> None:
    """Safeguard: one call begins the line and publishes the commitment."""
    line = open_line()
    opened = drawn_opening(line)
    assert opened.draw is not None
    assert len(opened.draw.commitment) == 64
    assert (opened.issued, opened.phase, opened.draw.secret) == (0, Phase.SCHEDULED, "")
    assert line.join(5) == (1, 0)


def test_the_first_call_past_the_freeze_fixes_n_even_if_it_is_a_join(open_line: OpenLine) -> None:
    """Safeguard: freeze_if_due in join, before the numbers are taken."""
    line = open_line()
    drawn_opening(line)
    line.join(100)
    line.now_ms += 480_001  # no tick meanwhile
    first, _ = line.join(10)
    assert first == 101
    after = line.tick()
    assert after.draw is not None
    assert (after.phase, after.draw.size, after.issued) == (Phase.DRAWN, 100, 110)
    reveal(line)
    assert sorted(line.snapshot.position(n) for n in range(1, 101)) == list(range(1, 101))
    assert [line.snapshot.position(n) for n in range(101, 111)] == list(range(101, 111))


def test_the_rate_is_delivered_from_the_first_second_to_those_who_were_drawn_first(open_line: OpenLine) -> None:
    """Safeguards: `called` moves between the draw and the opening; the opening does not begin the grace anew."""
    line = open_line(rate_per_minute=600, ceiling=100_000)
    opened = drawn_opening(line)
    crowd = DrawnCrowd(line)
    crowd.arrive(5000, stay=0.6)
    crowd.run((opened.knobs.opens_at_ms - line.now_ms) / 1000)
    assert line.snapshot.called >= 1800
    crowd.run(120)
    opens = opened.knobs.opens_at_ms
    assert delivered(crowd.claims, 0, opens) == 0, "nobody before the doors open"
    for seconds in (2, 5, 10, 30, 60, 120):
        assert delivered(crowd.claims, opens, opens + seconds * 1000) >= 0.95 * seconds * 10 - 5
    assert worst_excess(crowd.claims, 600) <= 0.001
    assert crowd.wronged == []
    inside = {line.snapshot.position(number) for _, number in crowd.claims}
    followed = {line.snapshot.position(number) for number in crowd.states}
    assert max(inside) <= line.snapshot.serving
    assert len([place for place in followed - inside if place <= line.snapshot.serving]) <= 300, (
        "those who hold an offer"
    )


def test_the_rate_is_delivered_at_once_where_most_tabs_are_in_the_background(open_line: OpenLine) -> None:
    """Safeguard: AHEAD_OFFERS. Of those who are offered shortly before the opening, most do not look in time."""
    line = open_line(rate_per_minute=600, ceiling=100_000)
    opened = drawn_opening(line)
    numbers = range(1, 3001)
    line.join(len(numbers))
    hidden = {number: number % 5 < 3 for number in numbers}
    looks_s = {number: number % (50 if hidden[number] else 10) for number in numbers}
    claims: dict[int, int] = {}
    for second in range(630):
        for _ in range(4):
            line.tick()
            reveal(line)
        called, serving = line.snapshot.called, line.snapshot.serving
        due = [n for n in numbers if line.snapshot.position(n) <= called and n not in claims]
        knocks = (
            [
                n
                for n in due
                if second % (50 if hidden[n] else 2 if line.snapshot.position(n) <= serving else 10)
                == looks_s[n] % (50 if hidden[n] else 2 if line.snapshot.position(n) <= serving else 10)
            ]
            if line.snapshot.draw is not None and line.snapshot.draw.secret
            else []
        )
        for number, state in zip(knocks, line.check_in(*knocks), strict=True):
            if state == "admitted":
                claims[number] = line.now_ms
    opens = opened.knobs.opens_at_ms
    in_ten_s = sum(opens <= at_ms < opens + 10_000 for at_ms in claims.values())
    assert min(claims.values()) >= opens
    assert in_ten_s >= 95, "of 100"


def test_a_drawn_line_is_invisible_again_when_all_were_served(open_line: OpenLine) -> None:
    line = open_line(rate_per_minute=600, ceiling=100_000)
    drawn_opening(line)
    crowd = DrawnCrowd(line)
    crowd.arrive(30)
    crowd.run(660)
    assert len(crowd.claims) == 30
    assert line.join() == (31, 1)


def test_nobody_registered_and_the_doors_open_all_the_same(open_line: OpenLine) -> None:
    line = open_line(rate_per_minute=600, ceiling=100_000)
    drawn_opening(line)
    tick_and_draw(line, 605)
    assert line.snapshot.draw is not None
    assert (line.snapshot.phase, line.snapshot.draw.size) == (Phase.OPEN, 0)
    assert line.snapshot.draw.secret
    assert line.join() == (1, 1)


def test_announced_entropy_is_waited_for_with_the_doors_shut(open_line: OpenLine) -> None:
    """Safeguard: awaits_draw in open_by_schedule. Else an insider could choose between a draw with and without."""
    line = open_line(rate_per_minute=600)
    drawn_opening(line, announced=ANNOUNCED)
    line.join(500)
    tick_and_draw(line, 700)
    assert line.snapshot.phase is Phase.DRAWN
    assert line.snapshot.draw is not None
    assert line.snapshot.draw.secret == ""
    enter(line, "04-17-23")
    tick_and_draw(line, 5)
    assert line.snapshot.phase is Phase.OPEN
    assert line.snapshot.draw.entropy == "04-17-23"
    assert fair.verified({"draw": asdict(line.snapshot.draw)})


def test_entropy_has_its_time_and_never_changes(open_line: OpenLine) -> None:
    line = open_line()
    drawn_opening(line, announced=ANNOUNCED)
    line.join(10)
    with pytest.raises(redis.ResponseError, match="not frozen yet"):
        enter(line, "early")
    tick_and_draw(line, 485)
    enter(line, "04-17-23")
    with pytest.raises(redis.ResponseError, match="never changes"):
        enter(line, "04-17-24")
    tick_and_draw(line, 1)
    command = line.functions.enter_entropy(line.now_ms, "test", "", line.snapshot.order, "04-17-24")
    with pytest.raises(redis.ResponseError, match="never changes"):
        line.call(command)
    assert line.snapshot.draw is not None
    assert line.snapshot.draw.entropy == "04-17-23"


def test_a_draw_without_entropy_takes_none_afterwards(open_line: OpenLine) -> None:
    line = open_line()
    drawn_opening(line)
    tick_and_draw(line, 485)
    with pytest.raises(redis.ResponseError, match="the draw is done"):
        enter(line, "late")


def test_a_secret_is_never_changed_once_it_is_published(open_line: OpenLine) -> None:
    line = open_line()
    drawn_opening(line)
    line.join(10)
    tick_and_draw(line, 485)
    before = line.snapshot.draw
    line.call(line.functions.reveal(line.now_ms, line.run_id, line.snapshot.order, "00" * 32))
    assert line.tick().draw == before


def test_a_secret_is_not_published_before_the_freeze(open_line: OpenLine) -> None:
    line = open_line()
    drawn_opening(line)
    with pytest.raises(redis.ResponseError, match="not due"):
        line.call(line.functions.reveal(line.now_ms, line.run_id, line.snapshot.order, "00" * 32))


def test_a_place_reckoned_before_the_draw_is_refused_after_it(open_line: OpenLine) -> None:
    """Safeguard: the order's name in every call. Else one visitor could claim what another was drawn for."""
    line = open_line()
    drawn_opening(line)
    line.join(10)
    before = line.snapshot
    tick_and_draw(line, 485)
    with pytest.raises(redis.ResponseError, match="OTHERLINE"):
        line.call(line.functions.check_in(line.now_ms, line.run_id, before.order, 3, 3, 0))


def test_presence_from_before_the_draw_counts_for_nobody_in_it(open_line: OpenLine) -> None:
    """Safeguard: the draw clears what was marked by number."""
    line = open_line()
    drawn_opening(line)
    line.tick_for(470)
    line.join(100)
    line.leave(7)
    tick_and_draw(line, 15)
    assert line.snapshot.phase is Phase.DRAWN
    raw = redis.Redis(unix_socket_path=line.client.connection_pool.connection_kwargs["path"])
    for name in ("seen:even", "seen:odd", "gone"):
        assert raw.bitcount(f"antrean:{{room}}:{name}") <= 1, "the sentinel alone"
    raw.close()


@pytest.mark.parametrize("seconds_before_opening", [300, 118, 60, 1, -20])
def test_an_emptied_store_draws_the_same_order(open_line: OpenLine, seconds_before_opening: int) -> None:
    """Safeguards: N, entropy and secret in every snapshot; merge_draw takes whoever knows more."""
    line = open_line(rate_per_minute=600, ceiling=100_000)
    opened = drawn_opening(line, announced=ANNOUNCED)
    line.join(300)
    tick_and_draw(line, 481 if seconds_before_opening <= 120 else 600 - seconds_before_opening)
    if seconds_before_opening <= 120:
        enter(line, "04-17-23")
        tick_and_draw(line, 119 - seconds_before_opening)
    known = line.snapshot
    line.client.flushall()
    line.client.function_load(line.library, replace=True)
    after = line.restore(known, issued=known.issued)
    assert after.draw == known.draw
    assert after.generation == known.generation + 1
    if known.draw is not None and known.draw.secret:
        assert [after.position(n) for n in range(1, 301)] == [known.position(n) for n in range(1, 301)]
    tick_and_draw(line, max(0, (opened.knobs.opens_at_ms - line.now_ms) / 1000 - 100))
    if line.snapshot.draw is not None and not line.snapshot.draw.entropy:
        enter(line, "04-17-23")
    tick_and_draw(line, 110)
    assert line.snapshot.phase is Phase.OPEN
    assert line.snapshot.draw is not None
    secret = fair.draw_secret(KEYS[-1], "room", "an-opening").hex()
    assert (line.snapshot.draw.secret, line.snapshot.draw.entropy) == (secret, "04-17-23")
    assert line.snapshot.draw.size >= 300


def test_who_knows_less_of_the_draw_takes_nothing_away(open_line: OpenLine) -> None:
    line = open_line()
    drawn_opening(line)
    line.join(50)
    early = line.tick()
    tick_and_draw(line, 485)
    known, line.run_id = line.snapshot, "second"
    assert line.restore(early).draw == known.draw


def test_numbers_lost_in_the_pre_queue_hide_nobody_in_the_draw(open_line: OpenLine) -> None:
    """Safeguard: a gap from before the draw is not marked as left by place, nor taken off the people ahead."""
    line = open_line(rate_per_minute=60_000, ceiling=100_000)
    drawn_opening(line, opens_in_s=900)
    line.join(100)
    line.tick()
    line.run_id = "second"
    line.restore(line.snapshot)
    crowd = DrawnCrowd(line, slowest=False)
    arrived = list(crowd.arrive(200))
    crowd.run(790)
    line.run_id = "third"
    after = line.restore(line.snapshot)
    assert after.draw is not None
    assert after.draw.size == 1300
    assert after.between(0, 1300) == 1300, "the lost numbers are somewhere in the order, not at 101 to 1100"
    assert line.client.execute_command("BITCOUNT", "antrean:{room}:gone", 101, 1100, "BIT") == 0
    crowd.run(400)
    assert line.snapshot.phase is Phase.OPEN
    assert {number for _, number in crowd.claims} == set(arrived)
    assert crowd.wronged == []


REFUSED_OPENINGS = [
    (-10, {}, "lies in the past"),
    (600, {"closes_after_s": -60}, "close before it opens"),
    (110, {}, "too near"),
]


@pytest.mark.parametrize(("opens_in_s", "more", "told"), REFUSED_OPENINGS)
def test_an_opening_that_cannot_be_is_refused_and_changes_nothing(
    open_line: OpenLine, opens_in_s: int, more: dict[str, int], told: str
) -> None:
    line = open_line()
    with pytest.raises(redis.ResponseError, match=told):
        drawn_opening(line, opens_in_s=opens_in_s, **more)
    assert line.tick().phase is Phase.OPEN


def test_a_second_draw_and_an_opening_over_people_in_line_are_refused(open_line: OpenLine) -> None:
    line = open_line(rate_per_minute=0)
    line.join(3)
    with pytest.raises(redis.ResponseError, match="people in line"):
        drawn_opening(line)
    line.set(phase="closed")
    drawn_opening(line)
    line.join(4)
    with pytest.raises(redis.ResponseError, match="no closing time"):
        drawn_opening(line)
    tick_and_draw(line, 485)
    with pytest.raises(redis.ResponseError, match="no closing time"):
        drawn_opening(line)
    with pytest.raises(redis.ResponseError, match="a draw is announced"):
        line.call(line.functions.new_line(line.now_ms, "another", "test", ""))


def test_a_drawn_opening_is_not_opened_by_hand_before_its_draw(open_line: OpenLine) -> None:
    line = open_line(rate_per_minute=60)
    drawn_opening(line)
    line.join(4)
    for phase in ("open", "paused", "last-call"):
        with pytest.raises(redis.ResponseError, match="the draw comes first"):
            line.set(phase=phase)
    tick_and_draw(line, 485)
    assert line.set(phase="open").phase is Phase.OPEN


def test_the_times_of_an_opening_are_moved_within_reason(open_line: OpenLine) -> None:
    line = open_line()
    with pytest.raises(redis.ResponseError, match="no opening is scheduled"):
        line.set(opens_at_ms=line.now_ms + 5000)
    opened = drawn_opening(line)
    with pytest.raises(redis.ResponseError, match="in the past"):
        line.set(opens_at_ms=line.now_ms - 5000)
    with pytest.raises(redis.ResponseError, match="close before it opens"):
        line.set(closes_at_ms=opened.knobs.opens_at_ms)
    with pytest.raises(redis.ResponseError, match="needs its opening time"):
        line.set(opens_at_ms=0)
    closes_at_ms = opened.knobs.opens_at_ms + 30_000
    line.set(closes_at_ms=closes_at_ms)
    with pytest.raises(redis.ResponseError, match="give the closing time, too"):
        line.set(opens_at_ms=closes_at_ms)
    line.set(opens_at_ms=closes_at_ms, closes_at_ms=0)
    later = line.set(opens_at_ms=opened.knobs.opens_at_ms + 60_000)
    assert tick_and_draw(line, 485).phase is Phase.SCHEDULED
    assert tick_and_draw(line, 60).phase is Phase.DRAWN
    assert later.knobs.ending is Ending.SERVE


@pytest.mark.parametrize(("ending", "phase"), [("serve", Phase.LAST_CALL), ("cut", Phase.CLOSED)])
def test_closing_time_does_what_was_said_before_the_opening(
    open_line: OpenLine, ending: str, phase: Phase
) -> None:
    line = open_line(rate_per_minute=1)
    drawn_opening(line, closes_after_s=60, ending=ending)
    line.join(50)
    tick_and_draw(line, 610)
    with pytest.raises(redis.ResponseError, match="chosen before the opening"):
        line.set(ending="cut" if ending == "serve" else "serve")
    assert tick_and_draw(line, 60).phase is phase


def test_first_come_first_served_opens_with_the_numbers_as_places(open_line: OpenLine) -> None:
    line = open_line(rate_per_minute=600, ceiling=1000)
    drawn_opening(line, fifo=True)
    line.join(20)
    tick_and_draw(line, 601)
    assert line.snapshot.phase is Phase.OPEN
    assert line.snapshot.draw is None
    assert line.snapshot.position(7) == 7


def test_without_the_key_that_committed_nothing_is_drawn(open_line: OpenLine) -> None:
    line = open_line()
    drawn_opening(line)
    line.tick_for(485)
    with pytest.raises(InvalidKnob, match="put it back"):
        reveal_command(line.functions, line.snapshot, line.run_id, ["another key of sufficient length!"])
    rotated = [*KEYS, "a newer key, rotated in since then"]
    assert reveal_command(line.functions, line.snapshot, line.run_id, rotated) is not None
    undrawn = replace(line.snapshot, draw=None)
    assert reveal_command(line.functions, undrawn, line.run_id, KEYS) is None


@pytest.mark.parametrize(("freeze_s", "poll_max_s"), [(59, 20), (60, 60), (101, 60), (121, 60), (120, 300)])
def test_a_freeze_in_which_the_front_of_the_line_could_not_hear_is_refused(freeze_s: int, poll_max_s: int) -> None:
    with pytest.raises(InvalidKnob):
        check_freeze(freeze_s, poll_max_s)


def test_scheduling_as_the_commands_do(store_socket: Path, store_client: redis.Redis) -> None:
    """On the store's own clock, with everything that is checked before it is asked."""

    async def run() -> None:
        store = await open_store(f"unix://{store_socket}")
        line = store.line("registration", Knobs())
        async with asyncio.timeout(20):
            while line.snapshot is None:  # the room is being opened
                with contextlib.suppress(StoreError):
                    await store.tick()
        await try_openings(line)
        await store.close()

    asyncio.run(run())


async def try_openings(line: Line) -> None:
    soon = (await line.refresh()).now_ms + 600_000
    for wrong in (
        Opening(soon, draw=True, freeze_s=30),
        Opening(soon, draw=True, announced_entropy=" x "),
        Opening(soon, announced_entropy="for no draw"),
        Opening(1000, draw=True),
    ):
        with pytest.raises(InvalidKnob):
            await schedule(line, wrong, KEYS, actor="test")
    opened, _ = await schedule(line, Opening(soon, draw=True, announced_entropy=ANNOUNCED), KEYS, actor="test")
    assert opened.draw is not None
    assert fair.secret_behind(opened.draw.commitment, KEYS, line.room, opened.instance) is not None
    with pytest.raises(InvalidKnob, match="not frozen yet"):
        await enter_entropy(line, "early", actor="test")
    assert (await line.audit())[0]["changes"]["order"] == ["", "draw"]
