"""Who may sign in: the desk's own password (an operator's), and people with a name and a password of their own."""

from __future__ import annotations

import hashlib
import re
from pathlib import Path

from gateway.desk.named import Named, role_of
from gateway.desk.password import Password, hash_of, invent, verify
from gateway.desk.roles import Role
from gateway.errors import AntreanError

DESK = "desk"  # the name of whoever has the desk's own password
NAME = re.compile(r"[a-z0-9][a-z0-9._@-]{0,59}")
# What the audit says of changes that no person made.
RESERVED = (DESK, "autopilot", "ramp")


class PersonError(AntreanError):
    """A person cannot be added or removed; the message says why."""


class People:
    """The people of one state folder. Read at each use: who is removed is signed out at once."""

    def __init__(self, state_dir: Path) -> None:
        self.path = state_dir / "desk-people"
        self._named = Named(self.path)
        self._desk = Password(state_dir)

    def add(self, name: str, role: Role = Role.VIEWER) -> str:
        """The password made for them. Raises PersonError when the name is taken or unusable, OSError."""
        if not NAME.fullmatch(name) or name in RESERVED:
            raise PersonError(
                f"'{name}' cannot be a name: use 1 to 60 of a-z, 0-9, '.', '_', '@' and '-', "
                f"but not {', '.join(RESERVED)}"
            )
        if self._named.find(name) is not None:
            raise PersonError(f"there is a person '{name}' already: remove them first")
        password = invent()
        self._named.add(name, role, argon2=hash_of(password))
        return password

    def remove(self, name: str) -> None:
        """They are signed out at once. Raises PersonError when nobody has that name, OSError."""
        if not self._named.remove(name):
            raise PersonError(f"there is no person '{name}': there are {', '.join(self.roles()) or 'none'}")

    def roles(self) -> dict[str, Role]:
        """Who may sign in besides the desk's own password."""
        return self._named.roles()

    def role(self, name: str) -> Role | None:
        """What they may do; None when there is nobody of that name."""
        if name == DESK:
            return Role.OPERATOR
        entry = self._named.find(name)
        return None if entry is None else role_of(entry)

    def matches(self, name: str, password: str) -> bool:
        """Whether it is theirs. Takes as long for a name that nobody has, so that names cannot be found out."""
        if name == DESK:
            return self._desk.matches(password)
        entry = self._named.find(name)
        if entry is None:
            self._desk.matches(password)
            return False
        return verify(str(entry["argon2"]), password)

    def fingerprint(self, name: str) -> str:
        """Changes with the password and the role, and is empty for nobody: what sessions are bound to."""
        if name == DESK:
            return self._desk.fingerprint()
        entry = self._named.find(name)
        if entry is None:
            return ""
        bound = f"antrean.desk.person {role_of(entry)} {entry['argon2']}"
        return hashlib.sha256(bound.encode()).hexdigest()[:16]
