"""The store is away: newcomers get stamps and then numbers, and a room that says `admit` lets its share in."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
from collections.abc import AsyncIterator, Callable
from typing import TYPE_CHECKING, Any

from tests.faults.lines import TICKET, check_in, gone_for, heard

if TYPE_CHECKING:
    from gateway.store.line import Line
    from tests.installation import Installation
    from tests.people import Browser

Wait = Callable[..., Any]


@contextlib.asynccontextmanager
async def silent_store(installation: Installation, wait_until: Wait, *, for_s: float = 2) -> AsyncIterator[None]:
    os.kill(installation.server_pid, signal.SIGSTOP)
    try:
        await gone_for(for_s, installation, wait_until)
        yield
    finally:
        os.kill(installation.server_pid, signal.SIGCONT)


async def numbered(visitor: Browser, wait_until: Wait) -> int:
    async def has_number() -> bool:
        return bool(await check_in(visitor))

    await wait_until(has_number, "the stamp has become a ticket")
    return int((await check_in(visitor))["number"])


async def test_who_comes_while_the_store_is_away_gets_one_number_ahead_of_who_comes_later(
    installation: Installation, line: Line, wait_until: Wait
) -> None:
    await heard(installation, line, wait_until, phase="paused")
    before = installation.visitor()
    await before.get("/")
    crowd = [installation.visitor() for _ in range(30)]
    async with silent_store(installation, wait_until):
        for visitor in crowd:
            assert (await visitor.get("/")).is_page
            assert visitor.cookies[TICKET].startswith("s1~")
        copy = installation.visitor()
        copy.cookies = dict(crowd[0].cookies)
    later = [installation.visitor() for _ in range(30)]
    numbers = await asyncio.gather(*(numbered(visitor, wait_until) for visitor in crowd))
    for visitor in later:
        await visitor.get("/")
    behind = [await numbered(visitor, wait_until) for visitor in later]
    assert await numbered(copy, wait_until) == numbers[0], "a copied stamp is the same number"
    everybody = [*numbers, *behind, await numbered(before, wait_until)]
    assert len(set(everybody)) == 61, "no number was given out twice"
    assert max(numbers) < min(behind), "who came while the store was away is ahead of who came after"


async def test_a_room_that_admits_lets_some_in_without_the_store_and_one_that_holds_nobody(
    installation: Installation, line: Line, wait_until: Wait
) -> None:
    await heard(installation, line, wait_until, phase="paused")
    holding, admitting = installation.visitor(), [installation.visitor("vaksin.example") for _ in range(3)]
    await holding.get("/")
    async with silent_store(installation, wait_until, for_s=5):
        for visitor in admitting:

            async def is_in(visitor: Browser = visitor) -> bool:
                return (await visitor.get("/")).header("content-type") == "application/json"

            await wait_until(is_in, "a newcomer is let in")
        assert (await holding.get("/")).is_page
        assert not await check_in(holding)
    for visitor in admitting:
        assert (await visitor.get("/formulir")).json()["path"] == "/formulir", "and stays in when it is back"
