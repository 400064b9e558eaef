"""Secrets: this service's own key, and the keys it shares with the gateway."""

from __future__ import annotations

import contextlib
import os
import secrets
import tempfile
from pathlib import Path

from registration_app.errors import SettingsError

KEY_BYTES = 32


class GatewayKeys:
    """The gateway's keys, the last one signing; a file is read anew when it changes.

    The gateway creates the file and rotates keys in it while we run, so it is looked at on every use.
    """

    def __init__(self, given: tuple[str, ...], file: Path) -> None:
        self._file = file
        self._given = list(given)
        self._read: list[str] = []
        self._version: tuple[int, int, int] | None = None

    def current(self) -> list[str]:
        """All keys to believe; empty when there is none yet."""
        if self._given:
            return self._given
        try:
            status = self._file.stat()
            version = (status.st_mtime_ns, status.st_size, status.st_ino)
            if version != self._version:
                lines = self._file.read_text("utf-8").splitlines()
                self._read = [key for line in lines if (key := line.strip()) and not key.startswith("#")]
                self._version = version
        except OSError:
            self._read, self._version = [], None
        return self._read


def own_keys(given: tuple[str, ...], file: Path) -> list[str]:
    """The keys that sign this service's forms: shared ones if given, else one of its own, made on first run.

    Raises SettingsError when the file cannot be used.
    """
    if given:
        return list(given)
    try:
        if not file.exists():
            file.parent.mkdir(parents=True, exist_ok=True)
            _create(file, secrets.token_urlsafe(KEY_BYTES))
        key = file.read_text("utf-8").strip()
    except OSError as exc:
        raise SettingsError(
            [f"{file}: the key of the registration forms cannot be kept there: {exc.strerror}"]
        ) from exc
    if len(key) < KEY_BYTES:
        raise SettingsError(
            [f"{file}: not a key of at least {KEY_BYTES} characters: delete the file and start again"]
        )
    return [key]


def _create(file: Path, key: str) -> None:
    """Write the file whole unless another process was first; nobody but the owner may read it."""
    descriptor, beside = tempfile.mkstemp(prefix=".key-", dir=file.parent)  # mkstemp gives mode 0600
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8") as out:
            out.write(f"{key}\n")
        with contextlib.suppress(FileExistsError):
            os.link(beside, file)
    finally:
        Path(beside).unlink()
