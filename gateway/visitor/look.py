"""A room's look: its own words, colours, logo and style on every page of ours that its visitors see."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from gateway.domain import colours as shades
from gateway.i18n import Language, languages
from gateway.settings.looks import LOGO_TYPES, STYLE, Colours
from gateway.visitor.answers import Answer, not_allowed
from gateway.visitor.page_build import as_stripped, source

if TYPE_CHECKING:
    from starlette.types import Receive, Scope

    from gateway.settings import RoomSettings

# The colours of waiting.css that a room's accent stands for.
_DAY, _DAY_GROUND = ("#0b5f66", "#0b7a80"), "#e0f0f0"
_NIGHT, _NIGHT_GROUND = ("#7ed6d6", "#8fdede", "#4fbfc1"), "#123a3e"
# Not longer: once inside, the site may have an icon of its own at the same address.
_FOR_AN_HOUR = (b"cache-control", b"private, max-age=3600")
_NO_ICON = Answer(204, (_FOR_AN_HOUR,), b"")
# A picture may be an SVG, which could hold a script: it is only ever to be looked at.
_ONLY_LOOK = (b"content-security-policy", b"default-src 'none'; style-src 'unsafe-inline'; sandbox")


@dataclass(frozen=True, slots=True)
class NamedLink:
    """A link with its name in the page's language."""

    href: str
    name: str


def language_of(room: RoomSettings, code: str) -> Language:
    """The language, in the room's own words where it has some. Raises KeyError for a language that is not ours."""
    language = languages()[code]
    own = dict(room.texts).get(code)
    return replace(language, forms={**language.forms, **{key: (text,) for key, text in own}}) if own else language


def style_of(room: RoomSettings, language: Language, *names: str, own: bool = True) -> str:
    """The page's style in the room's colours. ``names``: further sheets of ours; ``own``: the room's as well.

    Raises OSError, UnicodeError when the room's sheet cannot be read.
    """
    sheets = [source(name) for name in ("waiting.css", *names)]
    if room.logo or room.links:
        sheets.append(source("waiting-owner.css"))
    style = coloured("\n".join(sheets), room.colours) if room.colours else "\n".join(sheets)
    if own and room.templates and (room.templates / STYLE).is_file():
        style += (room.templates / STYLE).read_text("utf-8").replace("</", "")
    return as_stripped(style, language.direction)


def coloured(style: str, colours: Colours) -> str:
    """``style`` with the room's accent in place of ours."""
    for ours in _DAY:
        style = style.replace(ours, colours.accent)
    for ours in _NIGHT:
        style = style.replace(ours, colours.dark)
    style = style.replace(_DAY_GROUND, shades.mix(colours.accent, shades.PAPER, shades.TINT))
    return style.replace(_NIGHT_GROUND, shades.mix(colours.dark, shades.NIGHT, shades.TINT))


def in_language(texts: tuple[tuple[str, tuple[str, ...]], ...], code: str) -> tuple[str, ...]:
    """What is said in this language, or in whatever language there is."""
    found = dict(texts)
    return found.get(code) or next(iter(found.values()), ())


def links_of(room: RoomSettings, code: str) -> list[NamedLink]:
    """The room's links, named in this language or in whatever language there is."""
    return [NamedLink(link.href, dict(link.names).get(code) or link.names[0][1]) for link in room.links]


class Logo:
    """``GET /_queue/{room}/logo``: the picture, read once. Its address changes with its bytes."""

    def __init__(self, room: RoomSettings) -> None:
        assert room.logo is not None
        self._type = LOGO_TYPES[room.logo.suffix.lower()]
        self._body = room.logo.read_bytes()

    async def __call__(self, scope: Scope, receive: Receive) -> Answer:
        if scope["method"] not in ("GET", "HEAD"):
            return not_allowed("GET")
        kept = (b"cache-control", b"public, max-age=86400")
        headers = ((b"content-type", self._type), kept, (b"x-content-type-options", b"nosniff"), _ONLY_LOOK)
        return Answer(200, headers, self._body)


def icon(room: RoomSettings) -> Answer:
    """The small picture in a browser's tab while its visitor has no pass: the logo, or none at all."""
    address = logo_address(room).encode()
    return Answer(302, (_FOR_AN_HOUR, (b"location", address)), b"") if address else _NO_ICON


def logo_address(room: RoomSettings) -> str:
    """Where the page finds the logo; nothing without one, or when it is gone."""
    try:
        digest = hashlib.sha256(room.logo.read_bytes()).hexdigest()[:8] if room.logo else ""
    except OSError:
        return ""
    return f"/_queue/{room.id}/logo?{digest}" if digest else ""
