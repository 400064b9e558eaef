"""Puts the desk together, and runs it: one process, on the loopback address unless told otherwise."""

from __future__ import annotations

import contextlib
import ipaddress
import socket
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager

import uvicorn
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Match, Route

from gateway import metrics
from gateway.desk.api import Api
from gateway.desk.guard import Guard
from gateway.desk.opening_api import OpeningApi
from gateway.desk.opening_pages import OpeningPages
from gateway.desk.pages import Pages
from gateway.desk.password import Password
from gateway.desk.people import People
from gateway.desk.problem import Refusal, headers_of, is_json_path, refusal_of, respond
from gateway.desk.rate_api import RateApi
from gateway.desk.rate_pages import RatePages
from gateway.desk.rooms import Reading, Rooms
from gateway.desk.sessions import Sessions
from gateway.desk.sign_in import SignIn
from gateway.desk.templates import Templates
from gateway.desk.tokens import Tokens
from gateway.desk.views import in_flight
from gateway.errors import AntreanError, SettingsError
from gateway.secrets import load_keys
from gateway.settings import Settings

GRACEFUL_S = 3


def build(settings: Settings) -> Starlette:
    """The desk's application. Raises SettingsError when the secret keys cannot be used."""
    rooms = Rooms(settings)
    people = People(settings.state_dir)
    keys = load_keys(settings)
    sessions = Sessions(keys, people.fingerprint)
    templates = Templates()
    health = Health(rooms)
    pages = Pages(rooms, sessions, templates)
    return Starlette(
        routes=[
            *health.routes(),
            *Api(rooms).routes(),
            *RateApi(rooms, keys).routes(),
            *OpeningApi(rooms, keys).routes(),
            *SignIn(people, sessions, templates).routes(),
            *pages.routes(),
            *RatePages(rooms, pages, keys).routes(),
            *OpeningPages(rooms, pages, keys).routes(),
            *templates.routes(),
        ],
        middleware=[
            Middleware(
                Guard,
                sessions=sessions,
                people=people,
                tokens=Tokens(settings.state_dir),
                metrics_open=is_loopback(settings.desk_host),
            )
        ],
        exception_handlers={HTTPException: _http_error},
        lifespan=_lifespan(rooms),
    )


def run(settings: Settings) -> None:
    """Serve until told to stop. Raises SettingsError when the port is taken or the state folder is not ours."""
    listener = _listen(settings.desk_host, settings.desk_port)
    with contextlib.closing(listener):
        app = build(settings)
        _greet(settings)
        config = uvicorn.Config(
            app,
            log_config=None,
            access_log=False,
            server_header=False,
            proxy_headers=False,
            timeout_graceful_shutdown=GRACEFUL_S,
        )
        with contextlib.suppress(KeyboardInterrupt):  # raised anew by uvicorn when all is closed
            uvicorn.Server(config).run(sockets=[listener])


class Health:
    """``/ready`` for whoever starts the desk, ``/metrics`` for Prometheus."""

    def __init__(self, rooms: Rooms) -> None:
        self._rooms = rooms

    def routes(self) -> list[Route]:
        """One route each."""
        return [
            Route("/ready", self.ready, methods=["GET"]),
            Route("/metrics", self.scrape, methods=["GET"]),
        ]

    async def ready(self, request: Request) -> Response:
        """200 when the store answers too; 503 while the desk can only say that it does not."""
        try:
            await self._rooms.ping()
        except AntreanError as error:
            return JSONResponse({"ready": False, "store": refusal_of(error).reason}, 503)
        return JSONResponse({"ready": True, "store": "ok"})

    async def scrape(self, request: Request) -> Response:
        """Always 200: that the store is away is a figure too."""
        readings = [await self._figures(reading) for reading in await self._rooms.read_all()]
        try:
            await self._rooms.ping()
            up = True
        except AntreanError:
            up = False
        return Response(metrics.render(readings, store_up=up), media_type=metrics.CONTENT_TYPE)

    async def _figures(self, reading: Reading) -> metrics.RoomReading:
        room = reading.settings.id
        counters: dict[str, float] = {}
        with contextlib.suppress(AntreanError):
            counters = await (await self._rooms.line(room)).counters()
        vitals, snapshot = reading.vitals, reading.snapshot
        return metrics.RoomReading(
            room=room,
            snapshot=reading.snapshot if reading.problem is None else None,
            standstill_s=reading.standstill_s,
            counters=counters,
            clock_skew_s=vitals.clock_skew_ms(snapshot.now_ms) / 1000 if vitals and snapshot else 0.0,
            in_flight=in_flight(vitals.workers(snapshot.now_ms)) if vitals and snapshot else 0,
        )


def is_loopback(host: str) -> bool:
    """Whether only this machine can reach the address."""
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return host == "localhost"


def _lifespan(rooms: Rooms) -> Callable[[Starlette], AbstractAsyncContextManager[None]]:
    @contextlib.asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        yield
        await rooms.close()

    return lifespan


async def _http_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    if not is_json_path(request.url.path):
        return PlainTextResponse(f"{error.detail}\n", error.status_code, error.headers)
    refusal = Refusal(error.status_code, "not-here", f"{request.method} {request.url.path}: {error.detail}")
    headers = {"Allow": _allowed(request)} if error.status_code == 405 else error.headers or {}
    return respond(headers_of(refusal, headers))


def _allowed(request: Request) -> str:
    """The methods of every route of this path; starlette names only the first one's."""
    matching = (
        route
        for route in request.app.routes
        if isinstance(route, Route) and route.matches(request.scope)[0] is not Match.NONE
    )
    return ", ".join(sorted({method for route in matching for method in route.methods or ()}))


def _listen(host: str, port: int) -> socket.socket:
    """Bound before anything else, so that a taken port is one clear line."""
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        listener = socket.socket(family, kind, protocol)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(address)
    except OSError as error:
        raise SettingsError(
            [f"the desk cannot listen on {host}:{port}: {error.strerror}. Set ANTREAN_DESK_PORT to a free port"]
        ) from error
    return listener


def _greet(settings: Settings) -> None:
    """Where the desk is, and on the first run the password, which is not shown again."""
    try:
        first = Password(settings.state_dir).make_first()
    except OSError as error:
        raise SettingsError([f"the desk's password cannot be kept in {settings.state_dir}: {error}"]) from error
    lines = [f"The desk: http://{settings.desk_host}:{settings.desk_port}/"]
    if first is not None:
        lines.append(f"Its password, shown only now: {first}")
        lines.append("A new one, at any time: antrean desk password")
    sys.stdout.write("".join(line + "\n" for line in lines))
    sys.stdout.flush()
