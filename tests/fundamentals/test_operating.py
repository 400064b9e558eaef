"""What the operator's commands do to those who come and those who wait."""

from __future__ import annotations

import json
from typing import Any

from tests.fundamentals.antrean import ROOM, Antrean, is_form
from tests.people import until


async def test_pause_keeps_the_line_and_resume_goes_on_with_it(antrean: Antrean) -> None:
    await antrean.room("pause", "--why", "the database is being moved")
    crowd = antrean.applicants(3)
    for applicant in crowd:
        assert not is_form(await applicant.comes())
    assert [(await applicant.checks_in())["state"] for applicant in crowd] == ["waiting"] * 3
    assert (await crowd[0].checks_in())["eta"] is None, "nobody knows how long"
    await antrean.room("resume")
    for applicant in crowd:
        await applicant.waits()
    audit = json.loads(antrean.command("room", "audit", "registration", "--json"))["entries"]
    assert [entry["after"] for entry in audit[:2]] == [{"phase": "open"}, {"phase": "paused"}]
    assert audit[1]["why"] == "the database is being moved"


async def test_what_was_told_of_the_wait_is_held_against_how_long_it_was(antrean: Antrean) -> None:
    await antrean.room("set", "--rate", "60")

    async def told() -> dict[str, Any]:
        answer: dict[str, Any] = json.loads(antrean.command("room", "show", ROOM, "--json"))
        return dict(answer["told"]["event"], at_ms=answer["now_ms"])

    async def has_begun() -> bool:
        return (now := await told())["since_ms"] < now["at_ms"]

    await until(has_begun, "the record of this line has begun")
    crowd = antrean.applicants(5)
    waiting = [one for one in crowd if not is_form(await one.comes())]
    for applicant in waiting:
        await applicant.waits()

    async def is_told() -> bool:
        return bool((await told())["halfway"]["judged"] == len(waiting))

    await until(is_told, "everybody who waited is in the record, and nobody else")
    record = await told()
    assert record["join"]["judged"] == len(waiting) >= 3
    assert (record["join"]["right_percent"], record["halfway"]["right_percent"]) == (100, 100), record


async def test_last_call_serves_who_is_in_line_and_gives_out_no_more_numbers(antrean: Antrean) -> None:
    await antrean.room("pause")
    in_line, too_late = antrean.applicants(2)
    await in_line.comes()
    await antrean.room("last-call")
    page = await too_late.comes()
    assert not is_form(page)
    assert too_late.cookies == {}
    assert (await too_late.fetch("POST", "/_queue/registration/join")).json()["reason"] == "closed"
    await in_line.waits()
    assert await in_line.registers()


async def test_closing_lets_nobody_in_and_throws_nobody_out(antrean: Antrean) -> None:
    await antrean.can_let_in_at_once()
    inside, outside = antrean.applicants(2)
    assert is_form(await inside.comes())
    await antrean.room("close")
    assert not is_form(await outside.comes())
    assert await inside.registers(), "who is inside finishes in peace"


async def test_a_bypass_lets_everybody_through_and_its_end_interrupts_nobody(antrean: Antrean) -> None:
    await antrean.room("pause")
    waiting = antrean.applicant()
    await waiting.comes()
    await antrean.room("bypass")
    newcomer = antrean.applicant()
    assert is_form(await newcomer.comes())
    assert is_form(await waiting.comes())
    await antrean.room("pause")
    assert await newcomer.registers()
    assert await waiting.registers()


async def test_a_message_reaches_the_waiting_page_in_both_languages(antrean: Antrean) -> None:
    await antrean.room("pause")
    await antrean.room("announce", "--id", "Kami segera kembali.", "--en", "We will be back soon.")
    try:
        for language, text in (("id", "Kami segera kembali."), ("en", "We will be back soon.")):
            applicant = antrean.applicant()
            await applicant.comes()
            page = await applicant.get("/", **{"Accept-Language": language})
            assert text in page.text
            assert f'lang="{language}"' in page.text
    finally:
        await antrean.room("announce", "--clear")


async def test_a_new_line_begins_with_number_one(antrean: Antrean) -> None:
    await antrean.room("pause")
    old = antrean.applicant()
    await old.comes()
    await antrean.applicant().comes()
    await antrean.room("new-line", "--yes")
    assert (await old.checks_in())["state"] == "expired", "a ticket of the earlier line is told so"
    await old.comes()
    assert (await old.checks_in())["number"] == 1


async def test_rate_zero_and_a_ceiling_below_the_number_inside_hold_everybody_and_throw_nobody_out(
    antrean: Antrean,
) -> None:
    inside, waiting = antrean.applicants(2)
    await antrean.can_let_in_at_once()
    assert is_form(await inside.comes())
    await antrean.room("set", "--ceiling", "0")
    assert not is_form(await waiting.comes())
    await antrean.room("set", "--rate", "0", "--ceiling", "500")
    assert not is_form(await waiting.comes())
    assert await inside.registers()
    await antrean.room("set", "--rate", "600")
    await waiting.waits()


async def test_a_quota_holds_over_all_workers_and_who_does_not_make_it_is_told(antrean: Antrean) -> None:
    """Safeguards: quota_left in the store's release and join; in_time in the answer and on the page."""
    await antrean.room("set", "--total-quota", "3")
    crowd = antrean.applicants(8)
    inside = [one for one in crowd if is_form(await one.comes())]
    for one in inside:  # who went straight in shows the pass with the next page
        assert is_form(await one.comes())

    async def is_used_up() -> bool:
        for one in crowd:
            if one not in inside and await one.is_let_in():
                inside.append(one)
                assert is_form(await one.comes())
        return antrean.knows().used >= 3

    await until(is_used_up, "three have used their passes")
    left_out = [one for one in crowd if one not in inside]
    assert (len(inside), antrean.knows().used) == (3, 3)

    async def is_told() -> bool:
        answers = [await one.checks_in() for one in left_out]
        assert {answer["state"] for answer in answers} <= {"called", "waiting"}
        return all((answer["in_time"], answer["eta"]) == (False, None) for answer in answers)

    await until(is_told, "every worker tells those who do not make it")

    async def page_says_so() -> bool:
        return "All places are taken" in (await left_out[0].get("/", **{"Accept-Language": "en"})).text

    await until(page_says_so, "the page of every worker tells it, too")
    assert "the total quota" in antrean.command("room", "show", ROOM)
    for one in inside:
        assert await one.registers(), "who is inside finishes in peace"
    await antrean.room("set", "--total-quota", "4")
    await left_out[0].waits()
    assert is_form(await left_out[0].comes())
