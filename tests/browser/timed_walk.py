"""From "it is too slow" on the phone to a lower rate in effect on every worker: seconds and taps at a small desk.

``python -m tests.browser.timed_walk``. A whole copy with two workers is started; the walk begins when the sign-in
page is opened and ends when eight pulses in a row, over both workers, tell the new rate. What a person takes to
read and to type comes on top.
"""

from __future__ import annotations

import asyncio
import signal
import tempfile
import time
from pathlib import Path

from playwright.async_api import Page, async_playwright

from gateway.cli.procfile import PACKAGED
from tests.browser.conftest import QUIET, find_chromium
from tests.cli.copies import Copy, wait_until
from tests.fundamentals.antrean import ROOM, Antrean

PHONE = {"width": 360, "height": 740}
NEW_RATE = 30


class Taps:
    """The page, touched as a finger does; every touch is counted."""

    def __init__(self, page: Page) -> None:
        self._page = page
        self.count = 0

    async def tap(self, selector: str, typed: str | None = None) -> None:
        place = self._page.locator(selector).first
        await place.tap()
        self.count += 1
        if typed is not None:
            await place.fill(typed)


async def walk(antrean: Antrean) -> tuple[float, float, int]:
    """Seconds until the change was made, until it was in effect on all workers, and taps."""
    password = antrean.command("desk", "password").rpartition(": ")[2].strip()
    rate = f"#{ROOM}-rate_per_minute"
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=find_chromium(), args=QUIET)
        page = await browser.new_page(viewport=PHONE, has_touch=True, is_mobile=True)
        taps = Taps(page)
        began_s = time.monotonic()
        await page.goto(f"http://127.0.0.1:{antrean.copy.ports['ANTREAN_DESK_PORT']}/")
        await taps.tap("input[name=password]", password)
        await taps.tap("main button")
        await page.wait_for_selector(rate)
        await taps.tap(rate, str(NEW_RATE))
        await taps.tap(f"form:has({rate}) button:not([name])")
        await page.wait_for_selector(".notice.good")
        made_s = time.monotonic() - began_s
        await antrean.is_known()
        assert antrean.knows().knobs.rate_per_minute == NEW_RATE
        in_effect_s = time.monotonic() - began_s
        await browser.close()
    return made_s, in_effect_s, taps.count


def main() -> None:
    with tempfile.TemporaryDirectory(prefix="antrean-walk-") as folder:
        copy = Copy(Path(folder) / "copy", procfile=PACKAGED.read_text("utf-8"))
        copy.environ["ANTREAN_WORKERS"] = "2"
        copy.start()
        try:
            wait_until(lambda: "Ctrl-C stops everything" in copy.said(), f"it started; see {copy.log}", 90)
            made_s, in_effect_s, taps = asyncio.run(walk(Antrean(copy)))
        finally:
            copy.signal(signal.SIGINT)
            copy.ended()
    print(f"{taps} taps; changed after {made_s:.1f} s, in effect on all workers after {in_effect_s:.1f} s")


if __name__ == "__main__":
    main()
