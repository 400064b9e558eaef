"""Who turns the rate: one worker at a time, another when that one dies, and people at once."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import pytest

from gateway.desk import actions, steering
from gateway.store.keys import watch_key
from gateway.store.line import Line
from gateway.store.rooms import Store
from gateway.watching import Watching
from tests.desk.conftest import ROOM


@pytest.fixture
async def other(valkey: Any, worker: Any) -> AsyncIterator[Store]:
    """A second worker of the same room."""
    store = Store(valkey.url)
    yield store
    await store.close()


async def expire_watch(store: Store) -> None:
    """As when its holder died and the lease ran out."""
    await store.execute([("DEL", watch_key(ROOM, "watch"))])


async def ramp(line: Line, *, begun_ms_ago: int) -> None:
    """From 60 to 120 in ten minutes, ordered a while ago."""
    plan = await steering.order(line, {"kind": "ramp", "to_per_minute": 120, "over_minutes": 10}, actor="tests")
    await line.watch.order(replace(plan, since_ms=plan.since_ms - begun_ms_ago), 60.0)


async def age(line: Line, more_ms: int) -> None:
    """The order is older by now; how it goes is as it was."""
    vitals = await line.watch.vitals()
    assert vitals.plan is not None
    assert vitals.course is not None
    await line.watch.order(replace(vitals.plan, since_ms=vitals.plan.since_ms - more_ms), 0.0)
    await line.watch.note_course(vitals.course)


async def rate_of(line: Line) -> float:
    return (await line.refresh()).knobs.rate_per_minute


async def test_one_worker_steers_and_when_it_dies_another_goes_on(worker: Any, other: Store) -> None:
    line, heir_line = worker.line, other.line(ROOM)
    first, heir = Watching(worker.store), Watching(other)
    await ramp(line, begun_ms_ago=120_000)
    await first.look(line)
    reached = await rate_of(line)
    assert 60 < reached < 120
    await age(line, 120_000)
    before = (await line.refresh()).revision
    await heir.look(heir_line)
    assert (await line.refresh()).revision == before, "two workers steered"
    await expire_watch(worker.store)
    await heir.look(heir_line)
    assert reached < await rate_of(line) < 120
    await age(line, 600_000)
    before = (await line.refresh()).revision
    await first.look(line)  # it was only slow: the watch is not its own any more
    assert (await line.refresh()).revision == before
    await heir.look(heir_line)
    assert await rate_of(line) == 120
    course = (await line.watch.vitals()).course
    assert course is not None
    assert (course.ended, len(course.moves)) == ("done", 3)


async def test_a_worker_that_stops_in_order_leaves_the_watch_at_once(worker: Any, other: Store) -> None:
    heir_line = other.line(ROOM)
    async with Watching(worker.store).running():
        while not (await worker.line.watch.hold(worker.store.worker))[0]:
            pass
        assert not (await heir_line.watch.hold(other.worker))[0]
    assert (await heir_line.watch.hold(other.worker))[0]


async def test_who_sets_the_rate_by_hand_has_it_whoever_steered(worker: Any, other: Store) -> None:
    line, heir_line = worker.line, other.line(ROOM)
    await ramp(line, begun_ms_ago=120_000)
    await Watching(worker.store).look(line)
    await line.set_knobs({"rate_per_minute": 20.0}, actor="somebody (command)")  # the order itself still stands
    await expire_watch(worker.store)
    await age(line, 120_000)
    await Watching(other).look(heir_line)
    assert await rate_of(line) == 20
    course = (await line.watch.vitals()).course
    assert course is not None
    assert course.ended == "taken-over"


async def test_what_turns_by_itself_does_not_crowd_out_what_people_did(worker: Any) -> None:
    line = worker.line
    await line.set_knobs({"ceiling": 400}, actor="siti")
    for rate in (61.5, 63.0, 66.0):
        await line.set_knobs({"rate_per_minute": rate}, actor="ramp", why="ramp")
    await line.set_knobs({"ceiling": 300}, actor="siti")
    for rate in (50.0, 40.0):
        await line.set_knobs({"rate_per_minute": rate}, actor="ramp", why="ramp")
    after = await line.set_knobs({"rate_per_minute": 45.0}, actor="autopilot", why="slow")
    kept = await actions.entries(line, 5)
    told = [(entry.actor, next(iter(entry.before.values())), next(iter(entry.after.values()))) for entry in kept]
    assert told == [
        ("autopilot", 40, 45), ("ramp", 66, 40), ("siti", 400, 300), ("ramp", 60, 66), ("siti", 500, 400),
    ]  # fmt: skip
    assert kept[0].revision == after.revision
    await actions.undo(line, kept[0].revision, actor="siti", why="")
    assert await rate_of(line) == 40
