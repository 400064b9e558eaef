"""The waiting page for those with little: a 2G connection, no pictures, a browser that saves data."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio
from playwright.async_api import Browser, BrowserContext, Page

from tests.browser.conftest import QUIET, Queue, find_chromium
from tests.browser.scene import Room, Scene, Visitor, a_context, a_ticket, arrive, until

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]

SECOND_GENERATION = {
    "offline": False,
    "latency": 400,  # ms
    "downloadThroughput": 250_000 / 8,  # bytes a second
    "uploadThroughput": 50_000 / 8,
}


async def on_2g(context: BrowserContext, scene: Scene, *, settle: bool = True) -> Visitor:
    page = await context.new_page()
    network = await context.new_cdp_session(page)
    await network.send("Network.enable")
    await network.send("Network.emulateNetworkConditions", SECOND_GENERATION)
    return await arrive(context, scene, settle=settle, page=page)


async def test_on_2g_the_first_answer_tells_number_and_wait(chromium: Browser, scene: Scene) -> None:
    scene.kind, scene.trouble = "rendered", "silence"
    context = await a_context(chromium)
    visitor = await on_2g(context, scene, settle=False)
    assert await visitor.text("number") == "A-0000-1234-7"
    assert "8–12 menit" in await visitor.text("wait")
    assert await visitor.page.locator("#number").is_visible()
    assert scene.count("GET page") == 1
    await context.close()


async def test_on_2g_a_newcomer_gets_a_number_and_goes_on_checking_in(chromium: Browser, scene: Scene) -> None:
    scene.ticket = a_ticket(state="called", ahead=30)
    scene.pulse |= {"called": 1300, "serving": 1203}
    context = await a_context(chromium)
    visitor = await on_2g(context, scene)
    assert await visitor.text("number") == "A-0000-1234-7"
    await visitor.pass_s(40, 4)
    assert await visitor.view() == "called"
    assert (scene.count("GET page"), scene.count("GET ticket")) == (1, 1)
    assert scene.count("POST check-in") >= 3
    assert visitor.complaints == []
    await context.close()


@pytest_asyncio.fixture(loop_scope="session")
async def without_pictures(chromium: Browser) -> AsyncIterator[Browser]:
    arguments = [*QUIET, "--blink-settings=imagesEnabled=false"]
    browser = await chromium.browser_type.launch(executable_path=find_chromium(), args=arguments)
    yield browser
    await browser.close()


async def test_with_pictures_off_the_logo_is_not_missed(
    without_pictures: Browser, scene: Scene, tmp_path: Path
) -> None:
    logo = tmp_path / "logo.svg"
    logo.write_text("<svg xmlns='http://www.w3.org/2000/svg'/>")
    scene.room = Room(logo=logo)
    scene.__post_init__()
    context = await a_context(without_pictures)
    visitor = await arrive(context, scene)
    assert await visitor.page.locator(".room img").count() == 1
    assert scene.count("GET logo") == 0, "pictures are off"
    shown = await visitor.page.inner_text("body")
    for expected in (scene.room.name, "A-0000-1234-7", "hingga 53", "menit"):
        assert expected in shown.replace("\u00a0", " ")
    await context.close()


async def test_with_pictures_off_the_code_is_a_link_in_words(without_pictures: Browser, queue: Queue) -> None:
    context = await a_context(without_pictures)
    page = await context.new_page()
    await page.goto(queue.url)
    await page.goto(f"{queue.url}_queue/registration/move")
    assert (await page.inner_text(".link")).startswith(f"{queue.url}_queue/registration/move?")
    await page.get_by_role("img", name="Kode QR").wait_for()
    await context.close()


async def loaded(page: Page, url: str) -> tuple[bytes, set[str]]:
    """The page as it came, and what it has asked for when it has heard the server."""
    asked: set[str] = set()
    page.on("request", lambda request: asked.add(f"{request.method} {request.url.partition('?')[0]}"))
    response = await page.goto(url)
    assert response is not None
    await until(lambda: page.text_content("#updated"), "the page has heard the server")
    return await response.body(), asked


async def test_a_browser_that_saves_data_gets_the_same_page_and_loads_nothing_more(
    chromium: Browser, queue: Queue
) -> None:
    usual, saving = await a_context(chromium), await a_context(chromium, extra_http_headers={"Save-Data": "on"})
    page = await saving.new_page()
    saver = await saving.new_cdp_session(page)
    await saver.send("Emulation.setDataSaverOverride", {"dataSaverEnabled": True})
    told: list[str] = []
    page.on("response", lambda response: told.append(response.request.headers.get("save-data", "")))
    body, asked = await loaded(page, queue.url)
    body_usual, asked_usual = await loaded(await usual.new_page(), queue.url)
    assert await page.evaluate("navigator.connection.saveData")
    assert set(told) == {"on"}
    assert body == body_usual
    assert asked <= asked_usual
    assert all(address.split(" ")[1].startswith(queue.url) for address in asked)
    await usual.close()
    await saving.close()
