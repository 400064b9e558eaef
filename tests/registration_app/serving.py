"""The service on a real socket, and a visitor with a browser's habits."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, nullcontext
from html.parser import HTMLParser

import httpx2
import pytest
import uvicorn
from argon2 import PasswordHasher

from registration_app.app import create_app
from registration_app.settings import Settings

CHEAP = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
"""For tests in which the cost is not the point."""


class Server(uvicorn.Server):
    """A server inside a test, which keeps its hands off the signals of the test run."""

    def capture_signals(self) -> nullcontext[None]:  # type: ignore[override]
        return nullcontext()


class _Fields(HTMLParser):
    """What a browser would send for the form with an id: its fields and their values."""

    def __init__(self, form_id: str) -> None:
        super().__init__()
        self._form_id = form_id
        self._inside = False
        self._select: str | None = None
        self.values: dict[str, str] = {}

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        if tag == "form":
            self._inside = given.get("id") == self._form_id
        if not self._inside:
            return
        if tag == "select":
            self._select = given["name"]
            self.values[self._select] = ""
        elif tag == "option" and "selected" in given and self._select:
            self.values[self._select] = given["value"]
        elif tag == "input" and (given.get("type") != "radio" or "checked" in given):
            self.values[given["name"]] = given["value"]

    def handle_endtag(self, tag: str) -> None:
        if tag == "form":
            self._inside = False


def fields_of(page: str, form_id: str = "registration") -> dict[str, str]:
    """The fields of a page's form, filled in as the page has them."""
    parser = _Fields(form_id)
    parser.feed(page)
    return parser.values


def number_on(page: str) -> str:
    """The registration number on a card."""
    return page.split('id="number">', 1)[1].split("<", 1)[0]


class Visitor:
    """Somebody with a browser: cookies, no redirects followed unless asked."""

    def __init__(self, client: httpx2.AsyncClient) -> None:
        self.client = client

    async def example(self) -> dict[str, str]:
        """A form filled in by the service's own button."""
        page = await self.client.get("/", params={"example": "1"})
        assert page.status_code == 200
        return fields_of(page.text)

    async def send(self, fields: dict[str, str], **headers: str) -> httpx2.Response:
        """Send the form as the browser would, and stay at its answer."""
        return await self.client.post("/", data=fields, headers=headers)

    async def register(self, fields: dict[str, str]) -> str:
        """Send the form, follow to the card, and read the number on it."""
        answer = await self.send(fields)
        assert answer.status_code == 303, answer.text
        card = await self.client.get(answer.headers["location"])
        assert card.status_code == 200
        return number_on(card.text)


class Service:
    """A running service."""

    def __init__(self, url: str, settings: Settings, close: list[httpx2.AsyncClient]) -> None:
        self.url = url
        self.settings = settings
        self._close = close

    def visitor(self, **headers: str) -> Visitor:
        """A new visitor, with a browser of their own."""
        client = httpx2.AsyncClient(base_url=self.url, headers=headers, timeout=20)
        self._close.append(client)
        return Visitor(client)

    async def count(self) -> int:
        """Registrations in the database, by the service's own word."""
        health = await self.visitor().client.get("/health")
        registrations = health.json()["registrations"]
        assert isinstance(registrations, int)
        return registrations


@asynccontextmanager
async def serve(settings: Settings, hasher: PasswordHasher | None = CHEAP) -> AsyncIterator[Service]:
    """The service on a free port until the block ends."""
    listener = socket.create_server(("127.0.0.1", 0))
    config = uvicorn.Config(
        create_app(settings, hasher), log_config=None, access_log=False, lifespan="on", server_header=False
    )
    server = Server(config)
    task = asyncio.create_task(server.serve(sockets=[listener]))
    clients: list[httpx2.AsyncClient] = []
    try:
        await until(lambda: server.started or task.done(), "the service serves")
        yield Service(f"http://127.0.0.1:{listener.getsockname()[1]}", settings, clients)
    finally:
        for client in clients:
            await client.aclose()
        server.should_exit = True
        await task
        listener.close()


async def until(predicate: Callable[[], bool], description: str, within_s: float = 20) -> None:
    """Wait until the predicate is true; fails with the description."""
    try:
        async with asyncio.timeout(within_s):
            while not predicate():  # noqa: ASYNC110 - not everything that becomes true sets an event
                await asyncio.sleep(0.01)
    except TimeoutError:
        pytest.fail(f"not within {within_s} s: {description}")


async def together(*calls: Awaitable[httpx2.Response]) -> list[httpx2.Response]:
    """All at once."""
    return list(await asyncio.gather(*calls))
