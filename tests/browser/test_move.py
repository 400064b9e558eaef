"""Moving a place to another device, in two browsers: QR code, question, and what the first device then says."""

from __future__ import annotations

import os
from base64 import b64decode, b64encode

import pytest
import zxingcpp
from axe_playwright_python.async_playwright import Axe
from playwright.async_api import Browser, BrowserContext, Page, expect

from gateway.i18n import languages
from tests.browser.conftest import Queue
from tests.browser.scene import a_context

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]

SCREENSHOTS = os.environ.get("ANTREAN_SCREENSHOTS")
LOCALES = {"id": "id-ID", "en": "en-GB"}
GREY = """async address => {
  const picture = new Image(); picture.src = address; await picture.decode();
  const canvas = Object.assign(document.createElement('canvas'), {width: picture.width, height: picture.height});
  const pen = canvas.getContext('2d'); pen.drawImage(picture, 0, 0);
  const colours = pen.getImageData(0, 0, picture.width, picture.height).data;
  let grey = ''; for (let i = 1; i < colours.length; i += 4) grey += String.fromCharCode(colours[i]);
  return [picture.width, btoa(grey)];
}"""  # the green of each pixel


async def looks_right(page: Page, name: str) -> None:
    """Accessible and inside the screen, by day and by night."""
    for scheme in ("light", "dark"):
        await page.emulate_media(color_scheme=scheme)
        found = await Axe().run(page, options={"resultTypes": ["violations"]})
        assert [violation["id"] for violation in found.response["violations"]] == []
        assert await page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0
        if SCREENSHOTS:
            await page.screenshot(path=f"{SCREENSHOTS}/{name}-360-{scheme}.png", full_page=True)


async def link_on(page: Page) -> str:
    return (await page.text_content(".link")) or ""


async def scanned(page: Page) -> str:
    """What another device reads in the code on the screen, as bright or dark as it is shown."""
    picture = b64encode(await page.screenshot()).decode()
    width, grey = await page.evaluate(GREY, f"data:image/png;base64,{picture}")
    pixels = memoryview(b64decode(grey))
    found = zxingcpp.read_barcodes(pixels.cast("B", (len(pixels) // width, width)))
    return "".join(code.text for code in found)


async def open_page(context: BrowserContext, url: str) -> Page:
    page = await context.new_page()
    page.on("console", lambda message: pytest.fail(message.text) if "Content Security" in message.text else None)
    await page.goto(url)
    return page


@pytest.mark.parametrize("code", LOCALES)
async def test_a_place_goes_from_phone_to_laptop_and_every_tab_of_the_phone_says_so(
    chromium: Browser, queue: Queue, code: str
) -> None:
    text = languages()[code].text
    phone = await a_context(chromium, locale=LOCALES[code])
    laptop = await a_context(chromium, locale=LOCALES[code])
    waiting = await open_page(phone, queue.url)
    number = await waiting.text_content("#number")
    shown = await phone.new_page()
    await shown.clock.install()
    await shown.goto(queue.url)
    await shown.click("a[href$='/move']")
    assert await scanned(shown) == await link_on(shown)
    await looks_right(shown, f"move-show-{code}")

    link = await link_on(shown)
    asked = await open_page(laptop, link)
    await looks_right(asked, f"move-take-{code}")
    await asked.get_by_role("button", name=text("move.take")).click()
    await expect(asked.locator("#number")).not_to_have_text("…")
    assert number in ("…", await asked.text_content("#number"))

    await shown.clock.run_for(7000)
    for tab in (shown, waiting):
        await expect(tab.locator("h1")).to_have_text(text("move.moved.heading"))
    await looks_right(shown, f"move-moved-{code}")

    used = await open_page(await a_context(chromium, locale=LOCALES[code]), link)
    await used.get_by_role("button", name=text("move.take")).click()
    await expect(used.locator("h1")).to_have_text(text("move.used.heading"))
    await looks_right(used, f"move-used-{code}")
    for context in (phone, laptop, used.context):
        await context.close()


async def test_it_all_works_without_a_script(chromium: Browser, queue: Queue) -> None:
    phone = await a_context(chromium, java_script_enabled=False)
    laptop = await a_context(chromium, java_script_enabled=False)
    first, second = await open_page(phone, queue.url), await laptop.new_page()
    await first.goto(queue.url)
    await first.click("a[href$='/move']")
    await second.goto(await link_on(first))
    await second.click("button")
    await expect(second.locator("#number")).to_have_text("A-0000-0117")
    await first.goto(queue.url)
    await expect(first.locator("h1")).to_have_text("Tempat Anda sudah pindah")
    await first.click("button")
    await first.goto(queue.url)
    await expect(first.locator("#number")).to_have_text("A-0000-0125")
    await phone.close()
    await laptop.close()


async def test_in_our_trouble_the_page_comes_again_by_itself(chromium: Browser, queue: Queue) -> None:
    context = await a_context(chromium)
    page = await context.new_page()
    await page.goto(queue.url)
    queue.line.cut_off = True
    await page.clock.install()
    await page.goto(f"{queue.url}_queue/registration/move")
    await expect(page.locator("h1")).to_have_text("Mohon tunggu sebentar")
    await looks_right(page, "move-trouble-id")
    queue.line.cut_off = False
    await page.clock.run_for(10_000)
    await expect(page.locator("svg.qr")).to_be_visible()
    await context.close()
