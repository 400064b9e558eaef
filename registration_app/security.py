"""The headers that every answer carries, errors included."""

from __future__ import annotations

import secrets

from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

# same-origin, not no-referrer: with that, browsers send "Origin: null" with our own form.
REFERRER_POLICY = "same-origin"

FIXED = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": REFERRER_POLICY,
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
    "X-Robots-Tag": "noindex",
}


def content_security_policy(nonce: str) -> str:
    """Only our own files, and what we wrote into this very page (``nonce``)."""
    return (
        "default-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'; "
        f"connect-src 'self'; img-src 'self' data:; script-src 'self' 'nonce-{nonce}'; "
        f"style-src 'self' 'nonce-{nonce}'"
    )


class SecurityHeaders:
    """ASGI: adds the headers; ``state["nonce"]`` is this answer's for inline style and script."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        nonce = secrets.token_urlsafe(16)
        scope.setdefault("state", {})["nonce"] = nonce

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                headers.update({**FIXED, "Content-Security-Policy": content_security_policy(nonce)})
                # What a page shows is one person's; files say for themselves how long they last.
                headers.setdefault("Cache-Control", "private, no-store")
            await send(message)

        await self._app(scope, receive, send_with_headers)
