"""A stage for the shipped waiting page: a real server that sends its bytes and scripted replies."""

from __future__ import annotations

import asyncio
import json
import socket
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import uvicorn
from playwright.async_api import Browser, BrowserContext, Page
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, RedirectResponse, Response
from starlette.routing import Route

from gateway.settings import RoomSettings
from gateway.visitor.extras import extra_script
from gateway.visitor.waiting_page import WaitingPage, choose_encoding, choose_language

NOON_MS = 1_787_202_000_000  # Thursday 20 August 2026, 12:00 in Jakarta
CAPTIVE_PORTAL = "<!doctype html><title>Wi-Fi</title><form>Please sign in</form>"
# Notes each request with the page's own (faked) clock, and how many are under way.
RECORDER = """
window.asked = []; window.underWay = 0;
(function (open, send) {
  XMLHttpRequest.prototype.open = function (method, url) {
    this.what = method + ' ' + url.split('/').pop(); return open.apply(this, arguments);
  };
  XMLHttpRequest.prototype.send = function () {
    window.asked.push([this.what, Date.now()]); window.underWay += 1;
    this.addEventListener('loadend', function () { window.underWay -= 1; });
    return send.apply(this, arguments);
  };
})(XMLHttpRequest.prototype.open, XMLHttpRequest.prototype.send);
"""


Room = partial(RoomSettings, id="registration", name="Pendaftaran CPNS 2026", origin="http://127.0.0.1:1")


def a_ticket(**changes: Any) -> dict[str, Any]:
    """A check-in's reply: waiting, 534 people ahead."""
    return {
        "number": 1234,
        "shown": "A-0000-1234-7",
        "position": 1234,
        "state": "waiting",
        "ahead": 534,
        "eta": {"low_s": 480, "high_s": 690},
        "poll_s": 10,
        "location": None,
    } | changes


def a_pulse(**changes: Any) -> dict[str, Any]:
    """A pulse in which the ticket above waits, at 60 a minute."""
    return {
        "room": "registration",
        "instance": "i1",
        "generation": 1,
        "phase": "open",
        "now_ms": NOON_MS,
        "issued": 9000,
        "called": 900,
        "serving": 700,
        "rate_per_minute": 60,
        "density": 1,
        "opens_at": 0,
        "closes_at": 0,
        "ending": "serve",
        "draw": None,
        "message": {},
        "poll_max_s": 60,
    } | changes


@dataclass
class Scene:
    """What the server answers next; a test changes it while the page runs."""

    room: RoomSettings = field(default_factory=Room)
    ticket: dict[str, Any] = field(default_factory=a_ticket)
    ticket_status: int = 200
    joined: dict[str, Any] | None = None  # the reply to join; None: 409, nobody may join
    pulse: dict[str, Any] = field(default_factory=a_pulse)
    trouble: str = ""  # "", html, 502, half, silence or store
    kind: str = "surge"  # or rendered, or a kind of WaitingPage.simple
    queue_status: int = 200
    asked: list[str] = field(default_factory=list)
    sent: list[Response] = field(default_factory=list)  # pages
    url: str = ""
    over: asyncio.Event = field(default_factory=asyncio.Event)

    def __post_init__(self) -> None:
        self.pages = WaitingPage(self.room)

    def count(self, what: str) -> int:
        return self.asked.count(what)

    async def page(self, request: Request) -> Response:
        accepted = request.headers.get("accept-encoding", "").encode()
        chosen = request.query_params.get("antrean-lang") or request.cookies.get("antrean-lang", "")
        language = choose_language(request.headers.get("accept-language", "").encode(), chosen.encode())
        encoding = choose_encoding(accepted)
        if self.kind == "surge":
            page = self.pages.surge(language, encoding)
        elif self.kind == "rendered":
            page = self.pages.rendered(language, self.ticket | self._known(), encoding)
        else:
            page = self.pages.simple(language, self.kind, encoding)
        self.asked.append("GET page")
        response = Response(page.body, self.queue_status)
        response.raw_headers = [*page.headers]
        if self.kind in ("surge", "rendered"):
            response.set_cookie("antrean-ticket-registration", "signed", httponly=True, samesite="lax")
        self.sent.append(response)
        return response

    def _known(self) -> dict[str, Any]:
        known = {key: self.pulse[key] for key in ("phase", "now_ms", "message")}
        return known | {"opens_at_ms": self.pulse["opens_at"]}

    async def api(self, request: Request) -> Response:
        name = request.path_params["name"]
        self.asked.append(f"{request.method} {name}")
        if self.trouble:
            return await self._troubled()
        if name == "pulse":
            return JSONResponse(self.pulse)
        if name.endswith("-script"):
            return JSONResponse({"script": extra_script(self.room, name.removesuffix("-script"))})
        if name == "join":
            return JSONResponse(self.joined, 201) if self.joined else _problem(409)
        if name == "leave" and "text/html" in request.headers["accept"]:
            page = self.pages.simple("id", "left")
            return HTMLResponse(page.body)
        if name == "leave":
            return JSONResponse(a_ticket(state="withdrawn"))
        return JSONResponse(self.ticket, self.ticket_status) if self.ticket else _problem(401)

    async def _troubled(self) -> Response:
        if self.trouble == "html":
            return HTMLResponse(CAPTIVE_PORTAL)
        if self.trouble == "502":
            return HTMLResponse("<h1>502 Bad Gateway</h1>", 502)
        if self.trouble == "half":
            return Response(json.dumps(self.pulse)[:60], media_type="application/json")
        if self.trouble == "store":
            return _problem(503)
        await self.over.wait()  # silence: the page must give up first
        return Response()

    def app(self) -> Starlette:
        return Starlette(
            routes=[
                Route("/_queue/registration/{name}", self.api, methods=["GET", "POST"]),
                Route("/form", lambda _: HTMLResponse("<h1>The form</h1>")),
                Route("/elsewhere", lambda _: RedirectResponse("/")),
                Route("/{path:path}", self.page),
            ]
        )


def _problem(status: int) -> Response:
    body = {"type": "urn:antrean:problem:x", "status": status}
    return JSONResponse(body, status, media_type="application/problem+json")


@asynccontextmanager
async def served(scene: Scene) -> AsyncIterator[Scene]:
    """The scene on a free port of 127.0.0.1 while the block runs."""
    listener = socket.create_server(("127.0.0.1", 0))
    scene.url = f"http://127.0.0.1:{listener.getsockname()[1]}/"
    config = uvicorn.Config(scene.app(), log_config=None, lifespan="off", timeout_graceful_shutdown=1)
    server = uvicorn.Server(config)
    running = asyncio.create_task(server.serve([listener]))
    try:
        await until(lambda: server.started, "the server has started")
        yield scene
    finally:
        scene.over.set()
        server.should_exit = True
        await running
        listener.close()


async def until(predicate: Callable[[], Any], description: str, timeout_s: float = 10) -> None:
    """Wait until ``predicate()`` (or what it awaits to) is true; fail with ``description``."""
    deadline = time.monotonic() + timeout_s
    while True:
        found = predicate()
        if asyncio.iscoroutine(found):
            found = await found
        if found:
            return
        assert time.monotonic() < deadline, f"in {timeout_s} s never: {description}"
        await asyncio.sleep(0.01)


@dataclass
class Visitor:
    """A browser tab whose clock stands still unless ``pass_s`` moves it."""

    page: Page
    scene: Scene
    complaints: list[str]  # console errors and exceptions: refused by the policy, broken script

    async def view(self) -> str:
        return str(await self.page.evaluate("document.getElementById('page').className.split(' ')[0]"))

    async def text(self, name: str) -> str:
        return (await self.page.text_content(f"#{name}") or "").replace("\u00a0", " ").strip()

    async def asked(self) -> list[tuple[str, float]]:
        """What the page asked, and when by its own clock, in seconds from its first request."""
        asked = await self.page.evaluate("window.asked")
        return [(what, (at_ms - asked[0][1]) / 1000) for what, at_ms in asked]

    async def times(self, what: str) -> list[float]:
        return [at for name, at in await self.asked() if name == what]

    async def quiet(self) -> None:
        """Until every request has its answer."""
        await until(lambda: self.page.evaluate("window.underWay === 0"), "all requests answered")

    async def pass_s(self, seconds: float, step_s: float = 1) -> None:
        """Let time pass in the page, in steps, with the scene's clock in step and replies awaited."""
        passed = 0.0
        while passed < seconds:
            self.scene.pulse["now_ms"] += step_s * 1000
            await self.page.clock.run_for(round(step_s * 1000))
            await self.quiet()
            passed += step_s

    async def pass_until(self, view: str, most_s: float = 200) -> None:
        """Let time pass until the page shows that view: when it asks is drawn by lot."""
        for _ in range(round(most_s / 5)):
            if await self.view() == view:
                return
            await self.pass_s(5, 5)
        assert await self.view() == view

    async def reaches(self, ending: str) -> None:
        """Until the tab is at an address with this ending; the clock runs again, for it cannot be moved
        while a page goes."""
        resuming = asyncio.create_task(self.page.clock.resume())  # never answered if the page goes meanwhile
        await until(lambda: self.page.url.endswith(ending), f"the tab is at {ending}")
        resuming.cancel()
        await asyncio.wait({resuming})

    async def hide(self, hidden: bool = True) -> None:
        """What the browser does to a tab in the background, as far as a script can tell."""
        await self.page.evaluate(
            """hidden => { Object.defineProperty(document, 'hidden', {configurable: true, get: () => hidden});
            document.dispatchEvent(new Event('visibilitychange')); }""",
            hidden,
        )


async def a_context(browser: Browser, **options: Any) -> BrowserContext:
    settings = {
        "viewport": {"width": 360, "height": 640},
        "locale": "id-ID",
        "timezone_id": "Asia/Jakarta",
    } | options
    return await browser.new_context(**settings)


async def arrive(
    context: BrowserContext, scene: Scene, path: str = "", *, settle: bool = True, page: Page | None = None
) -> Visitor:
    """Open the page in a tab, a new one if none is given, with the clock stopped.

    ``settle``: let it ask its first questions.
    """
    page = page or await context.new_page()
    complaints: list[str] = []
    page.on("console", lambda message: complaints.append(message.text) if message.type == "error" else None)
    page.on("pageerror", lambda error: complaints.append(str(error)))
    await page.clock.install(time=NOON_MS / 1000 - 60)
    await page.clock.pause_at(NOON_MS / 1000)
    await page.add_init_script(RECORDER)
    await page.goto(scene.url + path)
    visitor = Visitor(page, scene, complaints)
    if settle:
        await visitor.pass_s(2, 0.5)
    return visitor
