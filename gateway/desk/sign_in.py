"""Signing in and out. Attempts are counted before the password is looked at, and looked at one by one."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from gateway.desk.attempts import Attempts
from gateway.desk.guard import Caller
from gateway.desk.pages import read_form
from gateway.desk.people import DESK, People
from gateway.desk.sessions import COOKIE, SESSION_S, Sessions
from gateway.desk.templates import Templates

LONGEST_PASSWORD, LONGEST_NAME = 200, 60


class SignIn:
    """The handlers of ``/sign-in`` and ``/sign-out``."""

    def __init__(
        self,
        people: People,
        sessions: Sessions,
        templates: Templates,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._people = people
        self._sessions = sessions
        self._templates = templates
        self._clock = clock
        self._attempts = Attempts()
        self._one_at_a_time = asyncio.Lock()  # each costs argon2's memory and tens of milliseconds

    def routes(self) -> list[Route]:
        """One route for each path and method."""
        return [
            Route("/sign-in", self.show, methods=["GET"]),
            Route("/sign-in", self.sign_in, methods=["POST"]),
            Route("/sign-out", self.sign_out, methods=["POST"]),
        ]

    async def show(self, request: Request) -> Response:
        """The form; whoever is signed in already goes to the desk."""
        if request.state.caller is not None:
            return RedirectResponse("/", 303)
        return self._form(request, 200)

    async def sign_in(self, request: Request) -> Response:
        """Opens a session for the right password."""
        address = request.client.host if request.client else ""
        wait_s = self._attempts.wait_s(address, time.monotonic())
        if wait_s:
            return self._form(request, 429, wait_s=wait_s)
        self._attempts.failed(address, time.monotonic())
        form = await read_form(request)
        name, typed = form.get("username", "").strip().lower() or DESK, form.get("password", "").strip()
        if not typed or len(typed) > LONGEST_PASSWORD or not await self._matches(name, typed):
            return self._form(request, 401, name=name[:LONGEST_NAME])
        self._attempts.succeeded(address)
        response = RedirectResponse("/", 303)
        response.set_cookie(
            COOKIE,
            self._sessions.open(name, self._clock()),
            max_age=SESSION_S,
            httponly=True,
            samesite="strict",
            # The browser itself says how it reached us, also through a proxy that ends TLS.
            secure=request.headers.get("origin", "").startswith("https://"),
        )
        return response

    async def sign_out(self, request: Request) -> Response:
        """Ends the session, here and wherever its cookie was copied to."""
        caller: Caller = request.state.caller
        if caller.session is not None:
            self._sessions.end(caller.session, self._clock())
        response = RedirectResponse("/sign-in", 303)
        response.delete_cookie(COOKIE, httponly=True, samesite="strict")
        return response

    async def _matches(self, name: str, typed: str) -> bool:
        async with self._one_at_a_time:
            return await asyncio.to_thread(self._people.matches, name, typed)

    def _form(self, request: Request, status: int, *, wait_s: int = 0, name: str = DESK) -> Response:
        response = self._templates.page(
            request, "desk_sign_in.html.j2", status=status, wait_s=wait_s, failed=status == 401, name=name
        )
        if wait_s:
            response.headers["Retry-After"] = str(wait_s)
        return response
