"""Which waiting page a visitor gets, in which language and encoding, with which status and cookies."""

from __future__ import annotations

import re
from functools import lru_cache

from gateway.domain.credentials import Ticket
from gateway.domain.room import Snapshot
from gateway.store.line import State
from gateway.visitor.answers import Answer
from gateway.visitor.requests import Request
from gateway.visitor.rooms import VisitorRoom
from gateway.visitor.standing import Standing, describe_for_page
from gateway.visitor.waiting_page import Page, choose_encoding, choose_language

Header = tuple[bytes, bytes]

LANGUAGE_COOKIE_S = 365 * 86_400
RETRY_TROUBLE_S = 5
_LONGEST = 200  # bytes of a header that are looked at, and remembered

_CHOSEN = re.compile(rb"(?:^|&)antrean-lang=([A-Za-z-]{2,10})(?=&|$)")


def newcomer(room: VisitorRoom, request: Request, *headers: Header) -> Answer:
    """The page of somebody whose ticket is in ``headers``: ready bytes, nothing of one visitor in them."""
    page = room.page.surge(
        chosen_language(room, request), _encoding(request.header(b"accept-encoding")[:_LONGEST])
    )
    return _answer(room.settings.queue_status, page, request, *headers)


def standing(room: VisitorRoom, request: Request, stands: Standing, *headers: Header) -> Answer:
    """The page of somebody with a ticket, complete without a script."""
    state = describe_for_page(stands, room.snapshot)
    encoding = _encoding(request.header(b"accept-encoding")[:_LONGEST])
    page = room.page.rendered(chosen_language(room, request), state, encoding)
    return _answer(room.settings.queue_status, page, request, *headers)


def closed(room: VisitorRoom, request: Request, *headers: Header) -> Answer:
    return _answer(room.settings.queue_status, _simple(room, request, "closed"), request, *headers)


def left(room: VisitorRoom, request: Request, *headers: Header) -> Answer:
    """After giving the place up."""
    return _answer(200, _simple(room, request, "left"), request, *headers)


def trouble(room: VisitorRoom, request: Request, ticket: Ticket | None, *headers: Header) -> Answer:
    """The store does not answer. Who has a ticket sees it as it last was: its place is kept."""
    retry = (b"retry-after", b"%d" % room.retry_trouble_s())
    if ticket is None:
        return _answer(503, _simple(room, request, "store-trouble"), request, retry, *headers)
    return standing(room, request, Standing(ticket, presumed_state(ticket, room.snapshot)), retry)


def presumed_state(ticket: Ticket, snapshot: Snapshot | None) -> State:
    """What a ticket most likely is, by the cursors alone."""
    called = snapshot is not None and snapshot.position(ticket.number) <= snapshot.called
    return State.CALLED if called else State.WAITING


def without_language(query: bytes) -> bytes:
    """The query without the choice of a language, which is kept in a cookie instead."""
    return _CHOSEN.sub(b"", query).lstrip(b"&") if b"antrean-lang" in query else query


def _simple(room: VisitorRoom, request: Request, kind: str) -> Page:
    encoding = _encoding(request.header(b"accept-encoding")[:_LONGEST])
    return room.page.simple(chosen_language(room, request), kind, encoding)


def _answer(status: int, page: Page, request: Request, *headers: Header) -> Answer:
    return Answer(status, (*headers, *kept_language(request)), page.body, fixed=page)


def kept_language(request: Request) -> tuple[Header, ...]:
    """The cookie for a language that is chosen in this request's address."""
    chosen = _CHOSEN.search(request.query) if b"antrean-lang" in request.query else None
    if chosen is None:
        return ()
    return (
        (b"set-cookie", b"antrean-lang=%b; Path=/; Max-Age=%d; SameSite=Lax" % (chosen[1], LANGUAGE_COOKIE_S)),
    )


def chosen_language(room: VisitorRoom, request: Request) -> str:
    """The code of the language in which this visitor is spoken to."""
    chosen = _CHOSEN.search(request.query) if b"antrean-lang" in request.query else None
    picked = chosen[1] if chosen is not None else b"".join(request.cookies(b"antrean-lang")[:1])
    return _best_language(
        request.header(b"accept-language")[:_LONGEST], picked[:16], room.settings.default_language
    )


# Browsers send the same few values over and over. Longer ones would let a stranger fill our memory.
_encoding = lru_cache(512)(choose_encoding)
_best_language = lru_cache(2048)(choose_language)
