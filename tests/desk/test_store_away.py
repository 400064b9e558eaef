"""The desk while the store is away: it says so, keeps what it knew, and finds the store again."""

from __future__ import annotations

import asyncio
import contextlib
from typing import Any

import pytest

from gateway.errors import StoreError

ROOM = "/api/rooms/registration"


@pytest.fixture
def valkey(mortal_valkey: Any) -> Any:
    return mortal_valkey


async def test_a_store_that_is_away_is_a_clear_503_and_is_found_again(desk: Any, worker: Any, valkey: Any) -> None:
    valkey.stop()
    for method, path in (("GET", ROOM), ("PATCH", ROOM), ("GET", ROOM + "/audit"), ("GET", ROOM + "/tickets/1")):
        status, problem = await desk.api(method, path, {"ceiling": 5} if method == "PATCH" else None)
        assert (status, problem["reason"]) == (503, "store-unreachable")
    status, rooms = await desk.api("GET", "/api/rooms")
    assert status == 200
    assert rooms["rooms"][0]["problem"]["reason"] == "store-unreachable"
    valkey.start()
    status, problem = await desk.api("GET", ROOM)
    assert (status, problem["reason"]) == (503, "room-missing")  # nothing was kept, and no worker ticked yet


async def test_a_number_that_the_store_lost_is_not_taken_for_one_in_line(
    desk: Any, worker: Any, valkey: Any
) -> None:
    number = (await worker.line.join()).number
    valkey.stop()
    valkey.start()
    async with asyncio.timeout(30):
        while not worker.line.snapshot.skipped:
            with contextlib.suppress(StoreError):  # until the line is restored
                await worker.store.tick()
            await asyncio.sleep(0.02)
    assert (await desk.api("GET", f"{ROOM}/tickets/{number}"))[0] == 200
    status, problem = await desk.api("POST", f"{ROOM}/tickets/{number + 1}/withdraw")
    assert status == 404
    assert "lost with the store's last moments" in problem["detail"]
