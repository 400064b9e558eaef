"""API tokens for scripts: long random strings, shown once, kept as SHA-256 (they are too long to guess)."""

from __future__ import annotations

import hashlib
import hmac
import secrets
from pathlib import Path

from gateway.desk.named import Named, role_of
from gateway.desk.roles import Role
from gateway.errors import AntreanError

PREFIX = "antrean_"


class TokenError(AntreanError):
    """A token cannot be made or taken back; the message says why."""


class Tokens:
    """The tokens of one state folder. Read at each use, so one taken back stops working at once."""

    def __init__(self, state_dir: Path) -> None:
        self.path = state_dir / "desk-tokens"
        self._named = Named(self.path)

    def make(self, name: str, role: Role = Role.VIEWER) -> str:
        """A new token for ``name``. Raises TokenError when the name is taken or unusable, OSError."""
        if not name or len(name) > 60 or not name.isprintable():
            raise TokenError("give the token a name of 1 to 60 characters, such as the script that uses it")
        if self._named.find(name) is not None:
            raise TokenError(f"there is a token '{name}' already: take it back first, or use another name")
        token = PREFIX + secrets.token_urlsafe(32)
        self._named.add(name, role, sha256=_digest(token))
        return token

    def revoke(self, name: str) -> None:
        """Take the token back. Raises TokenError when there is none of that name, OSError."""
        if not self._named.remove(name):
            raise TokenError(f"there is no token '{name}': there are {', '.join(self.roles()) or 'none'}")

    def roles(self) -> dict[str, Role]:
        """Who has a token, and what for."""
        return self._named.roles()

    def owner(self, token: str) -> tuple[str, Role] | None:
        """For whom the token was made and what it allows, or None when it is not one of ours."""
        digest = _digest(token)
        for entry in self._named.all():
            if hmac.compare_digest(str(entry["sha256"]), digest):
                return str(entry["name"]), role_of(entry)
        return None


def _digest(token: str) -> str:
    return hashlib.sha256(token.encode("utf-8", "surrogateescape")).hexdigest()
