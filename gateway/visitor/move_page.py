"""Moving a place to another device: ``/_queue/{room}/move``.

Who holds the place is shown a QR code and a link; the device that opens it asks before it takes the place, because
programs that show previews open links too. Works without a script; with one, the first device soon sees that the
place has gone.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING
from urllib.parse import parse_qs, quote, unquote_plus

from gateway.domain.admission import believed
from gateway.domain.credentials import Pass, Ticket, new_nonce
from gateway.domain.moving import MOVES_MOST, Move
from gateway.domain.paths import safe_return_text
from gateway.domain.room import Phase
from gateway.errors import ExpiredCredential, ForgedCredential, StoreError
from gateway.store.line import MOVED_BEFORE, NOT_MOVABLE, State
from gateway.visitor import standing
from gateway.visitor.answers import Answer, Header, not_allowed, see_other
from gateway.visitor.counting import count_request
from gateway.visitor.move_view import move_view
from gateway.visitor.pages import chosen_language, kept_language
from gateway.visitor.reception import credential_headers
from gateway.visitor.requests import Request
from gateway.visitor.standing import Standing

if TYPE_CHECKING:
    from starlette.types import Receive, Scope

    from gateway.domain.room import Snapshot
    from gateway.visitor.rooms import VisitorRoom

CLAIM_COOKIE_S = 600


class MoveCalls:
    """One room's page for both devices."""

    def __init__(self, room: VisitorRoom, *, secure: bool | None, public_origin: bytes) -> None:
        self._room = room
        self._secure = secure
        self._public_origin = public_origin
        self._path = f"/_queue/{room.id}/move"
        self._claim_cookie = f"antrean-move-{room.id}".encode()

    async def __call__(self, scope: Scope, receive: Receive) -> Answer:
        count_request(self._room.line, "move")
        request, now_s = Request(scope, secure=self._secure), time.time()
        if request.method not in ("GET", "HEAD", "POST"):
            return not_allowed("GET", "POST")
        code, to = _asked(request.query)
        snapshot = self._room.snapshot
        try:
            if snapshot is None or not self._room.line.reachable:
                return self._page(request, "trouble", code=code)
            if not code:
                return await self._show(request, snapshot, now_s)
            move = self._read(code, snapshot, now_s)
            if request.method == "POST":
                return await self._take(request, snapshot, move, to, now_s)
            return self._ask(request, code, to, move, now_s)
        except ExpiredCredential:
            return self._page(request, "expired")
        except ForgedCredential:
            return self._page(request, "unknown")
        except StoreError:
            return self._page(request, "trouble", code=code)

    def _read(self, code: str, snapshot: Snapshot, now_s: float) -> Move:
        return self._room.keyring.read_move(
            code, room=self._room.id, instance=snapshot.instance, generation=snapshot.generation, now_s=now_s
        )

    async def _show(self, request: Request, snapshot: Snapshot, now_s: float) -> Answer:
        """For the device that has the place: as good as a check-in. Raises StoreError."""
        visitor_pass = self._room.read_pass(request, now_s)
        ticket = believed(self._room.read_ticket(request, now_s), visitor_pass, snapshot)
        if not isinstance(ticket, Ticket):
            return self._page(request, "none")
        if snapshot.phase is Phase.BYPASS:
            return see_other(ticket.return_to)
        held = visitor_pass if isinstance(visitor_pass, Pass) else None
        stands = await standing.check_in(self._room, ticket, held, now_s)
        if stands.state is State.MOVED:
            return self._page(request, "moved", number=ticket.number)
        # A return from inside, or one whose visit a restored store may have forgotten: a pass could be anywhere.
        let_in = stands.state is State.LATE and (held is not None or snapshot.generation > 1)
        if let_in or ticket.device >= MOVES_MOST:
            return self._page(request, "next", number=ticket.number)
        if stands.state not in (State.WAITING, State.CALLED, State.LATE):
            return see_other(ticket.return_to, *credential_headers(self._room, request, stands, now_s))
        code = self._room.keyring.move_code(_of_now(ticket, snapshot), now_s)
        link = self._link(request, code, ticket.return_to)
        return self._page(request, "show", number=ticket.number, link=link, to=ticket.return_to)

    def _link(self, request: Request, code: str, return_to: str) -> str:
        host = b"%b://%b" % (b"https" if request.secure else b"http", request.header(b"host"))
        origin = (self._public_origin or host).decode("latin-1")
        to = "" if return_to == self._home else f"&to={quote(return_to, safe='/')}"
        return f"{origin}{self._path}?{code}{to}"

    @property
    def _home(self) -> str:
        return (*self._room.settings.paths, "/")[0]  # a rehearsal has no path of its own

    def _ask(self, request: Request, code: str, to: str, move: Move, now_s: float) -> Answer:
        """For the other device: whether it is to take the place. Nothing has moved yet."""
        own = self._room.read_ticket(request, now_s)
        if isinstance(own, Ticket) and own.number == move.number and own.device >= move.device:
            return see_other(self._path if own.device == move.device else own.return_to)
        claim = b"".join(request.cookies(self._claim_cookie)[:1])[:20] or new_nonce().encode()
        kept = (b"set-cookie", b"%b=%b; Path=%b; Max-Age=%d; HttpOnly; SameSite=Lax%b" % (
            self._claim_cookie, claim, self._path.encode(), CLAIM_COOKIE_S, b"; Secure" if request.secure else b"",
        ))  # fmt: skip
        given_up = own.number if isinstance(own, Ticket) else 0
        return self._page(request, "take", kept, number=move.number, given_up=given_up, code=code, to=to)

    async def _take(self, request: Request, snapshot: Snapshot, move: Move, to: str, now_s: float) -> Answer:
        """The place is this device's from now on. Raises StoreError."""
        claims = request.cookies(self._claim_cookie)
        # Our cookie says that this browser keeps cookies, and that it has seen the question.
        if not claims or not claims[0][:20].isascii() or request.is_cross_site(self._public_origin):
            return self._page(request, "cookies")
        claim = "".join(letter for letter in claims[0][:20].decode() if letter.isalnum() or letter in "-_")
        device = await self._room.line.move(move.number, move.device, claim)
        if device <= 0:
            return self._page(request, {MOVED_BEFORE: "used", NOT_MOVABLE: "next"}.get(device, "ended"))
        ticket = Ticket(
            self._room.id, snapshot.instance, snapshot.generation, move.number, int(now_s), claim,
            to or self._home, device,
        )  # fmt: skip
        headers = credential_headers(self._room, request, Standing(ticket, State.WAITING), now_s)
        return see_other(ticket.return_to, *headers)

    def _page(
        self, request: Request, kind: str, *headers: Header,
        number: int = 0, given_up: int = 0, link: str = "", code: str = "", to: str = "",
    ) -> Answer:  # fmt: skip
        return move_view(
            self._room.settings, chosen_language(self._room, request), kind, *headers, *kept_language(request),
            home=to or self._home, number=number, given_up=given_up, link=link, code=code, to=to,
        )  # fmt: skip


def _asked(query: bytes) -> tuple[str, str]:
    """The code, which stands there without a name, and the address that its visitor wants."""
    first, *rest = query[:2000].decode("latin-1").split("&")
    first = "-".join(unquote_plus(first).split())  # typed with spaces
    if "=" in first:
        return "", ""
    named = parse_qs("&".join(rest), max_num_fields=5).get("to", [""])[0] if len(rest) < 5 else ""
    return first, (safe_return_text(named) or "") if named else ""


def _of_now(ticket: Ticket, snapshot: Snapshot) -> Ticket:
    """The ticket as one of the line's present generation, which its code is good in."""
    return Ticket(
        ticket.room, ticket.instance, snapshot.generation, ticket.number, ticket.issued_at_s, ticket.nonce,
        ticket.return_to, ticket.device,
    )  # fmt: skip
