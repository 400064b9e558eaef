"""In a real browser: both languages, good for everybody, nothing in the console, no script needed."""

from __future__ import annotations

import re
import shutil
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import pytest
from axe_playwright_python.async_playwright import Axe
from playwright.async_api import Browser, Page, Route, async_playwright, expect

from registration_app.settings import Settings
from tests.registration_app.serving import Service, serve

pytestmark = pytest.mark.browser

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
QUIET = (
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
)  # fmt: skip
PHONE = {"width": 360, "height": 640}
TEXTS = {"id": ("Isi contoh", "Anda sudah terdaftar"), "en": ("Fill in an example", "You are registered")}


@pytest.fixture
async def browser() -> AsyncIterator[Browser]:
    if CHROMIUM is None:
        pytest.skip("no chromium is installed here (apt-get install chromium)")
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=QUIET)
        yield browser
        await browser.close()


@asynccontextmanager
async def phone(browser: Browser, language: str, **options: object) -> AsyncIterator[Page]:
    """A page on a small phone; fails when the browser complains about the page."""
    context = await browser.new_context(viewport=PHONE, locale=language, **options)  # type: ignore[arg-type]
    page = await context.new_page()
    complaints: list[str] = []
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on("console", lambda said: complaints.append(said.text) if "Security Policy" in said.text else None)
    yield page
    await context.close()
    assert complaints == []


async def assert_good_for_everybody(page: Page) -> None:
    """No violation that axe knows, nothing wider than the phone."""
    found = await Axe().run(page)
    assert found.violations_count == 0, found.generate_report()
    assert await page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]


@pytest.mark.parametrize("language", ["id", "en"])
@pytest.mark.parametrize("script", [True, False], ids=["with script", "without script"])
async def test_from_example_to_card(service: Service, browser: Browser, language: str, script: bool) -> None:
    fill_in, registered = TEXTS[language]
    async with phone(browser, language, java_script_enabled=script) as page:
        await page.goto(service.url)
        await page.get_by_role("button", name=fill_in).click()
        await page.locator("#send").click()
        assert await page.locator("h1").inner_text() == registered
        assert await page.locator(".qr").is_visible()
        assert await page.locator("#print").is_visible() == script
        assert await page.locator("html").get_attribute("lang") == language


async def test_every_page_is_good_for_everybody(service: Service, browser: Browser) -> None:
    async with phone(browser, "id", bypass_csp=True) as page:  # axe is put into the page as a script
        await page.goto(service.url)
        await assert_good_for_everybody(page)
        await page.evaluate("document.getElementById('registration').noValidate = true")
        await page.locator("#send").click()
        await page.locator("#summary").wait_for()
        assert await page.evaluate("document.activeElement.id") == "summary"
        await assert_good_for_everybody(page)
        await page.goto(f"{service.url}/nothing")
        await assert_good_for_everybody(page)
        await page.goto(f"{service.url}/?example=1")
        await page.locator("#send").click()
        await page.locator("#number").wait_for()
        await assert_good_for_everybody(page)


async def test_changing_the_language_keeps_what_was_typed(service: Service, browser: Browser) -> None:
    async with phone(browser, "id") as page:
        await page.goto(service.url)
        await page.locator("#name").fill("Siti Rahmawati")
        await page.get_by_role("button", name="EN").click()
        assert await page.locator("html").get_attribute("lang") == "en"
        assert await page.locator("#name").input_value() == "Siti Rahmawati"
        await page.goto(service.url)
        assert await page.locator("html").get_attribute("lang") == "en"


async def test_enter_in_a_field_registers(service: Service, browser: Browser) -> None:
    async with phone(browser, "id") as page:
        await page.goto(f"{service.url}/?example=1")
        await page.locator("#phone").press("Enter")
        await page.locator("#number").wait_for()


async def test_a_second_press_sends_nothing(service: Service, browser: Browser) -> None:
    async with phone(browser, "id") as page:
        await page.goto(f"{service.url}/?example=1")
        was_stopped = await page.evaluate(
            """() => {
                const form = document.getElementById("registration"), stopped = [];
                form.addEventListener("submit", event => {
                    stopped.push(event.defaultPrevented);
                    event.preventDefault();
                });
                form.requestSubmit();
                form.requestSubmit();
                return stopped;
            }"""
        )
        assert was_stopped == [False, True]


async def test_a_visitor_is_warned_before_the_turn_ends_and_can_keep_it(
    configured: Callable[..., Settings], browser: Browser
) -> None:
    async with serve(configured()) as service, phone(browser, "en") as page:
        await page.clock.install()
        await page.set_extra_http_headers({"Antrean-Pass-Expires": str(int(time.time()) + 600)})
        await page.goto(service.url)
        assert await page.locator("#pass-note").is_visible()
        assert not await page.locator("#pass-warning").is_visible()
        await page.clock.fast_forward("08:00")
        await page.locator("#pass-warning").wait_for()
        await page.set_extra_http_headers({"Antrean-Pass-Expires": str(int(time.time()) + 1800)})
        await page.locator("#pass-keep").click()
        await page.locator("#pass-warning").wait_for(state="hidden")


async def test_a_pass_just_handed_out_is_used_at_once_so_that_there_is_time_for_the_form(
    configured: Callable[..., Settings], browser: Browser
) -> None:
    async def gate(route: Route) -> None:
        left_s = 1200 if route.request.url.endswith("/still-here") else 180
        expires_at_s = str(int(time.time()) + left_s)
        await route.continue_(headers={**route.request.headers, "antrean-pass-expires": expires_at_s})

    async with serve(configured()) as service, phone(browser, "en") as page:
        await page.route("**/*", gate)
        async with page.expect_response("**/still-here"):
            await page.goto(service.url)
        await expect(page.locator("#pass-note")).to_contain_text(re.compile(r"about (19|20) minutes"))
        assert not await page.locator("#pass-warning").is_visible()
