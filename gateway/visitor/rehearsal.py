"""Who rehearses: visitors with a signed mark get the rehearsal's room in the place of the real one.

The mark decides before any line is looked at, and one that is not believed is refused, never ignored:
a rehearsal that falls back to the real line would take real visitors' places.
"""

from __future__ import annotations

import time
from collections.abc import Iterable

from starlette.types import Receive, Scope

from gateway.errors import CredentialError, ExpiredCredential, OtherRoomCredential
from gateway.visitor.answers import Answer, problem, see_other
from gateway.visitor.cookies import CookieNames, cookie_names
from gateway.visitor.requests import Request, query_value
from gateway.visitor.rooms import VisitorRoom

HEADER = b"antrean-rehearsal"


class Rehearsals:
    """The rehearsals of all rooms, found by the room that they rehearse."""

    def __init__(self, rooms: Iterable[VisitorRoom]) -> None:
        self._twins = {room.settings.rehearses: room for room in rooms if room.settings.rehearses}

    def room_for(self, room: VisitorRoom, request: Request, now_s: float) -> VisitorRoom | Answer:
        """The real room for whoever carries no mark, its rehearsal for a good one, else the refusal."""
        if not _mark(room.id, request):
            return room
        twin = self._twins.get(room.id)
        if twin is None:
            return problem(
                403, "no-rehearsal", "This room has no rehearsal: set rehearsal = true in antrean.toml."
            )
        return refusal(twin, request, now_s) or twin


def refusal(room: VisitorRoom, request: Request, now_s: float) -> Answer | None:
    """Why a call is refused: of a rehearsal without a good mark, of a real room with any. None: go on."""
    rehearsed = room.settings.rehearses
    token = _mark(rehearsed or room.id, request)
    if not rehearsed:
        return _MARKED if token else None
    try:
        room.keyring.read_mark(token, room=rehearsed, now_s=now_s)
    except CredentialError as error:
        return _refused(error, token)
    return None


class MarkCalls:
    """``begin`` and ``end`` of a rehearsal in a browser: the mark as a cookie."""

    def __init__(self, room: VisitorRoom, *, secure: bool | None) -> None:
        self._room = room
        self._secure = secure

    async def begin(self, scope: Scope, receive: Receive) -> Answer:
        """``GET /_queue/{room}/begin?mark=…``: keep the mark until it ends, and go to the site."""
        request, now_s = Request(scope, secure=self._secure), time.time()
        token = query_value(request.query, "mark")
        try:
            mark = self._room.keyring.read_mark(token, room=self._room.settings.rehearses, now_s=now_s)
        except CredentialError as error:
            return _refused(error, token.encode())
        return see_other("/", self._names(request).set_mark(token, mark.expires_at_s - int(now_s)))

    async def end(self, scope: Scope, receive: Receive) -> Answer:
        """``GET /_queue/{room}/end``: from now on an ordinary visitor again."""
        return see_other("/", self._names(Request(scope, secure=self._secure)).set_mark("", 0))

    def _names(self, request: Request) -> CookieNames:
        return cookie_names(self._room.settings.rehearses, request.secure)


def _mark(room_id: str, request: Request) -> bytes:
    """A header is said on purpose, so it goes before the cookie."""
    if request.has(HEADER):
        return request.header(HEADER) or b"-"
    return next(iter(request.cookies(cookie_names(room_id, request.secure).mark)), b"")


def _refused(error: CredentialError, token: str | bytes) -> Answer:
    if not token:
        detail = "This line is a rehearsal. Whoever runs it gives out marks: `antrean pass issue --rehearsal`."
    elif isinstance(error, ExpiredCredential):
        detail = "The rehearsal's mark is over. Ask whoever runs it for a new one."
    elif isinstance(error, OtherRoomCredential):
        detail = "The rehearsal's mark is for another room."
    else:
        detail = "The rehearsal's mark is not valid."
    return problem(403, "rehearsal-refused", detail)


_MARKED = problem(403, "rehearsal-marked", "Who carries a rehearsal's mark takes no place in the real line.")
