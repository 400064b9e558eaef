"""The draw in a real browser: the page's script against Python's, bit for bit, and what a visitor sees of it."""

from __future__ import annotations

import hashlib
import random
import time
from dataclasses import asdict, replace

import pytest
from playwright.async_api import Browser, Page

from gateway.domain import draw as fair
from gateway.domain.credentials import Keyring, Ticket
from gateway.domain.numbers import format_number
from gateway.domain.paths import PathRules, Protection
from gateway.domain.room import Draw
from gateway.visitor.gate import Gate
from gateway.visitor.page_build import source
from gateway.visitor.rooms import VisitorRoom
from gateway.visitor.waiting_page import WaitingPage
from tests.browser.scene import NOON_MS, Scene, Visitor, a_context, a_pulse, a_ticket, arrive
from tests.visitor.conftest import KEYS, SETTINGS, MemoryLine, Site, ask

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]

SECRET = fair.draw_secret("a secret key of sufficient length", "registration", "i1")
FACTS = Draw(fair.commitment_of(SECRET), "the lottery", 120, NOON_MS, 5000, SECRET.hex(), "04-17-23 – é 😀")
TOOLS = (
    f"(function(w,d){{'use strict';{source('sha256.js')}{source('draw.js')};"
    "w.tools = [drawnPlace, keepsCommitment, sha256, toHex, fromText];})(window,document);"
)


async def test_the_page_computes_the_same_places_as_the_gateway(chromium: Browser) -> None:
    chance = random.Random(4)
    cases: list[tuple[str, str, int, int]] = []
    for size in [1, 2, 3, 5, 62, 63, 64, 65, 255, 256, 257, 4097, 65_536, 1_000_000, 1_048_577, 10_000_000]:
        secret, entropy = chance.randbytes(32).hex(), chance.choice(["", "04-17-23", "é 😀 " + "x" * 200 + "."])
        cases += [(secret, entropy, size, number) for number in {1, size, size + 7, chance.randint(1, size)}]
    page = await chromium.new_page()
    await page.evaluate(TOOLS)
    told = await page.evaluate(
        "cases => cases.map(c => tools[0]({secret: c[0], entropy: c[1], size: c[2]}, c[3]))", cases
    )
    expected = [fair.position_of(fair.seed_of(s, e), size, number) for s, e, size, number in cases]
    assert told == expected
    await page.close()


async def test_the_page_notices_a_secret_that_was_not_committed_to(chromium: Browser) -> None:
    page = await chromium.new_page()
    await page.evaluate(TOOLS)
    facts = asdict(FACTS)
    assert await page.evaluate("facts => tools[1](facts)", facts) is True
    assert await page.evaluate("facts => tools[1](facts)", facts | {"secret": "ab" * 32}) is False
    for length in (0, 1, 55, 56, 63, 64, 65, 119, 120, 300):
        text = "a" * length
        digest = await page.evaluate("text => tools[3](tools[2](tools[4](text)))", text)
        assert digest == hashlib.sha256(text.encode()).hexdigest()
    await page.close()


async def before_the_draw(chromium: Browser, scene: Scene, skew_s: int = 0) -> Visitor:
    """``skew_s``: how far the visitor's clock is behind ours."""
    now_ms = NOON_MS + skew_s * 1000
    scene.ticket = a_ticket(position=None, ahead=None, eta=None, poll_s=60)
    committed = asdict(replace(FACTS, frozen_ms=0, size=0, secret="", entropy=""))
    scene.pulse = a_pulse(phase="scheduled", called=0, serving=0, opens_at=now_ms + 1_800_000, draw=committed)
    scene.pulse["now_ms"] = now_ms
    return await arrive(await a_context(chromium), scene)


def make_the_draw(scene: Scene, called: int) -> int:
    """The place of the ticket's number."""
    scene.pulse |= {"phase": "drawn", "draw": asdict(FACTS), "called": called}
    return FACTS.position(1234)


@pytest.mark.parametrize("skew_s", [0, 5 * 3600, -5 * 3600])
async def test_until_the_draw_the_page_asks_for_nothing_but_the_pulse(
    chromium: Browser, scene: Scene, skew_s: int
) -> None:
    visitor = await before_the_draw(chromium, scene, skew_s)
    await visitor.pass_s(600, 5)
    assert (scene.count("GET ticket"), scene.count("GET draw-script"), scene.count("POST check-in")) == (1, 1, 0)
    assert 8 <= scene.count("GET pulse") <= 16
    assert (await visitor.text("wait")).startswith(("00:19", "00:20")), "the countdown is by our clock"
    assert await visitor.text("ahead") == "…", "nobody has a place yet"
    assert "ditentukan dengan undian" in await visitor.text("notice")
    assert await visitor.page.get_attribute("#notice a", "href") == "/_queue/registration/draw"
    assert visitor.complaints == []
    await visitor.page.context.close()


async def test_the_countdown_says_in_which_order_and_why_and_keeps_that_true(
    chromium: Browser, scene: Scene
) -> None:
    visitor = await before_the_draw(chromium, scene)
    scene.pulse |= {"draw": None, "reason": {"id": "Peminatnya <sedikit>.", "en": "Few will come."}}
    await visitor.pass_s(120, 5)
    said = "Yang datang lebih dulu dilayani lebih dulu. Peminatnya <sedikit>."
    assert (await visitor.text("notice")).strip() == said
    assert await visitor.page.query_selector("#notice a") is None, "there is no draw to look at"
    assert visitor.complaints == []
    await visitor.page.context.close()


async def test_who_was_drawn_to_the_back_leaves_the_pulse_alone_while_the_doors_open(
    chromium: Browser, scene: Scene
) -> None:
    """Safeguard: one's own wait is added to the countdown. Else a million would ask every two seconds."""
    visitor = await before_the_draw(chromium, scene)
    make_the_draw(scene, called=0)
    scene.pulse |= {"opens_at": scene.pulse["now_ms"] + 100_000, "rate_per_minute": 60, "expected_per_minute": 0}
    await visitor.pass_s(60, 5)
    before = scene.count("GET pulse")
    await visitor.pass_s(90, 5)
    assert scene.count("GET pulse") - before <= 3
    await visitor.page.context.close()


async def test_who_was_drawn_to_the_front_checks_in_before_the_doors_open(chromium: Browser, scene: Scene) -> None:
    visitor = await before_the_draw(chromium, scene)
    place = FACTS.position(1234)
    make_the_draw(scene, called=place)
    scene.ticket = a_ticket(position=place, state="called", ahead=place - 1, eta=None)
    await visitor.pass_s(80, 1)
    assert scene.count("POST check-in") >= 1
    assert visitor.complaints == [], "the policy lets exactly this script in"
    await visitor.page.context.close()


async def test_everyone_else_learns_the_place_from_the_pulse_alone(chromium: Browser, scene: Scene) -> None:
    visitor = await before_the_draw(chromium, scene)
    place = make_the_draw(scene, called=FACTS.position(1234) - 1)
    await visitor.pass_s(80, 1)
    assert (scene.count("GET ticket"), scene.count("POST check-in")) == (1, 0)
    assert await visitor.text("ahead") in (f"hingga {about}" for about in near(place))
    await visitor.page.context.close()


def near(place: int) -> list[str]:
    """The people before a place, as the page rounds them: up to a thousand exactly, then in tens."""
    people = place - 1
    return [f"{people if people < 1000 else -(-people // 10) * 10:,}".replace(",", ".")]


async def the_draw_page(chromium: Browser, language: str, number: int) -> Page:
    """As the gate answers it, opened in a browser."""
    line = MemoryLine()
    line.draw = FACTS
    keyring = Keyring(KEYS)
    room = VisitorRoom(SETTINGS, line, Site(), keyring, WaitingPage(SETTINGS))
    gate = Gate({"registration": room}, PathRules([Protection("registration", ("/",), ())]))
    ticket = keyring.sign_ticket(Ticket("registration", "k3xq", 1, number, int(time.time()), "nonce", "/"))
    headers = {"cookie": f"antrean-ticket-registration={ticket}", "accept-language": language}
    reply = await ask(gate, "GET", "/_queue/registration/draw", headers)
    page = await (await a_context(chromium, locale=language)).new_page()
    await page.set_content(reply.body.decode())
    return page


@pytest.mark.parametrize(
    ("language", "words"), [("id", "Tempat Anda dalam antrean"), ("en", "Your place in line")]
)
async def test_the_draw_page_recomputes_a_place_in_the_browser(
    chromium: Browser, language: str, words: str
) -> None:
    page = await the_draw_page(chromium, language, 1234)
    assert await page.text_content("#result") == f"{words}: {FACTS.position(1234)}"
    await page.fill("#own", "#77")
    assert await page.text_content("#result") == f"{words}: {FACTS.position(77)}"
    await page.fill("#own", format_number(4321).lower())
    assert await page.text_content("#result") == f"{words}: {FACTS.position(4321)}"
    await page.fill("#own", "#5001")
    assert "5001" in (await page.text_content("#result") or "")
    for nonsense in ("", "A", "#", "#0", "x"):
        await page.fill("#own", nonsense)
        assert await page.text_content("#result") == "", nonsense
    await page.context.close()
