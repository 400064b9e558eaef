"""What a visitor gets when the origin gives no reply: ready bytes, in Indonesian and English."""

from __future__ import annotations

import json
from dataclasses import dataclass

from starlette.types import Message

_HTML = """<!doctype html>
<html lang="id">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title_id}</title>
<style>
body {{ font: 1.1em/1.5 system-ui, sans-serif; max-width: 34em; margin: 12vh auto; padding: 0 1em }}
body {{ color: #222; background: #fff }}
h1 {{ font-size: 1.3em }}
section + section {{ margin-top: 2em; padding-top: 1em; border-top: 1px solid #ccc }}
</style>
</head>
<body>
<main>
<section lang="id"><h1>{title_id}</h1><p>{text_id}</p></section>
<section lang="en"><h1>{title_en}</h1><p>{text_en}</p></section>
</main>
</body>
</html>
"""


@dataclass(frozen=True, slots=True)
class ErrorPage:
    """One reply in two forms, each as the ASGI messages that send it."""

    html: tuple[Message, Message]
    problem: tuple[Message, Message]

    def messages(self, headers: list[tuple[bytes, bytes]]) -> tuple[Message, Message]:
        """The form that a request with these headers wants: a page for browsers, else problem+json."""
        for name, value in headers:
            if name == b"accept" and b"text/html" in value:
                return self.html
        return self.problem


def error_page(status: int, html: bytes, problem: bytes) -> ErrorPage:
    """Make an ErrorPage from the two bodies."""
    return ErrorPage(
        _messages(status, b"text/html; charset=utf-8", html),
        _messages(status, b"application/problem+json", problem),
    )


def _messages(status: int, content_type: bytes, body: bytes) -> tuple[Message, Message]:
    headers = [
        (b"content-type", content_type),
        (b"content-length", b"%d" % len(body)),
        (b"cache-control", b"no-store"),
    ]
    start = {"type": "http.response.start", "status": status, "headers": headers}
    return start, {"type": "http.response.body", "body": body, "more_body": False}


def _default(status: int, title_id: str, text_id: str, title_en: str, text_en: str) -> ErrorPage:
    html = _HTML.format(title_id=title_id, text_id=text_id, title_en=title_en, text_en=text_en)
    problem = {"type": "about:blank", "title": title_en, "status": status, "detail": text_en}
    return error_page(status, html.encode(), json.dumps(problem).encode())


DEFAULT_PAGES: dict[int, ErrorPage] = {
    502: _default(
        502,
        "Situs tujuan sedang tidak dapat dihubungi",
        "Giliran Anda tetap tersimpan. Tunggu sebentar, lalu muat ulang halaman ini.",
        "The site cannot be reached at the moment",
        "Your turn is kept. Wait a moment, then reload this page.",
    ),
    504: _default(
        504,
        "Situs tujuan terlalu lama menjawab",
        "Giliran Anda tetap tersimpan. Jika Anda baru saja mengirim formulir, periksa dahulu apakah "
        "formulir itu sudah diterima sebelum mengirimnya lagi.",
        "The site is taking too long to answer",
        "Your turn is kept. If you have just sent a form, check whether it was received before you send it again.",
    ),
}
