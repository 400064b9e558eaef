"""What Antrean is for, told from the empty site to the full database."""

from __future__ import annotations

import asyncio
import time

from tests.fundamentals.antrean import Antrean, Applicant, is_form, numbers
from tests.people import until


async def test_with_nobody_waiting_an_applicant_lands_on_the_form_and_registers(antrean: Antrean) -> None:
    before = antrean.rows()
    await antrean.can_let_in_at_once()
    applicant = antrean.applicant()
    page = await applicant.comes()
    assert is_form(page), "no waiting page in between"
    assert await applicant.registers()
    assert antrean.rows() == [*before, f"{(await antrean.pulse())['instance']}:1"]

    async def is_empty() -> bool:
        return antrean.knows().leases == 0

    await until(is_empty, "the card ends the visit and frees the place")


async def test_a_lower_rate_makes_a_line_that_goes_in_in_order_and_ends_in_the_database(antrean: Antrean) -> None:
    await antrean.room("set", "--rate", "60")
    before = antrean.rows()
    crowd = antrean.applicants(8)
    pages = await asyncio.gather(*(applicant.comes() for applicant in crowd))
    waiting = [applicant for applicant, page in zip(crowd, pages, strict=True) if not is_form(page)]
    assert len(waiting) >= 6, "one a second goes in, and all eight came at once"
    shown = [(await applicant.checks_in())["number"] for applicant in waiting]
    assert sorted(shown) == list(range(9 - len(waiting), 9)), "one number each, behind those who are in"

    async def everybody_can_see_it() -> bool:
        pulse = await antrean.pulse()
        return (pulse["issued"], pulse["rate_per_minute"], pulse["phase"]) == (8, 60, "open")

    await until(everybody_can_see_it, "the pulse tells of the line")

    began = time.monotonic()
    entered: list[int] = []

    async def visit(applicant: Applicant) -> None:
        await applicant.waits()
        entered.append((await applicant.checks_in())["number"])
        await applicant.registers()

    await asyncio.gather(*(visit(applicant) for applicant in waiting))
    assert time.monotonic() - began >= len(waiting) - 4, "never faster than the rate"
    places = enumerate(entered, 9 - len(waiting))
    assert all(abs(number - place) <= 2 for place, number in places), "in order, but for who asks a moment sooner"
    for applicant in crowd:
        if applicant not in waiting:
            await applicant.registers()
    rows = antrean.rows()[len(before) :]
    assert sorted(numbers(rows)) == list(range(1, 9)), "each of them is one row"


async def test_a_visitor_who_waits_is_told_how_long_and_asked_to_come_again(antrean: Antrean) -> None:
    await antrean.room("set", "--rate", "1")
    crowd = antrean.applicants(5)
    for applicant in crowd:
        await applicant.comes()
    state = await crowd[4].checks_in()
    assert (state["number"], state["ahead"]) == (5, 4)
    assert state["state"] in ("waiting", "called")
    assert 0 < state["eta"]["low_s"] <= state["eta"]["high_s"]
    assert 2 <= state["poll_s"] <= 60
    assert state["location"] is None
