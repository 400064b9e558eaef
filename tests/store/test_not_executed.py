"""Errors that say "not executed" are asked again, however redis-py words them."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
import redis

from gateway.domain.room import Knobs
from gateway.errors import StoreUnreachable
from gateway.store.rooms import Store
from tests.people import until


@pytest.mark.parametrize(
    ("trouble", "remedy"),
    [
        (("CONFIG", "SET", "maxmemory", "1"), ("CONFIG", "SET", "maxmemory", "0")),
        (("REPLICAOF", "127.0.0.1", "1"), ("REPLICAOF", "NO", "ONE")),
    ],
    ids=["out of memory", "read-only replica"],
)
async def test_a_join_that_was_not_executed_is_asked_again(
    store_client: redis.Redis, store_socket: Path, trouble: tuple[str, ...], remedy: tuple[str, ...]
) -> None:
    store = Store(f"unix://{store_socket}")
    line = store.line("room", Knobs(rate_per_minute=0))

    async def opened() -> bool:
        await store.tick()
        return line.snapshot is not None

    try:
        await until(opened, "the room is open")
        store_client.execute_command(*trouble)
        try:
            joining = asyncio.create_task(line.join())
            with pytest.raises(StoreUnreachable):
                await line.check_in(1)
        finally:
            store_client.execute_command(*remedy)
        await store.tick()
        assert (await joining).number == 1
    finally:
        await store.close()


async def test_a_new_connection_to_a_read_only_replica_is_waited_for(
    store_client: redis.Redis, store_socket: Path
) -> None:
    """Safeguard: it is no store that may never be used, which would end the gateway's start."""
    store_client.function_flush("SYNC")
    store_client.execute_command("REPLICAOF", "127.0.0.1", "1")
    store = Store(f"unix://{store_socket}")
    try:
        with pytest.raises(StoreUnreachable):
            await store.ping()
    finally:
        store_client.execute_command("REPLICAOF", "NO", "ONE")
        await store.close()
