"""One picture of all states, from the pictures that the browser tests keep.

``python -m tests.browser.contact_sheet FOLDER`` is the second half of ``make screenshots``. Each state has its
pictures at 360 pixels: both languages, light and dark.
"""

from __future__ import annotations

import asyncio
import re
import sys
from collections import defaultdict
from html import escape
from pathlib import Path

from playwright.async_api import async_playwright

from tests.browser.conftest import QUIET, find_chromium

NAME = "contact-sheet"
COLUMNS = [(code, scheme) for code in ("id", "en") for scheme in ("light", "dark")]
_PICTURE = re.compile(r"(?P<state>.+)-(?P<code>id|en)-360-(?P<scheme>light|dark)\.png")
_STYLE = (
    "body{font:14px system-ui,sans-serif;margin:16px;background:#c9d1d4}"
    "main{display:grid;grid-template-columns:repeat(3,auto);gap:24px;justify-content:start}"
    "section{display:grid;grid-template-columns:repeat(4,150px);gap:6px;align-items:start;align-content:start}"
    "h2{grid-column:1/-1;font-size:15px;margin:0}img{width:150px;display:block}"
)


def states(folder: Path) -> dict[str, dict[tuple[str, str], Path]]:
    """The pictures by state, then by language and colour scheme."""
    found: dict[str, dict[tuple[str, str], Path]] = defaultdict(dict)
    for path in sorted(folder.glob("*.png")):
        if parts := _PICTURE.fullmatch(path.name):
            found[parts["state"]][parts["code"], parts["scheme"]] = path
    return found


def sheet(folder: Path) -> str:
    """The page of which the picture is taken. Raises ValueError when there are no pictures."""
    found = states(folder)
    if not found:
        raise ValueError(f"no pictures of states: run the browser tests with ANTREAN_SCREENSHOTS={folder}")
    sections = "".join(f"<section><h2>{escape(state)}</h2>{_cells(found[state])}</section>" for state in found)
    return f"<!doctype html><meta charset=utf-8><style>{_STYLE}</style><main>{sections}</main>"


def _cells(pictures: dict[tuple[str, str], Path]) -> str:
    return "".join(
        f'<img src="{escape(pictures[column].name)}" alt="">' if column in pictures else "<span></span>"
        for column in COLUMNS
    )


async def photograph(folder: Path) -> Path:
    """Writes the sheet into ``folder``, as a page and as a picture. Raises ValueError as ``sheet``."""
    page_file, picture = folder / f"{NAME}.html", folder / f"{NAME}.png"
    page_file.write_text(sheet(folder), "utf-8")
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=find_chromium(), args=QUIET)
        page = await browser.new_page(viewport={"width": 1960, "height": 800})
        await page.goto(page_file.absolute().as_uri())
        await page.screenshot(path=picture, full_page=True)
        await browser.close()
    return picture


if __name__ == "__main__":
    try:
        print(asyncio.run(photograph(Path(sys.argv[1] if len(sys.argv) > 1 else "screenshots"))))
    except ValueError as error:
        sys.exit(str(error))
