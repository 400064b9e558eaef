"""Who reads by keyboard, without motion, or without a script and far down the page."""

from __future__ import annotations

from typing import Literal

import pytest
from playwright.async_api import Browser

from tests.browser.scene import Scene, a_context, arrive, until

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]

FOCUSED = """() => { const now = document.activeElement, style = getComputedStyle(now);
return [now.id || now.textContent.trim(), style.outlineStyle, parseFloat(style.outlineWidth)]; }"""

# Of the only part that moves; a browser tells a page nothing of what is inside its progress bar.
TRANSITION = """() => { let last = '';
const read = rules => { for (const rule of rules) {
  if (rule.media) { if (matchMedia(rule.media.mediaText).matches) { read(rule.cssRules); } }
  else if (/-webkit-progress-value$/.test(rule.selectorText)) { last = rule.style.transition || last; }
} };
read(document.styleSheets[0].cssRules);
return last; }"""


async def test_everything_works_by_keyboard_and_the_focus_is_seen(chromium: Browser, scene: Scene) -> None:
    context = await a_context(chromium)
    visitor = await arrive(context, scene)
    keyboard, reached = visitor.page.keyboard, []
    for _ in range(5):
        await keyboard.press("Tab")
        name, style, width = await visitor.page.evaluate(FOCUSED)
        reached.append(name)
        assert (style, width >= 2) == ("solid", True), f"no outline at {name}"
    assert reached == [
        "English",
        "check",
        "Pindah ke perangkat lain",
        "Beri tahu saat giliran saya",
        "Lepaskan tempat saya",
    ]
    await keyboard.press("Enter")
    await keyboard.press("Tab")
    await keyboard.press("Enter")
    await visitor.quiet()
    await visitor.pass_s(1)
    assert await visitor.view() == "left"
    assert (await visitor.page.evaluate(FOCUSED))[0] == "heading", "where the change is, the reading goes on"
    await keyboard.press("Tab")
    assert (await visitor.page.evaluate(FOCUSED))[0] == "Ambil nomor baru"
    await context.close()


@pytest.mark.parametrize(("motion", "transition"), [("reduce", "none"), ("no-preference", "width 1s")])
async def test_nothing_moves_for_who_wants_no_motion(
    chromium: Browser, scene: Scene, motion: Literal["reduce", "no-preference"], transition: str
) -> None:
    context = await a_context(chromium, reduced_motion=motion)
    visitor = await arrive(context, scene)
    assert await visitor.page.evaluate(TRANSITION) == transition
    await context.close()


async def test_without_a_script_a_load_keeps_the_reading_position(chromium: Browser, scene: Scene) -> None:
    scene.kind, scene.ticket["poll_s"] = "rendered", 5
    context = await a_context(chromium, java_script_enabled=False)
    page = await context.new_page()
    await page.goto(scene.url)
    rules = page.locator("#rules")
    await page.mouse.wheel(0, 250)
    await until(lambda: rules.evaluate("() => scrollY === 250"), "scrolled to the rules")
    await until(lambda: scene.count("GET page") == 2, "the page came again", timeout_s=15)
    await until(lambda: rules.evaluate("() => document.readyState === 'complete'"), "it is whole")
    await until(lambda: rules.evaluate("() => scrollY === 250"), "it is where it was")
    await context.close()
