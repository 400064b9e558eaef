"""The webhook, on a real server that fails: nothing is lost, nothing told by two workers."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any

import pytest
from aiohttp import web

from gateway.alarming import Alarming
from gateway.counters import ORIGIN_SECONDS, observe
from gateway.domain.alarms import Event
from gateway.errors import StoreError
from gateway.store.rooms import Store
from gateway.watching import Watching
from gateway.webhook import Webhook
from tests.desk.conftest import ROOM
from tests.people import until

EVENT = Event(ROOM, "no-release", "raised", 1, "nobody was let in")


@dataclass
class Listener:
    """Another service: refuses as often as it is told to, then hears."""

    url: str = ""
    refusals: int = 0
    tries: int = 0
    heard: list[dict[str, Any]] = field(default_factory=list)
    changed: asyncio.Event = field(default_factory=asyncio.Event)

    async def answer(self, request: web.Request) -> web.Response:
        self.tries += 1
        if self.tries <= self.refusals:
            if self.tries == 1:
                assert request.transport is not None
                request.transport.abort()
            return web.Response(status=500)
        self.heard.append(await request.json())
        self.changed.set()
        return web.Response(status=204)

    async def until_heard(self, count: int) -> list[dict[str, Any]]:
        async with asyncio.timeout(30):
            while len(self.heard) < count:
                self.changed.clear()
                await self.changed.wait()
        return self.heard


@pytest.fixture
async def listener() -> AsyncIterator[Listener]:
    listener = Listener()
    app = web.Application()
    app.router.add_post("/hook", listener.answer)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    listener.url = f"http://127.0.0.1:{runner.addresses[0][1]}/hook?key=secret"
    yield listener
    await runner.cleanup()


async def test_an_event_is_told_until_it_is_heard_and_then_no_more(listener: Listener) -> None:
    listener.refusals = 2  # the first breaks the connection, the second answers 500
    webhook, noted = Webhook(listener.url, first_wait_s=0.01), asyncio.Event()

    async def note() -> None:
        noted.set()

    webhook.send(EVENT, note)
    webhook.send(EVENT, note)  # a look later: it is under way
    async with asyncio.timeout(30):
        await noted.wait()
    await webhook.close()
    assert listener.tries == 3
    assert listener.heard == [
        {"id": EVENT.id, "room": ROOM, "alarm": "no-release", "event": "raised", "at_ms": 1, "text": EVENT.text}
    ]


def watching(store: Store, listener: Listener) -> Watching:
    return Watching(store, Alarming(Webhook(listener.url, first_wait_s=0.01), slow_s=2.0, steady_s=0.0))


async def look_until_heard(count: int, listener: Listener, *looks: Any) -> list[str]:
    """Look again and again, as the watch does each second; what was heard, in order."""
    async with asyncio.timeout(30):
        while len(listener.heard) < count:
            for watch, line in looks:
                try:
                    await watch.look_and_tell(line)
                except StoreError:
                    await asyncio.sleep(0.01)
    return [f"{told['alarm']} {told['event']}" for told in listener.heard]


async def test_one_worker_tells_and_the_next_one_neither_repeats_nor_forgets(
    worker: Any, valkey: Any, listener: Listener
) -> None:
    one, other_store = watching(worker.store, listener), Store(valkey.url)
    other_line = other_store.line(ROOM)
    other = watching(other_store, listener)
    await one.look(worker.line)  # has the watch; and the first row of the origin's counters
    await asyncio.sleep(0)
    for _ in range(20):
        observe(worker.line.count, ORIGIN_SECONDS, 5.0)
    await worker.store.tick()
    await other_store.tick()
    heard = await look_until_heard(1, listener, (one, worker.line), (other, other_line))
    assert heard == ["origin-slow raised"]
    await worker.line.watch.let_go(worker.store.worker)
    # The other worker takes over; the site is well again.
    for _ in range(2000):
        observe(other_line.count, ORIGIN_SECONDS, 0.01)
    await other_store.tick()
    assert await look_until_heard(2, listener, (other, other_line)) == ["origin-slow raised", "origin-slow ended"]

    async def is_noted() -> bool:  # once the webhook's answer has come back, which is after it was heard
        return await worker.line.watch.alarms_told() == set()

    await until(is_noted, "the end of the alarm is noted")
    await other_store.close()


class TestStoreAway:
    @pytest.fixture
    def valkey(self, mortal_valkey: Any) -> Any:
        return mortal_valkey

    async def test_a_store_that_went_away_is_told_and_that_it_is_back(
        self, worker: Any, valkey: Any, listener: Listener
    ) -> None:
        watch = watching(worker.store, listener)
        await watch.look_and_tell(worker.line)
        valkey.stop()
        assert await look_until_heard(1, listener, (watch, worker.line)) == ["store-unreachable raised"]
        valkey.start()
        heard = await look_until_heard(2, listener, (watch, worker.line))
        assert heard == ["store-unreachable raised", "store-unreachable ended"]
