"""The laws of the waiting page's script, in a real browser whose clock the test moves."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import pytest
from playwright.async_api import Browser

from tests.browser.scene import (
    CAPTIVE_PORTAL,
    NOON_MS,
    Scene,
    a_context,
    a_pulse,
    a_ticket,
    arrive,
    until,
)

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]

SLACK_S = 1.1  # the stopped clock moves in steps of a second


def gaps(times: list[float]) -> list[float]:
    return [later - earlier for earlier, later in pairwise(times)]


def a_long_wait(**changes: Any) -> dict[str, Any]:
    return a_ticket(number=50_000, position=50_000, ahead=49_299, eta=None) | changes


async def test_a_newcomer_learns_the_number_from_one_request(chromium: Browser, scene: Scene) -> None:
    context = await a_context(chromium)
    visitor = await arrive(context, scene)
    assert await visitor.text("number") == "A-0000-1234-7"
    assert await visitor.text("ahead") in ("hingga 533", "hingga 534")
    assert scene.count("GET ticket") == 1
    assert scene.count("POST check-in") == 0
    await context.close()


async def test_a_visitor_who_is_known_asks_nothing_that_the_page_brought(chromium: Browser, scene: Scene) -> None:
    scene.kind = "rendered"
    context = await a_context(chromium)
    visitor = await arrive(context, scene)
    assert await visitor.text("number") == "A-0000-1234-7"
    assert scene.count("GET ticket") == 0
    await context.close()


@pytest.mark.parametrize(
    ("ahead", "shortest_s", "longest_s"),
    [(10, 1.6, 2.4), (200, 16, 27), (50_000, 48, 72)],  # a tenth of the wait, 2 s to poll_max, ±20 %
)
async def test_the_pulse_is_asked_for_every_tenth_of_the_wait(
    chromium: Browser, scene: Scene, ahead: int, shortest_s: float, longest_s: float
) -> None:
    position = 701 + ahead
    scene.ticket = a_ticket(position=position, number=position, ahead=ahead, eta=None)
    scene.pulse = a_pulse(called=700)
    context = await a_context(chromium)
    visitor = await arrive(context, scene)
    await visitor.pass_s(12 if ahead < 100 else 400, 1)
    between = gaps(await visitor.times("GET pulse"))[1:]
    assert len(between) >= 3
    # The wait gets shorter meanwhile, so the law's lower bound moves with it for the middle row.
    assert all(shortest_s - SLACK_S <= gap <= longest_s + SLACK_S for gap in between[:3]), between
    await context.close()


async def test_jitter_keeps_visitors_from_asking_together(chromium: Browser, scene: Scene) -> None:
    scene.ticket = a_long_wait()
    context = await a_context(chromium)
    visitor = await arrive(context, scene)
    await visitor.pass_s(700, 1)
    between = gaps(await visitor.times("GET pulse"))[1:]
    assert max(between) - min(between) > 2
    await context.close()


async def test_a_hidden_tab_asks_once_a_minute(chromium: Browser, scene: Scene) -> None:
    scene.pulse = a_pulse(called=700)
    scene.ticket = a_ticket(position=740, ahead=39, eta=None)
    context = await a_context(chromium)
    visitor = await arrive(context, scene)
    await visitor.hide()
    await visitor.pass_s(200, 1)
    between = gaps((await visitor.times("GET pulse"))[1:])
    assert between
    assert all(48 - SLACK_S <= gap <= 72 + SLACK_S for gap in between)
    await context.close()


async def test_looking_at_the_tab_again_asks_at_once(chromium: Browser, scene: Scene) -> None:
    scene.ticket = a_long_wait()
    context = await a_context(chromium)
    visitor = await arrive(context, scene)
    await visitor.hide()
    await visitor.pass_s(20, 5)
    before = scene.count("GET pulse")
    await visitor.hide(hidden=False)
    await visitor.pass_s(1, 0.5)
    assert scene.count("GET pulse") == before + 1
    await context.close()


async def test_the_called_check_in_every_ten_seconds(chromium: Browser, scene: Scene) -> None:
    scene.ticket = a_ticket(state="called", ahead=30, eta={"low_s": 20, "high_s": 60})
    scene.pulse = a_pulse(called=1300, serving=1203)
    context = await a_context(chromium)
    visitor = await arrive(context, scene)
    await visitor.pass_s(100, 1)
    between = gaps(await visitor.times("POST check-in"))
    assert len(between) >= 7
    assert all(8 - SLACK_S <= gap <= 12 + SLACK_S for gap in between)
    await context.close()


async def test_the_called_in_a_hidden_tab_check_in_within_a_presence_window(
    chromium: Browser, scene: Scene
) -> None:
    scene.ticket = a_ticket(state="called", ahead=30)
    scene.pulse = a_pulse(called=1300, serving=1203)
    context = await a_context(chromium)
    visitor = await arrive(context, scene)
    await visitor.hide()
    await visitor.pass_s(250, 1)
    between = gaps(await visitor.times("POST check-in"))[1:]
    assert between
    assert all(30 < gap <= 60 for gap in between)
    await context.close()


async def test_a_visitor_checks_in_when_the_pulse_calls(chromium: Browser, scene: Scene) -> None:
    scene.ticket = a_ticket(position=720, ahead=19, eta=None)
    scene.pulse = a_pulse(called=700)
    context = await a_context(chromium)
    visitor = await arrive(context, scene)
    assert scene.count("POST check-in") == 0
    scene.pulse = a_pulse(called=800, now_ms=scene.pulse["now_ms"])
    scene.ticket = a_ticket(state="called", position=720, ahead=3)
    await visitor.pass_s(6)
    assert await visitor.view() == "called"
    assert scene.count("POST check-in") >= 1
    await context.close()


async def test_the_admitted_go_in_by_themselves(chromium: Browser, scene: Scene) -> None:
    scene.ticket = a_ticket(state="called", ahead=0)
    scene.pulse = a_pulse(called=1300, serving=1233)
    context = await a_context(chromium)
    visitor = await arrive(context, scene)
    scene.ticket = a_ticket(state="admitted", location="/form")
    before = scene.count("POST check-in")
    while scene.count("POST check-in") == before:
        await visitor.pass_s(0.2, 0.2)
    await visitor.reaches("/form")
    await context.close()


@pytest.mark.parametrize(
    "location", ["//evil.example/", "https://evil.example/", "javascript:alert(1)", "/\\evil", 7]
)
async def test_nobody_is_sent_to_another_site(chromium: Browser, scene: Scene, location: object) -> None:
    scene.kind, scene.ticket = "rendered", a_ticket(state="admitted", location=location)
    context = await a_context(chromium)
    page = await context.new_page()
    await page.goto(scene.url)
    # It is loaded again instead, and where that leads nowhere it stops and says why.
    await page.wait_for_selector("main.cookies")
    assert page.url == scene.url
    assert scene.count("GET page") == 4
    await context.close()


async def test_an_admission_in_a_hidden_tab_waits_to_be_looked_at(chromium: Browser, scene: Scene) -> None:
    context = await a_context(chromium)
    visitor = await arrive(context, scene)
    await visitor.hide()
    scene.ticket = a_ticket(state="admitted", location="/form")
    scene.pulse["called"] = 2000
    while await visitor.view() != "admitted":
        await visitor.pass_s(1)
    await visitor.pass_s(40)
    assert await visitor.view() == "admitted"
    assert "Giliran Anda" in await visitor.page.title()
    await visitor.hide(hidden=False)
    await visitor.reaches("/form")
    await context.close()


async def test_people_ahead_never_grow_and_the_bar_never_goes_back(chromium: Browser, scene: Scene) -> None:
    context = await a_context(chromium)
    visitor = await arrive(context, scene)
    people, bars = [], []
    for serving in (720, 760, 740, 700, 800):
        scene.pulse["serving"] = serving
        await visitor.pass_s(80, 4)
        people.append(int("".join(c for c in await visitor.text("ahead") if c.isdigit())))
        bars.append(await visitor.page.evaluate("document.getElementById('progress').value"))
    assert people == sorted(people, reverse=True)
    assert bars == sorted(bars)
    assert people[-1] < people[0]
    await context.close()


@pytest.mark.parametrize("trouble", ["html", "502", "half", "silence"])
async def test_whatever_comes_instead_of_an_answer_the_place_is_kept_and_retries_grow(
    chromium: Browser, scene: Scene, trouble: str
) -> None:
    context = await a_context(chromium)
    visitor = await arrive(context, scene)
    scene.trouble = trouble
    await visitor.pass_s(70, 1) if trouble != "silence" else await _pass_in_silence(visitor, 110)
    asked_before = len(await visitor.asked())
    await visitor.pass_s(120, 1) if trouble != "silence" else await _pass_in_silence(visitor, 160)
    tries = [at for what, at in await visitor.asked() if what == "GET pulse"][1:]
    assert await visitor.view() == "offline"
    assert await visitor.text("number") == "A-0000-1234-7"
    assert "Terakhir terhubung 12.0" in await visitor.text("updated")
    assert gaps(tries)[-1] > gaps(tries)[1]
    assert len(await visitor.asked()) - asked_before <= 6
    assert CAPTIVE_PORTAL not in await visitor.page.content()

    scene.trouble = ""
    await visitor.pass_s(85, 1)
    assert await visitor.view() == "waiting"
    await context.close()


async def _pass_in_silence(visitor: Any, seconds: int) -> None:
    for _ in range(seconds):
        await visitor.page.clock.run_for(1000)


async def test_one_lost_reply_alarms_nobody(chromium: Browser, scene: Scene) -> None:
    scene.pulse, scene.ticket = a_pulse(called=700), a_ticket(position=730, ahead=29, eta=None)
    context = await a_context(chromium)
    visitor = await arrive(context, scene)
    scene.trouble = "502"
    before = len(scene.asked)
    while len(scene.asked) == before:
        await visitor.pass_s(0.5, 0.5)
    scene.trouble = ""
    assert await visitor.view() == "waiting"
    await visitor.pass_s(5)
    assert await visitor.view() == "waiting"
    await context.close()


async def test_trouble_of_the_gateway_itself_does_not_claim_that_you_were_away(
    chromium: Browser, scene: Scene
) -> None:
    scene.trouble = "store"
    context = await a_context(chromium)
    visitor = await arrive(context, scene)
    await visitor.pass_s(30)
    assert await visitor.view() == "trouble"
    scene.trouble = ""
    await visitor.pass_s(70)
    assert await visitor.view() == "waiting"
    await context.close()


async def test_trouble_of_the_store_is_not_told_as_a_lost_connection(chromium: Browser, scene: Scene) -> None:
    context = await a_context(chromium)
    visitor = await arrive(context, scene)
    scene.trouble = "store"
    await visitor.pass_s(140, 5)
    assert await visitor.view() == "recovering"
    assert await visitor.text("number") == "A-0000-1234-7"
    scene.trouble = ""
    await visitor.pass_s(70)
    assert await visitor.view() == "waiting"
    await context.close()


@pytest.mark.parametrize("state", ["called", "late"])
async def test_who_is_to_keep_the_page_open_is_not_told_to_close_it(
    chromium: Browser, scene: Scene, state: str
) -> None:
    context = await a_context(chromium)
    visitor = await arrive(context, scene)
    assert await visitor.page.is_visible(".rules li.keep")
    scene.ticket = a_ticket(state=state, ahead=3)
    scene.pulse |= {"called": 1300, "serving": 1200}
    await visitor.pass_until(state)
    assert await visitor.page.is_hidden(".rules li.keep")
    assert await visitor.page.is_visible(".rules li:not(.keep)")
    await context.close()


async def test_a_clock_that_is_wrong_by_a_day_changes_neither_times_nor_intervals(
    chromium: Browser, scene: Scene
) -> None:
    scene.pulse["now_ms"] = NOON_MS - 86_400_000 - 3_600_000  # the server knows better: Wednesday, 11 o'clock
    context = await a_context(chromium)
    visitor = await arrive(context, scene)
    assert await visitor.text("clock") == "sekitar pukul 11.08–11.12 WIB"
    assert (await visitor.text("updated")).startswith("Diperbarui 11.00")
    await visitor.pass_s(100)
    assert 1 <= len(await visitor.times("GET pulse")) <= 5
    await context.close()


async def test_after_an_hour_of_sleep_the_page_asks_at_once(chromium: Browser, scene: Scene) -> None:
    scene.ticket = a_long_wait()
    context = await a_context(chromium)
    visitor = await arrive(context, scene)
    before = scene.count("GET pulse")
    scene.pulse["now_ms"] += 3_600_000
    await visitor.page.clock.fast_forward(3_600_000)
    await visitor.pass_s(4)
    assert 1 <= scene.count("GET pulse") - before <= 2
    assert (await visitor.text("updated")).startswith("Diperbarui 13.00")
    await context.close()


async def test_of_several_tabs_one_asks_and_all_are_told(chromium: Browser, scene: Scene) -> None:
    scene.pulse, scene.ticket = a_pulse(called=700), a_ticket(position=900, ahead=199, eta=None)
    context = await a_context(chromium)
    tabs = [await arrive(context, scene) for _ in range(3)]
    before = scene.count("GET pulse")
    scene.pulse["message"] = {"id": "Halo semua"}
    for _ in range(60):
        await tabs[0].page.clock.run_for(1000)  # the clock is one for all tabs of a context
        for tab in tabs:
            await tab.quiet()
    asked = scene.count("GET pulse") - before
    assert 2 <= asked <= 4  # a wait of 200 s: one tab asks every 16–24 s, three would ask nine times
    for tab in tabs:
        assert await tab.text("message") == "Halo semua"
        assert await tab.text("number") == "A-0000-1234-7"
    await context.close()


async def test_when_the_tab_that_asks_is_closed_another_takes_over(chromium: Browser, scene: Scene) -> None:
    scene.pulse, scene.ticket = a_pulse(called=700), a_ticket(position=730, ahead=29, eta=None)
    context = await a_context(chromium)
    first = await arrive(context, scene)
    second = await arrive(context, scene)
    await first.page.close()
    before = scene.count("GET pulse")
    await second.pass_s(30)
    assert scene.count("GET pulse") > before
    await context.close()


async def test_a_new_line_gives_a_new_number_without_being_asked(chromium: Browser, scene: Scene) -> None:
    scene.ticket = a_ticket(position=740, ahead=39, eta=None)
    scene.pulse = a_pulse(called=700)
    scene.joined = a_ticket(number=5, shown="A-0000-0005-1", position=5, ahead=4, eta=None)
    context = await a_context(chromium)
    visitor = await arrive(context, scene)
    scene.ticket = a_ticket(state="expired")
    scene.pulse = a_pulse(instance="i2", called=0, serving=0, now_ms=scene.pulse["now_ms"])
    await visitor.pass_s(15)
    assert scene.count("POST join") == 1
    assert await visitor.text("number") == "A-0000-0005-1"
    assert await visitor.view() == "waiting"
    await context.close()


async def test_a_restored_line_keeps_the_number(chromium: Browser, scene: Scene) -> None:
    scene.ticket = a_ticket(position=740, ahead=39, eta=None)
    scene.pulse = a_pulse(called=700)
    context = await a_context(chromium)
    visitor = await arrive(context, scene)
    scene.pulse["generation"] = 2
    await visitor.pass_s(12)
    assert scene.count("GET ticket") == 2
    assert scene.count("POST join") == 0
    assert await visitor.text("number") == "A-0000-1234-7"
    await context.close()


async def test_a_browser_that_keeps_no_cookie_is_told_and_takes_one_number_at_most(
    chromium: Browser, scene: Scene
) -> None:
    scene.ticket, scene.joined = {}, a_ticket()
    context = await a_context(chromium)
    visitor = await arrive(context, scene)
    scene.pulse["called"] = 5000
    await visitor.pass_s(120, 2)
    assert await visitor.view() == "cookies"
    assert scene.count("POST join") == 1
    await context.close()


async def test_giving_up_needs_two_steps_and_is_final(chromium: Browser, scene: Scene) -> None:
    context = await a_context(chromium)
    visitor = await arrive(context, scene)
    button = visitor.page.locator("#leave button")
    assert not await button.is_visible()
    await visitor.page.locator("details:not(#tell) summary").press("Enter")
    await button.press("Enter")
    await until(lambda: scene.count("POST leave") == 1, "the place is given up")
    await visitor.pass_s(2)
    assert await visitor.view() == "left"
    asked = len(scene.asked)
    await visitor.pass_s(120, 10)
    assert len(scene.asked) == asked
    await context.close()


async def test_a_closed_room_that_opens_again_gives_a_number(chromium: Browser, scene: Scene) -> None:
    scene.kind, scene.ticket, scene.joined = "closed", {}, a_ticket()
    scene.pulse["phase"] = "closed"
    context = await a_context(chromium)
    visitor = await arrive(context, scene)
    await visitor.pass_s(60, 2)
    assert await visitor.view() == "closed"
    scene.pulse["phase"] = "open"
    await visitor.pass_s(90, 2)
    assert await visitor.view() == "waiting"
    assert await visitor.text("number") == "A-0000-1234-7"
    await context.close()


async def test_the_live_region_speaks_of_changes_and_not_of_polls(chromium: Browser, scene: Scene) -> None:
    scene.pulse["message"] = {"id": "Mohon bersabar"}
    context = await a_context(chromium)
    visitor = await arrive(context, scene)
    assert "Mohon bersabar" in await visitor.text("say")
    await visitor.page.evaluate(
        """window.spoken = 0; new MutationObserver(() => { window.spoken += 1; })
        .observe(document.getElementById('say'), {childList: true, characterData: true, subtree: true})"""
    )
    await visitor.pass_s(120, 2)
    assert scene.count("GET pulse") >= 2
    assert await visitor.page.evaluate("window.spoken") == 0
    scene.pulse["phase"] = "paused"
    await visitor.pass_s(80, 2)
    assert await visitor.page.evaluate("window.spoken") == 1
    assert "dijeda" in await visitor.text("say")
    await context.close()


async def test_no_wait_is_told_while_paused_also_without_a_connection(chromium: Browser, scene: Scene) -> None:
    scene.pulse["phase"] = "paused"
    context = await a_context(chromium)
    visitor = await arrive(context, scene)
    await visitor.pass_s(30, 2)
    paused = await visitor.text("wait")
    scene.trouble = "502"
    await visitor.pass_s(120, 2)
    assert await visitor.view() == "offline"
    assert await visitor.text("wait") == paused == "belum diketahui"
    await context.close()


async def test_focus_stays_where_it_is_while_the_page_changes(chromium: Browser, scene: Scene) -> None:
    context = await a_context(chromium)
    visitor = await arrive(context, scene)
    await visitor.page.focus("#check")
    scene.pulse["phase"] = "paused"
    await visitor.pass_s(80, 2)
    assert await visitor.view() == "paused"
    assert await visitor.page.evaluate("document.activeElement.id") == "check"
    await context.close()


async def test_check_now_asks_at_once_and_does_not_reload(chromium: Browser, scene: Scene) -> None:
    scene.ticket = a_long_wait()
    context = await a_context(chromium)
    visitor = await arrive(context, scene)
    before = scene.count("GET pulse")
    await visitor.page.click("#check")
    await visitor.quiet()
    assert scene.count("GET pulse") == before + 1
    assert scene.count("GET page") == 1
    await context.close()


async def test_the_other_language_keeps_the_address_and_is_remembered(chromium: Browser, scene: Scene) -> None:
    context = await a_context(chromium)
    visitor = await arrive(context, scene, "daftar?formasi=3")
    await visitor.page.click("nav a")
    await visitor.reaches("/daftar?formasi=3")
    assert await visitor.text("label") == "Waiting"
    kept = {cookie["name"]: cookie["value"] for cookie in await context.cookies()}
    assert kept["antrean-lang"] == "en"
    await context.close()


async def test_the_store_back_again_gives_a_number_to_who_came_meanwhile(chromium: Browser, scene: Scene) -> None:
    scene.kind, scene.trouble, scene.ticket = "store-trouble", "store", {}
    context = await a_context(chromium)
    visitor = await arrive(context, scene)
    await visitor.pass_s(30)
    assert await visitor.view() == "trouble"
    scene.trouble, scene.joined = "", a_ticket()
    await visitor.pass_s(70)
    assert await visitor.text("number") == "A-0000-1234-7"
    assert scene.count("POST join") == 1
    await context.close()
