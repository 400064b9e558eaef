"""What is to happen to a request for a protected path. Pure: a value in, a value out, no clock.

The order of the questions is the policy: a pass before everything, so that trouble of ours interrupts
nobody inside; then whether this request may stand in line at all; then which way it stands there.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from gateway.domain import estimate
from gateway.domain.passes import HARD_LIMIT_S, Pass, Ticket
from gateway.domain.room import Phase, Snapshot
from gateway.errors import CredentialError, ExpiredCredential, OtherLineCredential

RETRY_TROUBLE_S = 5
RETRY_CLOSED_S = 3600
RETRY_CRAWLER_S = 120
REASON_NO_TICKET = "no-ticket"


class Facts(Protocol):
    """What matters about a request, besides what it carries. Asked for only when it decides something."""

    @property
    def navigation(self) -> bool:
        """A person opens a page in a tab: only this takes a number."""

    @property
    def safe(self) -> bool:
        """GET, HEAD, OPTIONS: nothing is lost when it is refused."""

    @property
    def crawler(self) -> bool:
        """It says that it is a known one."""


@dataclass(frozen=True, slots=True)
class RequestFacts:
    """Facts that are known beforehand."""

    navigation: bool
    safe: bool
    crawler: bool = False


@dataclass(frozen=True, slots=True)
class PassThrough:
    """To the origin. ``renew``: hand out the pass with fresh idle time."""

    visitor_pass: Pass
    renew: bool


@dataclass(frozen=True, slots=True)
class BypassLine:
    """To the origin, with a bypass pass, so that ending the bypass interrupts nobody."""


@dataclass(frozen=True, slots=True)
class Join:
    """Take a number; then the waiting page, or straight on when nobody waits."""


@dataclass(frozen=True, slots=True)
class CheckIn:
    """Here again with a ticket: mark present, claim an offer, then onwards or the waiting page."""

    ticket: Ticket
    held: Pass | None = None  # was inside already, and idled out within the hard limit


@dataclass(frozen=True, slots=True)
class ShowClosed:
    """The page that says that nobody new is let in."""

    last_call: bool  # those in line are still served


@dataclass(frozen=True, slots=True)
class ShowTrouble:
    """The page that says that we have trouble, keeps whatever place there is, and tries again."""

    ticket: Ticket | None


@dataclass(frozen=True, slots=True)
class Refuse:
    """A short answer for programs: a status, one stable word, and when to try again."""

    status: int
    reason: str
    retry_after_s: int
    ticket: Ticket | None = None


Decision = PassThrough | BypassLine | Join | CheckIn | ShowClosed | ShowTrouble | Refuse


def decide(
    facts: Facts,
    *,
    snapshot: Snapshot | None,
    reachable: bool,
    ticket: Ticket | CredentialError | None,
    visitor_pass: Pass | CredentialError | None,
    now_s: float,
) -> Decision:
    """What happens to a request for a protected path.

    ``snapshot`` is the last one known (None: none since this worker started), ``reachable`` whether
    the store answers now. A credential is what reading it gave: itself, the error, or None.
    """
    held = visitor_pass if isinstance(visitor_pass, Pass) else None
    if held is not None and (not held.is_idle(now_s) or not facts.safe):
        return PassThrough(held, renew=held.is_due(now_s))
    if snapshot is not None and snapshot.phase is Phase.BYPASS:
        return BypassLine()
    ticket = believed(ticket, visitor_pass, snapshot)
    place = place_of(ticket, held)
    if not facts.navigation:
        return _refuse(snapshot, reachable, place, _reason(ticket, visitor_pass))
    if facts.crawler and has_line(snapshot, reachable):
        return Refuse(503, "line", RETRY_CRAWLER_S)
    return _stand_in_line(snapshot, reachable, place, held)


def _stand_in_line(
    snapshot: Snapshot | None, reachable: bool, place: Ticket | None, held: Pass | None
) -> Decision:
    if snapshot is not None and snapshot.phase is Phase.CLOSED:
        return ShowClosed(last_call=False)
    if snapshot is None or not reachable:
        return ShowTrouble(place)
    if place is not None:
        return CheckIn(place, held)
    if snapshot.phase.issues_tickets:
        return Join()
    return ShowClosed(last_call=True)


def _refuse(snapshot: Snapshot | None, reachable: bool, place: Ticket | None, reason: str) -> Refuse:
    if snapshot is None or not reachable:
        return Refuse(503, "store-unreachable", RETRY_TROUBLE_S, place)
    if snapshot.phase is Phase.CLOSED:
        return Refuse(429, "closed", RETRY_CLOSED_S, place)
    position = snapshot.position(place.number) if place else snapshot.issued + 1
    return Refuse(429, reason, estimate.poll_s(snapshot, position), place)


def place_of(ticket: Ticket | CredentialError | None, held: Pass | None) -> Ticket | None:
    """The place in line that this visitor holds; an idle pass is one too."""
    if isinstance(ticket, Ticket):
        return ticket
    if held is not None and held.kind == "visitor":
        issued_at_s = held.hard_limit_s - HARD_LIMIT_S
        return Ticket(held.room, held.instance, held.generation, held.number, issued_at_s, held.nonce)
    return None


def _reason(ticket: Ticket | CredentialError | None, visitor_pass: Pass | CredentialError | None) -> str:
    """The one word that says why this request does not go through."""
    if isinstance(ticket, Ticket):
        return "waiting"
    for credential in (visitor_pass, ticket):
        if isinstance(credential, CredentialError):
            return credential.reason
    return REASON_NO_TICKET if visitor_pass is None else "idle"


def believed(
    ticket: Ticket | CredentialError | None,
    visitor_pass: Pass | CredentialError | None,
    snapshot: Snapshot | None,
) -> Ticket | CredentialError | None:
    """The ticket, unless it is worth nothing any more although it is genuine: then the reason."""
    if not isinstance(ticket, Ticket):
        return ticket
    if isinstance(visitor_pass, ExpiredCredential) and visitor_pass.number == ticket.number:
        return visitor_pass
    if is_orphan(ticket, snapshot):
        return OtherLineCredential("the number was lost and may be somebody else's now")
    return ticket


def is_orphan(ticket: Ticket, snapshot: Snapshot | None) -> bool:
    """Whether the store lost the ticket for good, and its number may be somebody else's now.

    After a restore, numbers go on behind a gap. A ticket of an earlier generation from beyond the
    start of the next one was given out after the last thing that anybody remembered.
    """
    if snapshot is None or ticket.generation >= snapshot.generation:
        return False
    generations_ago = snapshot.generation - ticket.generation
    if generations_ago > len(snapshot.generation_starts):
        return False
    return ticket.number >= snapshot.generation_starts[-generations_ago]


def has_line(snapshot: Snapshot | None, reachable: bool) -> bool:
    """Whether a newcomer would have to wait."""
    if snapshot is None or not reachable or not snapshot.phase.releases:
        return True
    return snapshot.waiting > 0 or snapshot.inside >= snapshot.knobs.ceiling
