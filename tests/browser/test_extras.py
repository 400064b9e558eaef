"""What the page fetches only when needed: "tell me when it is my turn", and whether one gets in before closing."""

from __future__ import annotations

from functools import partial
from typing import Any

import pytest
from playwright.async_api import Browser, expect

from gateway.i18n import languages
from gateway.visitor.extras import EXTRAS, extra_script
from gateway.visitor.page_words import chance_of
from tests.browser.conftest import Queue
from tests.browser.scene import NOON_MS, Room, Scene, Visitor, a_context, a_pulse, a_ticket, arrive, served, until
from tests.browser.test_waiting_views import LOCALES, _check_accessibility, _keep

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]

SHAKES = """
window.shakes = [];
Object.defineProperty(navigator, 'vibrate', {value: pattern => { window.shakes.push(pattern); return true; }});
"""
MINUTE_MS = 60_000


async def arrived(chromium: Browser, scene: Scene, code: str = "id") -> Visitor:
    context = await a_context(chromium, locale=LOCALES[code])
    await context.add_init_script(SHAKES)
    return await arrive(context, scene)


@pytest.mark.parametrize("code", LOCALES)
async def test_each_signal_is_asked_for_by_its_own_button(chromium: Browser, scene: Scene, code: str) -> None:
    visitor = await arrived(chromium, scene, code)
    page = visitor.page
    assert scene.count("GET alert-script") == 0
    await page.click("#tell summary")
    await visitor.quiet()
    buttons = page.locator("#tell button")
    assert await buttons.count() >= 3
    assert await page.locator("#tell [aria-pressed=true]").count() == 0
    assert await page.evaluate("window.shakes.length") == 0
    for scheme in ("light", "dark"):
        await page.emulate_media(color_scheme=scheme)
        await page.locator("#tell").scroll_into_view_if_needed()
        await _check_accessibility(visitor)
        await _keep(visitor, f"tell-{code}-360-{scheme}")
    for at in (0, 1):  # sound and vibration
        await buttons.nth(at).click()
        assert await buttons.nth(at).get_attribute("aria-pressed") == "true"
    assert await page.evaluate("window.shakes.length") == 1, "pressing it shows what it does"

    await visitor.hide()
    scene.ticket = a_ticket(state="admitted", ahead=0, location="/form")
    scene.pulse |= {"called": 1300, "serving": 1234}
    await visitor.pass_until("admitted", 400)
    await visitor.pass_s(11)
    assert await page.evaluate("window.shakes.length") >= 3, "and again while nobody looks"
    assert visitor.complaints == []
    assert scene.count("GET alert-script") == 1
    await page.context.close()


async def test_the_buttons_come_from_the_gateway_itself(chromium: Browser, queue: Queue) -> None:
    context = await a_context(chromium)
    page = await context.new_page()
    await page.goto(queue.url)
    await page.click("#tell summary")
    await expect(page.locator("#tell button").first).to_be_visible()
    await context.close()


async def test_who_presses_nothing_is_left_in_peace(chromium: Browser, scene: Scene) -> None:
    visitor = await arrived(chromium, scene)
    await visitor.page.click("#tell summary")
    await visitor.quiet()
    await visitor.hide()
    scene.ticket = a_ticket(state="admitted", ahead=0, location="/form")
    scene.pulse |= {"called": 1300, "serving": 1234}
    await visitor.pass_until("admitted", 400)
    assert await visitor.page.evaluate("window.shakes.length") == 0
    await visitor.page.context.close()


@pytest.mark.parametrize("code", LOCALES)
async def test_a_turn_that_nobody_sees_is_kept_and_counted_and_not_used(
    chromium: Browser, scene: Scene, code: str
) -> None:
    visitor = await arrived(chromium, scene, code)
    await visitor.hide()
    scene.ticket = a_ticket(state="admitted", ahead=0, location="/form")
    scene.pulse |= {"called": 1300, "serving": 1234}
    await visitor.pass_until("admitted", 400)
    assert scene.count("GET turn-script") == 1
    minutes = {"id": ("3 menit", "2 menit", "1 menit"), "en": ("3 minutes", "2 minutes", "1 minute")}[code]
    for left in minutes:
        await until(partial(_says, visitor, left), f"{left} are left")
        assert (await visitor.page.title()).startswith(f"{left} · ")
        await _keep_all(visitor, f"turn-{left[0]}-{code}")
        await visitor.pass_s(61, 5)
    language = languages()[code]
    assert await visitor.text("heading") == language.text("view.late.heading")
    assert await visitor.text("say") == f"{language.text('view.late.heading')}. {await visitor.text('lead')}"
    await _keep_all(visitor, f"turn-gone-{code}")
    assert not visitor.page.url.endswith("/form"), "an unseen turn takes up no place of somebody else's"
    assert visitor.complaints == []
    await visitor.hide(hidden=False)
    await visitor.reaches("/form")
    await visitor.page.context.close()


async def _says(visitor: Visitor, words: str) -> bool:
    return f" {words} " in await visitor.text("lead")


async def _keep_all(visitor: Visitor, name: str) -> None:
    for scheme in ("light", "dark"):
        await visitor.page.emulate_media(color_scheme=scheme)
        await _keep(visitor, f"{name}-360-{scheme}")
        await _check_accessibility(visitor)


async def test_who_comes_back_in_the_last_minute_goes_in(chromium: Browser, scene: Scene) -> None:
    visitor = await arrived(chromium, scene)
    await visitor.hide()
    scene.ticket = a_ticket(state="admitted", ahead=0, location="/form")
    scene.pulse |= {"called": 1300, "serving": 1234}
    await visitor.pass_until("admitted", 400)
    await visitor.page.clock.fast_forward(150_000)  # the machine slept
    await until(partial(_says, visitor, "1 menit"), "a minute is left")
    await visitor.hide(hidden=False)
    await visitor.reaches("/form")
    await visitor.page.context.close()


async def test_an_end_of_the_line_keeps_no_turn_that_could_be_missed(chromium: Browser, scene: Scene) -> None:
    visitor = await arrived(chromium, scene)
    await visitor.hide()
    scene.ticket = a_ticket(state="admitted", ahead=0, location="/form")
    scene.pulse["phase"] = "bypass"
    await visitor.pass_until("admitted", 400)
    assert scene.count("GET turn-script") == 0
    await visitor.page.context.close()


async def test_the_owners_words_are_in_what_is_fetched_later(chromium: Browser) -> None:
    texts = (("id", (("tell.sound", "Bunyikan"), ("chance.served", "Tenang saja, sampai {date}."))),)
    async with served(Scene(room=Room(texts=texts))) as scene:
        scene.pulse = a_pulse(closes_at=NOON_MS + MINUTE_MS)
        visitor = await arrived(chromium, scene)
        assert (await visitor.text("chance")).startswith("Tenang saja, sampai ")
        await visitor.page.click("#tell summary")
        await expect(visitor.page.locator("#tell button").first).to_have_text("Bunyikan")
        assert visitor.complaints == [], "the policy of this room's page lets its own scripts in"
        await visitor.page.context.close()


@pytest.mark.parametrize(
    ("closes_in_min", "ending", "words"),
    [
        (60, "cut", "Anda diperkirakan sempat masuk."),
        (5, "cut", "Anda mungkin tidak sempat."),
        (5, "serve", "Anda tetap dilayani."),
    ],
)
async def test_whether_one_gets_in_is_said_alike_with_and_without_a_script(
    chromium: Browser, scene: Scene, closes_in_min: int, ending: str, words: str
) -> None:
    closes = NOON_MS + closes_in_min * MINUTE_MS
    scene.pulse = a_pulse(closes_at=closes, ending=ending)
    state: dict[str, Any] = {**scene.ticket, "now_ms": NOON_MS, "closes_at_ms": closes, "ending": ending}
    assert words in scene.pages.rendered("id", state, "identity").body.decode()
    visitor = await arrived(chromium, scene)
    told = await visitor.text("chance")
    assert told.endswith(words)
    assert scene.count("GET chance-script") == 1
    await _keep(visitor, f"chance-{ending}-{closes_in_min}-id-360-light")
    assert visitor.complaints == []
    await visitor.page.context.close()


async def test_who_does_not_make_it_today_is_told_alike_with_and_without_a_script(
    chromium: Browser, scene: Scene
) -> None:
    quota = {"kind": "daily-quota", "left": 100}
    scene.pulse = a_pulse(quota=quota)
    scene.ticket = a_ticket(eta=None, in_time=False)
    state: dict[str, Any] = {**scene.ticket, "now_ms": NOON_MS, "quota": quota}
    words = "Kuota hari ini habis sebelum giliran Anda."
    assert words in scene.pages.rendered("id", state, "identity").body.decode()
    visitor = await arrived(chromium, scene)
    assert words in await visitor.text("chance")
    assert "menit" not in await visitor.text("wait"), "no wait is told that has no end today"
    scene.pulse["quota"] = {"kind": "daily-quota", "left": 5000}
    scene.ticket = a_ticket()
    await visitor.pass_until("waiting", 400)
    assert visitor.complaints == []
    await visitor.page.context.close()


async def test_both_sides_reckon_alike(chromium: Browser) -> None:
    page = await chromium.new_page()
    waits = [(0, 0), (0, 100), (100, 100), (100, 200)]
    cases = [(left, *wait, cut) for left in (0, 99, 100, 200) for wait in waits for cut in (True, False)]
    await page.evaluate("window.C = {lang: 'en'};")
    await page.evaluate(extra_script(Room(), "chance"))
    told = await page.evaluate(
        "cases => cases.map(c => antreanChance({closes_at: c[0] * 1000, ending: c[3] ? 'cut' : 'serve'},"
        " false, {low_s: c[1], high_s: c[2]}, 0, () => 'D'))",
        cases,
    )
    english = {"served": "are served", "yes": "should get in", "maybe": "may get in", "no": "may not get in"}
    assert all(english[chance_of(*case)] in words for case, words in zip(cases, told, strict=True))
    used_up = await page.evaluate(
        "endings => endings.map(e => antreanChance({closes_at: 100000, ending: e, quota: {kind: 'daily-quota'}},"
        " true, null, 0, () => 'D'))",
        ["cut", "serve"],
    )
    assert "may not get in" in used_up[0], "a line that is cut goes on no other day"
    assert "tomorrow" in used_up[1]
    await page.close()


@pytest.mark.parametrize("name", EXTRAS)
async def test_the_scripts_are_of_the_old_kind(name: str) -> None:
    for modern in ("=>", "`", "let ", "const ", "class ", "async ", "Uint8Array", "crypto"):
        assert modern not in extra_script(Room(), name)
