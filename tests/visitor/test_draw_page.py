"""What a room publishes about its draw, and what a ticket is told before and after it."""

from __future__ import annotations

import hashlib
import json
import re
from base64 import b64encode
from dataclasses import replace
from html import unescape
from typing import TYPE_CHECKING

import pytest

from gateway.domain import draw as fair
from gateway.domain.room import Draw, Phase

if TYPE_CHECKING:
    from tests.visitor.conftest import House, Reply, Visitor

SECRET = fair.draw_secret("a secret key of sufficient length", "registration", "k3xq")
DRAWN = Draw(fair.commitment_of(SECRET), "the lottery", 120, 1, 500, SECRET.hex(), "<04-17-23>")
COMMITTED = replace(DRAWN, frozen_ms=0, size=0, secret="", entropy="")


def drawn(house: House, facts: Draw, phase: Phase = Phase.DRAWN) -> House:
    house.line.draw = facts
    house.line.issued = 600
    house.set_phase(phase)
    return house


async def page(house: House, language: str = "en", **cookies: str) -> Reply:
    return await house.visitor(**cookies).get("/_queue/registration/draw", accept_language=language)


async def test_a_ticket_has_no_place_before_the_draw_and_its_drawn_place_after(house: House) -> None:
    visitor = drawn(house, COMMITTED, Phase.SCHEDULED).visitor(antrean_ticket_registration=house.ticket(7))
    before = (await visitor.fetch("/_queue/registration/ticket")).json()
    assert (before["number"], before["position"], before["ahead"], before["eta"]) == (7, None, None, None)
    drawn(house, DRAWN)
    after = (await visitor.fetch("/_queue/registration/ticket")).json()
    assert after["position"] == DRAWN.position(7)
    assert after["ahead"] == DRAWN.position(7) - 1


async def test_who_came_after_the_freeze_has_a_place_at_once(house: House) -> None:
    frozen = replace(DRAWN, secret="", entropy="")
    visitor = drawn(house, frozen).visitor(antrean_ticket_registration=house.ticket(501))
    assert (await visitor.fetch("/_queue/registration/ticket")).json()["position"] == 501


async def test_a_ticket_of_an_earlier_opening_joins_anew(house: House) -> None:
    visitor = drawn(house, COMMITTED, Phase.SCHEDULED).visitor(
        antrean_ticket_registration=house.ticket(7, instance="yesterday")
    )
    assert (await visitor.fetch("/_queue/registration/ticket")).json()["state"] == "expired"
    house.line.free = 0
    joined = await visitor.fetch("/_queue/registration/join", "POST")
    assert (joined.status, joined.json()["number"]) == (201, 601)


async def test_a_registration_is_made_once_however_often_the_page_is_opened(house: House) -> None:
    visitor = drawn(house, COMMITTED, Phase.SCHEDULED).visitor()
    for _ in range(3):
        await visitor.get("/daftar")
        await visitor.fetch("/_queue/registration/join", "POST")
    assert house.line.issued == 601


async def test_the_export_is_what_a_third_party_checks(house: House) -> None:
    drawn(house, DRAWN)
    reply = await house.visitor().fetch("/_queue/registration/draw.json")
    assert fair.verified(reply.json()) == (fair.seed_of(SECRET.hex(), "<04-17-23>"), 500)
    pulse = (await house.visitor().fetch("/_queue/registration/pulse")).json()
    assert pulse["draw"] == reply.json()["draw"], "the pulse carries the same"


@pytest.mark.parametrize("language", ["id", "en"])
async def test_the_page_tells_everything_and_the_visitors_own_place(house: House, language: str) -> None:
    drawn(house, DRAWN)
    reply = await page(house, language, antrean_ticket_registration=house.ticket(7))
    text = unescape(reply.body.decode())
    assert reply.header("content-language") == language
    for fact in (DRAWN.commitment, DRAWN.secret, "the lottery", ">500<", str(DRAWN.position(7)), "A-0000-007"):
        assert fact in text, fact
    assert "<04-17-23>" not in reply.body.decode(), "what an operator entered is text, never markup"


async def test_the_policy_of_both_pages_allows_exactly_their_scripts(house: House) -> None:
    drawn(house, DRAWN)
    reply = await page(house)
    [script] = re.findall(r"<script>(.*?)</script>", reply.body.decode(), re.DOTALL)
    assert hash_of(script) in reply.header("content-security-policy")
    shipped = (await house.visitor().fetch("/_queue/registration/draw-script")).json()["script"]
    waiting = await house.visitor().get("/daftar")
    assert hash_of(shipped) in waiting.header("content-security-policy")


def hash_of(script: str) -> str:
    return b64encode(hashlib.sha256(script.encode()).digest()).decode()


@pytest.mark.parametrize(
    ("facts", "told"),
    [
        (None, "no draw: first come, first served"),
        (COMMITTED, "takes place shortly before the opening"),
        (replace(DRAWN, secret="", entropy=""), "Waiting for the public value"),
        (DRAWN, "The draw is done."),
        (replace(DRAWN, announced_entropy="", entropy=""), "could have chosen it"),
    ],
)
async def test_the_page_says_where_the_draw_stands(house: House, facts: Draw | None, told: str) -> None:
    house.line.draw = facts
    text = (await page(house)).body.decode()
    assert told in text
    assert (facts is not None and bool(facts.secret)) is (SECRET.hex() in text)


@pytest.mark.parametrize(("facts", "order"), [(None, "First come, first served."), (COMMITTED, "is drawn by lot")])
async def test_the_countdown_says_draw_or_not_and_why_without_script_too(
    house: House, facts: Draw | None, order: str
) -> None:
    house.line.draw, house.line.issued, house.line.reason = facts, 600, {"en": "So that <nobody> must be fast"}
    house.set_phase(Phase.SCHEDULED)
    visitor = house.visitor(antrean_ticket_registration=house.ticket(7))
    page = (await visitor.get("/daftar", accept_language="en")).body.decode()
    [said] = re.findall(r'id="lead">[^<]*<noscript>(.*?)</noscript>', page)
    assert order in said
    assert "So that &lt;nobody&gt; must be fast" in said
    assert "Why: So that &lt;nobody&gt; must be fast" in (await page_of(visitor)).body.decode()
    pulse = (await visitor.fetch("/_queue/registration/pulse")).json()
    assert pulse["reason"] == {"en": "So that <nobody> must be fast"}, "what the script says it from"


async def page_of(visitor: Visitor) -> Reply:
    return await visitor.get("/_queue/registration/draw", accept_language="en")


async def test_nothing_secret_is_told_before_the_draw(house: House) -> None:
    drawn(house, COMMITTED, Phase.SCHEDULED)
    visitor = house.visitor()
    for path in ("pulse", "draw.json", "draw"):
        assert SECRET.hex().encode() not in (await visitor.fetch(f"/_queue/registration/{path}")).body


@pytest.mark.parametrize("path", ["draw", "draw.json", "draw-script"])
async def test_other_methods_are_refused(house: House, path: str) -> None:
    assert (await house.visitor().fetch(f"/_queue/registration/{path}", "POST")).status == 405
    assert json.loads((await house.visitor().fetch("/_queue/registration/nothing")).body)["status"] == 404
