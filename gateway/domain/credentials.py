"""Tickets and passes: what a visitor carries, signed so that we need to remember nothing.

A credential is ``payload.signature``, readable and verifiable with plain itsdangerous::

    Signer(keys, salt="antrean.ticket", key_derivation="hmac", digest_method=hashlib.sha256)

The payload is the fields joined with ``~``. Times are unix seconds in the payload, and are compared
with an allowance for machines whose clocks differ.
"""

from __future__ import annotations

import re
from collections import OrderedDict
from collections.abc import Callable, Sequence
from typing import TypeVar, cast

from itsdangerous import BadData

from gateway.domain import challenge as riddles
from gateway.domain import moving
from gateway.domain.numbers import format_number, parse_number
from gateway.domain.passes import (
    HARD_LIMIT_S,
    IDLE_S,
    SKEW_S,
    UNUSED_S,
    Mark,
    Pass,
    PassKind,
    Stamp,
    Ticket,
    new_nonce,
    renew,
)
from gateway.domain.signing import RememberingSerializer, RememberingSigner
from gateway.errors import (
    ExpiredCredential,
    ForgedCredential,
    FutureCredential,
    OtherLineCredential,
    OtherRoomCredential,
)

__all__ = [
    "HARD_LIMIT_S",
    "IDLE_S",
    "SKEW_S",
    "UNUSED_S",
    "Keyring",
    "Mark",
    "Pass",
    "PassKind",
    "Stamp",
    "Ticket",
    "format_number",
    "new_nonce",
    "parse_number",
    "renew",
]

VISITOR_HEADER_S = 300  # how long the origin may believe one Antrean-Visitor value

TICKET_SALT = "antrean.ticket"
PASS_SALT = "antrean.pass"  # noqa: S105 - a purpose, not a secret
STAMP_SALT = "antrean.stamp"
MOVE_SALT = "antrean.move"
VISITOR_SALT = "antrean.visitor"
MARK_SALT = "antrean.rehearsal"
CHALLENGE_SALT = "antrean.challenge"

_KINDS: tuple[PassKind, ...] = ("visitor", "staff", "bypass")

_VERSION, _MOVED_VERSION = "1", "2"  # the second has the device before the number
_STAMP_VERSION = "s1"
STAMP_BEGINS = b"s1~"
"""How a stamp differs at a glance from a ticket, in whose cookie it travels."""
_LONGEST = 4096  # characters; no browser keeps a longer cookie
_REMEMBERED = 20_000  # verified credentials kept by each keyring
_WORD = r"[A-Za-z0-9._-]*"
# The return address is an encoded path of this site, in characters that fit into a cookie.
_TICKET_FORM = re.compile(
    rf"(?:1|2~\d+)~{_WORD}~{_WORD}~\d+~\d+~\d+~{_WORD}~/[\x21\x23-\x2b\x2d-\x3a\x3c-\x5b\x5d-\x7e]*", re.ASCII
)
_STAMP_FORM = re.compile(
    rf"s1~{_WORD}~{_WORD}~{_WORD}~\d+~\d+~/[\x21\x23-\x2b\x2d-\x3a\x3c-\x5b\x5d-\x7e]*", re.ASCII
)
_MARK_FORM = re.compile(rf"1~{_WORD}~\d+~{_WORD}", re.ASCII)
_PASS_FORM = re.compile(rf"1~{_WORD}~{_WORD}~\d+~\d+~{_WORD}~\d+~\d+~(?:{'|'.join(_KINDS)})", re.ASCII)


_Credential = TypeVar("_Credential", Ticket, Pass)
_Result = TypeVar("_Result")


class Keyring:
    """Signs with the last of ``keys`` and believes all of them, one salt for each purpose.

    Verified credentials are remembered. Only what verified gets in, under the complete text that
    was verified, so that a forgery can neither enter nor push its way to somebody else's entry.
    """

    def __init__(self, keys: Sequence[str], newer: Callable[[], Sequence[str] | None] | None = None) -> None:
        """``newer`` gives all keys anew if there are others by now: asked before anything is called forged."""
        self._newer = newer
        self._known_tickets: OrderedDict[bytes, Ticket] = OrderedDict()
        self._known_passes: OrderedDict[bytes, Pass] = OrderedDict()
        self._take(keys)

    def _take(self, keys: Sequence[str]) -> None:
        if not keys or not all(keys):
            raise ValueError("a keyring needs at least one key, and no empty ones")
        self._tickets = RememberingSigner(keys, TICKET_SALT)
        self._passes = RememberingSigner(keys, PASS_SALT)
        self._stamps = RememberingSigner(keys, STAMP_SALT)
        self._marks = RememberingSigner(keys, MARK_SALT)
        self._visitors = RememberingSerializer(keys, VISITOR_SALT)
        self._moves = RememberingSigner(keys, MOVE_SALT)
        self._challenges = RememberingSigner(keys, CHALLENGE_SALT)

    def _payload(self, kind: str, raw: bytes) -> str:
        """What was signed."""
        return self._also_with_newer_keys(lambda: _unsign(getattr(self, kind), raw))

    def _also_with_newer_keys(self, read: Callable[[], _Result]) -> _Result:
        """What another worker signs with already may be a key that we do not know yet."""
        try:
            return read()
        except ForgedCredential:
            keys = self._newer() if self._newer is not None else None
            if not keys:
                raise
            self._take(keys)
        return read()

    def sign_ticket(self, ticket: Ticket) -> str:
        """The ticket as text: fit for a cookie and for a header."""
        begins = f"{_MOVED_VERSION}~{ticket.device}" if ticket.device else _VERSION
        payload = (
            f"{begins}~{ticket.room}~{ticket.instance}~{ticket.generation}~{ticket.number}"
            f"~{ticket.issued_at_s}~{ticket.nonce}~{ticket.return_to}"
        )
        if not _TICKET_FORM.fullmatch(payload):
            raise ValueError(f"a field cannot stand in a ticket: {ticket}")
        return self._tickets.sign(payload).decode()

    def read_ticket(self, token: str | bytes, *, room: str, instance: str | None, now_s: float) -> Ticket:
        """The ticket in ``token``, if it is for the line ``instance`` of ``room`` (None: any line).

        Raises ForgedCredential, OtherRoomCredential, OtherLineCredential, FutureCredential.
        """
        raw = _as_bytes(token)
        ticket = self._known_tickets.get(raw)
        if ticket is None:
            ticket = _parse_ticket(self._payload("_tickets", raw))
            _remember(self._known_tickets, raw, ticket)
        _check_line(ticket, room, instance)
        if ticket.issued_at_s > now_s + SKEW_S:
            raise FutureCredential(f"the ticket was issued {ticket.issued_at_s - now_s:.0f} s in the future")
        return ticket

    def sign_stamp(self, stamp: Stamp) -> str:
        """The stamp as text, for the ticket's cookie."""
        payload = (
            f"{_STAMP_VERSION}~{stamp.room}~{stamp.instance}~{stamp.block}~{stamp.index}"
            f"~{stamp.issued_at_s}~{stamp.return_to}"
        )
        if not _STAMP_FORM.fullmatch(payload):
            raise ValueError(f"a field cannot stand in a stamp: {stamp}")
        return self._stamps.sign(payload).decode()

    def read_stamp(self, token: str | bytes, *, room: str, instance: str | None, now_s: float) -> Stamp:
        """The stamp in ``token``, if it is for the line ``instance`` of ``room`` (None: any line).

        Raises ForgedCredential, OtherRoomCredential, OtherLineCredential, FutureCredential.
        """
        stamp = _parse_stamp(self._payload("_stamps", _as_bytes(token)))
        _check_line(stamp, room, instance if stamp.instance else None)
        if stamp.issued_at_s > now_s + SKEW_S:
            raise FutureCredential(f"the stamp was issued {stamp.issued_at_s - now_s:.0f} s in the future")
        return stamp

    def sign_pass(self, visitor_pass: Pass) -> str:
        """The pass as text: fit for a cookie and for a header."""
        payload = (
            f"{_VERSION}~{visitor_pass.room}~{visitor_pass.instance}~{visitor_pass.generation}"
            f"~{visitor_pass.number}~{visitor_pass.nonce}~{visitor_pass.expires_at_s}"
            f"~{visitor_pass.hard_limit_s}~{visitor_pass.kind}"
        )
        if not _PASS_FORM.fullmatch(payload):
            raise ValueError(f"a field cannot stand in a pass: {visitor_pass}")
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
            found = _parse_pass(self._payload("_passes", raw))
            _remember(self._known_passes, raw, found)
        _check_line(found, room, None if found.kind == "staff" else instance)
        if now_s > found.hard_limit_s + SKEW_S:
            raise ExpiredCredential("the pass is beyond its hard limit", found.number)
        if found.kind != "staff" and found.hard_limit_s > now_s + HARD_LIMIT_S + SKEW_S:
            raise FutureCredential("the pass was issued in the future")
        return found

    def sign_mark(self, mark: Mark) -> str:
        """The mark as text: fit for a cookie, a header and a link."""
        payload = f"{_VERSION}~{mark.room}~{mark.expires_at_s}~{mark.nonce}"
        if not _MARK_FORM.fullmatch(payload):
            raise ValueError(f"a field cannot stand in a mark: {mark}")
        return self._marks.sign(payload).decode()

    def read_mark(self, token: str | bytes, *, room: str, now_s: float) -> Mark:
        """The mark in ``token``, if it is for a rehearsal of ``room`` and not over.

        Raises ForgedCredential, OtherRoomCredential, ExpiredCredential.
        """
        mark = _parse_mark(self._payload("_marks", _as_bytes(token)))
        if mark.room != room:
            raise OtherRoomCredential(f"for the room {mark.room}, not {room}")
        if now_s > mark.expires_at_s:  # made by hand for an evening: no allowance of two minutes
            raise ExpiredCredential("the rehearsal is over")
        return mark

    def sign_challenge(self, challenge: riddles.Challenge) -> str:
        """The riddle as text: fit for an address and for a header."""
        return self._challenges.sign(challenge.payload).decode()

    def read_challenge(self, token: str | bytes) -> riddles.Challenge:
        """The riddle in ``token``, of whatever line and age: see ``challenge.check``. Raises ForgedCredential."""
        return riddles.parse(self._payload("_challenges", _as_bytes(token)))

    def move_code(self, ticket: Ticket, now_s: float) -> str:
        """The code with which another device takes the ticket's place, good for five minutes: see ``moving``."""
        return moving.write(ticket, now_s, self._moves.digests)

    def read_move(self, code: str, *, room: str, instance: str, generation: int, now_s: float) -> moving.Move:
        """What a code moves. Raises ForgedCredential, ExpiredCredential."""
        line = room, instance, generation
        return self._also_with_newer_keys(lambda: moving.read(code, line, now_s, self._moves.digests))

    def sign_visitor(self, visitor_pass: Pass, now_s: float, *, rehearsal: bool = False) -> str:
        """The value of ``Antrean-Visitor``: tells the origin who this is, believable for 5 minutes.

        ``rehearsal``: adds the claim of that name, so that an origin keeps what comes apart.
        """
        instance, number = visitor_pass.visitor
        claims: dict[str, object] = {
            "room": visitor_pass.room,
            "instance": instance,
            "number": number,
            "exp": int(now_s) + VISITOR_HEADER_S,
        }
        if rehearsal:
            claims["rehearsal"] = True
        return self._visitors.dumps(claims)

    def read_visitor(self, value: str, now_s: float) -> dict[str, object]:
        """What an origin reads from ``Antrean-Visitor``. Raises ForgedCredential, ExpiredCredential."""
        try:
            visitor = cast("dict[str, object]", self._visitors.loads(value))
        except BadData as error:
            raise ForgedCredential("not signed by us") from error
        if now_s > cast("int", visitor["exp"]) + SKEW_S:
            raise ExpiredCredential("the visitor header is too old")
        return visitor


def _as_bytes(token: str | bytes) -> bytes:
    return token if isinstance(token, bytes) else token.encode("utf-8", "replace")


def _unsign(signer: RememberingSigner, raw: bytes) -> str:
    if len(raw) > _LONGEST:
        raise ForgedCredential("too long to be one of ours")
    payload, _, signature = raw.rpartition(b".")  # what Signer.unsign does, in a third of the steps
    if not signer.verify_signature(payload, signature):
        raise ForgedCredential("not signed by us for this purpose")
    return payload.decode("ascii", "replace")


def _parse_stamp(payload: str) -> Stamp:
    try:
        version, room, instance, block, index, issued_at_s, return_to = payload.split("~", 6)
        if version == _STAMP_VERSION:
            return Stamp(room, instance, block, int(index), int(issued_at_s), return_to)
    except ValueError as error:
        raise ForgedCredential("signed by us, but not a stamp of this version") from error
    raise ForgedCredential("signed by us, but not a stamp of this version")


def _parse_mark(payload: str) -> Mark:
    try:
        version, room, expires_at_s, nonce = payload.split("~")
        if version == _VERSION:
            return Mark(room, int(expires_at_s), nonce)
    except ValueError as error:
        raise ForgedCredential("signed by us, but not a mark of this version") from error
    raise ForgedCredential("signed by us, but not a mark of this version")


def _parse_ticket(payload: str) -> Ticket:
    try:  # the return address comes last, because it may hold a "~" of its own
        version, rest = payload.split("~", 1)
        device, rest = rest.split("~", 1) if version == _MOVED_VERSION else ("0", rest)
        room, instance, generation, number, issued_at_s, nonce, return_to = rest.split("~", 6)
        if version in (_VERSION, _MOVED_VERSION):
            times = int(generation), int(number), int(issued_at_s)
            return Ticket(room, instance, *times, nonce, return_to, int(device))
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


def _check_line(credential: Ticket | Pass | Stamp, room: str, instance: str | None) -> None:
    if credential.room != room:
        raise OtherRoomCredential(f"for the room {credential.room}, not {room}")
    if instance is not None and credential.instance != instance:
        raise OtherLineCredential("from an earlier line of this room")


def _remember(known: OrderedDict[bytes, _Credential], raw: bytes, credential: _Credential) -> None:
    if len(known) >= _REMEMBERED:
        known.popitem(last=False)  # a plain dict would look through the places of all that left before
    known[raw] = credential
