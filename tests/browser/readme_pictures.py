"""The README's pictures of the waiting page, as ``antrean room preview`` shows it.

``python -m tests.browser.readme_pictures docs/images`` makes them anew.
"""

from __future__ import annotations

import asyncio
import socket
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import uvicorn
from playwright.async_api import async_playwright

from gateway.cli.preview import preview_app
from tests.browser.conftest import QUIET, find_chromium
from tests.browser.scene import Room, until

PICTURES = {
    "waiting-page-id.png": "id/waiting",
    "waiting-page-en.png": "en/called",
    "waiting-page-move.png": "en/move-show",
}


@asynccontextmanager
async def previewed() -> AsyncIterator[str]:
    """The address of the preview while the block runs."""
    listener = socket.create_server(("127.0.0.1", 0))
    server = uvicorn.Server(uvicorn.Config(preview_app(Room()), log_config=None, lifespan="off"))
    running = asyncio.create_task(server.serve([listener]))
    await until(lambda: server.started, "the preview has started")
    yield f"http://127.0.0.1:{listener.getsockname()[1]}/"
    server.should_exit = True
    await running
    listener.close()


async def photograph(folder: Path) -> None:
    """Each below 60 kB: pixel for pixel, which is more than the README shows."""
    async with async_playwright() as playwright, previewed() as url:
        browser = await playwright.chromium.launch(executable_path=find_chromium(), args=QUIET)
        page = await browser.new_page(viewport={"width": 360, "height": 700})
        for name, state in PICTURES.items():
            await page.goto(url + state)
            await page.screenshot(path=folder / name)
        await browser.close()


if __name__ == "__main__":
    asyncio.run(photograph(Path(sys.argv[1])))
