"""Entries with a name and a role in a small secret file, a JSON object a line. Read at each use."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

from gateway.desk.files import read_secret, write_secret
from gateway.desk.roles import Role


class Named:
    """The entries of one file: ``{"name", "role", "made_s", …}``."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def all(self) -> list[dict[str, Any]]:
        """Every entry, the oldest first."""
        return [json.loads(line) for line in (read_secret(self.path) or "").splitlines() if line.strip()]

    def find(self, name: str) -> dict[str, Any] | None:
        """The entry of that name."""
        return next((entry for entry in self.all() if entry["name"] == name), None)

    def roles(self) -> dict[str, Role]:
        """Name to role."""
        return {str(entry["name"]): role_of(entry) for entry in self.all()}

    def add(self, name: str, role: Role, **more: object) -> None:
        """Keep one more; the caller has seen that the name is free. Raises OSError."""
        entry = {"name": name, "role": str(role), "made_s": int(time.time()), **more}
        self._write([*self.all(), entry])

    def remove(self, name: str) -> bool:
        """Forget the one of that name; False when there is none. Raises OSError."""
        entries = self.all()
        kept = [entry for entry in entries if entry["name"] != name]
        if len(kept) < len(entries):
            self._write(kept)
        return len(kept) < len(entries)

    def _write(self, entries: list[dict[str, Any]]) -> None:
        write_secret(self.path, "".join(json.dumps(entry) + "\n" for entry in entries))


def role_of(entry: dict[str, Any]) -> Role:
    """The entry's role. What says none, or one that is not known, may only look."""
    return Role.OPERATOR if entry.get("role") == Role.OPERATOR else Role.VIEWER
