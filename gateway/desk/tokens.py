"""API tokens for scripts: long random strings, shown once, kept as SHA-256 (they are too long to guess).

The file holds one JSON object a line: ``{"name", "sha256", "made_s"}``.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import secrets
import time
from pathlib import Path

from gateway.desk.files import read_secret, write_secret
from gateway.errors import AntreanError

PREFIX = "antrean_"


class TokenError(AntreanError):
    """A token cannot be made or taken back; the message says why."""


class Tokens:
    """The tokens of one state folder. Read at each use, so one taken back stops working at once."""

    def __init__(self, state_dir: Path) -> None:
        self.path = state_dir / "desk-tokens"

    def make(self, name: str) -> str:
        """A new token for ``name``. Raises TokenError when the name is taken or unusable, OSError."""
        if not name or len(name) > 60 or not name.isprintable():
            raise TokenError("give the token a name of 1 to 60 characters, such as the script that uses it")
        entries = self._entries()
        if any(entry["name"] == name for entry in entries):
            raise TokenError(f"there is a token '{name}' already: take it back first, or use another name")
        token = PREFIX + secrets.token_urlsafe(32)
        self._write([*entries, {"name": name, "sha256": _digest(token), "made_s": int(time.time())}])
        return token

    def revoke(self, name: str) -> None:
        """Take the token back. Raises TokenError when there is none of that name, OSError."""
        entries = self._entries()
        kept = [entry for entry in entries if entry["name"] != name]
        if len(kept) == len(entries):
            raise TokenError(f"there is no token '{name}': there are {', '.join(self.names()) or 'none'}")
        self._write(kept)

    def names(self) -> list[str]:
        """Who has a token."""
        return [str(entry["name"]) for entry in self._entries()]

    def owner(self, token: str) -> str | None:
        """The name that the token was made for, or None when it is not one of ours."""
        digest = _digest(token)
        for entry in self._entries():
            if hmac.compare_digest(str(entry["sha256"]), digest):
                return str(entry["name"])
        return None

    def _entries(self) -> list[dict[str, object]]:
        return [json.loads(line) for line in (read_secret(self.path) or "").splitlines() if line.strip()]

    def _write(self, entries: list[dict[str, object]]) -> None:
        write_secret(self.path, "".join(json.dumps(entry) + "\n" for entry in entries))


def _digest(token: str) -> str:
    return hashlib.sha256(token.encode("utf-8", "surrogateescape")).hexdigest()
