"""One room as the visitor's side sees it: its line, its origin, its page, and who carries what."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import TypeVar

from starlette.types import ASGIApp

from gateway.domain.challenge import Used
from gateway.domain.credentials import STAMP_BEGINS, Keyring, Pass, Stamp, Ticket
from gateway.domain.networks import Networks
from gateway.domain.overload import retry_after_outage_s
from gateway.domain.paths import PathRules, Place
from gateway.domain.room import Snapshot
from gateway.domain.standing_in import StandIn
from gateway.errors import CredentialError, OtherLineCredential, SpentCredential
from gateway.overload import Overload, dice
from gateway.settings import RoomSettings
from gateway.store.line import Line
from gateway.visitor.cookies import CookieNames, cookie_names
from gateway.visitor.counting import count_refused
from gateway.visitor.requests import Request
from gateway.visitor.uses import PassUses
from gateway.visitor.waiting_page import WaitingPage

_Credential = TypeVar("_Credential", Ticket, Pass, Stamp)
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
        self.overload: Overload | None = None
        self.networks = Networks()
        self.used = Used()
        self._stand_in = StandIn()
        self._cookies = (cookie_names(settings.id, secure=False), cookie_names(settings.id, secure=True))

    @property
    def snapshot(self) -> Snapshot | None:
        return self.line.snapshot

    def spread_poll_s(self, poll_s: int, poll_max_s: int) -> int:
        """The interval to tell, longer by chance while this worker has too much to do."""
        return poll_s if self.overload is None else self.overload.spread_poll_s(poll_s, poll_max_s)

    def retry_trouble_s(self) -> int:
        """When to come again while the store is away: not all at the same moment."""
        return retry_after_outage_s(time.monotonic() - self.line.heard_s, dice())

    def cookies(self, request: Request) -> CookieNames:
        """Our cookies' names, as they are on this visitor's scheme."""
        return self._cookies[request.secure]

    def read_pass(self, request: Request, now_s: float) -> Pass | CredentialError | None:
        """The pass that a request carries: the error if it is not believed, None if there is none."""
        tokens = _tokens(request, b"antrean-pass", self.cookies(request).passes)
        if not tokens:
            return None
        found = self._counted(_best(tokens, self._verify_pass, now_s, _expiry))
        if isinstance(found, Pass) and self.uses.is_spent(found):
            return SpentCredential("the visitor has finished, or gave the place up")
        return found

    def read_ticket(self, request: Request, now_s: float) -> Ticket | CredentialError | None:
        """The ticket that a request carries; of several the one that is further ahead in line."""
        tokens = _tokens(request, b"antrean-ticket", self.cookies(request).ticket)
        tickets = [token for token in tokens if token[:3] != STAMP_BEGINS]
        return self._counted(_best(tickets, self._verify_ticket, now_s, _number))

    def read_stamp(self, request: Request, now_s: float) -> Stamp | CredentialError | None:
        """The stamp that a request carries in the ticket's place; of several the oldest."""
        tokens = _tokens(request, b"antrean-ticket", self.cookies(request).ticket)
        stamps = [token for token in tokens if token[:3] == STAMP_BEGINS]
        return self._counted(_best(stamps, self._verify_stamp, now_s, _age))

    def admits_alone(self, number: int | None, now_s: float) -> bool:
        """Whether this worker lets somebody in while it is cut off. ``now_s``: of the monotonic clock."""
        if self.settings.on_store_loss != "admit" or self.line.reachable:
            return False
        snapshot = self.snapshot
        position = None if snapshot is None or number is None else snapshot.position(number)
        return self._stand_in.admits(snapshot, position, heard_s=self.line.heard_s, now_s=now_s)

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

    def _verify_stamp(self, token: bytes, now_s: float) -> Stamp:
        return self.keyring.read_stamp(token, room=self.id, instance=self._instance(), now_s=now_s)

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
    rank: Callable[[_Credential], int | tuple[int, int]],
) -> _Credential | CredentialError | None:
    """The believed one of lowest rank, else why the most telling of the others is not believed."""
    if not tokens:
        return None
    if len(tokens) == 1:
        try:
            return verify(tokens[0], now_s)
        except CredentialError as error:
            return error
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


def _age(stamp: Stamp) -> int:
    return stamp.issued_at_s


def _number(ticket: Ticket) -> tuple[int, int]:
    """The one further ahead; of one place the ticket of its last device."""
    return ticket.number, -ticket.device
