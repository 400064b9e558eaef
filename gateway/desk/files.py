"""Small secret files in the state folder: written whole or not at all, readable by their owner only."""

from __future__ import annotations

import contextlib
import os
import secrets
from pathlib import Path


def write_secret(path: Path, text: str) -> None:
    """Put ``text`` in place of what ``path`` held, mode 0600. Raises OSError."""
    temporary = _temporary(path, text)
    temporary.replace(path)


def create_secret(path: Path, text: str) -> bool:
    """Write ``path`` unless it exists; False when it did. Two processes at once: one wins."""
    temporary = _temporary(path, text)
    try:
        os.link(temporary, path)
    except FileExistsError:
        return False
    finally:
        temporary.unlink()
    return True


def read_secret(path: Path) -> str | None:
    """What the file holds, or None when there is none."""
    with contextlib.suppress(FileNotFoundError):
        return path.read_text(encoding="utf-8")
    return None


def _temporary(path: Path, text: str) -> Path:
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(6)}")
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    return temporary
