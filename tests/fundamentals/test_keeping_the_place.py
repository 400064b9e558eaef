"""A place belongs to whoever holds the ticket, once."""

from __future__ import annotations

import asyncio

from tests.fundamentals.antrean import Antrean, is_form, numbers, shown_number
from tests.people import until


async def test_a_closed_tab_costs_nothing(antrean: Antrean) -> None:
    await antrean.room("pause")
    early, late = antrean.applicants(2)
    await early.comes("/?from=poster")
    first = await early.checks_in()
    await late.comes()
    reopened = early.same_ticket()
    assert shown_number(await reopened.comes("/?from=poster")) == first["number"]
    assert antrean.knows().issued == 2, "coming back takes no second number"
    await antrean.room("resume")
    await reopened.waits()
    assert (await reopened.checks_in())["location"] == "/?from=poster", "and back to where it began"
    assert is_form(await reopened.comes())


async def test_a_copied_ticket_gives_one_place_and_one_visitor(antrean: Antrean) -> None:
    await antrean.room("pause")
    owner = antrean.applicant()
    await owner.comes()
    number = (await owner.checks_in())["number"]
    copies = [owner.same_ticket() for _ in range(4)]
    await antrean.room("resume")
    await asyncio.gather(*(one.waits() for one in [owner, *copies]))
    for one in [owner, *copies]:
        assert is_form(await one.comes())
    assert antrean.knows().leases == 1, "five browsers, one place inside"
    assert antrean.knows().issued == 1
    await owner.registers()
    assert numbers(antrean.rows()[-1:]) == [number]

    async def is_over() -> bool:
        return all([(await one.checks_in())["state"] == "finished" for one in copies])

    await until(is_over, "the visit is over for the copies too")


async def test_who_leaves_gives_the_place_to_the_next(antrean: Antrean) -> None:
    await antrean.room("pause")
    first, second = antrean.applicants(2)
    await first.comes()
    await second.comes()
    gone = (await first.fetch("POST", "/_queue/registration/leave")).json()
    assert gone["state"] == "withdrawn"
    await antrean.room("resume")
    await second.waits(10)
    assert first.cookies == {}
