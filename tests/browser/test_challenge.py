"""The page before a number, in a real browser: solved by its script, waited out without; and a busy network."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from dataclasses import replace

import pytest
import pytest_asyncio
from playwright.async_api import Browser, Page, expect

from gateway.domain import challenge as riddles
from gateway.domain.challenge import Challenge
from gateway.domain.numbers import format_number
from gateway.i18n import languages
from gateway.visitor import newcomers
from gateway.visitor.newcomer_page import newcomer_page
from tests.browser.conftest import Queue
from tests.browser.scene import a_context
from tests.browser.test_move import looks_right, open_page
from tests.visitor.conftest import SETTINGS

ELEVEN = format_number(11)

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]


@pytest_asyncio.fixture(loop_scope="session")
async def challenged(queue: Queue) -> AsyncIterator[Queue]:
    queue.line.knobs = replace(queue.line.knobs, challenge=True)
    yield queue


def text(code: str, key: str) -> str:
    return languages()[code].text(key)


async def test_the_browser_solves_it_by_itself_and_the_line_begins(challenged: Queue, chromium: Browser) -> None:
    context = await a_context(chromium)
    page = await open_page(context, challenged.url + "daftar?a=1&b=2")
    await expect(page.locator("#number")).to_have_text(ELEVEN, timeout=30_000)
    assert challenged.line.issued == 11
    await page.reload()
    await expect(page.locator("#number")).to_have_text(ELEVEN)
    challenged.line.offer(11)
    await page.wait_for_url(challenged.url + "daftar?a=1&b=2", timeout=30_000)
    await context.close()


@pytest.mark.parametrize("code", ["id", "en"])
async def test_it_says_how_far_it_is_and_everybody_can_read_it(
    challenged: Queue, chromium: Browser, code: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def without_answer(room: str, instance: str, now_s: float) -> Challenge:
        return Challenge(room, instance, "nonce", "0" * 64, int(now_s))

    monkeypatch.setattr(riddles, "new_challenge", without_answer)
    context = await a_context(chromium, locale={"id": "id-ID", "en": "en-GB"}[code])
    page = await open_page(context, challenged.url)
    assert await page.inner_text("h1") == text(code, "challenge.heading")
    await looks_right(page, f"challenge-{code}")
    await expect(page.get_by_role("status")).to_have_text(
        text(code, "challenge.progress").replace("{percent}", "100"), timeout=60_000
    )
    assert await page.get_by_role("progressbar").get_attribute("value") == "100"
    skip = re.compile(languages()[code].text("challenge.skip", seconds="DIGITS").replace("DIGITS", r"\d+"))
    assert await page.get_by_role("link", name=skip).count() == 1
    await context.close()


async def test_without_a_script_the_page_goes_on_by_itself_after_its_time(
    challenged: Queue, chromium: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(riddles, "WAIT_S", 1)
    context = await a_context(chromium, java_script_enabled=False)
    page = await open_page(context, challenged.url + "daftar")
    assert await page.locator("#work").is_visible() is False
    await expect(page.locator("body")).to_contain_text(ELEVEN, timeout=30_000)
    assert challenged.line.issued == 11
    await context.close()


@pytest.mark.parametrize("code", ["id", "en"])
async def test_a_busy_network_is_told_calmly_and_comes_again(
    queue: Queue, chromium: Browser, code: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    busy = True
    monkeypatch.setattr(newcomers, "_is_limited", lambda *_: busy)
    context = await a_context(chromium, locale={"id": "id-ID", "en": "en-GB"}[code])
    page: Page = await context.new_page()
    await page.clock.install()
    await page.goto(queue.url + "daftar")
    assert await page.inner_text("h1") == text(code, "limited.heading")
    await looks_right(page, f"limited-{code}")
    busy = False
    await page.clock.fast_forward(41_000)
    await page.wait_for_url("**/_queue/registration/wait?to=/daftar")
    await expect(page.locator("#number")).to_have_text(ELEVEN)
    await context.close()


@pytest.mark.parametrize("code", ["id", "en"])
async def test_the_page_is_small_and_from_nowhere_else(code: str) -> None:
    page = newcomer_page(SETTINGS, code, "challenge", 200, go="/", seconds=30, nonce="n", target="t").body
    assert len(page) < 12_000
    assert b"http://" not in page
    assert b"https://" not in page
