"""In a real browser, on a running copy: from landing in a line to the registered card, in both languages."""

from __future__ import annotations

import re

import pytest
from playwright.async_api import Browser, expect

from tests.fundamentals.antrean import Antrean

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]

WORDS = {"id": ("Isi contoh", "Anda sudah terdaftar"), "en": ("Fill in an example", "You are registered")}
WAITS_MS = 60_000  # a browser, four processes and an honest password hash on a busy machine


@pytest.mark.parametrize("language", ["id", "en"])
async def test_from_landing_in_a_line_to_the_registered_card(
    antrean: Antrean, chromium: Browser, language: str
) -> None:
    fill_in, registered = WORDS[language]
    await antrean.room("pause")
    before = len(antrean.rows())
    context = await chromium.new_context(locale=language, viewport={"width": 360, "height": 640})
    context.set_default_timeout(WAITS_MS)
    page = await context.new_page()
    complaints: list[str] = []
    page.on("pageerror", lambda error: complaints.append(str(error)))

    await page.goto(f"http://127.0.0.1:{antrean.port}/?from=poster")
    assert await page.locator("html").get_attribute("lang") == language
    await expect(page.locator("#number")).to_have_text(re.compile(r"A-\d{4}-\d{4}"), timeout=WAITS_MS)
    number = await page.locator("#number").inner_text()
    await page.reload()
    await expect(page.locator("#number")).to_have_text(number, timeout=WAITS_MS)

    await antrean.room("resume")
    await page.get_by_role("button", name=fill_in).click()  # the page goes on to the form by itself
    await page.locator("#send").click()
    await expect(page.locator("h1")).to_have_text(registered, timeout=WAITS_MS)
    assert await page.locator(".qr").is_visible()
    assert await page.locator("html").get_attribute("lang") == language
    assert len(antrean.rows()) == before + 1
    assert complaints == []
    await context.close()
