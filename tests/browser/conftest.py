"""Chromium for the browser tests: whichever is installed."""

from __future__ import annotations

import asyncio
import os
import shutil
import socket
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import pytest_asyncio
import uvicorn
from playwright.async_api import Browser, async_playwright

from gateway.domain.credentials import Keyring
from gateway.domain.paths import PathRules, Protection
from gateway.protocol import GatewayProtocol
from gateway.server import KEEP_ALIVE_S
from gateway.visitor.gate import Gate
from gateway.visitor.rooms import VisitorRoom
from gateway.visitor.waiting_page import WaitingPage
from tests.browser.scene import Scene, served, until
from tests.visitor.conftest import KEYS, SETTINGS, MemoryLine, Site

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
APPLICATIONS = (
    "/Applications/Chromium.app/Contents/MacOS/Chromium",
    "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
    "/snap/bin/chromium",
)
QUIET = (
    *("--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync"),
    *("--disable-background-networking", "--disable-component-update"),
)


def find_chromium() -> str | None:
    """The browser to use: ANTREAN_CHROMIUM, else the first one found on PATH or in the usual folders."""
    named = os.environ.get("ANTREAN_CHROMIUM")
    found = [named] if named else [shutil.which(name) for name in NAMES] + [*APPLICATIONS]
    return next((path for path in found if path and Path(path).exists()), None)


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def chromium() -> AsyncIterator[Browser]:
    path = find_chromium()
    if path is None:
        reason = "no chromium found: install chromium or set ANTREAN_CHROMIUM to its program"
        if os.environ.get("ANTREAN_REQUIRE_BROWSER") == "1":
            pytest.fail(reason)
        pytest.skip(reason)
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=path, args=QUIET)
        yield browser
        await browser.close()


@pytest_asyncio.fixture(loop_scope="session")
async def scene() -> AsyncIterator[Scene]:
    """The waiting page on a real server that answers as the test says."""
    async with served(Scene()) as running:
        yield running


@dataclass
class Queue:
    """The gate with ten people in line, on a port of its own, answering as our server does."""

    line: MemoryLine
    url: str


@pytest_asyncio.fixture(loop_scope="session")
async def queue() -> AsyncIterator[Queue]:
    line = MemoryLine()
    line.issued, line.free = 10, 0
    room = VisitorRoom(SETTINGS, line, Site(), Keyring(KEYS), WaitingPage(SETTINGS))
    gate = Gate({"registration": room}, PathRules([Protection("registration", ("/",), ())]))
    listener = socket.create_server(("127.0.0.1", 0))
    config = uvicorn.Config(
        gate, http=GatewayProtocol, proxy_headers=False, timeout_keep_alive=KEEP_ALIVE_S,
        log_config=None, lifespan="off", timeout_graceful_shutdown=1,
    )  # fmt: skip
    server = uvicorn.Server(config)
    running = asyncio.create_task(server.serve([listener]))
    await until(lambda: server.started, "the server has started")
    yield Queue(line, f"http://127.0.0.1:{listener.getsockname()[1]}/")
    server.should_exit = True
    await running
    listener.close()
