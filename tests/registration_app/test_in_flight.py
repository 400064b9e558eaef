"""How many requests the service counts as being answered."""

from __future__ import annotations

import asyncio

import pytest
from starlette.types import Message, Receive, Scope, Send

from registration_app.gate import HEALTH
from registration_app.in_flight import Counted, InFlight
from tests.registration_app.serving import Service


async def nothing() -> Message:
    return {"type": "http.disconnect"}


async def nowhere(message: Message) -> None:
    pass


async def test_the_peak_stays_and_what_has_ended_does_not_count() -> None:
    counts, doors = InFlight(), asyncio.Event()

    async def slow(scope: Scope, receive: Receive, send: Send) -> None:
        await doors.wait()
        if scope["path"] == "/broken":
            raise ValueError("broken")

    paths = ("/", "/", "/broken", HEALTH)
    app = Counted(slow, counts)
    running = [asyncio.create_task(app({"type": "http", "path": path}, nothing, nowhere)) for path in paths]
    await asyncio.sleep(0)  # each task runs up to the doors
    assert (counts.now, counts.most) == (3, 3)
    doors.set()
    outcomes = await asyncio.gather(*running, return_exceptions=True)
    assert [type(outcome) for outcome in outcomes] == [type(None), type(None), ValueError, type(None)]
    await app({"type": "http", "path": "/"}, nothing, nowhere)
    assert (counts.now, counts.most) == (0, 3)


@pytest.mark.parametrize("path", ["/", "/nothing"])
async def test_health_says_how_busy_the_service_was_and_does_not_count_itself(service: Service, path: str) -> None:
    client = service.visitor().client
    assert (await client.get("/health")).json()["most_in_flight"] == 0
    await client.get(path)
    health = (await client.get("/health")).json()
    assert (health["in_flight"], health["most_in_flight"]) == (0, 1)
