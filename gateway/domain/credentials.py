"""Tickets and passes: what a visitor carries, signed so that we need to remember nothing.

A credential is ``payload.signature``, readable and verifiable with plain itsdangerous::

    Signer(keys, salt="antrean.ticket", key_derivation="hmac", digest_method=hashlib.sha256)

The payload is the fields joined with ``~``. Times are unix seconds in the payload, and are compared
with an allowance for machines whose clocks differ.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, TypeVar, cast

from itsdangerous import BadData

from gateway.domain.numbers import format_number, parse_number
from gateway.domain.signing import RememberingSerializer, RememberingSigner
from gateway.errors import (
    ExpiredCredential,
    ForgedCredential,
    FutureCredential,
    OtherLineCredential,
    OtherRoomCredential,
)

__all__ = ["Keyring", "Pass", "PassKind", "Ticket", "format_number", "new_nonce", "parse_number", "renew"]

SKEW_S = 120  # the most that the clocks of two gateway machines may differ
UNUSED_S = 180  # a pass that nobody has presented yet
IDLE_S = 1200  # from one use of a pass to the next
HARD_LIMIT_S = 7200  # from the admission, however active the visitor is
RENEW_BELOW_S = IDLE_S // 2  # a pass with less left than this is re-issued
VISITOR_HEADER_S = 300  # how long the origin may believe one Antrean-Visitor value

TICKET_SALT = "antrean.ticket"
PASS_SALT = "antrean.pass"  # noqa: S105 - a purpose, not a secret
VISITOR_SALT = "antrean.visitor"

PassKind = Literal["visitor", "staff", "bypass"]
_KINDS: tuple[PassKind, ...] = ("visitor", "staff", "bypass")

_VERSION = "1"
_LONGEST = 4096  # characters; no browser keeps a longer cookie
_REMEMBERED = 20_000  # verified credentials kept by each keyring
_FIELD = re.compile(r"[A-Za-z0-9._-]*", re.ASCII)
_RETURN_TO = re.compile(r"/[\x21\x23-\x2b\x2d-\x3a\x3c-\x5b\x5d-\x7e]*", re.ASCII)  # cookie-safe characters


@dataclass(frozen=True, slots=True)
class Ticket:
    """A number in one line of one room."""

    room: str
    instance: str  # of the line
    generation: int
    number: int
    issued_at_s: int
    nonce: str
    return_to: str = "/"  # same-site path and query that the visitor came for


@dataclass(frozen=True, slots=True)
class Pass:
    """The right to reach the origin, until it idles out or the hard limit comes."""

    room: str
    instance: str  # of the line; empty for staff, who pass in any line
    generation: int
    number: int  # 0 for staff and bypass, who never stood in line
    nonce: str
    expires_at_s: int  # unix seconds, moves on while the pass is used
    hard_limit_s: int  # unix seconds, never moves
    kind: PassKind = "visitor"

    def is_idle(self, now_s: float) -> bool:
        """Whether it was last used too long ago (form submissions are still let through)."""
        return now_s > self.expires_at_s + SKEW_S

    def is_due(self, now_s: float) -> bool:
        """Whether it is time to re-issue it: first use, or half of the idle time gone."""
        return self.expires_at_s - now_s < RENEW_BELOW_S and self.expires_at_s < self.hard_limit_s

    @property
    def visitor(self) -> tuple[str, int]:
        """(instance, number) as the origin sees them: one pair a visitor, also without a number."""
        return (self.instance, self.number) if self.kind == "visitor" else (f"{self.kind}.{self.nonce}", 0)


_Credential = TypeVar("_Credential", Ticket, Pass)


def new_nonce() -> str:
    """48 random bits: tells two credentials of one number apart in the logs."""
    return secrets.token_urlsafe(6)


class Keyring:
    """Signs with the last of ``keys`` and believes all of them, one salt for each purpose.

    Verified credentials are remembered. Only what verified gets in, under the complete text that
    was verified, so that a forgery can neither enter nor push its way to somebody else's entry.
    """

    def __init__(self, keys: Sequence[str]) -> None:
        if not keys or not all(keys):
            raise ValueError("a keyring needs at least one key, and no empty ones")
        self._tickets = RememberingSigner(keys, TICKET_SALT)
        self._passes = RememberingSigner(keys, PASS_SALT)
        self._visitors = RememberingSerializer(keys, VISITOR_SALT)
        self._known_tickets: dict[bytes, Ticket] = {}
        self._known_passes: dict[bytes, Pass] = {}

    def sign_ticket(self, ticket: Ticket) -> str:
        """The ticket as text: fit for a cookie and for a header."""
        _check_fields(ticket.room, ticket.instance, ticket.nonce)
        if not _RETURN_TO.fullmatch(ticket.return_to):
            raise ValueError(f"return address {ticket.return_to!r} is not an encoded path of this site")
        payload = (
            f"{_VERSION}~{ticket.room}~{ticket.instance}~{ticket.generation}~{ticket.number}"
            f"~{ticket.issued_at_s}~{ticket.nonce}~{ticket.return_to}"
        )
        return self._tickets.sign(payload).decode()

    def read_ticket(self, token: str | bytes, *, room: str, instance: str | None, now_s: float) -> Ticket:
        """The ticket in ``token``, if it is for the line ``instance`` of ``room`` (None: any line).

        Raises ForgedCredential, OtherRoomCredential, OtherLineCredential, FutureCredential.
        """
        raw = _as_bytes(token)
        ticket = self._known_tickets.get(raw)
        if ticket is None:
            ticket = _parse_ticket(_unsign(self._tickets, raw))
            _remember(self._known_tickets, raw, ticket)
        _check_line(ticket, room, instance)
        if ticket.issued_at_s > now_s + SKEW_S:
            raise FutureCredential(f"the ticket was issued {ticket.issued_at_s - now_s:.0f} s in the future")
        return ticket

    def sign_pass(self, visitor_pass: Pass) -> str:
        """The pass as text: fit for a cookie and for a header."""
        _check_fields(visitor_pass.room, visitor_pass.instance, visitor_pass.nonce, visitor_pass.kind)
        payload = (
            f"{_VERSION}~{visitor_pass.room}~{visitor_pass.instance}~{visitor_pass.generation}"
            f"~{visitor_pass.number}~{visitor_pass.nonce}~{visitor_pass.expires_at_s}"
            f"~{visitor_pass.hard_limit_s}~{visitor_pass.kind}"
        )
        return self._passes.sign(payload).decode()

    def read_pass(self, token: str | bytes, *, room: str, instance: str | None, now_s: float) -> Pass:
        """The pass in ``token``, if it is for ``room`` and within its hard limit.

        A pass that is only idle is returned: whether that matters depends on the request (``is_idle``).
        Raises ForgedCredential, OtherRoomCredential, OtherLineCredential, FutureCredential,
        ExpiredCredential.
        """
        raw = _as_bytes(token)
        found = self._known_passes.get(raw)
        if found is None:
            found = _parse_pass(_unsign(self._passes, raw))
            _remember(self._known_passes, raw, found)
        _check_line(found, room, None if found.kind == "staff" else instance)
        if now_s > found.hard_limit_s + SKEW_S:
            raise ExpiredCredential("the pass is beyond its hard limit")
        if found.kind != "staff" and found.hard_limit_s > now_s + HARD_LIMIT_S + SKEW_S:
            raise FutureCredential("the pass was issued in the future")
        return found

    def sign_visitor(self, visitor_pass: Pass, now_s: float) -> str:
        """The value of ``Antrean-Visitor``: tells the origin who this is, believable for 5 minutes."""
        instance, number = visitor_pass.visitor
        return self._visitors.dumps(
            {
                "room": visitor_pass.room,
                "instance": instance,
                "number": number,
                "exp": int(now_s) + VISITOR_HEADER_S,
            }
        )

    def read_visitor(self, value: str, now_s: float) -> dict[str, object]:
        """What an origin reads from ``Antrean-Visitor``. Raises ForgedCredential, ExpiredCredential."""
        try:
            visitor = cast("dict[str, object]", self._visitors.loads(value))
        except BadData as error:
            raise ForgedCredential("not signed by us") from error
        if now_s > cast("int", visitor["exp"]) + SKEW_S:
            raise ExpiredCredential("the visitor header is too old")
        return visitor


def renew(visitor_pass: Pass, now_s: float) -> Pass:
    """The same pass with its idle time starting again, never beyond its hard limit."""
    return Pass(
        visitor_pass.room,
        visitor_pass.instance,
        visitor_pass.generation,
        visitor_pass.number,
        visitor_pass.nonce,
        min(int(now_s) + IDLE_S, visitor_pass.hard_limit_s),
        visitor_pass.hard_limit_s,
        visitor_pass.kind,
    )


def _as_bytes(token: str | bytes) -> bytes:
    return token if isinstance(token, bytes) else token.encode("utf-8", "replace")


def _unsign(signer: RememberingSigner, raw: bytes) -> str:
    if len(raw) > _LONGEST:
        raise ForgedCredential("too long to be one of ours")
    try:
        return signer.unsign(raw).decode("ascii")
    except (BadData, UnicodeDecodeError) as error:
        raise ForgedCredential("not signed by us for this purpose") from error


def _parse_ticket(payload: str) -> Ticket:
    try:  # the return address comes last, because it may hold a "~" of its own
        version, room, instance, generation, number, issued_at_s, nonce, return_to = payload.split("~", 7)
        if version == _VERSION:
            return Ticket(room, instance, int(generation), int(number), int(issued_at_s), nonce, return_to)
    except ValueError as error:
        raise ForgedCredential("signed by us, but not a ticket of this version") from error
    raise ForgedCredential("signed by us, but not a ticket of this version")


def _parse_pass(payload: str) -> Pass:
    try:
        version, room, instance, generation, number, nonce, expires, hard_limit, kind = payload.split("~")
        if version == _VERSION and kind in _KINDS:
            times = int(expires), int(hard_limit)
            return Pass(room, instance, int(generation), int(number), nonce, *times, kind)
    except ValueError as error:
        raise ForgedCredential("signed by us, but not a pass of this version") from error
    raise ForgedCredential("signed by us, but not a pass of this version")


def _check_fields(*fields: str) -> None:
    for field in fields:
        if not _FIELD.fullmatch(field):
            raise ValueError(f"{field!r} cannot stand in a credential: use letters, digits, '.', '_', '-'")


def _check_line(credential: Ticket | Pass, room: str, instance: str | None) -> None:
    if credential.room != room:
        raise OtherRoomCredential(f"for the room {credential.room}, not {room}")
    if instance is not None and credential.instance != instance:
        raise OtherLineCredential("from an earlier line of this room")


def _remember(known: dict[bytes, _Credential], raw: bytes, credential: _Credential) -> None:
    if len(known) >= _REMEMBERED:
        del known[next(iter(known))]
    known[raw] = credential
