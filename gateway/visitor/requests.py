"""What we read from a request's head: in one pass over its headers, only what the gate decides by."""

from __future__ import annotations

import re
from collections.abc import Iterator

from starlette.types import Scope

from gateway.domain.admission import RequestFacts

_WANTED = frozenset(
    (
        b"accept",
        b"accept-encoding",
        b"accept-language",
        b"antrean-pass",
        b"antrean-ticket",
        b"cookie",
        b"host",
        b"origin",
        b"purpose",
        b"sec-fetch-dest",
        b"sec-fetch-mode",
        b"sec-fetch-site",
        b"sec-purpose",
        b"user-agent",
        b"x-forwarded-method",
        b"x-forwarded-uri",
        b"x-moz",
        b"x-original-method",
        b"x-original-uri",
    )
)
_SAFE = frozenset(("GET", "HEAD", "OPTIONS"))
_PAGE_METHODS = frozenset(("GET", "POST"))
_MOST_COOKIES = 4  # of one name: a browser sends one, or one a path

# By name, never by the word "bot": that is also a brand of phones.
_CRAWLERS = re.compile(
    rb"googlebot|google-inspectiontool|adsbot-google|mediapartners-google|bingbot|yandexbot|baiduspider"
    rb"|duckduckbot|applebot|slurp|petalbot|semrushbot|ahrefsbot|mj12bot|dotbot|amazonbot|bytespider|gptbot"
    rb"|claudebot|ccbot|facebookexternalhit|facebot|twitterbot|linkedinbot|slackbot|telegrambot|discordbot"
    rb"|pinterestbot|ia_archiver|archive\.org_bot|uptimerobot",
    re.IGNORECASE,
)


class Request:
    """The head of one request. Header values are bytes, empty when not there."""

    __slots__ = ("_headers", "method", "query", "raw_path", "secure")

    def __init__(self, scope: Scope, *, secure: bool | None = None) -> None:
        """``secure``: whether the visitor's side is https, where the settings know; None: as the scope says."""
        self.method: str = scope.get("method", "GET")
        self.raw_path: bytes = scope.get("raw_path") or scope["path"].encode()
        self.query: bytes = scope.get("query_string", b"")
        self.secure: bool = scope["scheme"] in ("https", "wss") if secure is None else secure
        self._headers: dict[bytes, bytes] = {}
        headers = self._headers
        for name, value in scope["headers"]:
            if name in _WANTED:
                headers[name] = value if name not in headers else _joined(name, headers[name], value)

    def header(self, name: bytes) -> bytes:
        """The value of one of the headers that matter here; several are joined as HTTP says."""
        return self._headers.get(name, b"")

    def has(self, name: bytes) -> bool:
        return name in self._headers

    def cookies(self, name: bytes) -> Iterator[bytes]:
        """The values of the cookie ``name``, in the order in which they came."""
        return cookie_values(self.header(b"cookie"), name)

    @property
    def facts(self) -> RequestFacts:
        """What ``decide()`` wants to know."""
        return RequestFacts(
            navigation=self.is_navigation(),
            safe=self.method in _SAFE,
            crawler=_CRAWLERS.search(self.header(b"user-agent")) is not None,
        )

    def is_navigation(self) -> bool:
        """Whether a person opens a page in a tab: the only thing that takes a number by itself.

        ``Sec-Fetch-*`` says so where the browser sends it (since about 2020), else the ``Accept`` header.
        """
        if self.method not in _PAGE_METHODS or self._is_prefetch():
            return False
        mode = self.header(b"sec-fetch-mode")
        if mode:
            return mode == b"navigate" and self.header(b"sec-fetch-dest") in (b"document", b"")
        return self.wants_html()

    def wants_html(self) -> bool:
        return b"text/html" in self.header(b"accept")

    def is_cross_site(self, public_origin: bytes = b"") -> bool:
        """Whether another site made the browser send this. A program that says nothing is no browser.

        ``public_origin``: where visitors find us, when the settings know (``https://queue.example``).
        """
        site = self.header(b"sec-fetch-site")
        if site:
            return site not in (b"same-origin", b"none")
        origin = self.header(b"origin")
        if not origin or origin == public_origin:
            return False
        return origin.partition(b"://")[2].lower() != self.header(b"host").lower()

    def _is_prefetch(self) -> bool:
        return any(
            b"prefetch" in (value := self.header(name)) or b"prerender" in value or b"preview" in value
            for name in (b"sec-purpose", b"purpose", b"x-moz")
        )


def cookie_values(header: bytes, name: bytes) -> Iterator[bytes]:
    """The values of ``name`` in a Cookie header: a scan for one name instead of parsing them all."""
    wanted = name + b"="
    at = header.find(wanted)
    found = 0
    while at >= 0 and found < _MOST_COOKIES:
        end = header.find(b";", at)
        if at == 0 or header[at - 1] in b"; ":
            found += 1
            yield header[at + len(wanted) : end if end >= 0 else None].strip(b' "\t')
        if end < 0:
            return
        at = header.find(wanted, end)


def _joined(name: bytes, first: bytes, second: bytes) -> bytes:
    return first + (b"; " if name == b"cookie" else b", ") + second
