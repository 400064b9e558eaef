"""What a visitor carries, as values: the ticket, the pass, and how long a pass lives."""

from __future__ import annotations

import secrets
from dataclasses import dataclass, replace
from typing import Literal

SKEW_S = 120  # the most that the clocks of two gateway machines may differ
UNUSED_S = 180  # a pass that nobody has presented yet
IDLE_S = 1200  # from one use of a pass to the next
HARD_LIMIT_S = 7200  # from the admission, however active the visitor is
RENEW_BELOW_S = IDLE_S // 2  # a pass with less left than this is re-issued

PassKind = Literal["visitor", "staff", "bypass"]


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
    device: int = 0  # how often the place was moved to another device


@dataclass(frozen=True, slots=True)
class Stamp:
    """A place that has no number yet: given while the store was away, exchanged for a ticket when it is back."""

    room: str
    instance: str  # of the line; empty when the worker knew of none
    block: str  # of the worker's stamps, each of which gets its numbers at once
    index: int  # in the block, in order of arrival
    issued_at_s: int
    return_to: str = "/"


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


@dataclass(frozen=True, slots=True)
class Mark:
    """Says that a visitor rehearses: believed instead of the real line, and good for nothing else."""

    room: str  # that is rehearsed
    expires_at_s: int  # unix seconds
    nonce: str


def new_nonce() -> str:
    """48 random bits: tells two credentials of one number apart in the logs."""
    return secrets.token_urlsafe(6)


def admit(ticket: Ticket, now_s: float, *, hard_limit_s: int = 0) -> Pass:
    """The pass of a visitor who was just let in, to be used within three minutes.

    ``hard_limit_s``: of the first admission, for one who idled out and returned; 0 for a first admission.
    """
    limit_s = hard_limit_s or int(now_s) + HARD_LIMIT_S
    expires_at_s = min(int(now_s) + UNUSED_S, limit_s)
    return Pass(ticket.room, ticket.instance, ticket.generation, ticket.number, new_nonce(), expires_at_s, limit_s)


def let_past(room: str, instance: str, generation: int, now_s: float) -> Pass:
    """The pass of a visitor who came while the line was bypassed."""
    now = int(now_s)
    return Pass(room, instance, generation, 0, new_nonce(), now + IDLE_S, now + HARD_LIMIT_S, "bypass")


def renew(visitor_pass: Pass, now_s: float) -> Pass:
    """The same pass with its idle time starting again, never beyond its hard limit."""
    expires_at_s = min(int(now_s) + IDLE_S, visitor_pass.hard_limit_s)
    return replace(visitor_pass, expires_at_s=expires_at_s)
