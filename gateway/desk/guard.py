"""Nobody reaches the desk without credentials: an ASGI guard in front of every route.

Closed by default: what is open is listed here. A browser's session counts only together with an
Origin of our own and, on anything that changes something, the session's CSRF token. A program sends
``Authorization: Bearer <token>``, which no browser does by itself, so it needs neither. Who is a viewer
may look at everything and change nothing.
"""

from __future__ import annotations

import time
from collections.abc import Callable, MutableMapping
from dataclasses import dataclass
from urllib.parse import parse_qs, urlsplit

from starlette.requests import ClientDisconnect, Request
from starlette.responses import RedirectResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from gateway.desk.people import People
from gateway.desk.problem import Refusal, headers_of, is_json_path, respond
from gateway.desk.roles import SAFE_METHODS, Role, may
from gateway.desk.sessions import COOKIE, Session, Sessions
from gateway.desk.tokens import Tokens

OPEN = {("GET", "/ready"), ("GET", "/sign-in"), ("POST", "/sign-in")}
OPEN_PREFIX = "/static/desk"  # style sheet and script: they hold nothing of an event
MAX_BODY = 64 * 1024
CSRF_FIELD = "csrf"
CSRF_HEADER = "antrean-csrf"

SECURITY_HEADERS = {
    "content-security-policy": (
        "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; img-src 'self'; "
        "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    ),
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "same-origin",  # `no-referrer` would make browsers send `Origin: null`
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "cache-control": "no-store",
}


@dataclass(frozen=True, slots=True)
class Caller:
    """Who asks, as the audit names it."""

    name: str
    role: Role
    session: Session | None = None  # None: a program with a token


class Guard:
    """Refuses, or sets ``scope["state"]["caller"]`` and passes on.

    ``metrics_open``: whether ``/metrics`` answers without credentials; right only on a loopback address.
    """

    def __init__(
        self,
        app: ASGIApp,
        *,
        sessions: Sessions,
        people: People,
        tokens: Tokens,
        metrics_open: bool,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._app = app
        self._sessions = sessions
        self._people = people
        self._tokens = tokens
        self._open = OPEN | ({("GET", "/metrics")} if metrics_open else set())
        self._clock = clock

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            if scope["type"] == "lifespan":
                await self._app(scope, receive, send)
            return
        send = _with_security_headers(send)
        request = Request(scope, receive)
        body = b""
        try:
            caller = self._caller(request)
            self._check_access(request, caller)
            if request.method not in SAFE_METHODS:
                body = await _read_body(request)
                self._check_intent(request, caller, body)
        except ClientDisconnect:
            return
        except Refusal as refusal:
            await _answer(request, refusal)(scope, receive, send)
            return
        scope.setdefault("state", {})["caller"] = caller
        await self._app(scope, _replay(body, receive), send)

    def _caller(self, request: Request) -> Caller | None:
        scheme, _, credentials = request.headers.get("authorization", "").partition(" ")
        if scheme:
            owner = self._tokens.owner(credentials.strip()) if scheme.lower() == "bearer" else None
            if owner is None:
                raise _unauthorized("this token is not one of the desk's: make one with 'antrean desk token'")
            name, role = owner
            return Caller(f"token {name}", role)
        session = self._sessions.read(request.cookies.get(COOKIE, ""), self._clock())
        known = self._people.role(session.name) if session else None
        return Caller(session.name, known, session) if session and known else None

    def _check_access(self, request: Request, caller: Caller | None) -> None:
        method = "GET" if request.method == "HEAD" else request.method
        path = request.url.path
        if caller and not may(caller.role, method, path):
            raise Refusal(403, "viewer", f"{caller.name} may look, not change: ask an operator, or sign in as one")
        if caller or (method, path) in self._open or (method == "GET" and path.startswith(OPEN_PREFIX)):
            return
        raise _unauthorized("sign in at the desk, or send 'Authorization: Bearer' with a token of the desk's")

    def _check_intent(self, request: Request, caller: Caller | None, body: bytes) -> None:
        """Another site's page can make a browser send a request; it cannot do what is asked for here."""
        if caller and caller.session is None:
            return
        if not _same_origin(request):
            raise Refusal(403, "other-origin", "the request came from a page that is not the desk's")
        if caller and caller.session and not self._sessions.csrf_matches(caller.session, _csrf_of(request, body)):
            raise Refusal(403, "csrf", "the form is from another session: load the page again and repeat it")


def _unauthorized(detail: str) -> Refusal:
    return headers_of(Refusal(401, "unauthorized", detail), {"WWW-Authenticate": 'Bearer realm="antrean desk"'})


def _answer(request: Request, refusal: Refusal) -> Response:
    if refusal.status == 401 and not is_json_path(request.url.path):
        return RedirectResponse("/sign-in", 303)
    return respond(refusal)


def _same_origin(request: Request) -> bool:
    """Compares the host only: behind a proxy that ends TLS the schemes differ."""
    origin = request.headers.get("origin")
    if origin is None:
        return request.headers.get("sec-fetch-site") == "same-origin"
    return urlsplit(origin).netloc.lower() == request.headers.get("host", "").lower() != ""


def _csrf_of(request: Request, body: bytes) -> str:
    header = request.headers.get(CSRF_HEADER)
    if header is not None:
        return header
    if not request.headers.get("content-type", "").startswith("application/x-www-form-urlencoded"):
        return ""
    try:
        return parse_qs(body.decode("latin-1"), max_num_fields=50).get(CSRF_FIELD, [""])[0]
    except ValueError:  # more fields than any form of ours has
        return ""


async def _read_body(request: Request) -> bytes:
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > MAX_BODY:
            raise Refusal(413, "too-large", f"at most {MAX_BODY // 1024} kB are read")
    return bytes(body)


def _replay(body: bytes, receive: Receive) -> Receive:
    sent = False

    async def replayed() -> Message:
        nonlocal sent
        if sent:
            return await receive()
        sent = True
        return {"type": "http.request", "body": body, "more_body": False}

    return replayed


def _with_security_headers(send: Send) -> Send:
    async def secured(message: MutableMapping[str, object]) -> None:
        if message["type"] == "http.response.start":
            headers = list(message.get("headers", ()))  # type: ignore[call-overload]
            present = {bytes(name).lower() for name, _ in headers}
            headers += [
                (name.encode(), value.encode())
                for name, value in SECURITY_HEADERS.items()
                if name.encode() not in present
            ]
            message["headers"] = headers
        await send(message)

    return secured
