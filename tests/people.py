"""People at the public listener: requests as they are written, on real sockets, with a cookie jar."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import pytest


@dataclass
class Reply:
    status: int
    headers: list[tuple[str, str]]
    body: bytes = field(repr=False)

    def header(self, name: str) -> str:
        return ", ".join(value for key, value in self.headers if key.lower() == name)

    def json(self) -> dict[str, Any]:
        value: dict[str, Any] = json.loads(self.body)
        return value

    @property
    def text(self) -> str:
        return self.body.decode("utf-8", "replace")

    @property
    def is_page(self) -> bool:
        return self.header("content-type").startswith("text/html")


async def ask(port: int, head: bytes, body: bytes = b"") -> Reply:
    """One request as it is written, on a connection of its own."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        writer.write(head + body)
        async with asyncio.timeout(20):
            answer = await reader.read()
    finally:
        writer.close()
    start, _, rest = answer.partition(b"\r\n\r\n")
    first, *lines = start.decode("latin-1").split("\r\n")
    headers = [(name, value) for name, _, value in (line.partition(": ") for line in lines)]
    return Reply(int(first.split(" ")[1]), headers, rest)


@dataclass
class Browser:
    """A visitor with a cookie jar who writes requests by hand."""

    port: int
    host: str = "127.0.0.1"
    cookies: dict[str, str] = field(default_factory=dict)

    async def get(self, path: str, **headers: str) -> Reply:
        navigation = {"Accept": "text/html", "Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "document"}
        return await self.ask("GET", path, navigation | headers)

    async def fetch(self, method: str, path: str, body: bytes = b"") -> Reply:
        script = {"Accept": "*/*", "Sec-Fetch-Mode": "cors", "Sec-Fetch-Site": "same-origin"}
        return await self.ask(method, path, script, body)

    async def ask(self, method: str, path: str, headers: dict[str, str], body: bytes = b"") -> Reply:
        sent = {"Host": self.host, "Connection": "close", **headers}
        if self.cookies and "Cookie" not in headers:
            sent["Cookie"] = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
        if method == "POST":
            sent["Content-Length"] = str(len(body))
        lines = "".join(f"{name}: {value}\r\n" for name, value in sent.items())
        reply = await ask(self.port, f"{method} {path} HTTP/1.1\r\n{lines}\r\n".encode("latin-1"), body)
        for name, value in reply.headers:
            if name.lower() == "set-cookie":
                cookie, _, token = value.split("; ")[0].partition("=")
                self.cookies[cookie] = token
                if "Max-Age=0" in value:
                    del self.cookies[cookie]
        return reply


async def until(holds: Callable[[], Any], description: str, within_s: float = 20.0) -> None:
    """Return as soon as ``await holds()`` is true, or fail saying what did not come true."""
    try:
        async with asyncio.timeout(within_s):
            while not await holds():  # noqa: ASYNC110 - it waits for another process
                await asyncio.sleep(0.05)
    except TimeoutError:
        pytest.fail(f"not within {within_s:g} s: {description}")
