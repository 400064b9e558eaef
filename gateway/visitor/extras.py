"""Parts of the waiting page's script that few pages need: fetched by those alone, at no cost to anybody else.

``alert``: behind "tell me when it is my turn". ``chance``: "will I make it?", in a room with a closing time.
"""

from __future__ import annotations

import json
from functools import lru_cache, partial
from typing import TYPE_CHECKING

from gateway.i18n import languages
from gateway.visitor.answers import JSON_TYPE, Answer, not_allowed
from gateway.visitor.page_build import source
from gateway.visitor.page_minify import minified

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from starlette.types import Receive, Scope

TEXTS = {
    "alert": [f"tell.{key}" for key in ("sound", "vibrate", "awake", "notify", "turn", "note", "none")],
    "chance": [f"chance.{key}" for key in ("served", "yes", "maybe", "no", "daily-quota", "total-quota")],
}
_FOR_A_DAY = (b"cache-control", b"public, max-age=86400")


@lru_cache(maxsize=8)
def extra_script(name: str) -> str:
    """The script with its texts in every language: the waiting page's policy allows exactly this."""
    texts = {
        code: {key.partition(".")[2]: language.text(key) for key in TEXTS[name]}
        for code, language in languages().items()
    }
    begin = f"var TEXTS={json.dumps(texts, ensure_ascii=False)};"
    return minified(f"(function(w,d){{'use strict';{begin}\n{source(f'{name}.js')}}})(window,document);")


def extra_calls() -> dict[bytes, Callable[[Scope, Receive], Awaitable[Answer]]]:
    """``GET /_queue/{room}/{name}-script`` by the last part of its path; the page puts it into itself."""
    return {f"{name}-script".encode(): partial(_answer, name) for name in TEXTS}


async def _answer(name: str, scope: Scope, receive: Receive) -> Answer:
    if scope["method"] not in ("GET", "HEAD"):
        return not_allowed("GET")
    return Answer(200, (JSON_TYPE, _FOR_A_DAY), json.dumps({"script": extra_script(name)}).encode())
