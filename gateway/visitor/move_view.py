"""The pages that move a place to another device, as bytes: one for each thing that may be said."""

from __future__ import annotations

import re
from functools import lru_cache
from html import escape
from typing import TYPE_CHECKING
from urllib.parse import quote

import segno
from jinja2 import Environment, FileSystemLoader, StrictUndefined, Template
from markupsafe import Markup

from gateway.domain.numbers import format_number
from gateway.i18n import languages
from gateway.visitor.answers import NO_STORE, Answer, Header
from gateway.visitor.look import language_of, logo_address, style_of
from gateway.visitor.page_build import TEMPLATES, content_security_policy, script_hash, source
from gateway.visitor.page_minify import minified
from gateway.visitor.pages import RETRY_TROUBLE_S

if TYPE_CHECKING:
    from gateway.settings import RoomSettings

REFRESH_S = 20  # without a script
# What each page is: its status and the tone of its label.
KINDS = {
    "show": (200, "calm"),
    "take": (200, "ready"),
    "moved": (200, "stop"),
    "expired": (410, "hold"),
    "unknown": (404, "hold"),
    "used": (410, "hold"),
    "next": (409, "ready"),
    "ended": (410, "stop"),
    "none": (404, "hold"),
    "cookies": (400, "hold"),
    "trouble": (503, "hold"),
    "lost": (404, "hold"),  # of any address of ours that is none
}


def move_view(
    room: RoomSettings, code_of_language: str, kind: str, *headers: Header, home: str,
    number: int = 0, given_up: int = 0, link: str = "", code: str = "", to: str = "",
) -> Answer:  # fmt: skip
    """The page of this kind. Raises KeyError for a kind or a language that is not ours.

    ``link`` is what its QR code says; ``code`` and ``to`` are of the link by which the visitor came, ``home`` is
    the address in the protected site; ``given_up`` is the device's own number, lost when it takes the place.
    """
    status, tone = KINDS[kind]
    room = room.named_in(code_of_language)
    language = language_of(room, code_of_language)
    style = style_of(room, language, "move.css", own=False)
    script = _script(room.id) if link else _AGAIN if kind == "trouble" else ""
    again = f"{code}&to={quote(to, safe='/')}" if code and to else code
    body = _template().render(
        room=room, language=language, kind=kind, tone=tone, base=f"/_queue/{room.id}/", home=home,
        others=[other for other in languages().values() if other.code != language.code],
        heading=language.text(f"move.{kind}.heading"), lead=language.text(f"move.{kind}.lead"),
        number=format_number(number) if number else "", given_up=format_number(given_up) if given_up else "",
        link=link, link_parts=_PARTS.findall(link), qr=Markup(_qr(link, language.text("move.qr"))) if link else "",  # noqa: S704 (made by segno)
        again=again, refresh_s=REFRESH_S if link else RETRY_TROUBLE_S if kind == "trouble" else 0,
        logo=logo_address(room), style=Markup(style), script=Markup(script),  # noqa: S704 (our own files)
    ).encode()  # fmt: skip
    images = "'self' data:" if room.logo else "data:"
    policy = content_security_policy(style, *([script_hash(script)] if script else []), images=images)
    fixed = (_HTML, NO_STORE, (b"content-security-policy", policy), _NO_REFERRER)
    language_header = (b"content-language", language.code.encode())
    retry = ((b"retry-after", b"%d" % RETRY_TROUBLE_S),) if kind == "trouble" else ()
    return Answer(status, (*fixed, language_header, *retry, *headers), body)


def _qr(link: str, title: str) -> str:
    """The link as a picture in the page: dark on light whatever the colours around it, with its quiet zone."""
    picture: str = segno.make(link, error="m", micro=False).svg_inline(
        scale=4, border=4, dark="#000", light="#fff", svgclass="qr", lineclass=None, omitsize=True
    )
    return picture.replace("<svg ", f'<svg role="img" aria-label="{escape(title)}" ', 1)


@lru_cache(maxsize=64)
def _script(room_id: str) -> str:
    return minified(
        f"(function(w,d){{'use strict';var ROOM='{room_id}';\n{source('move.js')}}})(window,document);"
    )


@lru_cache(maxsize=1)
def _template() -> Template:
    environment = Environment(
        loader=FileSystemLoader(TEMPLATES), autoescape=True, undefined=StrictUndefined, trim_blocks=True
    )
    return environment.get_template("move.html.j2")


# Not all at the same moment, and by GET also where it was a POST that failed.
_AGAIN = f"setTimeout(function(){{location.replace(location.href)}},{RETRY_TROUBLE_S * 1000}*(1+Math.random()))"
_PARTS = re.compile(r"[^/?]*[/?]*")  # lines of a long link end here, not within a word
_HTML = (b"content-type", b"text/html; charset=utf-8")
_NO_REFERRER = (b"referrer-policy", b"same-origin")
