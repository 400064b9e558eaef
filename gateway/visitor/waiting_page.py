"""The waiting page as bytes: built once a room and language, sent without rendering a template.

``surge`` is for a newcomer whose ticket travels only in ``Set-Cookie``: the same bytes for everyone,
compressed at start. ``rendered`` is for a visitor who comes with a ticket: the numbers are put between fixed
pieces, so that a browser without JavaScript is told everything at each load. ``simple`` is for those without
a place.

What the gate does around it: ``choose_language(accept_language, query or cookie "antrean-lang")``; when the
query has ``antrean-lang``, keep the choice in a cookie of that name and leave it out of the return address;
answer ``POST join`` from a form (``Accept: text/html``) with 303 to the return address and ``POST leave``
with ``simple(language, "left", …)``.
"""

from __future__ import annotations

import json
import time
from dataclasses import dataclass
from html import escape
from typing import TYPE_CHECKING, cast

from gateway.i18n import Language, choose_language, languages
from gateway.visitor import page_words as words
from gateway.visitor.answers import lines_of
from gateway.visitor.extras import EXTRAS, extra_script
from gateway.visitor.page_build import (
    Frame,
    brotli_compressed,
    choose_encoding,
    content_security_policy,
    script_hash,
)
from gateway.visitor.page_source import SLOTS, class_of, page_source

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import tzinfo

    from gateway.settings import RoomSettings

__all__ = ["KINDS", "Page", "WaitingPage", "choose_encoding", "choose_language"]

ENCODINGS = ("br", "gzip", "identity")
# Kinds of ``simple``, each the view it shows.
KINDS = {
    "cookies-blocked": "cookies",
    "closed": "closed",
    "store-trouble": "trouble",
    "overloaded": "overloaded",
    "earlier-line": "expired",
    "withdrawn": "withdrawn",
    "finished": "finished",
    "left": "left",
}
_FIRST_REFRESH_S = 5  # without JavaScript a newcomer's number comes with the second load
_REFRESH_S = 30


@dataclass(frozen=True, slots=True)
class Page:
    """A ready response but for its status, its length and cookies."""

    headers: list[tuple[bytes, bytes]]  # lower-case names; copy before adding to it
    body: bytes
    lines: bytes  # the headers as they are sent


class WaitingPage:
    """One room's waiting page in every language. ``time_zone`` is for visitors whose browser tells none."""

    def __init__(self, room: RoomSettings, *, time_zone: tzinfo = words.WIB) -> None:
        self._default = room.default_language
        self._sheets = {code: Sheet(room, code, time_zone) for code in languages()}
        self._prebuilt = {code: sheet.prebuild() for code, sheet in self._sheets.items()}

    def surge(self, language: str, encoding: str) -> Page:
        """The newcomer's page: prebuilt, nothing of one visitor in it."""
        return self._prebuilt[self._code(language)]["joining", encoding]

    def simple(self, language: str, kind: str, encoding: str = "identity") -> Page:
        """A page for somebody without a place. Raises KeyError for a kind that is not in KINDS."""
        return self._prebuilt[self._code(language)][KINDS[kind], encoding]

    def rendered(self, language: str, state: Mapping[str, object], encoding: str) -> Page:
        """The page for a visitor with a ticket.

        ``state`` is the check-in's JSON, and where known ``phase``, ``now_ms``, ``opens_at_ms``, ``message``
        (text, or language code to text) and ``progress`` (0 to 1). Without JavaScript the page comes again
        after ``poll_s`` seconds.
        """
        return self._sheets[self._code(language)].rendered(state, encoding)

    def _code(self, language: str) -> str:
        return language if language in self._sheets else choose_language(b"", b"", self._default)


class Sheet:
    """The page in one language."""

    def __init__(self, room: RoomSettings, code: str, time_zone: tzinfo = words.WIB) -> None:
        source = page_source(room, code)
        self._name, self._language, self._zone = room.named_in(code).name, source.language, time_zone
        self._frame = Frame.around(source.before.encode(), source.after.encode())
        self._middle = source.middle
        scripts = (source.script, *(extra_script(room, name) for name in EXTRAS))
        images = "'self' data:" if room.logo or room.templates else "data:"
        self._headers = _headers(
            source.language, content_security_policy(source.style, *map(script_hash, scripts), images=images)
        )
        self._view_slots = {name: self._slots_of_view(name) for name in words.VIEWS}

    def prebuild(self) -> dict[tuple[str, str], Page]:
        """The pages that are the same for everyone, by view and encoding."""
        views = ("joining", *KINDS.values())
        return {(view, encoding): self._built(view, encoding) for view in views for encoding in ENCODINGS}

    def rendered(self, state: Mapping[str, object], encoding: str, view: str = "") -> Page:
        """``view``: to be shown, whatever the state is."""
        encoding = "gzip" if encoding == "br" else encoding
        return self._page(self._frame.join(self._fill(self._slots(state, view)), encoding), encoding)

    def _built(self, view: str, encoding: str) -> Page:
        slots = self._view_slots[view]
        if view == "joining":
            slots = {**slots, "refresh_s": str(_FIRST_REFRESH_S)}
        filled = self._fill(slots)
        if encoding != "br":
            return self._page(self._frame.join(filled, encoding), encoding)
        # The best compression takes half a second: for the page that everybody is sent.
        body = brotli_compressed(self._frame.join(filled, "identity"), best=view == "joining")
        return self._page(body, encoding)

    def _page(self, body: bytes, encoding: str) -> Page:
        headers = [*self._headers]
        if encoding != "identity":
            headers.append((b"content-encoding", encoding.encode()))
        return Page(headers, body, lines_of(headers))

    def _fill(self, slots: Mapping[str, str]) -> bytes:
        parts = self._middle.copy()
        for index in range(1, len(parts), 2):
            parts[index] = slots[parts[index]]
        return "".join(parts).encode()

    def _slots_of_view(self, view: str) -> dict[str, str]:
        label = self._language.text(f"view.{view}.label")
        return dict.fromkeys(SLOTS, "") | {
            "title": escape(f"{label} · {self._name}"),
            "refresh_s": str(_REFRESH_S),
            "view": class_of(view),
            "label": escape(label),
            "heading": escape(self._language.text(f"view.{view}.heading")),
            "lead": escape(self._language.text(f"view.{view}.lead")),
            "wait_caption": escape(self._language.text("wait.caption")),
            "wait": "…",
            "clock": "&nbsp;",
            "ahead": "…",
            "number": "…",
            "news_hidden": " hidden",
        }

    def _slots(self, state: Mapping[str, object], view: str = "") -> dict[str, str]:
        """Every slot for one visitor, safe to stand in HTML."""
        number, phase = _number(state, "number"), str(state.get("phase") or "open")
        view = view or words.view_of(str(state.get("state")), phase, bool(number))
        now_ms = _number(state, "now_ms") or time.time() * 1000
        message = words.message_words(state.get("message"), self._language.code)
        progress = state.get("progress")
        slots = {
            **self._view_slots[view],
            "ticket": escape(json.dumps(state, separators=(",", ":"), default=str)),
            "number": escape(str(state.get("shown") or "…")),
            "ahead": escape(self._ahead(state)),
            "location": escape(_safe_path(state.get("location"))),
            "chance": escape(self._chance(state, view, now_ms)),
            "updated": escape(words.updated_words(self._language, now_ms, self._zone)),
            "message": escape(message),
            "news_hidden": "" if message else " hidden",
            "refresh_s": str(int(min(max(_number(state, "poll_s") or _REFRESH_S, 5), 120))),
            "progress": "" if progress is None else str(round(1000 * _number(state, "progress"))),
        }
        if view == "scheduled" and "drawn" in state:
            # The script says so itself, and keeps it true when it changes.
            slots["lead"] += f"<noscript> {escape(self._order(state))}</noscript>"
        caption, wait, clock = self._wait(state, view, now_ms)
        slots |= {"wait_caption": escape(caption), "wait": escape(wait), "clock": escape(clock) or "&nbsp;"}
        if view in ("waiting", "last-call"):
            slots["title"] = escape(f"{wait} · {self._name}")
        return slots

    def _order(self, state: Mapping[str, object]) -> str:
        """In which order those who come before the opening enter, and the operator's reason."""
        said = self._language.text("draw.notice" if state["drawn"] else "order.fifo")
        return f"{said} {words.message_words(state.get('reason'), self._language.code)}".rstrip()

    def _ahead(self, state: Mapping[str, object]) -> str:
        if state.get("ahead") is None:
            return "…"
        people = words.about(_number(state, "ahead"))
        shown = words.number_words(self._language, people)
        return self._language.text("ahead.most", n=shown) if people else self._language.text("ahead.none")

    def _chance(self, state: Mapping[str, object], view: str, now_ms: float) -> str:
        """Whether the visitor goes in before the room closes; nothing where it does not, or nobody can say."""
        closes_at_ms, eta, cut = _number(state, "closes_at_ms"), state.get("eta"), state.get("ending") == "cut"
        quota = state.get("quota")
        if isinstance(quota, dict) and state.get("in_time") is False and eta is None:
            # A line that is cut at its closing time goes on no other day.
            key = "no" if cut and closes_at_ms > now_ms else quota["kind"]
            return self._language.text(
                f"chance.{key}", date=words.date_words(self._language, closes_at_ms, self._zone)
            )
        known = isinstance(eta, dict) and view != "paused"
        if closes_at_ms <= now_ms or view == "scheduled" or (cut and not known):
            return ""
        low_s, high_s = (_number(eta, key) for key in ("low_s", "high_s")) if isinstance(eta, dict) else (0, 0)
        key = words.chance_of((closes_at_ms - now_ms) / 1000, low_s, high_s, cut)
        return self._language.text(
            f"chance.{key}", date=words.date_words(self._language, closes_at_ms, self._zone)
        )

    def _wait(self, state: Mapping[str, object], view: str, now_ms: float) -> tuple[str, str, str]:
        """Caption, wait and clock."""
        opens_at_ms = _number(state, "opens_at_ms")
        if view == "scheduled" and opens_at_ms > now_ms:
            left_s = (opens_at_ms - now_ms) / 1000
            opens = words.date_words(self._language, opens_at_ms, self._zone)
            return self._language.text("wait.opens"), words.wait_words(self._language, left_s, left_s), opens
        caption, eta = self._language.text("wait.caption"), state.get("eta")
        if view in ("paused", "scheduled") or not isinstance(eta, dict):
            return caption, self._language.text("wait.unknown"), ""
        low_s, high_s = _number(eta, "low_s"), _number(eta, "high_s")
        clock = words.clock_words(self._language, now_ms, low_s, high_s, self._zone)
        return caption, words.wait_words(self._language, low_s, high_s), clock


def _headers(language: Language, policy: bytes) -> list[tuple[bytes, bytes]]:
    return [
        (b"content-type", b"text/html; charset=utf-8"),
        (b"content-language", language.code.encode()),
        (b"content-security-policy", policy),
        (b"cache-control", b"no-store"),
        (b"vary", b"accept-encoding, accept-language, cookie"),
        (b"referrer-policy", b"same-origin"),
        (b"x-content-type-options", b"nosniff"),
        (b"x-frame-options", b"DENY"),
    ]


def _number(state: Mapping[str, object], key: str) -> float:
    value = state.get(key)
    return cast("float", value) if isinstance(value, int | float) else 0


def _safe_path(location: object) -> str:
    path = location if isinstance(location, str) else ""
    return path if path.startswith("/") and path[1:2] not in ("/", "\\") else ""
