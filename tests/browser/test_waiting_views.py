"""Every view of the waiting page in a real browser: whole, accessible, inside the screen and its policy."""

from __future__ import annotations

import os
from typing import Any

import pytest
from axe_playwright_python.async_playwright import Axe
from playwright.async_api import Browser

from gateway.i18n import languages
from gateway.visitor.page_words import VIEWS
from tests.browser.scene import NOON_MS, Scene, Visitor, a_context, a_pulse, a_ticket, arrive

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]

SCREENSHOTS = os.environ.get("ANTREAN_SCREENSHOTS")  # a folder: keep a picture of each
SIZES = ((360, 640), (1280, 800))
LOCALES = {"id": "id-ID", "en": "en-GB"}
NEWS = {"id": "Server sedang ramai. Mohon bersabar.", "en": "The site is busy. Please bear with us."}
DAY_MS = 86_400_000

# What the server says for each view to show.
SCENES: dict[str, dict[str, Any]] = {
    "joining": {},  # as it comes: before the script has asked anything
    "waiting": {},
    "called": {
        "ticket": a_ticket(state="called", ahead=34, eta={"low_s": 30, "high_s": 80}),
        "pulse": a_pulse(called=1300, serving=1200),
    },
    "admitted": {"kind": "rendered", "ticket": a_ticket(state="admitted", ahead=0, location="/form")},
    "late": {"ticket": a_ticket(state="late", ahead=0), "pulse": a_pulse(called=2000, serving=1900)},
    "paused": {"pulse": a_pulse(phase="paused", message=NEWS)},
    "last-call": {"pulse": a_pulse(phase="last-call")},
    "scheduled": {
        "ticket": a_ticket(eta=None, ahead=1233),
        "pulse": a_pulse(phase="scheduled", opens_at=NOON_MS + DAY_MS + 5_025_000, called=0, serving=0),
    },
    "closed": {"kind": "closed", "pulse": a_pulse(phase="closed")},
    "withdrawn": {"ticket": a_ticket(state="withdrawn")},
    "left": {"kind": "left"},
    "finished": {"ticket": a_ticket(state="finished")},
    "expired": {"ticket": a_ticket(state="expired")},
    "offline": {},
    "recovering": {},
    "trouble": {"kind": "store-trouble", "trouble": "store"},
    "cookies": {"kind": "cookies-blocked"},
    "bypass": {"pulse": a_pulse(phase="bypass")},
    "overloaded": {"kind": "overloaded"},
    "elsewhere": {},
}
FIRST_GLANCE = ("joining", "admitted")  # seen only before the script has asked, or gone in


async def test_every_view_has_a_scene_here() -> None:
    assert set(SCENES) == set(VIEWS)


@pytest.mark.parametrize("view", SCENES)
@pytest.mark.parametrize("code", LOCALES)
async def test_a_view_is_whole(chromium: Browser, scene: Scene, view: str, code: str) -> None:
    for name, value in SCENES[view].items():
        setattr(scene, name, value)
    context = await a_context(chromium, locale=LOCALES[code])
    visitor = await arrive(context, scene, settle=view not in FIRST_GLANCE)
    await play(visitor, view)

    assert await visitor.view() == view
    assert await visitor.text("heading") == languages()[code].text(f"view.{view}.heading")
    for scheme in ("light", "dark"):
        for width, height in SIZES:
            await visitor.page.set_viewport_size({"width": width, "height": height})
            await visitor.page.emulate_media(color_scheme=scheme)
            await _keep(visitor, f"{view}-{code}-{width}-{scheme}")
            overflow = await visitor.page.evaluate("document.documentElement.scrollWidth - innerWidth")
            assert overflow <= 0
        await _check_accessibility(visitor)
    assert [text for text in visitor.complaints if "Failed to load resource" not in text] == []
    await context.close()


async def play(visitor: Visitor, view: str) -> None:
    """For views that come about only while the page runs."""
    if view in ("offline", "recovering"):
        visitor.scene.trouble = "502" if view == "offline" else "store"
        await visitor.pass_s(140, 5)
    elif view == "elsewhere":
        note = '{"kind":"ticket","from":"x","at":1,"body":{"state":"admitted","shown":"A-0000-1234-7"}}'
        await visitor.page.evaluate(
            """note => { localStorage.setItem('antrean.registration.news', note);
            const key = 'antrean.registration.news';
            window.dispatchEvent(new StorageEvent('storage', {key, newValue: note})); }""",
            note,
        )


async def _check_accessibility(visitor: Visitor) -> None:
    results = await axe_of(visitor)
    found = [f"{found['id']}: {[node['html'] for node in found['nodes']]}" for found in results["violations"]]
    assert found == []


async def axe_of(visitor: Visitor) -> dict[str, Any]:
    """Run axe. Its own timers need the stopped clock to move a little; too little for the page to change."""
    page, results = visitor.page, None
    await page.evaluate(Axe().axe_script)
    await page.evaluate(
        "void axe.run({resultTypes: ['violations', 'passes']}).then(found => { window.found = found; })"
    )
    for _ in range(30):
        await page.clock.run_for(5)
        results = await page.evaluate("window.found")
        if results:
            break
    assert results, "axe has not finished"
    await page.evaluate("delete window.found")
    return dict(results)


async def _keep(visitor: Visitor, name: str) -> None:
    if SCREENSHOTS:
        await visitor.page.screenshot(path=f"{SCREENSHOTS}/{name}.png")
