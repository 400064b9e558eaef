"""How the settings of a room's look are read: logo, colours, texts, links, what to prepare, own templates."""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gateway.domain import colours as shades
from gateway.settings.checks import folder, texts

# The page's languages: adding one is adding its file.
CODES = tuple(sorted(path.stem for path in (Path(__file__).parent.parent / "locales").glob("*.po")))
PREPARE_MOST, LINKS_MOST = 8, 5
LONGEST_NAME, LONGEST, LONGEST_TEXT = 100, 120, 500  # characters: the page has ten kilobytes in all
LOGO_BYTES = 100_000
LOGO_TYPES = {
    ".svg": b"image/svg+xml",
    ".png": b"image/png",
    ".webp": b"image/webp",
    ".jpg": b"image/jpeg",
    ".jpeg": b"image/jpeg",
    ".gif": b"image/gif",
}
TEMPLATE, STYLE = "waiting.html.j2", "waiting.css"

_HREF = re.compile(r"(?:https?://[^\s\"<>\\]+|(?:mailto|tel):[^\s\"<>\\]+|/(?![/\\])[^\s\"<>\\]*)")

ByLanguage = tuple[tuple[str, str], ...]
"""A text for each language, as (code, text)."""


@dataclass(frozen=True, slots=True)
class Colours:
    """The accent by day and by night, as ``#rrggbb``."""

    accent: str
    dark: str


@dataclass(frozen=True, slots=True)
class Link:
    """A link below the page."""

    href: str
    names: ByLanguage


def prepare(value: Any) -> tuple[tuple[str, tuple[str, ...]], ...]:
    """A short list of texts for each language, as (code, texts)."""
    return tuple((code, _prepare_in(code, lines)) for code, lines in _by_language(value).items())


def _prepare_in(code: str, lines: Any) -> tuple[str, ...]:
    found = texts(lines)
    if not 1 <= len(found) <= PREPARE_MOST:
        raise ValueError(f"{code} has {len(found)} texts")
    return tuple(_line(line) for line in found)


def colours(value: Any) -> Colours:
    """An accent that can be read, and one for the dark page (made from the first where none is given)."""
    if not isinstance(value, dict) or not {"accent"} <= set(value) <= {"accent", "dark"}:
        raise ValueError
    for colour in value.values():
        if not shades.is_colour(colour):
            raise ValueError(f"{str(colour)[:20]!r} is not #rrggbb")
    found = Colours(value["accent"].lower(), value.get("dark", "").lower() or shades.lightened(value["accent"]))
    _check_contrast(found.accent, shades.readable_by_day(found.accent), "white")
    _check_contrast(found.dark, shades.readable_by_night(found.dark), "the dark page")
    return found


def _check_contrast(colour: str, reached: float, ground: str) -> None:
    if reached < shades.LEAST_CONTRAST:
        raise ValueError(
            f"{colour} on {ground} has a contrast of {reached:.1f}, text needs {shades.LEAST_CONTRAST}"
        )


def own_texts(
    known: Callable[[], dict[str, dict[str, str]]],
) -> Callable[[Any], tuple[tuple[str, ByLanguage], ...]]:
    """Texts of ours that the room says in its own words, as (code, ((key, text), …)).

    ``known``: for each language code the texts that may be replaced.
    """

    def parse(value: Any) -> tuple[tuple[str, ByLanguage], ...]:
        return tuple(
            (code, tuple((key, _own_text(known()[code], key, text)) for key, text in _table(table).items()))
            for code, table in _by_language(value).items()
        )

    return parse


def _own_text(ours: dict[str, str], key: str, text: Any) -> str:
    if key not in ours:
        close = difflib.get_close_matches(key, ours, n=1, cutoff=0.5)
        raise ValueError(f'"{key}" is not a text of the page{f": did you mean {close[0]}?" if close else ""}')
    found = _line(text, LONGEST_TEXT)
    wanted, given = (set(re.findall(r"\{\w*\}", each)) for each in (ours[key], found))
    if wanted != given or found.count("{") != found.count("}"):
        raise ValueError(f"{key} must have {', '.join(sorted(wanted)) or 'no braces'}, as ours has")
    return found


def names(value: Any) -> ByLanguage:
    """The room's name for each language."""
    return tuple((code, _line(name, LONGEST_NAME)) for code, name in _by_language(value).items())


def links(value: Any) -> tuple[Link, ...]:
    """Links below the page, each with its name in at least one language."""
    if not isinstance(value, list) or len(value) > LINKS_MOST:
        raise ValueError
    return tuple(_link(_table(each)) for each in value)


def _link(table: dict[str, Any]) -> Link:
    href = table.get("href")
    if not isinstance(href, str) or not _HREF.fullmatch(href):
        raise ValueError(
            f"{str(href)[:60]!r} is not a path of the site, nor an https://, http://, mailto: or tel: address"
        )
    names = _by_language({key: name for key, name in table.items() if key != "href"})
    if not names:
        raise ValueError(f"{href} has no name")
    return Link(href, tuple((code, _line(name)) for code, name in names.items()))


def logo(value: Any) -> Path:
    """A picture that is there, small, and of a kind that browsers show."""
    path = folder(value)
    if path.suffix.lower() not in LOGO_TYPES:
        raise ValueError("it does not end in " + ", ".join(LOGO_TYPES))
    try:
        size = path.stat().st_size
        with path.open("rb"):
            pass
    except OSError as error:
        raise ValueError(f"{path}: {error.strerror}") from error
    if size > LOGO_BYTES:
        raise ValueError(f"it has {size} bytes")
    return path


def templates(value: Any) -> Path:
    """A folder with a template or a style sheet in it; whether they are sound is seen when they are used."""
    path = folder(value)
    if not any((path / name).is_file() for name in (TEMPLATE, STYLE)):
        raise ValueError(f"{path} has neither {TEMPLATE} nor {STYLE}")
    return path


def _by_language(value: Any) -> dict[str, Any]:
    for code in _table(value):
        if code not in CODES:
            raise ValueError(f'"{code}" is not a language of the page')
    return dict(value)


def _table(value: Any) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise ValueError
    return value


def _line(text: Any, longest: int = LONGEST) -> str:
    if not isinstance(text, str) or not text.strip() or len(text) > longest or not text.isprintable():
        raise ValueError(f'"{str(text)[:40]}" is not one line of 1 to {longest} characters')
    return text
