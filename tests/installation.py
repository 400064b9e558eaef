"""The whole public listener: the store and the gateway as processes, and a small site behind them."""

from __future__ import annotations

import asyncio
import json
import os
import socket
import subprocess
import sys
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
import redis

from gateway.domain.credentials import Keyring
from gateway.errors import StoreError
from gateway.secrets import load_keys
from gateway.settings import Settings, load_settings
from gateway.store.line import Line
from gateway.store.rooms import open_store
from tests.people import Browser, Reply, ask, until

CONFIG = """
[[rooms]]
id = "registration"
hosts = ["daftar.example"]
except = ["/static/*"]
origin = "http://127.0.0.1:{port}"
rate_per_minute = 6000.0

[[rooms]]
id = "vaksin"
hosts = ["vaksin.example"]
on_store_loss = "admit"
rehearsal = true
origin = "http://127.0.0.1:{port}"
rate_per_minute = 6000.0
"""


class Echo(BaseHTTPRequestHandler):
    """The site: says in JSON what reached it; ``/selesai`` finishes the visit."""

    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        self.server.asked.append(self.path)  # type: ignore[attr-defined]
        body = json.dumps({"path": self.path, "headers": self.headers.items()}).encode()
        self.send_response(200)
        if self.path == "/selesai":
            self.send_header("Antrean-Finished", "1")
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    do_POST = do_GET  # noqa: N815 - the base class looks for this name

    def log_message(self, *_: object) -> None:
        """Quiet."""


class Site(ThreadingHTTPServer):
    """The server of the site; ``asked`` are the paths that reached it."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Echo)
        self.asked: list[str] = []


@pytest.fixture(scope="session")
def site() -> Iterator[Site]:
    server = Site()
    thread = threading.Thread(target=server.serve_forever, args=(0.05,))
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


@dataclass
class Installation:
    """Two processes, the store and the gateway, with their own state folder and ports."""

    settings: Settings
    environ: dict[str, str]
    folder: Path
    processes: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)

    def start(self, name: str, *arguments: str) -> None:
        log = (self.folder / f"{name}.log").open("ab")
        command = [sys.executable, "-m", "gateway", *arguments]
        self.processes[name] = subprocess.Popen(command, env=self.environ, stdout=log, stderr=log)
        log.close()

    def stop(self, name: str) -> int:
        process = self.processes.pop(name)
        process.terminate()
        return process.wait(20)

    async def ask(self, head: bytes, body: bytes = b"") -> Reply:
        """One request as it is written, on a connection of its own."""
        return await ask(self.settings.port, head, body)

    def visitor(self, host: str = "daftar.example") -> Browser:
        return Browser(self.settings.port, host)

    @property
    def server_pid(self) -> int:
        """Of the Valkey of the store."""
        return int((self.settings.state_dir / "store" / "server.pid").read_text())

    def store_client(self) -> redis.Redis:
        """A plain client of the store."""
        return redis.Redis.from_url(self.settings.store_address(), decode_responses=True, protocol=2)


@pytest.fixture(scope="session")
def wait_until() -> Callable[..., Any]:
    return until


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
        return port


@pytest.fixture(scope="session")
def installation(site: Site, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    folder = tmp_path_factory.mktemp("antrean")
    config = folder / "antrean.toml"
    config.write_text(CONFIG.format(port=site.server_address[1]))
    environ = {
        **{name: value for name, value in os.environ.items() if not name.startswith("ANTREAN_")},
        "ANTREAN_CONFIG": str(config),
        "ANTREAN_STATE_DIR": str(folder / "state"),
        "ANTREAN_PORT": str(free_port()),
        "ANTREAN_DESK_PORT": str(free_port()),
        "REGISTRATION_PORT": str(free_port()),
        "ANTREAN_WORKERS": "2",
    }
    settings = load_settings(environ=environ)
    load_keys(settings)
    running = Installation(settings, environ, folder)
    running.start("store", "store")
    running.start("gateway", "serve")
    try:
        asyncio.run(_wait_for(running))
        yield running
    finally:
        for name in reversed(list(running.processes)):
            running.stop(name)


async def _wait_for(running: Installation) -> None:
    async def pulse_comes() -> bool:
        try:
            return (await running.visitor().fetch("GET", "/_queue/registration/pulse")).status == 200
        except OSError:
            return False

    await until(pulse_comes, f"the gateway answers; see {running.folder}", 30)


@pytest.fixture
def keyring(installation: Installation) -> Keyring:
    return Keyring(load_keys(installation.settings))


async def begin_anew(line: Line) -> None:
    """A fresh line, open at 6,000 a minute, as an operator would make it; whatever the tests before left."""

    async def fresh() -> bool:
        try:
            await line.new_line(actor="test")
            await line.set_knobs({"phase": "open", "rate_per_minute": 6000.0, "ceiling": 500}, actor="test")
        except StoreError:
            return False
        return True

    await until(fresh, "a new line")


@pytest.fixture
async def line(installation: Installation) -> AsyncIterator[Line]:
    """A fresh line in the room ``registration``."""
    store = await open_store(installation.settings.store_address())
    line = store.line("registration")

    async def everybody_knows() -> bool:
        assert line.snapshot is not None
        return all([await _instance(installation) == line.snapshot.instance for _ in range(8)])

    await begin_anew(line)
    await until(everybody_knows, "every worker has heard of the new line")
    yield line
    await store.close()


async def _instance(installation: Installation) -> object:
    reply = await installation.visitor().fetch("GET", "/_queue/registration/pulse")
    return reply.json()["instance"] if reply.status == 200 else None
