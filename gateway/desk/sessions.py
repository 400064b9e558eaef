"""Who is signed in: a signed cookie, bound to the password it was opened with, and its CSRF token."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from itsdangerous import BadData, Signer, URLSafeSerializer

COOKIE = "antrean-desk"
SESSION_S = 12 * 3600  # one long opening day
SIGNER = {"key_derivation": "hmac", "digest_method": hashlib.sha256}


@dataclass(frozen=True, slots=True)
class Session:
    """One signed-in browser."""

    id: str
    ends_s: int  # wall time
    name: str  # who signed in


class Sessions:
    """Opens, reads and ends sessions.

    ``keys`` are the gateway's (the last signs); ``fingerprint`` of a name changes with its password, which
    signs them out, and is empty when the name is nobody's any more. Ended sessions are remembered by this
    process until they would have run out anyway.
    """

    def __init__(self, keys: Sequence[str], fingerprint: Callable[[str], str]) -> None:
        self._cookies = URLSafeSerializer(list(keys), salt="antrean.desk.session", signer_kwargs=SIGNER)
        self._csrf = Signer(
            list(keys), salt="antrean.desk.csrf", key_derivation="hmac", digest_method=hashlib.sha256
        )
        self._fingerprint = fingerprint
        self._ended: dict[str, int] = {}

    def open(self, name: str, now_s: float) -> str:
        """The cookie's value of a new session."""
        identity, ends_s = secrets.token_urlsafe(16), int(now_s) + SESSION_S
        return str(self._cookies.dumps([identity, ends_s, name, self._fingerprint(name)]))

    def read(self, cookie: str, now_s: float) -> Session | None:
        """The session, or None when the cookie is not ours, has ended, or the password changed since."""
        try:
            identity, ends_s, name, fingerprint = self._cookies.loads(cookie)
        except (BadData, ValueError, TypeError):
            return None
        if not fingerprint or fingerprint != self._fingerprint(name):
            return None
        return None if ends_s <= now_s or identity in self._ended else Session(identity, ends_s, name)

    def end(self, session: Session, now_s: float) -> None:
        """Sign out: the cookie is worth nothing from now on, wherever it was copied to."""
        self._ended = {identity: ends_s for identity, ends_s in self._ended.items() if ends_s > now_s}
        self._ended[session.id] = session.ends_s

    def csrf(self, session: Session) -> str:
        """What each form of this session carries."""
        return self._csrf.sign(session.id).decode()

    def csrf_matches(self, session: Session, token: str) -> bool:
        """Whether the form was made for this session."""
        try:
            return self._csrf.unsign(token.encode("utf-8", "surrogateescape")) == session.id.encode()
        except BadData:
            return False
