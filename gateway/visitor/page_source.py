"""The waiting page before it is bytes: template, style and script of one room in one language.

A room may have a template folder. Its ``waiting.html.j2`` usually says ``{% extends "antrean/waiting.html.j2" %}``
and fills some of the blocks; its ``waiting.css`` comes after ours. What is broken there is told in the log, and
our own page is shown: visitors never pay for it.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

import structlog
from jinja2 import (
    BaseLoader,
    ChoiceLoader,
    Environment,
    FileSystemLoader,
    PrefixLoader,
    StrictUndefined,
    TemplateSyntaxError,
)
from markupsafe import Markup

from gateway.i18n import Language, languages
from gateway.settings.looks import TEMPLATE
from gateway.visitor import page_words as words
from gateway.visitor.look import in_language, language_of, links_of, logo_address, style_of
from gateway.visitor.page_build import TEMPLATES, source
from gateway.visitor.page_minify import minified

if TYPE_CHECKING:
    from pathlib import Path

    from gateway.settings import RoomSettings

SLOTS = (
    *("title", "refresh_s", "view", "ticket", "label", "heading", "lead", "wait_caption", "wait", "clock"),
    *("progress", "ahead", "number", "location", "updated", "news_hidden", "message", "chance"),
)
_CUT, _EDGE = "\x02cut\x03", "\x02"
# What the script looks for: a page without one of these would stand still.
_PARTS = (
    *("page", "label", "heading", "lead", "wait-caption", "wait", "clock", "progress", "ahead", "number", "join"),
    *("enter", "updated", "check", "news", "message", "leave", "say", "chance", "tell"),
)
_SCRIPT_TEXTS = ("wait.", "unit.", "clock.", "ahead.", "updated.", "offline.", "say.")
_NEVER_LATER = ("joining", "overloaded")  # views that the script itself never turns to

log = structlog.get_logger(__name__)


class BrokenTemplate(Exception):
    """A room's own template that lacks what every waiting page needs."""


@dataclass(frozen=True, slots=True)
class Source:
    """The page in one language: fixed text, then texts and slots' names in turn, then fixed text."""

    language: Language
    before: str
    middle: list[str]  # fixed, name, fixed, name, …, fixed
    after: str
    style: str
    script: str


def page_source(room: RoomSettings, code: str) -> Source:
    """The room's page from its own template, or from ours where it has none or a broken one."""
    if room.templates:
        try:
            return _source(room, code, room.templates)
        except Exception as error:
            # Somebody else's file: anything may be wrong with it, and none of it is the visitors' fault.
            log.error(
                "the room's own template is broken: visitors see the standard page",
                room=room.id, folder=str(room.templates), language=code, problem=_told(error),
            )  # fmt: skip
    return _source(room, code, None)


def _told(error: Exception) -> str:
    where = f" (line {error.lineno})" if isinstance(error, TemplateSyntaxError) else ""
    return f"{type(error).__name__}: {error}{where}"


def _source(room: RoomSettings, code: str, folder: Path | None) -> Source:
    room, language = room.named_in(code), language_of(room, code)
    style, script = style_of(room, language, own=folder is not None), _script(room, language)
    page = _environment(folder).get_template(TEMPLATE).render(
        room=room,
        language=language,
        others=[other for other in languages().values() if other.code != code],
        prepare=in_language(room.prepare, code),
        links=links_of(room, code),
        logo=logo_address(room),
        base=f"/_queue/{room.id}/",
        style=Markup(style),  # noqa: S704 (our own files, and the owner's, read at start)
        script=Markup(script),  # noqa: S704
        slot={name: f"\x02{name}\x03" for name in SLOTS},
        cut=_CUT,
    )  # fmt: skip
    _check(page, style, script)
    before, middle, after = page.split(_CUT)
    return Source(language, before, middle.replace("\x03", _EDGE).split(_EDGE), after, style, script)


def _environment(folder: Path | None) -> Environment:
    ours = FileSystemLoader(TEMPLATES)
    loaders: list[BaseLoader] = [PrefixLoader({"antrean": ours}), ours]
    if folder is not None:
        loaders.insert(0, FileSystemLoader(folder))
    return Environment(loader=ChoiceLoader(loaders), autoescape=True, undefined=StrictUndefined, trim_blocks=True)


def _check(page: str, style: str, script: str) -> None:
    """Raises BrokenTemplate, which says what is missing."""
    if page.count(_CUT) != 2:
        raise BrokenTemplate("{{ cut }} must stand there twice: before <title> and before </body>")
    if page.count(f"<style>{style}</style>") != 1 or page.count(f"<script>{script}</script>") != 1:
        raise BrokenTemplate("<style>{{ style }}</style> and <script>{{ script }}</script> must stand there once")
    if page.index("<script>") > page.index(_CUT) or page.index("<style>") > page.index(_CUT):
        raise BrokenTemplate("style and script must stand before the first {{ cut }}")
    missing = [part for part in _PARTS if len(re.findall(rf'\sid="{part}"', page)) != 1]
    if missing:
        raise BrokenTemplate(f"these ids must be there once each: {', '.join(missing)}")


def _script(room: RoomSettings, language: Language) -> str:
    """The script with its texts before it, in one piece: one hash in the policy."""
    texts = {
        key: list(forms) if len(forms) > 1 or key.startswith("unit.") or key == "offline.next" else forms[0]
        for key, forms in language.forms.items()
        if key.startswith(_SCRIPT_TEXTS)
    }
    constants = {
        "room": room.id,
        "name": room.name,
        "base": f"/_queue/{room.id}/",
        "lang": language.code,
        "group": language.group_separator,
        "decimal": language.decimal_separator,
        "time": language.time_separator,
        "days": language.weekdays,
        "months": language.months,
        "zones": {7: "WIB", 8: "WITA", 9: "WIT"},
        "v": {
            view: [class_of(view), *_view_texts(language, view)]
            for view in words.VIEWS
            if view not in _NEVER_LATER
        },
        "t": texts,
    }
    data = json.dumps(constants, ensure_ascii=False, separators=(",", ":")).replace("<", "\\u003c")
    plural = f"C.plural=function(n){{return +({language.plural_expression})}};"
    return f"var C={data};\n{plural}\n{_minified_script()}"


@lru_cache(maxsize=1)
def _minified_script() -> str:
    # It stands in the head, where it is compressed together with the style and lends its words to what follows.
    parts = "".join(source(f"waiting-{part}.js") for part in ("words", "line", "show"))
    begin = "(function(w,d){d.addEventListener('DOMContentLoaded',function(){'use strict';"
    return minified(f"{begin}\n{parts}}})}})(window,document);")


def _view_texts(language: Language, view: str) -> tuple[str, str, str]:
    label, heading, lead = (language.text(f"view.{view}.{part}") for part in ("label", "heading", "lead"))
    return label, heading, lead


def class_of(view: str) -> str:
    """What <main> is: the view's name first, its tone, and a class for each part that shows."""
    look = words.VIEWS[view]
    return " ".join((view, look.tone, *look.parts))
