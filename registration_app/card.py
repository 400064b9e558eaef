"""What is printed: the QR code of a registration, and what a person's name becomes for strangers."""

from __future__ import annotations

import segno
from markupsafe import Markup
from starlette.requests import Request


def check_url(request: Request, public_url: str | None, code: str) -> str:
    """The address in the QR code, as visitors reach this service."""
    if public_url is None:
        host = request.headers.get("x-forwarded-host") or request.headers.get("host", "")
        public_url = f"{request.url.scheme}://{host}"
    return f"{public_url.rstrip('/')}/check/{code}"


def qr_svg(text: str, title: str) -> Markup:
    """A QR code to put into a page: no request of its own, sharp on paper."""
    code = segno.make(text, error="m", micro=False)
    # Made by the library from digits and an escaped title, so that it may go in as it is.
    return Markup(  # noqa: S704
        code.svg_inline(
            scale=4,
            border=4,
            dark="#000",
            light="#fff",
            svgclass="qr",
            lineclass=None,
            title=title,
            omitsize=True,
        )
    )


def masked_name(name: str) -> str:
    """First letters only: somebody with the identity card at hand can compare."""
    return " ".join(f"{word[0]}{'•' * (len(word) - 1)}" for word in name.split())
