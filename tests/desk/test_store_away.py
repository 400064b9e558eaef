"""The desk while the store is away: it says so, keeps what it knew, and finds the store again."""

from __future__ import annotations

from typing import Any

import pytest

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
