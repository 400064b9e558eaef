"""Serves as the gateway does: ``python -m tests.origin.sample_server PORT WORKERS FACTORY``."""

from __future__ import annotations

import asyncio
import os
import resource
import sys
from dataclasses import dataclass

from starlette.types import ASGIApp, Receive, Scope, Send

from gateway.errors import SettingsError
from gateway.origin.proxy import Origin
from gateway.server import serve


@dataclass(frozen=True)
class Settings:
    host: str
    port: int
    workers: int


class Sample:
    """Answers ``/pid``, ``/peak`` (most memory so far, kB), slowly, ``/slow``; all else is for ``site``."""

    def __init__(self, site: Origin | None) -> None:
        self._site = site

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self._lifespan(receive, send)
        elif scope["path"] == "/pid":
            await self._text(str(os.getpid()), send)
        elif scope["path"] == "/peak":
            await self._text(str(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss), send)
        elif scope["path"] == "/files":
            await self._text(str(resource.getrlimit(resource.RLIMIT_NOFILE)), send)
        elif scope["path"] == "/slow":
            headers = [(b"content-length", b"4")]
            await send({"type": "http.response.start", "status": 200, "headers": headers})
            await asyncio.sleep(0.5)
            await send({"type": "http.response.body", "body": b"done"})
        elif self._site is not None:
            await self._site(scope, receive, send)

    async def _lifespan(self, receive: Receive, send: Send) -> None:
        await receive()
        if self._site is not None:
            await self._site.start()
        await send({"type": "lifespan.startup.complete"})
        await receive()
        if self._site is not None:
            await self._site.close()
        await send({"type": "lifespan.shutdown.complete"})

    async def _text(self, text: str, send: Send) -> None:
        headers = [(b"content-length", b"%d" % len(text))]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": text.encode()})


def create_app() -> ASGIApp:
    """With ORIGIN_URL in the environment, a proxy to it."""
    url = os.environ.get("ORIGIN_URL")
    return Sample(Origin(url) if url else None)


def create_broken() -> ASGIApp:
    """An app whose configuration is wrong."""
    raise SettingsError(["ANTREAN_EXAMPLE: 'x' is not usable; give y"])


if __name__ == "__main__":
    port, workers, factory = sys.argv[1:]
    serve(f"tests.origin.sample_server:{factory}", Settings("127.0.0.1", int(port), int(workers)))
