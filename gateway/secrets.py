"""The keys that sign tickets and passes: from the environment, or made on first run and kept."""

from __future__ import annotations

import contextlib
import os
import secrets
import stat
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from gateway.errors import SettingsError
from gateway.settings import Settings
from gateway.settings.checks import SHORTEST_KEY

LOOK_EVERY_S = 1.0
KEY_BYTES = 32
"""Of randomness in a key that we make; as many as the hash that uses it gives."""


def load_keys(settings: Settings) -> list[str]:
    """Every key that is believed; the last one signs.

    ANTREAN_SECRET_KEYS if given, else the file ``keys`` in the state folder (one key a line, mode
    0600), which is created when it is not there. Raises SettingsError when the file cannot be used.
    """
    if settings.secret_keys:
        return list(settings.secret_keys)
    path = keys_path(settings)
    try:
        if not path.exists():
            path.parent.mkdir(parents=True, exist_ok=True)
            _create(path, [new_key()])
        return _read(path)
    except OSError as exc:
        raise SettingsError([f"{path}: the secret keys cannot be kept there: {exc.strerror}"]) from exc


def newer_keys(settings: Settings) -> Callable[[], list[str] | None]:
    """A function that gives all keys if the file has others than when it was last asked, else None.

    It looks at the file once a second at most: forgeries come in any number.
    """
    path = keys_path(settings)
    known_ns = _written_ns(path)
    looked_s = float("-inf")

    def look() -> list[str] | None:
        nonlocal known_ns, looked_s
        now_s = time.monotonic()
        if settings.secret_keys or now_s - looked_s < LOOK_EVERY_S:
            return None
        looked_s = now_s
        written_ns = _written_ns(path)
        if written_ns in (0, known_ns):
            return None
        try:
            keys = _read(path)
        except (OSError, SettingsError):
            return None  # the keys that we have are still good
        known_ns = written_ns
        return keys

    return look


def _written_ns(path: Path) -> int:
    try:
        return path.stat().st_mtime_ns
    except OSError:
        return 0


def add_key(settings: Settings) -> list[str]:
    """Append a new key, which signs from the next start on, and return all; the older ones stay believed.

    Raises SettingsError when the keys come from the environment: then they are not ours to change.
    """
    if settings.secret_keys:
        raise SettingsError(["ANTREAN_SECRET_KEYS is set: append a key there, on every machine"])
    keys = [*load_keys(settings), new_key()]
    _replace(keys_path(settings), keys)
    return keys


def keys_path(settings: Settings) -> Path:
    """Where keys are kept when the environment gives none."""
    return settings.state_dir / "keys"


def new_key() -> str:
    """A fresh random key."""
    return secrets.token_urlsafe(KEY_BYTES)


def _read(path: Path) -> list[str]:
    if stat.S_IMODE(path.stat().st_mode) & 0o077:
        raise SettingsError([f"{path}: others can read the secret keys: run `chmod 600 '{path}'`"])
    lines = (line.strip() for line in path.read_text("utf-8").splitlines())
    keys = [line for line in lines if line and not line.startswith("#")]
    if not keys or any(len(key) < SHORTEST_KEY for key in keys):
        raise SettingsError(
            [f"{path}: not a list of keys: one a line, each of at least {SHORTEST_KEY} characters"]
        )
    return keys


def _create(path: Path, keys: list[str]) -> None:
    """Write the file unless another process was first; it is never seen half-written."""
    written = _write_beside(path, keys)
    try:
        with contextlib.suppress(FileExistsError):
            os.link(written, path)
    finally:
        written.unlink()


def _replace(path: Path, keys: list[str]) -> None:
    os.replace(_write_beside(path, keys), path)


def _write_beside(path: Path, keys: list[str]) -> Path:
    descriptor, name = tempfile.mkstemp(prefix=".keys-", dir=path.parent)  # mkstemp gives mode 0600
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.writelines(f"{key}\n" for key in keys)
        file.flush()
        os.fsync(file.fileno())
    return Path(name)
