"""Sentinel and Cluster: the primary killed, paused, or replaced on purpose. No number twice, the line goes on."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest

from gateway.domain.room import Knobs
from gateway.errors import StoreError
from gateway.store.keys import room_key
from gateway.store.line import Line, State
from gateway.store.rooms import Store
from tests.faults.servers import (
    Servers,
    cluster,
    form_cluster,
    holder_of,
    is_watched,
    primary_of,
    sentinel_set,
    told,
)
from tests.people import until

PAUSED = Knobs(rate_per_minute=600, ceiling=10_000)
ROOMS = ("registration", "vaksin", "ujian")


def wait(holds: Callable[[], bool], description: str) -> None:
    async def holding() -> bool:
        return holds()

    asyncio.run(until(holding, description, 30))


@contextlib.asynccontextmanager
async def workers(url: str, count: int = 2) -> AsyncIterator[list[Store]]:
    """That many workers with three rooms each, whose snapshots have come."""
    stores = [Store(url) for _ in range(count)]
    for store in stores:
        for room in ROOMS:
            store.line(room, PAUSED)
        await store.start()
    try:

        async def ready() -> bool:
            return all(line.snapshot for store in stores for line in store.lines.values())

        await until(ready, "every worker knows every room", 30)
        yield stores
    finally:
        for store in stores:
            await store.close()


@contextlib.asynccontextmanager
async def joining(stores: list[Store]) -> AsyncIterator[dict[str, list[int]]]:
    """Newcomers at every worker and room all the time; yields the numbers that they were told."""
    told_numbers: dict[str, list[int]] = {room: [] for room in ROOMS}
    done = asyncio.Event()

    async def newcomers(line: Line) -> None:
        while not done.is_set():
            answers = await asyncio.gather(*(line.join() for _ in range(5)), return_exceptions=True)
            told_numbers[line.room] += [
                answer.number for answer in answers if not isinstance(answer, BaseException)
            ]
            await asyncio.sleep(0.02)

    tasks = [asyncio.create_task(newcomers(line)) for store in stores for line in store.lines.values()]
    try:
        yield told_numbers
    finally:
        done.set()
        await asyncio.gather(*tasks)


async def goes_on(stores: list[Store], numbers: dict[str, list[int]]) -> None:
    """Until newcomers get numbers in every room again, and the first of them is still in line."""
    began = time.monotonic()
    before = {room: len(those) for room, those in numbers.items()}

    async def more_came() -> bool:
        return all(len(numbers[room]) > before[room] + 50 for room in ROOMS)

    await until(more_came, f"numbers are given out again, {time.monotonic() - began:.0f} s", 40)
    for store in stores:
        for room in ROOMS:

            async def answered(line: Line = store.lines[room]) -> bool:
                with contextlib.suppress(StoreError):
                    state = await line.check_in(numbers[line.room][0])
                    return state in (State.WAITING, State.CALLED, State.ADMITTED, State.LATE)
                return False

            await until(answered, "the first in line has a place", 20)


def assert_none_twice(numbers: dict[str, list[int]]) -> None:
    for room, those in numbers.items():
        assert len(set(those)) == len(those), f"a number of {room} was given out twice"
        assert those, room


@pytest.mark.parametrize("fault", ["kill", "pause", "planned"])
def test_a_sentinel_failover_gives_no_number_twice(tmp_path: Path, fault: str) -> None:
    with sentinel_set(tmp_path) as servers:
        wait(lambda: is_watched(servers), "the Sentinels know the set")
        asyncio.run(_fail_over(servers, fault))


async def _fail_over(servers: Servers, fault: str) -> None:
    async with workers(servers.url) as stores, joining(stores) as numbers:
        await goes_on(stores, numbers)
        old = primary_of(servers)
        if fault == "kill":
            servers.kill(old)
        elif fault == "pause":
            servers.pause(old)
        else:
            sentinel = int(servers.url.partition("/")[2].strip("/").split(",")[0].partition("/")[0].split(":")[1])
            assert told(sentinel, "SENTINEL", "FAILOVER", "antrean")

        async def moved() -> bool:
            return primary_of(servers) not in (0, old)

        await until(moved, "the Sentinels chose another primary", 30)
        if fault == "pause":
            servers.resume(old)  # it still believes that it is the primary
        await goes_on(stores, numbers)
    assert_none_twice(numbers)


def test_a_cluster_that_loses_a_primary_gives_no_number_twice(tmp_path: Path) -> None:
    with cluster(tmp_path) as servers:
        form_cluster(servers, wait)
        asyncio.run(_lose_a_primary(servers))


async def _lose_a_primary(servers: Servers) -> None:
    key = room_key("registration", "line")
    async with workers(servers.url) as stores, joining(stores) as numbers:
        await goes_on(stores, numbers)
        old = holder_of(servers, key)
        servers.kill(old)

        async def moved() -> bool:
            return holder_of(servers, key) not in (0, old)

        await until(moved, "a replica took over", 30)
        await goes_on(stores, numbers)
    assert_none_twice(numbers)
