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

_HASHER = PasswordHasher()


class Password:
    """The password of one state folder."""

    def __init__(self, state_dir: Path) -> None:
        self.path = state_dir / "desk-password"

    def make_first(self) -> str | None:
        """The new password, or None when there already is one. Raises OSError."""
        if self.path.exists():
            return None
        password = invent()
        return password if create_secret(self.path, hash_of(password) + "\n") else None

    def make_new(self) -> str:
        """Replace the password; everybody is signed out. Raises OSError."""
        password = invent()
        write_secret(self.path, hash_of(password) + "\n")
        return password

    def matches(self, password: str) -> bool:
        """Whether it is the one. Takes tens of milliseconds of CPU on purpose."""
        stored = read_secret(self.path)
        return stored is not None and verify(stored.strip(), password)

    def fingerprint(self) -> str:
        """Changes with the password: what sessions are bound to."""
        stored = read_secret(self.path) or ""
        return hashlib.sha256(b"antrean.desk.password" + stored.encode()).hexdigest()[:16]


def hash_of(password: str) -> str:
    """As it is kept. Takes tens of milliseconds of CPU on purpose."""
    return _HASHER.hash(password)


def verify(stored: str, password: str) -> bool:
    """Whether the kept hash is this password's."""
    try:
        return _HASHER.verify(stored, password)
    except (VerificationError, InvalidHashError):
        return False


def invent() -> str:
    """A password that can be read out over the phone."""
    groups = ("".join(secrets.choice(ALPHABET) for _ in range(GROUP_CHARACTERS)) for _ in range(GROUPS))
    return "-".join(groups)
