"""The whole public listener as people meet it: processes, real sockets, the real store, a small site behind."""

from __future__ import annotations

import asyncio
import json
import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from gateway.domain.credentials import Keyring
from gateway.errors import StoreError
from gateway.secrets import load_keys
from gateway.settings import Settings, load_settings
from gateway.store.line import Line
from gateway.store.rooms import open_store

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
origin = "http://127.0.0.1:{port}"
rate_per_minute = 6000.0
"""


class Echo(BaseHTTPRequestHandler):
    """The site: says in JSON what reached it; ``/selesai`` finishes the visit."""

    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
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


@pytest.fixture(scope="session")
def site_port() -> Iterator[int]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Echo)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, args=(0.05,))
    thread.start()
    yield server.server_address[1]
    server.shutdown()
    thread.join()
    server.server_close()


@dataclass
class Reply:
    status: int
    headers: list[tuple[str, str]]
    body: bytes

    def header(self, name: str) -> str:
        return ", ".join(value for key, value in self.headers if key.lower() == name)

    def json(self) -> dict[str, Any]:
        value: dict[str, Any] = json.loads(self.body)
        return value

    @property
    def is_page(self) -> bool:
        return self.header("content-type").startswith("text/html")


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
        reader, writer = await asyncio.open_connection("127.0.0.1", self.settings.port)
        try:
            writer.write(head + body)
            async with asyncio.timeout(20):
                answer = await reader.read()
        finally:
            writer.close()
        start, _, rest = answer.partition(b"\r\n\r\n")
        first, *lines = start.decode("latin-1").split("\r\n")
        headers = [(name, value) for name, _, value in (line.partition(": ") for line in lines)]
        return Reply(int(first.split(" ")[1]), headers, rest)

    def visitor(self, host: str = "daftar.example") -> Browser:
        return Browser(self, host)


@dataclass
class Browser:
    """A visitor with a cookie jar who writes requests by hand."""

    installation: Installation
    host: str
    cookies: dict[str, str] = field(default_factory=dict)

    async def get(self, path: str, **headers: str) -> Reply:
        navigation = {"Accept": "text/html", "Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "document"}
        return await self.ask("GET", path, navigation | headers)

    async def fetch(self, method: str, path: str, body: bytes = b"") -> Reply:
        script = {"Accept": "*/*", "Sec-Fetch-Mode": "cors", "Sec-Fetch-Site": "same-origin"}
        return await self.ask(method, path, script, body)

    async def ask(self, method: str, path: str, headers: dict[str, str], body: bytes = b"") -> Reply:
        sent = {"Host": self.host, "Connection": "close", **headers}
        if self.cookies and "Cookie" not in headers:
            sent["Cookie"] = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
        if method == "POST":
            sent["Content-Length"] = str(len(body))
        lines = "".join(f"{name}: {value}\r\n" for name, value in sent.items())
        reply = await self.installation.ask(f"{method} {path} HTTP/1.1\r\n{lines}\r\n".encode("latin-1"), body)
        for name, value in reply.headers:
            if name.lower() == "set-cookie":
                cookie, _, token = value.split("; ")[0].partition("=")
                self.cookies[cookie] = token
                if "Max-Age=0" in value:
                    del self.cookies[cookie]
        return reply


async def until(holds: Callable[[], Any], description: str, within_s: float = 20.0) -> None:
    """Return as soon as ``await holds()`` is true, or fail saying what did not come true."""
    try:
        async with asyncio.timeout(within_s):
            while not await holds():  # noqa: ASYNC110 - it waits for another process
                await asyncio.sleep(0.05)
    except TimeoutError:
        pytest.fail(f"not within {within_s:g} s: {description}")


@pytest.fixture(scope="session")
def wait_until() -> Callable[..., Any]:
    return until


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
        return port


@pytest.fixture(scope="session")
def installation(site_port: int, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    folder = tmp_path_factory.mktemp("antrean")
    config = folder / "antrean.toml"
    config.write_text(CONFIG.format(port=site_port))
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


@pytest.fixture
async def line(installation: Installation) -> AsyncIterator[Line]:
    """A fresh line in the room ``registration``, open at 6,000 a minute, as an operator would make it."""
    store = await open_store(installation.settings.store_address())
    line = store.line("registration")

    async def fresh() -> bool:
        try:
            await line.new_line(actor="test")
            await line.set_knobs({"phase": "open", "rate_per_minute": 6000.0, "ceiling": 500}, actor="test")
        except StoreError:
            return False
        return True

    async def everybody_knows() -> bool:
        assert line.snapshot is not None
        return all([await _instance(installation) == line.snapshot.instance for _ in range(8)])

    await until(fresh, "a new line")
    await until(everybody_knows, "every worker has heard of the new line")
    yield line
    await store.close()


async def _instance(installation: Installation) -> object:
    reply = await installation.visitor().fetch("GET", "/_queue/registration/pulse")
    return reply.json()["instance"] if reply.status == 200 else None


def now_s() -> int:
    return int(time.time())
