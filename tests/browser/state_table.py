"""What each state of the page weighs, and what axe says of it, as a table.

``ANTREAN_WRITE_DOCS=1 python -m tests.browser.state_table`` writes the table of ``docs/states.md`` anew. Needs
chromium.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

from playwright.async_api import Browser, async_playwright
from starlette.responses import Response

from tests.browser.conftest import QUIET, find_chromium
from tests.browser.scene import Scene, a_context, arrive, served
from tests.browser.test_waiting_views import FIRST_GLANCE, LOCALES, SCENES, axe_of, play
from tests.docs.documents import ROOT, keep_marked, table

DOCUMENT = ROOT / "docs" / "states.md"


@dataclass(frozen=True)
class Finding:
    """One state in one language, on a screen of 360 × 640."""

    kept: int  # rules of axe
    violated: int
    page_bytes: int  # headers and body of the response that the state begins with


async def found(browser: Browser, view: str, locale: str) -> Finding:
    """Plays the state as the tests do, and looks at it."""
    async with served(Scene(**SCENES[view])) as scene:
        context = await a_context(browser, locale=locale)
        visitor = await arrive(context, scene, settle=view not in FIRST_GLANCE)
        await play(visitor, view)
        results = await axe_of(visitor)
        await context.close()
        return Finding(len(results["passes"]), len(results["violations"]), on_the_wire(scene.sent[0]))


def on_the_wire(response: Response) -> int:
    """Bytes of a response with its headers, as HTTP/1.1 sends them."""
    return len(response.body) + sum(len(name) + len(value) + 4 for name, value in response.raw_headers)


async def rows() -> list[tuple[str, str, str, str]]:
    """Each state's worse language."""
    made = []
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=find_chromium(), args=QUIET)
        for view in SCENES:
            findings = [await found(browser, view, locale) for locale in LOCALES.values()]
            kept, violated = min(each.kept for each in findings), max(each.violated for each in findings)
            made.append((view, str(violated), str(kept), f"{max(each.page_bytes for each in findings):,}"))
        await browser.close()
    return made


if __name__ == "__main__":
    content = table("state", "axe: violations", "axe: rules kept", "bytes on the wire", rows=asyncio.run(rows()))
    keep_marked(DOCUMENT, "states", content)
    print(content, end="")
