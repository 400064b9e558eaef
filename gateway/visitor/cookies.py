"""Our two cookies a room: their names, how they are set and cleared, and how they are kept from the origin."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache

TICKET_COOKIE_S = 30 * 86_400  # a place is kept for the whole event, and events take weeks
HEADER = b"set-cookie"

_OURS = re.compile(rb"(?:^|;)\s*(?:__Host-)?antrean-(?:ticket|pass|rehearsal)-[^=;]*(?:=[^;]*)?", re.IGNORECASE)
_ATTRIBUTES = b"; Path=/; HttpOnly; SameSite=Lax"


@dataclass(frozen=True, slots=True)
class CookieNames:
    """The names for one room on https, or on plain http (where browsers refuse the ``__Host-`` prefix)."""

    ticket: bytes
    passes: bytes
    mark: bytes
    attributes: bytes

    def set_ticket(self, token: str) -> tuple[bytes, bytes]:
        return HEADER, b"%b=%b; Max-Age=%d%b" % (self.ticket, token.encode(), TICKET_COOKIE_S, self.attributes)

    def set_pass(self, token: str, lives_s: int) -> tuple[bytes, bytes]:
        return HEADER, b"%b=%b; Max-Age=%d%b" % (self.passes, token.encode(), lives_s, self.attributes)

    def set_mark(self, token: str, lives_s: int) -> tuple[bytes, bytes]:
        """``lives_s`` 0 takes it back."""
        return HEADER, b"%b=%b; Max-Age=%d%b" % (self.mark, token.encode(), lives_s, self.attributes)

    def clear(self) -> tuple[tuple[bytes, bytes], tuple[bytes, bytes]]:
        """Both cookies, taken back."""
        return (
            (HEADER, b"%b=; Max-Age=0%b" % (self.ticket, self.attributes)),
            (HEADER, b"%b=; Max-Age=0%b" % (self.passes, self.attributes)),
        )


@cache
def cookie_names(room: str, secure: bool) -> CookieNames:
    prefix = b"__Host-" if secure else b""
    attributes = b"; Secure" + _ATTRIBUTES if secure else _ATTRIBUTES
    kinds = (b"ticket", b"pass", b"rehearsal")
    ticket, passes, mark = (b"%bantrean-%b-%b" % (prefix, kind, room.encode()) for kind in kinds)
    return CookieNames(ticket, passes, mark, attributes)


def without_ours(cookie: bytes) -> bytes:
    """A Cookie header without our cookies: the origin has no use for a credential."""
    if b"antrean-" not in cookie.lower():
        return cookie
    return _OURS.sub(b"", cookie).lstrip(b"; \t")
