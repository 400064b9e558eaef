"""The waiting page without JavaScript, its weight, and its words held against the script's."""

from __future__ import annotations

import json
from typing import Any

import pytest
from playwright.async_api import Browser

from gateway.i18n import languages
from gateway.visitor import page_words
from gateway.visitor.page_build import source
from tests.browser.scene import NOON_MS, Scene, a_context, a_ticket, until

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]


async def test_each_load_tells_number_people_and_wait(chromium: Browser, scene: Scene) -> None:
    scene.kind = "rendered"
    context = await a_context(chromium, java_script_enabled=False)
    page = await context.new_page()
    await page.goto(scene.url)
    text = await page.inner_text("main")
    for expected in (
        "A-0000-1234-7",
        "hingga 534",
        "8–12 menit",
        "12.08–12.12 WIB",
        "Diperbarui 12.00.00",
    ):
        assert expected in text
    assert await page.locator("noscript meta, meta[http-equiv=refresh]").get_attribute("content") == "10"
    await context.close()


async def test_a_newcomer_is_told_and_the_page_comes_again_by_itself(chromium: Browser, scene: Scene) -> None:
    context = await a_context(chromium, java_script_enabled=False)
    page = await context.new_page()
    await page.goto(scene.url)
    assert "Tempat Anda tersimpan" in await page.inner_text("main")
    scene.kind = "rendered"
    await until(lambda: scene.count("GET page") == 2, "the page refreshed itself", timeout_s=15)
    await page.wait_for_selector("text=A-0000-1234-7")
    await context.close()


async def test_check_now_and_giving_up_are_plain_html(chromium: Browser, scene: Scene) -> None:
    scene.kind = "rendered"
    context = await a_context(chromium, java_script_enabled=False)
    page = await context.new_page()
    await page.goto(scene.url)
    await page.click("#check")
    await until(lambda: scene.count("GET page") == 2, "the page came again")
    await page.click("details:not(#tell) summary")
    await page.click("#leave button")
    await page.wait_for_selector("text=Anda melepaskan tempat Anda")
    assert scene.count("POST leave") == 1
    await context.close()


async def test_text_at_twice_its_size_stays_inside_a_small_screen(chromium: Browser, scene: Scene) -> None:
    scene.kind = "rendered"
    scene.ticket = a_ticket(ahead=1_234_567, shown="A-0123-4567-8", eta={"low_s": 9000, "high_s": 14000})
    context = await a_context(chromium, java_script_enabled=False)
    for path in ("", "?antrean-lang=en"):
        page = await context.new_page()
        await page.goto(scene.url + path)
        await page.set_viewport_size({"width": 180, "height": 320})  # what a zoom of 200 % leaves of 360 × 640
        text_overflow = await page.locator("html").evaluate_all("all => all[0].scrollWidth - all[0].clientWidth")
        assert text_overflow <= 0
    await context.close()


async def test_the_page_is_one_request_and_nothing_moves_when_it_comes_alive(
    chromium: Browser, scene: Scene
) -> None:
    context = await a_context(chromium)
    page = await context.new_page()
    requests: list[str] = []
    page.on("request", lambda request: requests.append(request.resource_type + " " + request.url))
    await page.add_init_script(
        """window.moved = 0;
        new PerformanceObserver(list => list.getEntries().forEach(e => { window.moved += e.value; }))
        .observe({type: 'layout-shift', buffered: true})"""
    )
    await page.goto(scene.url)
    await page.wait_for_selector("text=A-0000-1234-7")
    await until(lambda: scene.count("GET pulse") >= 1, "the pulse was asked for")
    await until(lambda: page.text_content("#updated"), "the page has heard the server")
    others = [what for what in requests if not what.startswith(("document", "xhr"))]
    assert others == [f"other {scene.url}"] or all("data:" in what for what in others)
    assert all(what.split(" ", 1)[1].startswith((scene.url, "data:")) for what in requests)
    assert await page.evaluate("window.moved") < 0.05
    await context.close()


WAITS = [
    (0, 10), (0, 30), (20, 61), (59, 60), (60, 60), (480, 690), (540, 1200), (900, 1201), (1500, 2400),
    (3000, 5400), (3000, 5401), (7200, 7200), (9000, 14000), (100_000, 129_600), (100_000, 129_601),
    (200_000, 500_000), (500_000, 700_000),
]  # fmt: skip
PEOPLE = [0, 0.2, 1, 999, 1000, 1001, 9999, 10_001, 123_456, 9_999_999]
STATES = ["waiting", "called", "admitted", "late", "finished", "expired", "withdrawn", "closed"]
PHASES = ["scheduled", "drawn", "open", "paused", "last-call", "closed", "bypass"]


@pytest.mark.parametrize("code", ["id", "en"])
async def test_script_and_server_say_the_same(chromium: Browser, scene: Scene, code: str) -> None:
    language = languages()[code]
    context = await a_context(chromium)
    page = await context.new_page()
    await page.goto(f"{scene.url}?antrean-lang={code}")
    now_ms = [NOON_MS, NOON_MS + 11 * 3_600_000 + 59 * 60_000]
    said = await page.evaluate(
        f"""([waits, people, states, phases, times]) => {{ const w = window; {source("waiting-words.js")}
        return {{
            waits: waits.map(pair => waitWords(pair[0], pair[1])),
            clocks: times.map(now => waits.map(pair => clockWords(now, pair[0], pair[1]))),
            people: people.map(n => numberWords(about(n))),
            dates: times.map(dateWords),
            views: states.map(s => phases.map(p => [viewOf(s, p, true), viewOf(s, p, false)])),
        }}; }}""",
        [WAITS, PEOPLE, STATES, PHASES, now_ms],
    )
    expected: dict[str, Any] = {
        "waits": [page_words.wait_words(language, *pair) for pair in WAITS],
        "clocks": [
            [page_words.clock_words(language, now, *pair, page_words.WIB) for pair in WAITS] for now in now_ms
        ],
        "people": [page_words.number_words(language, page_words.about(n)) for n in PEOPLE],
        "dates": [page_words.date_words(language, now, page_words.WIB) for now in now_ms],
        "views": [
            [[page_words.view_of(s, p, True), page_words.view_of(s, p, False)] for p in PHASES] for s in STATES
        ],
    }
    for what, words in expected.items():
        assert json.loads(json.dumps(said[what])) == words, what
    await context.close()


@pytest.mark.parametrize(
    ("zone", "shown"),
    [
        ("Asia/Makassar", "13.08–13.12 WITA"),
        ("Asia/Jayapura", "14.08–14.12 WIT"),
        ("Europe/Berlin", "07.08–07.12"),
    ],
)
async def test_times_are_in_the_visitors_own_zone(chromium: Browser, scene: Scene, zone: str, shown: str) -> None:
    context = await a_context(chromium, timezone_id=zone)
    page = await context.new_page()
    await page.goto(scene.url)
    await until(lambda: page.text_content("#updated"), "the page has heard the server")
    clock = await page.text_content("#clock")
    assert clock == f"sekitar pukul {shown}"
    await context.close()
