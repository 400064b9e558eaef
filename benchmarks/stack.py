"""The processes of a run: a store, an origin, and one worker of each app. Free ports, a folder of their own."""

from __future__ import annotations

import contextlib
import importlib.util
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import redis

from benchmarks.apps import FACTORIES, ORIGIN_VARIABLE
from benchmarks.calls import ISSUED
from benchmarks.cores import bind
from benchmarks.meter import VARIABLE, read_meter
from gateway.domain.credentials import Keyring
from gateway.store.binary import find_server
from gateway.store.functions import Functions
from loadtests.stack import free_ports

READY_WITHIN_S = 60.0
SERVERS = ("uvicorn", "granian")
_ROOM = "registration"


class StackError(Exception):
    """A process did not start; the message carries the end of what it said."""


@dataclass(frozen=True, slots=True)
class Served:
    """One app, with one worker."""

    port: int
    meter: Path

    def processor_s(self) -> float:
        """Processor time that its worker has used so far."""
        return read_meter(self.meter)


@dataclass(frozen=True, slots=True)
class Stack:
    """What is running."""

    served: Mapping[tuple[str, str], Served]  # by server and app
    store: redis.Redis
    keyring: Keyring
    instance: str = field(default="")


def has_granian() -> bool:
    """Whether granian is installed."""
    return importlib.util.find_spec("granian") is not None


@contextlib.contextmanager
def store_of_its_own(folder: Path) -> Iterator[redis.Redis]:
    """A store as ``antrean store`` runs it, but for its folder; a client of it."""
    path = folder / "s"
    command = [str(find_server()), "--port", "0", "--unixsocket", str(path), "--dir", str(folder)]
    command += [
        "--appendonly",
        "yes",
        "--appendfsync",
        "everysec",
        "--save",
        "",
        "--logfile",
        str(folder / "store.log"),
    ]
    with _running(command, folder / "store.log", os.environ):
        client = redis.Redis(unix_socket_path=str(path), decode_responses=True, protocol=2)
        with client:
            _wait(lambda: _answers(client), "the store", folder / "store.log")
            yield client


@contextlib.contextmanager
def running(
    servers: tuple[str, ...], apps: tuple[str, ...] = tuple(FACTORIES), more: Mapping[str, str] | None = None
) -> Iterator[Stack]:
    """Everything, ready to be asked: the room has ISSUED people in line. Raises StackError.

    ``more``: of the environment, for settings other than the defaults.
    """
    with contextlib.ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="antrean-bench-")))
        store = stack.enter_context(store_of_its_own(folder))
        keys = ["a-key-for-measuring-and-for-nothing-else"]
        origin_port, *ports = free_ports(1 + len(servers) * len(apps))
        origin_url = f"http://127.0.0.1:{origin_port}"
        environ = _environ(folder, keys, origin_url) | (more or {})
        started: dict[tuple[str, str], Served] = {}
        origin = [sys.executable, "-m", "benchmarks.origin", str(origin_port)]
        stack.enter_context(_running(origin, folder / "origin.log", environ))
        _wait(lambda: _listens(origin_port), "the origin", folder / "origin.log")
        for (server, app), port in zip(((s, a) for s in servers for a in apps), ports, strict=True):
            served = Served(port, folder / f"{server}-{app}")
            log = folder / f"{server}-{app}.log"
            told = environ | {VARIABLE: str(served.meter)}
            stack.enter_context(_running(_serving(server, app, port), log, told, measured=True))
            _wait(lambda port=port: _listens(port), f"{app} on {server}", log)  # type: ignore[misc]
            started[server, app] = served
        instance = _fill_line(store)
        yield Stack(started, store, Keyring(keys), instance)


def _environ(folder: Path, keys: list[str], origin_url: str) -> dict[str, str]:
    kept = {
        name: value for name, value in os.environ.items() if not name.startswith(("ANTREAN_", "REGISTRATION_"))
    }
    return kept | {
        "ANTREAN_STATE_DIR": str(folder),
        "ANTREAN_STORE_URL": f"unix://{folder / 's'}",
        "ANTREAN_SECRET_KEYS": ",".join(keys),
        "REGISTRATION_PORT": origin_url.rpartition(":")[2],
        ORIGIN_VARIABLE: origin_url,
    }


def _serving(server: str, app: str, port: int) -> list[str]:
    if server == "uvicorn":
        return [sys.executable, "-m", "benchmarks.apps", app, str(port)]
    options = ["--interface", "asgi", "--host", "127.0.0.1", "--port", str(port), "--workers", "1", "--no-ws"]
    return [
        sys.executable,
        "-m",
        "granian",
        *options,
        "--log-level",
        "warning",
        "--factory",
        f"benchmarks.apps:{app}",
    ]


def _fill_line(store: redis.Redis) -> str:
    """People in line before the first is measured: a surge. Returns the line's instance."""
    until_s = time.monotonic() + READY_WITHIN_S
    while time.monotonic() < until_s:
        try:
            call = Functions(_ROOM).join(0, _run_id(store), "bench", 1, ISSUED)
            return str(store.execute_command(*call)[0])
        except redis.ResponseError:  # the gateway's first tick has not opened the room yet
            time.sleep(0.1)
    raise StackError("the room was not opened in the store")


def _run_id(store: redis.Redis) -> str:
    return str(store.info("server")["run_id"])


@contextlib.contextmanager
def _running(
    command: list[str], log: Path, environ: Mapping[str, str], *, measured: bool = False
) -> Iterator[None]:
    with log.open("wb") as output:
        process = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT, env=environ
        )
    if measured:
        bind(process.pid, measured=True)
    try:
        yield
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _wait(ready: object, what: str, log: Path) -> None:
    assert callable(ready)
    until_s = time.monotonic() + READY_WITHIN_S
    while not ready():
        if time.monotonic() > until_s:
            said = log.read_text("utf-8", "replace")[-2000:]
            raise StackError(f"{what} did not start within {READY_WITHIN_S:.0f} s. It said:\n{said}")
        time.sleep(0.05)


def _answers(client: redis.Redis) -> bool:
    try:
        return bool(client.ping())
    except redis.RedisError:
        return False


def _listens(port: int) -> bool:
    """Whether a worker answers there, not only somebody who listens for one."""
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=1) as connection:
            connection.sendall(b"GET / HTTP/1.1\r\nhost: localhost\r\n\r\n")
            return connection.recv(8) == b"HTTP/1.1"
    except OSError:
        return False
