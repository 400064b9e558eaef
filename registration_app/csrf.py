"""Protection against forms sent by other sites: a signed double-submit cookie, and where it came from.

The browser keeps a random value in a signed cookie; the form carries the same value under another
signature. A page of another site can make the browser send the cookie, but can neither read nor sign it.
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Sequence
from urllib.parse import urlsplit

from itsdangerous import BadSignature, Signer
from starlette.requests import Request
from starlette.responses import Response

from registration_app.errors import CrossSiteForm, UnprovenForm

COOKIE = "registration-form"
FIELD = "csrf"
RANDOM_BYTES = 16


class Csrf:
    """Issues and checks the pair of cookie and field."""

    def __init__(self, keys: Sequence[str], public_url: str | None) -> None:
        self._cookies = _signer(keys, "registration.csrf.cookie")
        self._fields = _signer(keys, "registration.csrf.field")
        self._public = public_url.rstrip("/").lower() if public_url else None

    def issue(self, request: Request) -> tuple[str, str]:
        """(cookie, field) for a form. A good cookie is kept, so that forms in other tabs stay good."""
        value = self._cookie_value(request) or secrets.token_urlsafe(RANDOM_BYTES)
        return self._cookies.sign(value).decode(), self._fields.sign(value).decode()

    def set_cookie(self, request: Request, response: Response, cookie: str) -> None:
        """Send the cookie: for this site only, out of reach of scripts, gone with the browser."""
        secure = self.is_secure(request)
        response.set_cookie(_name(secure), cookie, secure=secure, httponly=True, samesite="lax", path="/")

    def check(self, request: Request, field: str) -> None:
        """Raises CrossSiteForm, or UnprovenForm (no cookie, or not the one of this form)."""
        self._check_source(request)
        value = self._cookie_value(request)
        try:
            proven = self._fields.unsign(field).decode()
        except (BadSignature, UnicodeError) as exc:
            raise UnprovenForm("the form is not signed by us") from exc
        if value is None or not secrets.compare_digest(value, proven):
            raise UnprovenForm("the form is not the one of this browser's cookie")

    def is_secure(self, request: Request) -> bool:
        """Whether the visitor sees https."""
        return (self._public or str(request.url)).startswith("https:")

    def _cookie_value(self, request: Request) -> str | None:
        cookie = request.cookies.get(_name(self.is_secure(request)), "")
        try:
            return self._cookies.unsign(cookie).decode()
        except (BadSignature, UnicodeError):
            return None

    def _check_source(self, request: Request) -> None:
        """Browsers say where a form came from, by age in different headers; silence is left to the cookie."""
        if request.headers.get("sec-fetch-site", "same-origin") not in ("same-origin", "none"):
            raise CrossSiteForm("Sec-Fetch-Site says that another site sent this form")
        origin = request.headers.get("origin") or request.headers.get("referer")
        if origin is not None and not self._is_ours(origin, request):
            raise CrossSiteForm(f"the form comes from {origin[:100]!r}")

    def _is_ours(self, origin: str, request: Request) -> bool:
        source = urlsplit(origin.lower())
        if self._public is not None and f"{source.scheme}://{source.netloc}" == self._public:
            return True
        # A page elsewhere cannot set these headers on a form that it makes a browser send.
        hosts = {request.headers.get("host", ""), request.headers.get("x-forwarded-host", "")} - {""}
        return source.scheme in ("http", "https") and source.netloc in {host.lower() for host in hosts}


def _signer(keys: Sequence[str], salt: str) -> Signer:
    return Signer(list(keys), salt=salt, key_derivation="hmac", digest_method=hashlib.sha256)


def _name(secure: bool) -> str:
    # The prefix makes browsers refuse the cookie from a neighbouring host; it needs https.
    return f"__Host-{COOKIE}" if secure else COOKIE
