"""The apps that are measured, each made in its worker. As a program: serves one of them, with one worker.

python -m benchmarks.apps hello PORT
"""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Route
from starlette.types import ASGIApp

from benchmarks.meter import start_meter
from gateway.app import create_app
from gateway.origin.proxy import Origin
from gateway.server import serve

ORIGIN_VARIABLE = "ANTREAN_BENCH_ORIGIN"  # the origin's URL, for the proxy alone


@dataclass(frozen=True, slots=True)
class Listener:
    """What ``serve`` needs to know."""

    port: int
    host: str = "127.0.0.1"
    workers: int = 1


async def _hello(request: Request) -> PlainTextResponse:
    return PlainTextResponse("hello")


def hello() -> ASGIApp:
    """What every ratio is to: the least that a Starlette app does."""
    start_meter()
    return Starlette(routes=[Route("/", _hello, methods=["GET", "POST"])])


def gateway() -> ASGIApp:
    """The gateway, as ``antrean serve`` makes it."""
    start_meter()
    return create_app()


def proxy() -> ASGIApp:
    """The gateway's proxy with no gate before it."""
    start_meter()
    return Origin(os.environ[ORIGIN_VARIABLE])


FACTORIES = {factory.__name__: factory for factory in (hello, gateway, proxy)}


def main() -> None:
    """Serve the named app on the named port until told to stop."""
    name, port = sys.argv[1], int(sys.argv[2])
    serve(f"benchmarks.apps:{FACTORIES[name].__name__}", Listener(port))


if __name__ == "__main__":
    main()
