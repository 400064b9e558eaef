"""Parts of the waiting page's script that few pages need: fetched by those alone, at no cost to anybody else.

``alert``: behind "tell me when it is my turn". ``chance``: "will I make it?", in a room with a closing time.
``draw``: the order of a draw. ``turn``: where the turn has come while nobody looks.
"""

from __future__ import annotations

import json
from functools import lru_cache, partial
from typing import TYPE_CHECKING

from gateway.domain.passes import UNUSED_S
from gateway.i18n import languages
from gateway.visitor.answers import JSON_TYPE, Answer, not_allowed
from gateway.visitor.look import language_of
from gateway.visitor.page_build import source
from gateway.visitor.page_minify import minified

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from starlette.types import Receive, Scope

    from gateway.settings import RoomSettings

EXTRAS = {
    "alert": [f"tell.{key}" for key in ("sound", "vibrate", "awake", "notify", "turn", "note", "none")],
    "chance": [f"chance.{key}" for key in ("served", "yes", "maybe", "no", "daily-quota", "total-quota")],
    "draw": ["draw.notice", "draw.how", "order.fifo"],
    "turn": ["turn.kept", "view.admitted.label", *(f"view.late.{part}" for part in ("label", "heading", "lead"))],
}
"""Each script's texts."""
_CONSTANTS = {"turn": f"var KEPT_S={UNUSED_S};"}
_BEFORE = {"draw": ["sha256.js"]}
_CALLS = {"draw": "tell();"}  # in its last line: the page of the draw has the same functions
# Long enough for a surge to come from a cache; a page of other words would refuse a script that is older than it.
_FOR_A_WHILE = (b"cache-control", b"public, max-age=60")


def extra_script(room: RoomSettings, name: str) -> str:
    """The script with its texts in every language, in the room's own words: what the page's policy allows."""
    texts = {
        code: {key.partition(".")[2]: language.text(key) for key in EXTRAS[name]}
        for code, language in ((code, language_of(room, code)) for code in languages())
    }
    return _built(name, json.dumps(texts, ensure_ascii=False))


@lru_cache(maxsize=256)
def _built(name: str, texts: str) -> str:
    code = "".join(map(source, [*_BEFORE.get(name, []), f"{name}.js"]))
    body = f"var TEXTS={texts};{_CONSTANTS.get(name, '')}\n{code}{_CALLS.get(name, '')}"
    return minified(f"(function(w,d){{'use strict';{body}}})(window,document);")


def extra_calls(room: RoomSettings) -> dict[bytes, Callable[[Scope, Receive], Awaitable[Answer]]]:
    """``GET /_queue/{room}/{name}-script`` by the last part of its path; the page puts it into itself."""
    return {
        f"{name}-script".encode(): partial(_answer, json.dumps({"script": extra_script(room, name)}).encode())
        for name in EXTRAS
    }


async def _answer(body: bytes, scope: Scope, receive: Receive) -> Answer:
    if scope["method"] not in ("GET", "HEAD"):
        return not_allowed("GET")
    return Answer(200, (JSON_TYPE, _FOR_A_WHILE), body)
