"""The store emptied, killed, silent, wrong: no place is lost, no number given out twice, and it mends itself."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import subprocess
from collections.abc import AsyncIterator, Callable, Sequence
from typing import TYPE_CHECKING, Any

import pytest

from gateway.errors import StoreError
from tests.faults.lines import BASE, check_in, gone_for, heard

if TYPE_CHECKING:
    from gateway.store.line import Line
    from tests.installation import Installation
    from tests.people import Browser

Wait = Callable[..., Any]


async def test_joins_from_many_tasks_at_two_workers_give_no_number_twice(
    installation: Installation, line: Line, wait_until: Wait
) -> None:
    await heard(installation, line, wait_until, phase="paused")
    numbers = await join(installation, 300)
    assert sorted(numbers) == list(range(1, 301))


async def test_an_emptied_store_loses_no_place_and_gives_out_no_number_twice(
    installation: Installation, line: Line, wait_until: Wait
) -> None:
    await heard(installation, line, wait_until, phase="paused")
    crowd = await in_line(installation, 20)
    before = (await line.refresh()).generation
    async with joining(installation) as numbers:
        with installation.store_client() as store:
            store.flushall()
        await goes_on(crowd, wait_until)
    assert_nothing_lost(crowd, numbers, await states(crowd))
    now = await line.refresh()
    assert now.generation == before + 1, "one loss, one generation"
    assert now.phase == "paused", "the operator's knobs are kept"
    await everybody_goes_in(installation, line, wait_until, crowd)


async def test_a_killed_store_that_comes_back_loses_no_place_and_no_number(
    installation: Installation, line: Line, wait_until: Wait
) -> None:
    await heard(installation, line, wait_until, phase="paused")
    crowd = await in_line(installation, 20)
    async with joining(installation) as numbers:
        os.kill(installation.server_pid, signal.SIGKILL)
        installation.processes.pop("store").wait(20)
        installation.start("store", "store")
        await goes_on(crowd, wait_until)
    assert_nothing_lost(crowd, numbers, await states(crowd))
    await everybody_goes_in(installation, line, wait_until, crowd)


async def test_deleted_functions_are_loaded_again(
    installation: Installation, line: Line, wait_until: Wait
) -> None:
    await heard(installation, line, wait_until, phase="paused")
    crowd = await in_line(installation, 5)
    async with joining(installation) as numbers:
        with installation.store_client() as store:
            store.function_flush("SYNC")
        await goes_on(crowd, wait_until)
    assert_nothing_lost(crowd, numbers, await states(crowd))
    assert (await line.refresh()).generation == 1, "nothing was lost"


@pytest.mark.parametrize("key", ["line", "spent", "offers", "joins"])
async def test_a_key_of_the_wrong_type_is_our_trouble_and_once_it_is_gone_the_line_goes_on(
    installation: Installation, line: Line, wait_until: Wait, key: str
) -> None:
    await heard(installation, line, wait_until, phase="paused")
    crowd = await in_line(installation, 5)
    before = (await line.refresh()).generation

    async def is_restored() -> bool:
        with contextlib.suppress(StoreError):
            return (await line.refresh()).generation > before
        return False

    name = f"antrean:{{registration}}:{key}"
    with installation.store_client() as store:
        store.delete(name)
        store.xadd(name, {"not": "ours"})
        newcomer = installation.visitor()
        page = await newcomer.get("/")
        assert (page.status, page.is_page) in [(200, True), (503, True)]
        for visitor in crowd:
            reply = await visitor.fetch("POST", BASE + "check-in")
            assert reply.status in (200, 503), "trouble of ours is no fault of the visitor's"
        store.delete(name)
    if key != "joins":  # the others are missed at the next tick
        await wait_until(is_restored, "the line is restored", 30)
    await goes_on(crowd, wait_until)
    assert_nothing_lost(crowd, [], await states(crowd))
    await everybody_goes_in(installation, line, wait_until, crowd)


async def test_while_the_store_says_nothing_those_inside_carry_on_and_those_in_line_keep_their_places(
    installation: Installation, line: Line, wait_until: Wait
) -> None:
    inside = installation.visitor()
    await wait_until(lambda: is_inside(inside), "somebody is inside")
    await heard(installation, line, wait_until, phase="paused")
    crowd = await in_line(installation, 5)
    os.kill(installation.server_pid, signal.SIGSTOP)
    try:
        for _ in range(3):
            assert (await inside.get("/formulir")).json()["path"] == "/formulir"
            assert (await inside.fetch("POST", "/kirim", b"x")).json()["path"] == "/kirim"
        assert (await crowd[0].get("/")).is_page
        assert (await installation.visitor().get("/")).is_page
        await gone_for(2, installation, wait_until)
        assert (await crowd[1].fetch("POST", BASE + "check-in")).status == 503
    finally:
        os.kill(installation.server_pid, signal.SIGCONT)
    await goes_on(crowd, wait_until)
    assert_nothing_lost(crowd, await join(installation, 20), await states(crowd))
    assert (await inside.get("/formulir")).json()["path"] == "/formulir"


async def test_a_store_that_may_evict_keys_is_refused_and_used_again_once_it_may_not(
    installation: Installation, line: Line, wait_until: Wait
) -> None:
    await heard(installation, line, wait_until, phase="paused")
    crowd = await in_line(installation, 5)
    with installation.store_client() as store:
        store.config_set("maxmemory", "1gb")
        store.config_set("maxmemory-policy", "allkeys-lru")
        store.execute_command("CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes")
        try:

            async def is_told() -> bool:
                return "set it to noeviction" in (installation.folder / "gateway.log").read_text()

            async def refused() -> bool:
                replies = [await crowd[0].fetch("POST", BASE + "check-in") for _ in range(6)]
                return all(reply.status == 503 for reply in replies)

            await wait_until(refused, "no worker uses a store that may forget")
            await wait_until(is_told, "the log says what is wrong and what to do")
        finally:
            store.config_set("maxmemory-policy", "noeviction")
            store.config_set("maxmemory", "0")
    await goes_on(crowd, wait_until)
    assert_nothing_lost(crowd, [], await states(crowd))


async def test_a_worker_that_is_killed_takes_no_place_with_it(
    installation: Installation, line: Line, wait_until: Wait
) -> None:
    await heard(installation, line, wait_until, phase="paused")
    crowd = await in_line(installation, 5)
    async with joining(installation) as numbers:
        os.kill(worker_pid(installation), signal.SIGKILL)
        await goes_on(crowd, wait_until)
    assert_nothing_lost(crowd, numbers, await states(crowd))


# What the tests above have in common


async def in_line(installation: Installation, count: int) -> list[Browser]:
    """Visitors in the order of their numbers, which begin with 1 or behind those inside."""
    crowd = [installation.visitor() for _ in range(count)]
    for visitor in crowd:
        await visitor.fetch("POST", BASE + "join")
    return crowd


async def join(installation: Installation, count: int) -> list[int]:
    """The numbers of that many who join at once."""
    replies = await asyncio.gather(*(installation.visitor().fetch("POST", BASE + "join") for _ in range(count)))
    return [reply.json()["number"] for reply in replies if reply.status == 201]


@contextlib.asynccontextmanager
async def joining(installation: Installation) -> AsyncIterator[list[int]]:
    """Newcomers join all the time meanwhile; the list holds the numbers that they got."""
    numbers: list[int] = []
    done = asyncio.Event()

    async def newcomers() -> None:
        while not done.is_set():
            with contextlib.suppress(OSError, ValueError):  # a worker that was killed answers nothing
                numbers.extend(await join(installation, 5))

    tasks = [asyncio.create_task(newcomers()) for _ in range(3)]
    try:
        yield numbers
    finally:
        done.set()
        await asyncio.gather(*tasks)


async def states(crowd: Sequence[Browser]) -> list[dict[str, Any]]:
    return [await check_in(visitor) for visitor in crowd]


async def goes_on(crowd: Sequence[Browser], wait_until: Wait) -> None:
    """Until check-ins are answered again, by all workers."""

    async def answered() -> bool:
        return all([await check_in(crowd[0]) for _ in range(8)])

    await wait_until(answered, "the line goes on by itself", 30)


def assert_nothing_lost(crowd: Sequence[Browser], joined: Sequence[int], now: Sequence[dict[str, Any]]) -> None:
    numbers = [state["number"] for state in now]
    assert numbers == list(range(numbers[0], numbers[0] + len(crowd))), "everybody has the number from before"
    assert {state["state"] for state in now} <= {"waiting", "called"}, "and stands in line with it"
    assert len({*joined, *numbers}) == len(joined) + len(numbers), "no number was given out twice"


async def everybody_goes_in(
    installation: Installation, line: Line, wait_until: Wait, crowd: Sequence[Browser]
) -> None:
    await heard(installation, line, wait_until, phase="open")
    left = list(crowd)

    async def all_in() -> bool:
        for visitor in list(left):
            if (await check_in(visitor)).get("state") == "admitted":
                left.remove(visitor)
        return not left

    await wait_until(all_in, "everybody is let in", 40)


async def is_inside(visitor: Browser) -> bool:
    return (await visitor.get("/")).header("content-type") == "application/json"


def worker_pid(installation: Installation) -> int:
    """Of one of the gateway's workers."""
    parent = installation.processes["gateway"].pid
    listed = subprocess.run(
        ["ps", "-ww", "-A", "-o", "pid=,ppid=,args="], capture_output=True, text=True, check=True
    )
    rows = [row.split(None, 2) for row in listed.stdout.splitlines()]
    children = {int(pid): args for pid, ppid, args in rows if int(ppid) == parent}
    workers = [pid for pid, args in children.items() if "spawn_main" in args]
    assert workers, children
    return workers[0]
