"""Password hashes: honest, off the event loop, and never more waiting than promised."""

from __future__ import annotations

import asyncio

import pytest

from registration_app.errors import Busy
from registration_app.passwords import Passwords, honest_hasher
from tests.registration_app.serving import CHEAP


async def test_a_hash_is_recognised_and_another_password_is_not() -> None:
    passwords = Passwords(1, 1, CHEAP)
    encoded = await passwords.hash("kuda-baterai-tepat")
    assert await passwords.verify(encoded, "kuda-baterai-tepat")
    assert not await passwords.verify(encoded, "kuda-baterai-salah")
    assert not await passwords.verify("not a hash", "kuda-baterai-tepat")
    passwords.close()


def test_the_cost_is_what_rfc_9106_advises() -> None:
    hasher = honest_hasher()
    assert (hasher.type.name, hasher.time_cost, hasher.memory_cost) == ("ID", 3, 64 * 1024)


async def test_more_than_threads_and_queue_are_asked_to_come_again() -> None:
    passwords = Passwords(threads=1, queue=2, hasher=CHEAP)
    results = await asyncio.gather(*(passwords.hash("x" * 12) for _ in range(6)), return_exceptions=True)
    refused = [result for result in results if isinstance(result, Busy)]
    assert len(refused) == 3
    assert all(busy.retry_after_s >= 1 for busy in refused)
    assert await passwords.hash("x" * 12), "the pool is free again"
    passwords.close()


async def test_who_gives_up_waiting_makes_room_for_others() -> None:
    passwords = Passwords(threads=1, queue=1, hasher=CHEAP)
    waiting = [asyncio.create_task(passwords.hash("x" * 12)) for _ in range(2)]
    await asyncio.sleep(0)
    with pytest.raises(Busy):
        await passwords.hash("x" * 12)
    for task in waiting:
        task.cancel()
    await asyncio.gather(*waiting, return_exceptions=True)
    assert await passwords.hash("x" * 12)
    passwords.close()
