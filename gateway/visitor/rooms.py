"""One room as the visitor's side sees it: its line, its origin, its page, and who carries what."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import TypeVar

from starlette.types import ASGIApp

from gateway.domain.credentials import Keyring, Pass, Ticket
from gateway.domain.paths import PathRules, Place
from gateway.domain.room import Snapshot
from gateway.errors import CredentialError, OtherLineCredential, SpentCredential
from gateway.settings import RoomSettings
from gateway.store.line import Line
from gateway.visitor.cookies import CookieNames, cookie_names
from gateway.visitor.counting import count_refused
from gateway.visitor.requests import Request
from gateway.visitor.uses import PassUses
from gateway.visitor.waiting_page import WaitingPage

_Credential = TypeVar("_Credential", Ticket, Pass)
_Read = TypeVar("_Read")


_LONGEST_REMEMBERED = 200  # bytes of a path: longer ones are rare, and would let a stranger fill our memory


class Places:
    """Where paths belong: the rules, with what they said of the last few thousand paths."""

    def __init__(self, rules: PathRules) -> None:
        self._rules = rules
        self._remembered = lru_cache(4096)(rules.place)

    def place(self, raw_path: bytes, host: bytes) -> Place | None:
        """See ``PathRules.place``. Raises AmbiguousPath."""
        if len(raw_path) + len(host) > _LONGEST_REMEMBERED:
            return self._rules.place(raw_path, host)
        return self._remembered(raw_path, host)


class VisitorRoom:
    """What is needed to receive visitors in one room."""

    def __init__(
        self, settings: RoomSettings, line: Line, origin: ASGIApp, keyring: Keyring, page: WaitingPage
    ) -> None:
        self.id = settings.id
        self.settings = settings
        self.line = line
        self.origin = origin
        self.keyring = keyring
        self.page = page
        self.uses = PassUses(line)
        self._cookies = (cookie_names(settings.id, secure=False), cookie_names(settings.id, secure=True))

    @property
    def snapshot(self) -> Snapshot | None:
        return self.line.snapshot

    def cookies(self, request: Request) -> CookieNames:
        """Our cookies' names, as they are on this visitor's scheme."""
        return self._cookies[request.secure]

    def read_pass(self, request: Request, now_s: float) -> Pass | CredentialError | None:
        """The pass that a request carries: the error if it is not believed, None if there is none."""
        tokens = _tokens(request, b"antrean-pass", self.cookies(request).passes)
        found = self._counted(_best(tokens, self._verify_pass, now_s, _expiry))
        if isinstance(found, Pass) and self.uses.is_spent(found):
            return SpentCredential("the visitor has finished, or gave the place up")
        return found

    def read_ticket(self, request: Request, now_s: float) -> Ticket | CredentialError | None:
        """The ticket that a request carries; of several the one that is further ahead in line."""
        tokens = _tokens(request, b"antrean-ticket", self.cookies(request).ticket)
        return self._counted(_best(tokens, self._verify_ticket, now_s, _number))

    def read_old_ticket(self, request: Request, now_s: float) -> Ticket | CredentialError | None:
        """The same, but of whatever line: to tell its visitor which number it was."""
        tokens = _tokens(request, b"antrean-ticket", self.cookies(request).ticket)
        return _best(tokens, self._verify_any_ticket, now_s, _number)

    def _counted(self, found: _Read) -> _Read:
        if isinstance(found, CredentialError):
            count_refused(self.line, found)
        return found

    def _verify_pass(self, token: bytes, now_s: float) -> Pass:
        return self.keyring.read_pass(token, room=self.id, instance=self._instance(), now_s=now_s)

    def _verify_ticket(self, token: bytes, now_s: float) -> Ticket:
        return self.keyring.read_ticket(token, room=self.id, instance=self._instance(), now_s=now_s)

    def _verify_any_ticket(self, token: bytes, now_s: float) -> Ticket:
        return self.keyring.read_ticket(token, room=self.id, instance=None, now_s=now_s)

    def _instance(self) -> str | None:
        snapshot = self.line.snapshot
        return None if snapshot is None else snapshot.instance


def _tokens(request: Request, header: bytes, cookie: bytes) -> Sequence[bytes]:
    """A header is said on purpose, so it goes before the cookies."""
    value = request.header(header)
    return (value,) if value else request.cookies(cookie)


def _best(
    tokens: Sequence[bytes],
    verify: Callable[[bytes, float], _Credential],
    now_s: float,
    rank: Callable[[_Credential], int],
) -> _Credential | CredentialError | None:
    """The believed one of lowest rank, else why the most telling of the others is not believed."""
    if not tokens:
        return None
    found: list[_Credential] = []
    refusals: list[CredentialError] = []
    for token in tokens:
        try:
            found.append(verify(token, now_s))
        except CredentialError as error:
            refusals.append(error)
    if found:
        return found[0] if len(found) == 1 else min(found, key=rank)
    # "From an earlier line" says more than "forged" about a visitor who carries both.
    return next((error for error in refusals if isinstance(error, OtherLineCredential)), refusals[0])


def _expiry(visitor_pass: Pass) -> int:
    return -visitor_pass.expires_at_s


def _number(ticket: Ticket) -> int:
    return ticket.number
