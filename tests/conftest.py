"""The real store for every test that wants one: a Valkey of its own, on a unix socket, without persistence."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
import redis

from gateway.store.binary import find_server


@pytest.fixture(scope="session")
def store_socket(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The socket of a running store, shared by the session: whoever uses it empties it first."""
    folder = tmp_path_factory.mktemp("store")
    socket = folder / "s"
    command = [find_server(), "--port", "0", "--unixsocket", socket, "--dir", folder, "--save", "", "--appendonly", "no"]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as server:
        try:
            _wait_until_answers(socket, server)
            yield socket
        finally:
            server.kill()


def _wait_until_answers(socket: Path, server: subprocess.Popen[bytes]) -> None:
    retry = redis.retry.Retry(redis.backoff.ConstantBackoff(0.05), 200)
    with redis.Redis(unix_socket_path=str(socket), retry=retry) as client:
        assert server.poll() is None, "the store did not start"
        assert client.ping()


@pytest.fixture
def store_client(store_socket: Path) -> Iterator[redis.Redis]:
    """A plain client of the emptied store."""
    with redis.Redis(unix_socket_path=str(store_socket), decode_responses=True, protocol=2) as client:
        client.flushall()
        yield client
