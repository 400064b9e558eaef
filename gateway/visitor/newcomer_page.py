"""The pages before a number is given: a challenge to solve, or a network that brought too many. Bytes made once a
language, with holes for what differs: they are shown when many come."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

from jinja2 import Environment, FileSystemLoader, StrictUndefined, Template
from markupsafe import Markup

from gateway.domain.challenge import MOST
from gateway.i18n import languages
from gateway.visitor.answers import AS_SAID, NO_FRAME, NO_STORE, Answer, Block, Header
from gateway.visitor.look import language_of, logo_address, style_of
from gateway.visitor.page_build import TEMPLATES, content_security_policy, script_hash, source
from gateway.visitor.page_minify import minified

if TYPE_CHECKING:
    from gateway.settings import RoomSettings


def newcomer_page(
    room: RoomSettings, code: str, kind: str, status: int, *headers: Header,
    go: str, seconds: int, nonce: str = "", target: str = "",
) -> Answer:  # fmt: skip
    """The page of this kind ("challenge" or "limited"). Raises KeyError for a language that is not ours.

    ``go``: where its links lead, ``seconds``: when it goes there by itself; the others are the riddle's. All stand
    in the page as they are.
    """
    body, fixed = _made(room, code, kind)
    holes = {b"@go@": go, b"@seconds@": str(seconds), b"@nonce@": nonce, b"@target@": target}
    for hole, text in holes.items():
        body = body.replace(hole, text.encode("ascii"))
    return Answer(status, headers, body, fixed=fixed)


@lru_cache(maxsize=256)
def _made(room: RoomSettings, code: str, kind: str) -> tuple[bytes, Block]:
    room = room.named_in(code)
    language = language_of(room, code)
    style = style_of(room, language, "newcomer.css", own=False)
    script = _solving() if kind == "challenge" else _AGAIN
    body = _template().render(
        room=room, language=language, text=language.text, kind=kind, most=MOST, logo=logo_address(room),
        others=[other for other in languages().values() if other.code != language.code],
        style=Markup(style), script=Markup(script),  # noqa: S704 (our own files)
    ).encode()  # fmt: skip
    policy = content_security_policy(style, script_hash(script), images="'self' data:" if room.logo else "data:")
    return body, Block(
        (b"content-type", b"text/html; charset=utf-8"), NO_STORE, (b"content-security-policy", policy),
        (b"referrer-policy", b"same-origin"), NO_FRAME, AS_SAID, (b"content-language", language.code.encode()),
    )  # fmt: skip


@lru_cache(maxsize=1)
def _solving() -> str:
    both = source("sha256.js") + source("challenge.js")
    return minified(f"(function(w,d){{'use strict';\n{both}}})(window,document);")


@lru_cache(maxsize=1)
def _template() -> Template:
    environment = Environment(
        loader=FileSystemLoader(TEMPLATES), autoescape=True, undefined=StrictUndefined, trim_blocks=True
    )
    return environment.get_template("newcomer.html.j2")


# Not all at the same moment: the seconds stand in the page's refresh for who has no script, and here again.
_AGAIN = (
    "(function(w,d){var a=d.querySelector('main a');"
    "w.setTimeout(function(){w.location.replace(a.href)},20000*(1+Math.random()))})(window,document)"
)
