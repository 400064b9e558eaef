"""Turns the desk's templates into responses, in the language of whoever sits there."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from datetime import datetime
from functools import cache
from importlib.resources import files
from typing import Any

from babel.dates import format_datetime
from babel.numbers import format_decimal
from jinja2 import Environment, PackageLoader, StrictUndefined
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import Route

from gateway.desk.times import as_field
from gateway.i18n import LOCALES, Language, choose_language, read_languages

LANGUAGE_COOKIE = "antrean-desk-lang"
LANGUAGE_QUERY = "lang"
STATIC = {
    "desk.css": "text/css; charset=utf-8",
    "desk.js": "text/javascript; charset=utf-8",
    "desk.svg": "image/svg+xml",
}
A_YEAR_S = 365 * 24 * 3600


class Templates:
    """The templates, their texts and their static files, read once."""

    def __init__(self) -> None:
        self.languages = read_languages(LOCALES / "desk")
        self._environment = Environment(
            loader=PackageLoader("gateway"),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        self._static = {name: (files("gateway") / "static" / name).read_bytes() for name in STATIC}

    def page(self, request: Request, template: str, *, status: int = 200, **values: Any) -> Response:
        """The page. A language picked by the query is remembered in a cookie."""
        picked = request.query_params.get(LANGUAGE_QUERY)
        language = self.language(request)
        html = self._environment.get_template(template).render(
            language=language,
            languages=self.languages,
            t=language.text,
            number=Speaker(language).number,
            clock=Speaker(language).clock,
            describe=Speaker(language).describe,
            as_field=as_field,
            static=self.static_url,
            **values,
        )
        response = HTMLResponse(html, status)
        if picked == language.code:
            response.set_cookie(LANGUAGE_COOKIE, picked, max_age=A_YEAR_S, httponly=True, samesite="strict")
        return response

    def language(self, request: Request) -> Language:
        """The one picked now, the one picked before, or what the browser prefers."""
        chosen = request.query_params.get(LANGUAGE_QUERY) or request.cookies.get(LANGUAGE_COOKIE, "")
        accept = request.headers.get("accept-language", "")
        code = choose_language(accept.encode("latin-1", "replace"), chosen.encode("latin-1", "replace"), "en")
        return self.languages.get(code, self.languages["en"])

    def static_url(self, name: str) -> str:
        """With the content's hash, so that browsers may keep it for ever."""
        return f"/static/{name}?v={_digest(self._static[name])}"

    def routes(self) -> list[Route]:
        """The style sheet and the script."""
        return [Route(f"/static/{name}", self._serve(name), methods=["GET"]) for name in STATIC]

    def _serve(self, name: str) -> Any:
        headers: Mapping[str, str] = {"cache-control": f"public, max-age={A_YEAR_S}, immutable"}

        async def static(request: Request) -> Response:
            return Response(self._static[name], media_type=STATIC[name], headers=headers)

        return static


class Speaker:
    """Numbers, times and changes as a language writes them."""

    def __init__(self, language: Language) -> None:
        self._language = language
        self._locale = language.locale

    def number(self, value: float) -> str:
        """With separators, at most one decimal."""
        return str(format_decimal(value, "#,##0.#", locale=self._locale))

    def clock(self, at_ms: int) -> str:
        """Date and time where this machine is; the script turns it into the browser's."""
        moment = datetime.fromtimestamp(at_ms / 1000).astimezone()
        return str(format_datetime(moment, "d MMM, HH:mm:ss", locale=self._locale))

    def describe(self, entry: Mapping[str, Any]) -> str:
        """What an audit entry changed: ``rate 60 → 30``."""
        if "ticket" in entry["after"]:
            states = (self._language.text(f"state.{entry[when]['state']}") for when in ("before", "after"))
            return f"{entry['after']['ticket']}: {' → '.join(states)}"
        if entry["action"] != "set":
            when = self.clock(entry["opening_ms"]) if entry["opening_ms"] else ""
            return self._language.text(f"action.{entry['action']}", when=when)
        return ", ".join(
            f"{self._language.text(f'knob.{name}')} {self._value(name, entry['before'][name])}"
            f" → {self._value(name, value)}"
            for name, value in entry["after"].items()
        )

    def _value(self, name: str, value: Any) -> str:
        if name in ("phase", "ending"):
            return self._language.text(f"{name}.{value}")
        if name == "message":
            return " / ".join(f"“{text}”" for text in value.values()) or self._language.text("knob.none")
        if name == "challenge":
            return self._language.text("switch.on" if value else "switch.off")
        if name.endswith("_ms"):
            return self.clock(value) if value else self._language.text("knob.none")
        if name.endswith("_quota") and not value:
            return self._language.text("knob.none")
        return self.number(value)


@cache
def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()[:12]
