"""Every state of a room's pages (waiting, moving) with sample data for its owner: nothing asks line or store."""

from __future__ import annotations

import time
from html import escape
from typing import TYPE_CHECKING, Any

from gateway.domain.numbers import format_number
from gateway.i18n import languages
from gateway.visitor.move_view import KINDS, move_view
from gateway.visitor.page_words import VIEWS
from gateway.visitor.waiting_page import Page, Sheet

if TYPE_CHECKING:
    from gateway.settings import RoomSettings

DAY_MS = 86_400_000
MOVING = "move-"  # before the kind of a page that moves a place
_NUMBER = 1234
_CODE = "16JT-02QP-8VXM-3ND9-YW"
_MESSAGE = {"id": "Contoh pengumuman dari operator.", "en": "An example of the operator's announcement."}

_INDEX = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark"><title>{name}: every state</title>
<style>body {{ font: 1rem/1.8 system-ui, sans-serif; max-width: 34rem; margin: 1rem auto; padding: 0 1rem }}
@media (prefers-color-scheme: dark) {{ body {{ color: #e6eef0; background: #0d1518 }} a {{ color: #7ed6d6 }} }}
</style></head><body>
<main><h1>{name}: every state</h1>
<p>With sample data. Light or dark as the browser is set. Templates and styles are read anew at each load.</p>
<ul>
{rows}
</ul></main></body></html>
"""


def index(room: RoomSettings) -> bytes:
    """A page with a link to each state in each language."""
    states = (*VIEWS, *(MOVING + kind for kind in KINDS))
    rows = "\n".join(
        "<li>" + " · ".join(f'<a href="/{code}/{view}">{view} ({code})</a>' for code in languages()) + "</li>"
        for view in states
    )
    return _INDEX.format(name=escape(room.name), rows=rows).encode()


def state_page(room: RoomSettings, code: str, view: str) -> Page:
    """One state in one language, its script stopped. Raises KeyError for a language or state that is not ours."""
    if view.startswith(MOVING):
        return _move_page(room, code, view.removeprefix(MOVING))
    VIEWS[view]
    page = Sheet(room, code).rendered(sample(view, round(time.time() * 1000)), "identity", view)
    return Page([_stopped(*header) for header in page.headers], page.body, b"")


def _move_page(room: RoomSettings, code: str, kind: str) -> Page:
    """Raises KeyError as ``state_page``."""
    link = f"https://registration.example/_queue/{room.id}/move?{_CODE}" if kind == "show" else ""
    number = _NUMBER if kind in ("show", "take", "moved", "next") else 0
    given_up = _NUMBER + 5000 if kind == "take" else 0
    answer = move_view(room, code, kind, home="#", number=number, given_up=given_up, link=link)
    return Page([_stopped(*header) for header in answer.headers], answer.body, b"")


def sample(view: str, now_ms: int) -> dict[str, Any]:
    """What a visitor in this state might be told."""
    state: dict[str, Any] = {
        "number": _NUMBER,
        "shown": format_number(_NUMBER),
        "position": _NUMBER,
        "state": "waiting",
        "ahead": 34 if view == "called" else 534,
        "eta": {"low_s": 30, "high_s": 80} if view == "called" else {"low_s": 480, "high_s": 690},
        "poll_s": 120,
        "location": "#",
        "now_ms": now_ms,
        "progress": 0.4,
        "phase": view if view in ("paused", "scheduled", "last-call") else "open",
    }
    if view == "scheduled":
        state |= {"opens_at_ms": now_ms + DAY_MS, "eta": None}
    if view == "paused":
        state["message"] = _MESSAGE
    return state


def _stopped(name: bytes, value: bytes) -> tuple[bytes, bytes]:
    """A header, the policy without a script."""
    before, found, _ = value.partition(b"script-src ")
    return name, before + found + b"'none'" if name == b"content-security-policy" else value
