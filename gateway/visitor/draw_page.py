"""What a room says about its draw: a page in plain words, and the facts as a file."""

from __future__ import annotations

import json
from functools import lru_cache
from typing import TYPE_CHECKING

from jinja2 import Environment, FileSystemLoader, StrictUndefined, Template
from markupsafe import Markup

from gateway.domain.credentials import Ticket
from gateway.domain.numbers import format_number
from gateway.i18n import Language, languages
from gateway.store.openings import published
from gateway.visitor.answers import AS_SAID, JSON_TYPE, NO_FRAME, Answer, not_allowed, problem
from gateway.visitor.counting import count_request
from gateway.visitor.look import language_of, style_of
from gateway.visitor.page_build import TEMPLATES, content_security_policy, script_hash, source
from gateway.visitor.page_minify import minified
from gateway.visitor.page_words import WIB, date_words, message_words
from gateway.visitor.pages import chosen_language
from gateway.visitor.pulse import RETRY_AFTER_S
from gateway.visitor.requests import Request

if TYPE_CHECKING:
    from starlette.types import Receive, Scope

    from gateway.domain.room import Draw, Planned, Snapshot
    from gateway.visitor.rooms import VisitorRoom

_FOR_A_SECOND = (b"cache-control", b"public, max-age=1, s-maxage=1")
_HTML = (b"content-type", b"text/html; charset=utf-8")
_NO_STORE = (b"cache-control", b"no-store")


class DrawCalls:
    """One room's ``draw`` and ``draw.json``."""

    def __init__(self, room: VisitorRoom, *, secure: bool | None) -> None:
        self._room = room
        self._secure = secure

    async def page(self, scope: Scope, receive: Receive) -> Answer:
        """The explanation, with the visitor's own number filled in if there is a ticket."""
        if scope["method"] not in ("GET", "HEAD"):
            return not_allowed("GET")
        count_request(self._room.line, "draw")
        request, snapshot = Request(scope, secure=self._secure), self._room.snapshot
        if snapshot is None:
            return _TROUBLE
        ticket = self._room.read_ticket(request, snapshot.now_ms / 1000)
        number = ticket.number if isinstance(ticket, Ticket) else 0
        language = language_of(self._room.settings, chosen_language(self._room, request))
        style = style_of(self._room.settings, language, own=False)
        script = _page_script()
        body = _render(self._room, snapshot, language, number, style, script).encode()
        policy = (b"content-security-policy", content_security_policy(style, script_hash(script)))
        headers = (_HTML, _NO_STORE, policy, NO_FRAME, AS_SAID, (b"content-language", language.code.encode()))
        return Answer(200, headers, body)

    async def export(self, scope: Scope, receive: Receive) -> Answer:
        """Everything from which a third party computes and checks the whole draw."""
        if scope["method"] not in ("GET", "HEAD"):
            return not_allowed("GET")
        count_request(self._room.line, "draw")
        snapshot = self._room.snapshot
        if snapshot is None:
            return _TROUBLE
        body = json.dumps(published(snapshot), ensure_ascii=False, indent=2).encode()
        return Answer(200, (JSON_TYPE, _FOR_A_SECOND), body)


@lru_cache(maxsize=1)
def _page_script() -> str:
    both = source("sha256.js") + source("draw.js") + source("draw-page.js")
    return minified(f"(function(w,d){{'use strict';\n{both}}})(window,document);")


def _render(
    room: VisitorRoom, snapshot: Snapshot, language: Language, number: int, style: str, script: str
) -> str:
    draw = snapshot.draw
    return _template().render(
        room=room.settings.named_in(language.code),
        language=language,
        others=[other for other in languages().values() if other is not language],
        text=language.text,
        style=Markup(style),  # noqa: S704 (our own files)
        script=Markup(script),  # noqa: S704
        draw=draw,
        drawn=draw is not None and bool(draw.secret),
        facts=json.dumps(published(snapshot)["draw"]),
        state="" if draw is None else _state(draw, language),
        own=format_number(number) if number else "",
        result=_result(draw, number, language),
        reason=message_words(snapshot.reason, language.code),
        following=[_following(opening, language) for opening in snapshot.openings],
        rows=[] if draw is None else _rows(draw, language),
        steps=[language.text(f"draw.step.{step}") for step in ("commit", "freeze", "entropy", "order", "many")],
    )


def _following(opening: Planned, language: Language) -> tuple[str, str]:
    """When an opening to come opens, and in which order; of a draw its commitment."""
    order = language.text("order.fifo") if opening.draw is None else opening.draw.commitment
    return date_words(language, opening.opens_at_ms, WIB), order


def _state(draw: Draw, language: Language) -> str:
    """What has been done and what comes next."""
    if draw.secret:
        return language.text("draw.state.drawn" if draw.announced_entropy else "draw.state.drawn_without")
    return language.text("draw.state.frozen" if draw.frozen_ms else "draw.state.committed")


def _result(draw: Draw | None, number: int, language: Language) -> str:
    if draw is None or not draw.secret or not number:
        return ""
    key = "draw.behind" if number > draw.size else "draw.place"
    return language.text(key, place=draw.position(number))


def _rows(draw: Draw, language: Language) -> list[tuple[str, str]]:
    later = language.text("draw.later")
    without = language.text("draw.without")
    return [
        (language.text("draw.commitment"), draw.commitment),
        (language.text("draw.size"), str(draw.size) if draw.frozen_ms else later),
        (language.text("draw.announced"), draw.announced_entropy or without),
        (language.text("draw.entropy"), draw.entropy or (later if draw.announced_entropy else without)),
        (language.text("draw.secret"), draw.secret or later),
    ]


@lru_cache(maxsize=1)
def _template() -> Template:
    environment = Environment(
        loader=FileSystemLoader(TEMPLATES), autoescape=True, undefined=StrictUndefined, trim_blocks=True
    )
    return environment.get_template("draw.html.j2")


_TROUBLE = problem(
    503, "store-unreachable", "We have a problem of our own. Ask again.", retry_after_s=RETRY_AFTER_S
)
