"""``/_queue/authorize``: another proxy asks whether a request may go on (nginx ``auth_request``, Caddy, Traefik).

2xx: yes, with the headers that the origin wants. 401: no, and ``Location`` says where the line is. The
asking proxy sends on the visitor's own headers too, so several that contradict each other are taken
at their strictest.

Proxies that hand our answer to the browser (Traefik, Envoy) ask ``/_queue/authorize?redirect``, or with the path
behind it as Envoy does: ``/_queue/authorize/form``. Then a page is led to the line by a 303, and yes is a 200.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from urllib.parse import quote

from starlette.types import Receive, Scope

from gateway.domain.admission import BypassLine, PassThrough, RequestFacts, decide
from gateway.domain.paths import safe_return
from gateway.errors import AmbiguousPath
from gateway.visitor.answers import NO_STORE, Answer, Block, not_allowed, problem, see_other
from gateway.visitor.counting import count_request
from gateway.visitor.onward import VisitorHeader
from gateway.visitor.pages import Header
from gateway.visitor.reception import bypass_pass, pass_headers, renewed
from gateway.visitor.rehearsal import Rehearsals
from gateway.visitor.requests import Request
from gateway.visitor.rooms import Places, VisitorRoom

PATH = b"/_queue/authorize"
_SAFE = frozenset((b"GET", b"HEAD", b"OPTIONS"))
_SAFE_FACTS = RequestFacts(navigation=False, safe=True)
_UNSAFE_FACTS = RequestFacts(navigation=False, safe=False)
_YES = Block(NO_STORE)
_FREE = Answer(204, fixed=_YES)
_FREE_TO_BROWSER = Answer(200, fixed=_YES)


class ForwardAuth:
    """The authorize call, over all rooms."""

    def __init__(
        self,
        rooms: Mapping[str, VisitorRoom],
        places: Places,
        visitors: Mapping[str, VisitorHeader],
        rehearsals: Rehearsals,
        *,
        secure: bool | None,
    ) -> None:
        self._rooms = rooms
        self._places = places
        self._visitors = visitors
        self._rehearsals = rehearsals
        self._secure = secure

    async def __call__(self, scope: Scope, receive: Receive) -> Answer:
        request = Request(scope, secure=self._secure)
        if request.method not in ("GET", "HEAD") and not _behind(request):
            return not_allowed("GET")
        try:
            return self.answer(request, time.time())
        except AmbiguousPath as error:
            return problem(400, "ambiguous-path", str(error))

    def answer(self, request: Request, now_s: float) -> Answer:
        """Whether the request that is asked about may go on. Raises AmbiguousPath."""
        named = request.header(b"x-original-uri"), request.header(b"x-forwarded-uri")
        asked = _asked_paths(_behind(request), *named)
        host = request.header(b"host")
        places = [place for path, _ in asked if (place := self._places.place(path, host)) is not None]
        if not places:
            return problem(404, "no-room", "No room protects this path at this host.")
        room = self._rooms[places[0].room]
        if any(place.room != room.id for place in places):
            raise AmbiguousPath("the headers name paths of two rooms")
        count_request(room.line, "authorize")
        if not any(place.protected for place in places):
            return _FREE_TO_BROWSER if _goes_to_browser(request) else _FREE
        chosen = self._rehearsals.room_for(room, request, now_s)
        return chosen if isinstance(chosen, Answer) else self._judge(chosen, request, asked[0], now_s)

    def _judge(self, room: VisitorRoom, request: Request, asked: tuple[bytes, bytes], now_s: float) -> Answer:
        decision = decide(
            _SAFE_FACTS if _is_safe(request) else _UNSAFE_FACTS,
            snapshot=room.snapshot,
            reachable=room.line.reachable,
            ticket=None,
            visitor_pass=room.read_pass(request, now_s),
            now_s=now_s,
        )
        added: tuple[Header, ...] = ()
        match decision:
            case PassThrough(visitor_pass, renew=due):
                room.uses.use(visitor_pass)
                if due:
                    visitor_pass, added = renewed(room, request, visitor_pass, now_s)
            case BypassLine():
                visitor_pass = bypass_pass(room, now_s)
                added = pass_headers(room, request, visitor_pass, now_s)
            case _:
                return _to_the_line(room, request, safe_return(*asked))
        return Answer(
            200 if _goes_to_browser(request) else 204,
            added,
            fixed=self._visitors[room.id].block(visitor_pass, now_s),
        )


def _behind(request: Request) -> bytes:
    """The address that stands behind the call's own path."""
    behind = request.raw_path[len(PATH) :]
    return behind + b"?" + request.query if behind and request.query else behind


def _goes_to_browser(request: Request) -> bool:
    return request.query == b"redirect" or len(request.raw_path) > len(PATH)


def _to_the_line(room: VisitorRoom, request: Request, return_to: str) -> Answer:
    location = f"/_queue/{room.id}/wait?to={quote(return_to, safe='/')}"
    if _goes_to_browser(request) and request.navigation and _is_safe(request):
        return see_other(location)
    where = (b"location", location.encode())
    detail = "There is a line in front of this site: send the visitor to the location."
    return problem(401, "no-pass", detail, where, (b"www-authenticate", b"Antrean"), location=location)


def _asked_paths(*named: bytes) -> list[tuple[bytes, bytes]]:
    """(path, query) in each header that names one; without any, the whole site is asked about."""
    paths = []
    for uri in named:
        if uri:
            path, _, query = uri.partition(b"#")[0].partition(b"?")
            paths.append((path, query))
    return paths or [(b"/", b"")]


def _is_safe(request: Request) -> bool:
    original, forwarded = request.header(b"x-original-method"), request.header(b"x-forwarded-method")
    if _behind(request):
        return request.safe
    return original in _SAFE or forwarded in _SAFE or not (original or forwarded)
