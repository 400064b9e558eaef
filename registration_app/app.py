"""The composition root: reads settings, puts the parts together, starts and stops them."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from argon2 import PasswordHasher
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Mount
from starlette.staticfiles import StaticFiles
from starlette.types import ASGIApp, Scope

from registration_app.csrf import Csrf
from registration_app.database import Database
from registration_app.errors import DatabaseUnreachable
from registration_app.gate import Gate, Verifier
from registration_app.in_flight import Counted, InFlight
from registration_app.keys import GatewayKeys, own_keys
from registration_app.models import RehearsedRegistration
from registration_app.pages import Pages, Site
from registration_app.passwords import Passwords
from registration_app.registrations import Registrations
from registration_app.rendering import NOT_THROUGH_GATE, STATIC, Renderer
from registration_app.security import SecurityHeaders
from registration_app.settings import Settings

ExceptionHandler = Callable[[Request, Exception], Response]


def create_app(settings: Settings, hasher: PasswordHasher | None = None) -> ASGIApp:
    """The whole service as one ASGI application. Raises SettingsError when its key cannot be kept."""
    database = Database(settings.engine_url)
    in_flight = InFlight()
    passwords = Passwords(settings.hash_threads, settings.hash_queue, hasher)
    site = Site(
        database=database,
        registrations=Registrations(database, passwords),
        rehearsed=Registrations(database, passwords, RehearsedRegistration),
        renderer=Renderer(settings.public_url),
        csrf=Csrf(own_keys(settings.secret_keys, settings.state_dir / "registration.key"), settings.public_url),
        public_url=settings.public_url,
        formations={},
        in_flight=in_flight,
    )

    @asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        try:
            await database.start()
            site.formations.update({formation.code: formation for formation in await database.formations()})
            yield
        finally:
            passwords.close()
            await database.close()

    pages = Starlette(
        routes=[*Pages(site).routes(), Mount("/static", _LastingFiles(directory=STATIC), name="static")],
        middleware=[_gate(settings, site.renderer)],
        exception_handlers=_error_pages(site.renderer),
        lifespan=lifespan,
    )
    return Counted(SecurityHeaders(pages), in_flight)


class _LastingFiles(StaticFiles):
    """Files whose address changes with their content."""

    def file_response(
        self,
        full_path: str | os.PathLike[str],
        stat_result: os.stat_result,
        scope: Scope,
        status_code: int = 200,
    ) -> Response:
        response = super().file_response(full_path, stat_result, scope, status_code)
        is_versioned = b"v=" in scope["query_string"]
        lasting = "public, max-age=31536000, immutable" if is_versioned else "public, max-age=3600"
        response.headers["Cache-Control"] = lasting
        return response


def _gate(settings: Settings, renderer: Renderer) -> Middleware:
    keys = GatewayKeys(settings.secret_keys, settings.state_dir / "keys")

    def refuse(request: Request) -> Response:
        return renderer.error(request, 403, NOT_THROUGH_GATE)

    return Middleware(Gate, Verifier(keys, settings.gate_room), settings.require_gate, refuse)


def _error_pages(renderer: Renderer) -> dict[type[Exception], ExceptionHandler]:
    def refused(request: Request, exc: Exception) -> Response:
        assert isinstance(exc, HTTPException)
        response = renderer.error(request, exc.status_code)
        response.headers.update(exc.headers or {})
        return response

    def unreachable(request: Request, exc: Exception) -> Response:
        response = renderer.error(request, 503)
        response.headers["Retry-After"] = "30"
        return response

    def broken(request: Request, exc: Exception) -> Response:
        return renderer.error(request, 500)

    return {HTTPException: refused, DatabaseUnreachable: unreachable, Exception: broken}
