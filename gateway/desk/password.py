"""The desk's password: made here, shown once, kept as an argon2 hash. There is never a default one."""

from __future__ import annotations

import hashlib
import secrets
from pathlib import Path

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from gateway.desk.files import create_secret, read_secret, write_secret

# Without characters that are mistaken for one another when read out over the phone.
ALPHABET = "abcdefghjkmnpqrstuvwxyz23456789"
GROUPS, GROUP_CHARACTERS = 4, 5  # 20 of 31 characters: 99 bits


class Password:
    """The password of one state folder."""

    def __init__(self, state_dir: Path) -> None:
        self.path = state_dir / "desk-password"
        self._hasher = PasswordHasher()

    def make_first(self) -> str | None:
        """The new password, or None when there already is one. Raises OSError."""
        if self.path.exists():
            return None
        password = _invent()
        return password if create_secret(self.path, self._hasher.hash(password) + "\n") else None

    def make_new(self) -> str:
        """Replace the password; everybody is signed out. Raises OSError."""
        password = _invent()
        write_secret(self.path, self._hasher.hash(password) + "\n")
        return password

    def matches(self, password: str) -> bool:
        """Whether it is the one. Takes tens of milliseconds of CPU on purpose."""
        stored = read_secret(self.path)
        if stored is None:
            return False
        try:
            return self._hasher.verify(stored.strip(), password)
        except (VerificationError, InvalidHashError):
            return False

    def fingerprint(self) -> str:
        """Changes with the password: what sessions are bound to."""
        stored = read_secret(self.path) or ""
        return hashlib.sha256(b"antrean.desk.password" + stored.encode()).hexdigest()[:16]


def _invent() -> str:
    groups = ("".join(secrets.choice(ALPHABET) for _ in range(GROUP_CHARACTERS)) for _ in range(GROUPS))
    return "-".join(groups)
