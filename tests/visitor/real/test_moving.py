"""One place on two devices that both want it, over real sockets, workers and store: one pass, never two."""

from __future__ import annotations

import asyncio
import html
import re
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from tests.faults.lines import BASE, PASS, TICKET, check_in, heard

if TYPE_CHECKING:
    from gateway.store.line import Line
    from tests.installation import Installation
    from tests.people import Browser

Wait = Callable[..., Any]
DEVICES = 4


async def link_on(visitor: Browser) -> str:
    shown = await visitor.get(BASE + "move")
    found = re.search(r'class="link">https?://[^/]+(/[^<]+)<', html.unescape(shown.text.replace("<wbr>", "")))
    assert found is not None, shown.text
    return found.group(1)


async def _told(visitor: Browser) -> str:
    """Asked again and again, until the place is let in or has gone."""
    state = ""
    while state not in ("admitted", "moved"):
        state = (await check_in(visitor)).get("state", "")
    return state


async def test_of_many_devices_that_take_one_place_at_once_one_gets_it(
    installation: Installation, line: Line, wait_until: Wait
) -> None:
    await heard(installation, line, wait_until, phase="paused")
    phone, others = installation.visitor(), [installation.visitor() for _ in range(DEVICES)]
    await phone.get("/")
    link = await link_on(phone)
    for other in others:
        await other.get(link)
    replies = await asyncio.gather(*(other.ask("POST", link, {"Accept": "text/html"}) for other in others))
    assert sorted(reply.status for reply in replies) == [303, *[410] * (DEVICES - 1)]
    assert sum(TICKET in other.cookies for other in others) == 1
    assert (await check_in(phone))["state"] == "moved"


async def test_a_move_that_races_with_the_turn_leaves_one_pass(
    installation: Installation, line: Line, wait_until: Wait
) -> None:
    """Each round: the place is offered, and at the same moment one device asks for it and the other takes it."""
    for _ in range(6):
        await heard(installation, line, wait_until, phase="paused")
        phone, laptop = installation.visitor(), installation.visitor()
        await phone.get("/")
        link = await link_on(phone)
        await laptop.get(link)
        await line.set_knobs({"phase": "open"}, actor="test")

        told, taken = await asyncio.gather(_told(phone), laptop.ask("POST", link, {"Accept": "text/html"}))
        assert (told, taken.status) in (("admitted", 409), ("moved", 303))

        async def one_is_in(phone: Browser = phone, laptop: Browser = laptop) -> bool:
            for device in (phone, laptop):
                if TICKET in device.cookies:
                    await check_in(device)
            return PASS in phone.cookies or PASS in laptop.cookies

        await wait_until(one_is_in, "the place is let in")
        assert (PASS in phone.cookies) != (PASS in laptop.cookies)
