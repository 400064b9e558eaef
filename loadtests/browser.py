"""One visitor's browser: its own cookies, the headers that a browser sends, and every exchange noted.

A connection error is an error, and so is a status that was not expected. Nothing is retried beyond what
a browser does by itself (a GET on a kept connection that the server has closed meanwhile).
"""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Protocol, Self
from urllib.parse import urlencode, urljoin, urlsplit

from loadtests.ledger import Call, Event, clock

USER_AGENT = "Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 Chrome/130.0 Mobile Safari/537.36"
NAVIGATION = {
    "Accept": "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8",
    "Accept-Language": "id,en;q=0.7",
    "Sec-Fetch-Mode": "navigate",
    "Sec-Fetch-Dest": "document",
    "Sec-Fetch-Site": "none",
    "Sec-Fetch-User": "?1",
    "Upgrade-Insecure-Requests": "1",
    "User-Agent": USER_AGENT,
}
BACKGROUND = {
    "Accept": "application/json",
    "Accept-Language": "id,en;q=0.7",
    "Sec-Fetch-Mode": "cors",
    "Sec-Fetch-Dest": "empty",
    "Sec-Fetch-Site": "same-origin",
    "User-Agent": USER_AGENT,
}
MOST_REDIRECTS = 5


class TroubleError(Exception):
    """This visit went wrong. ``cause`` is short and the same for all of its kind; ``call`` says where."""

    def __init__(self, cause: str, call: str, detail: str = "") -> None:
        super().__init__(f"{cause} at {call}: {detail}")
        self.cause, self.call, self.detail = cause, call, detail


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer, with the times that enclose the server's work."""

    status: int
    headers: Mapping[str, str]  # names in lower case
    text: str
    url: str
    sent_s: float
    received_s: float

    def json(self, call: str) -> dict[str, Any]:
        """The object in the body. Raises TroubleError when there is none."""
        try:
            body = json.loads(self.text)
        except ValueError:
            raise TroubleError("not JSON", call, self.text[:200]) from None
        if not isinstance(body, dict):
            raise TroubleError("not a JSON object", call, self.text[:200])
        return body


@dataclass(frozen=True, slots=True)
class RawReply:
    """What a transport gives back. ``error``: why there is no answer (then ``status`` is 0)."""

    status: int
    headers: Mapping[str, str]
    text: str
    error: str = ""


@dataclass(frozen=True, slots=True)
class Request:
    """One request. ``name``: what the report calls it; ``ok``: the statuses that are no error."""

    method: str
    url: str
    headers: Mapping[str, str]
    name: str
    ok: Collection[int] = (200,)
    body: bytes | None = None

    def redirected(self, status: int, url: str) -> Request:
        """What a browser asks for next."""
        there = replace(self, url=url, name=f"{self.name.removesuffix(' (redirected)')} (redirected)")
        if status not in (301, 302, 303):
            return there
        headers = {key: value for key, value in self.headers.items() if key not in ("Content-Type", "Origin")}
        return replace(there, method="GET", body=None, headers=headers)


class Transport(Protocol):
    """Sends one request, following no redirect; keeps the cookies. ``ok`` is for its own statistics."""

    def send(self, request: Request) -> RawReply: ...

    def cookies(self) -> dict[str, str]: ...

    def refuse_cookies(self, prefix: str) -> None: ...

    def another(self) -> Self:
        """A transport with a connection and cookies of its own, closed along with this one."""
        ...

    def copy_cookies(self, other: Self, prefix: str) -> None: ...


class Browser:
    """What a visitor holds in the hand. ``note`` takes every exchange into the ledger."""

    def __init__(
        self,
        transport: Transport,
        host: str,
        visitor: int,
        note: Callable[[Event], None],
        mark: Mapping[str, str] | None = None,
    ) -> None:
        """``mark``: headers that go with everything, whatever the visitor does (a rehearsal's)."""
        self._mark = dict(mark or {})
        self._transport = transport
        self._host = host.rstrip("/")
        self._visitor = visitor
        self._note = note
        self._always: dict[str, str] = {}

    def another(self) -> Browser:
        """A second browser of the same person, or of who was given a copy: it has no cookies yet."""
        return Browser(self._transport.another(), self._host, self._visitor, self._note, mark=self._mark)

    def open(self, path: str, name: str, *, ok: Collection[int] = (200,)) -> Reply:
        """Open a page in the tab, and follow where it leads."""
        return self._follow(Request("GET", urljoin(self._host + "/", path), NAVIGATION, name, ok))

    def submit(
        self,
        url: str,
        pairs: Sequence[tuple[str, str]],
        page: str,
        name: str,
        *,
        ok: Collection[int] = (200, 201),
    ) -> Reply:
        """Send a form from ``page``, and follow where its answer leads."""
        headers = NAVIGATION | {
            "Sec-Fetch-Site": "same-origin",
            "Origin": self._host,
            "Referer": page,
            "Content-Type": "application/x-www-form-urlencoded",
        }
        body = urlencode(pairs).encode()
        return self._follow(Request("POST", urljoin(page, url), headers, name, ok, body))

    def fetch(
        self,
        method: str,
        path: str,
        name: str,
        *,
        ok: Collection[int] = (200,),
        extra: Mapping[str, str] | None = None,
    ) -> Reply:
        """A request of the page's script, or of a program."""
        headers = BACKGROUND | ({"Origin": self._host} if method == "POST" else {}) | dict(extra or {})
        return self._exchange(Request(method, urljoin(self._host + "/", path), headers, name, ok))

    def always_send(self, headers: Mapping[str, str]) -> None:
        """From now on, with every request."""
        self._always = dict(headers)

    def refuse_cookies(self, prefix: str) -> None:
        """Never keep a cookie whose name starts like this."""
        self._transport.refuse_cookies(prefix)

    def copy_cookies(self, other: Browser, prefix: str) -> None:
        """Take over from another browser the cookies whose name starts like this."""
        self._transport.copy_cookies(other._transport, prefix)

    def holds(self, cookie: str) -> bool:
        """Whether a cookie of this name is kept (with or without the prefix it has on https)."""
        return any(name.removeprefix("__Host-") == cookie for name in self._transport.cookies())

    def _follow(self, request: Request) -> Reply:
        ok, first_sent_s = request.ok, clock()
        request = replace(request, ok={*ok, 301, 302, 303, 307, 308})
        for _ in range(MOST_REDIRECTS + 1):
            reply = self._exchange(request)
            if reply.status in ok:
                return replace(reply, sent_s=first_sent_s)
            location = reply.headers.get("location")
            if not location:
                raise TroubleError("a redirect without location", request.name, str(reply.status))
            request = request.redirected(reply.status, urljoin(request.url, location))
        raise TroubleError("too many redirects", request.name, request.url)

    def _exchange(self, request: Request) -> Reply:
        name, url = request.name, request.url
        if urlsplit(url).netloc != urlsplit(self._host).netloc:
            raise TroubleError("led to another site", name, url)
        sent_s = clock()
        raw = self._transport.send(replace(request, headers={**request.headers, **self._always, **self._mark}))
        received_s = clock()
        self._note(Call(self._visitor, name, raw.status, sent_s, received_s))
        if raw.error:
            raise TroubleError(raw.error, name, url)
        if raw.status not in request.ok:
            raise TroubleError(f"status {raw.status}", name, raw.text[:200])
        return Reply(raw.status, raw.headers, raw.text, url, sent_s, received_s)
