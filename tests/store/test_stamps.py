"""Stamps given while the store was away: one number each, in order, whoever asks and how often."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
import redis
from conftest import OpenLine
from redis.exceptions import ResponseError
from virtual import Crowd, VirtualLine, delivered

from gateway.domain.room import Knobs
from gateway.store.rooms import Store
from gateway.store.stamps import Block, Stamps
from tests.people import until


def reserve(line: VirtualLine, block: str, count: int, first: int = 0) -> int:
    command = line.functions.reserve(line.now_ms, line.run_id, line.snapshot.instance, block, count, first)
    return int(line.call(command)[1])


def redeem(line: VirtualLine, block: str, *indexes: int, settled: bool = True) -> list[int]:
    flat = [part for index in indexes for part in (block, index, int(settled))]
    command = line.functions.redeem(line.now_ms, line.run_id, line.snapshot.instance, *flat)
    return [int(number) for number in line.call(command)]


def test_a_block_has_one_run_of_numbers_however_often_it_is_reserved(open_line: OpenLine) -> None:
    line = open_line(rate_per_minute=0)
    line.join(5)
    assert reserve(line, "a.0", 10) == 6
    assert reserve(line, "b.0", 10) == 16
    assert reserve(line, "a.0", 10) == 6, "a reply that was lost is asked for again"
    assert redeem(line, "a.0", 0, 9, 0) == [6, 15, 6]
    assert line.join()[0] == 26, "newcomers come behind"


def test_who_holds_a_stamp_is_present_and_is_called_and_let_in_in_order(open_line: OpenLine) -> None:
    line = open_line(rate_per_minute=600)
    reserve(line, "a.0", 3)
    line.join(1)
    line.tick_for(2)
    states: dict[int, str] = {}
    while line.snapshot.claimed < 4:
        for number in (1, 2, 3, 4):
            [states[number]] = line.check_in(number)
        line.tick()
        assert list(states.values()) == sorted(states.values()), "admitted, then called: nobody overtakes"


def test_a_stamp_whose_worker_is_still_there_waits_for_its_block(open_line: OpenLine) -> None:
    """Safeguard: otherwise the worker's block would give the same stamp a second number."""
    line = open_line(rate_per_minute=0)
    line.tick()  # by the worker w
    assert redeem(line, "w.0", 0, settled=False) == [0]
    assert redeem(line, "w.0", 0) == [0]
    assert redeem(line, "dead.0", 0, settled=False) == [0]
    assert reserve(line, "w.0", 2) == 1
    assert redeem(line, "w.0", 0, 1) == [1, 2]


def test_a_stamp_of_a_worker_that_died_gets_one_number_even_if_the_worker_comes_back(open_line: OpenLine) -> None:
    line = open_line(rate_per_minute=0)
    assert redeem(line, "dead.0", 3, 4, 3) == [1, 2, 1]
    assert reserve(line, "dead.0", 10) == 3
    assert redeem(line, "dead.0", 3, 4, 5) == [1, 2, 8], "its first number is its only one"


def test_an_emptied_store_is_told_of_the_block_again(open_line: OpenLine) -> None:
    line = open_line(rate_per_minute=0)
    first = reserve(line, "a.0", 10)
    known = line.snapshot
    line.client.flushall()
    line.client.function_load(line.library, replace=True)
    line.restore(known, issued=10)
    assert reserve(line, "a.0", 10, first) == first
    assert redeem(line, "a.0", 9) == [10]
    assert line.join()[0] > 10


def test_a_closed_room_gives_stamps_no_numbers_and_a_new_line_forgets_them(open_line: OpenLine) -> None:
    line = open_line(rate_per_minute=0)
    reserve(line, "a.0", 2)
    line.set(phase="closed")
    assert redeem(line, "b.0", 0) == [-1]
    assert redeem(line, "a.0", 1) == [2], "it had its number before"
    with pytest.raises(ResponseError, match="CLOSED"):
        reserve(line, "b.0", 2)
    line.call(line.functions.new_line(line.now_ms, "another", "test", ""))
    with pytest.raises(ResponseError, match="OTHERLINE"):
        redeem(line, "a.0", 1)


def test_a_worker_gives_stamps_in_blocks_and_nobody_may_join_before_them() -> None:
    stamps = Stamps("w")
    assert not stamps.waiting
    assert [stamps.give("x"), stamps.give("x"), stamps.give("y")] == [("w.0", 0), ("w.0", 1), ("w.1", 0)]
    assert stamps.waiting
    blocks = stamps.due()
    assert blocks == [Block("w.0", "x", 2), Block("w.1", "y", 1)]
    assert stamps.give("y") == ("w.2", 0), "a block that was sent is never added to"
    stamps.reserved(blocks[0], 7)
    stamps.refused(blocks[1])
    assert stamps.due() == [Block("w.2", "y", 1)]
    stamps.reserved(Block("w.2", "y", 1), 9)
    assert not stamps.waiting
    stamps.say_again()
    assert stamps.due() == [Block("w.0", "x", 2, 7), Block("w.2", "y", 1, 9)]


def test_while_a_worker_that_admits_alone_is_silent_the_others_let_in_their_shares_only(
    open_line: OpenLine,
) -> None:
    line = open_line(rate_per_minute=600, ceiling=100_000)
    admits_alone = line.functions.tick(line.now_ms, line.run_id, "silent:admit")
    line.call(admits_alone)
    line.join(2000)
    crowd = Crowd(line, slowest=False)
    for number in range(1, 2001):
        crowd.follow(number)
    crowd.run(90)
    began_ms = line.now_ms
    crowd.run(60)
    alone = delivered(crowd.claims, began_ms, line.now_ms)
    assert alone <= 60 * 5 + 10
    assert alone >= 270, "and those in full"


async def test_a_worker_reserves_its_stamps_before_its_newcomers_and_again_after_a_loss(
    store_client: redis.Redis, store_socket: Path
) -> None:
    store = Store(f"unix://{store_socket}")
    line = store.line("room", Knobs(rate_per_minute=0))

    async def opened() -> bool:
        await store.tick()
        return line.snapshot is not None

    async def restored() -> bool:
        await store.tick()
        return line.snapshot is not None and line.snapshot.generation == 2

    try:
        await until(opened, "the room is open")
        stamps = [line.stamp() for _ in range(3)]
        newcomer = asyncio.create_task(line.join())
        await store.ping()  # long enough for a join that does not wait
        await store.tick()
        numbers = [await line.redeem(block, index) for _, block, index in stamps]
        assert (numbers, (await newcomer).number) == ([1, 2, 3], 4)
        store_client.flushall()
        await until(restored, "the line is restored")
        assert [await line.redeem(block, index) for _, block, index in stamps] == numbers
        assert (await line.join()).number > 4
    finally:
        await store.close()
