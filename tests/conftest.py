"""For all tests: a real store of their own, on a unix socket and without persistence; and no loop left over."""

from __future__ import annotations

import asyncio
import contextlib
import re
import socket
import subprocess
import threading
import time
from collections.abc import Iterable, Iterator
from pathlib import Path

import pytest
import redis

from gateway.store.binary import find_server
from gateway.store.keys import KEYS, WATCH_KEYS
from tests.fundamentals.antrean import antrean, running_copy
from tests.installation import installation, keyring, line, site, wait_until

# Fixtures for every folder: they start processes, once a session.
__all__ = ["antrean", "installation", "keyring", "line", "running_copy", "site", "wait_until"]


@pytest.fixture(scope="session", autouse=True)
def no_left_over_loop() -> None:
    """Otherwise pytest-asyncio looks for a loop to restore, which makes one that nobody closes."""
    asyncio.set_event_loop(None)


@pytest.fixture(scope="session")
def store_socket(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The socket of a running store, shared by the session: whoever uses it empties it first."""
    folder = tmp_path_factory.mktemp("store")
    path = folder / "s"
    command = [
        find_server(),
        "--port",
        "0",
        "--unixsocket",
        path,
        "--dir",
        folder,
        "--save",
        "",
        "--appendonly",
        "no",
    ]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as server:
        try:
            _wait_until_answers(path, server)
            yield path
        finally:
            server.kill()


def _wait_until_answers(socket_path: Path, server: subprocess.Popen[bytes]) -> None:
    # A plain socket: redis-py leaves one unclosed for each attempt that fails.
    give_up_at = time.monotonic() + 20
    while time.monotonic() < give_up_at and server.poll() is None:
        with socket.socket(socket.AF_UNIX) as probe, contextlib.suppress(OSError):
            probe.connect(str(socket_path))
            return
        threading.Event().wait(0.02)
    raise AssertionError("the store did not start")


@pytest.fixture
def store_client(store_socket: Path) -> Iterator[redis.Redis]:
    """A plain client of the emptied store. A test that leaves a key which nobody declared fails."""
    with redis.Redis(unix_socket_path=str(store_socket), decode_responses=True, protocol=2) as client:
        client.flushall()
        yield client
        assert not undeclared_keys(client.keys("*"))


def undeclared_keys(keys: Iterable[str]) -> list[str]:
    """Those that are none of a room's: they would live for ever and be known to nobody."""
    return [key for key in keys if not _DECLARED.fullmatch(key)]


_DECLARED = re.compile(rf"antrean:\{{[a-z0-9-]+\}}:({'|'.join((*KEYS, *WATCH_KEYS))})")
