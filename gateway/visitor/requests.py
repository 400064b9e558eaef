"""What we read from a request's head, and what it says about who is asking."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from functools import lru_cache
from urllib.parse import parse_qs

from starlette.types import Scope

_SAFE = frozenset(("GET", "HEAD", "OPTIONS"))
_PAGE_METHODS = frozenset(("GET", "POST"))
_LONGEST_NAME = 400  # bytes of a user agent that are looked at, and remembered
_MOST_FIELDS = 20  # of a query of ours
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

    __slots__ = ("_client", "_headers", "method", "query", "raw_path", "secure")

    def __init__(self, scope: Scope, *, secure: bool | None = None) -> None:
        """``secure``: whether the visitor's side is https, where the settings know; None: as the scope says."""
        self.method: str = scope.get("method", "GET")
        self.raw_path: bytes = scope.get("raw_path") or scope["path"].encode()
        self.query: bytes = scope.get("query_string", b"")
        self.secure: bool = scope["scheme"] in ("https", "wss") if secure is None else secure
        self._client = scope.get("client")
        headers = scope["headers"]
        self._headers: dict[bytes, bytes] = dict(headers)
        if len(self._headers) < len(headers):
            self._headers = _joined(headers)

    @property
    def address(self) -> str:
        """The visitor's, as the connection or a trusted proxy says; '' when neither does."""
        return self._client[0] if self._client else ""

    def header(self, name: bytes) -> bytes:
        """The value of a header; several of one name are joined as HTTP says."""
        return self._headers.get(name, b"")

    def has(self, name: bytes) -> bool:
        return name in self._headers

    def cookies(self, name: bytes) -> Sequence[bytes]:
        """The values of the cookie ``name``, in the order in which they came."""
        return cookie_values(self.header(b"cookie"), name)

    @property
    def safe(self) -> bool:
        """Whether nothing is lost when it is refused."""
        return self.method in _SAFE

    @property
    def crawler(self) -> bool:
        """Whether it says that it is a crawler that we know."""
        return is_crawler(self.header(b"user-agent")[:_LONGEST_NAME])

    @property
    def navigation(self) -> bool:
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
        purpose = self.header(b"sec-purpose") + self.header(b"purpose") + self.header(b"x-moz")
        return bool(purpose) and any(word in purpose for word in (b"prefetch", b"prerender", b"preview"))


@lru_cache(4096)  # the search takes longer than everything else, and browsers share few names
def is_crawler(user_agent: bytes) -> bool:
    """Whether this is the name of a known crawler."""
    return _CRAWLERS.search(user_agent) is not None


def query_value(query: bytes, name: str) -> str:
    """The first value of ``name`` in a query, '' without one. Of a query with very many fields nothing is read."""
    try:
        return parse_qs(query.decode("latin-1"), max_num_fields=_MOST_FIELDS).get(name, [""])[0]
    except ValueError:
        return ""


def cookie_values(header: bytes, name: bytes) -> Sequence[bytes]:
    """The values of ``name`` in a Cookie header: a scan for one name instead of parsing them all."""
    wanted = name + b"="
    at = header.find(wanted)
    if at < 0:
        return ()
    found: list[bytes] = []
    while at >= 0 and len(found) < _MOST_COOKIES:
        end = header.find(b";", at)
        if at == 0 or header[at - 1] in b"; ":
            found.append(header[at + len(wanted) : end if end >= 0 else None].strip(b' "\t'))
        at = header.find(wanted, end) if end >= 0 else -1
    return found


def _joined(headers: Iterable[tuple[bytes, bytes]]) -> dict[bytes, bytes]:
    joined: dict[bytes, bytes] = {}
    for name, value in headers:
        separator = b"; " if name == b"cookie" else b", "
        joined[name] = joined[name] + separator + value if name in joined else value
    return joined
