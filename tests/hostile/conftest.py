"""A gateway of its own before an origin that keeps every byte, on the store of the others."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from gateway.domain.credentials import Keyring, Pass, Ticket
from gateway.secrets import load_keys
from gateway.store.rooms import open_store
from tests.hostile.recorder import Recorder, recording
from tests.installation import CONFIG, Installation, begin_anew, free_port
from tests.people import until


@dataclass
class Fortress:
    """Where to send, what arrived, and credentials of the line that is open."""

    port: int
    origin: Recorder
    installation: Installation
    instance: str = ""

    @property
    def keyring(self) -> Keyring:
        return Keyring(load_keys(self.installation.settings))

    def pass_(self, number: int = 1) -> bytes:
        now = int(time.time())
        visitor_pass = Pass("registration", self.instance, 1, number, "nonce", now + 900, now + 7000)
        return self.keyring.sign_pass(visitor_pass).encode()

    def ticket(self, number: int = 1) -> bytes:
        ticket = Ticket("registration", self.instance, 1, number, int(time.time()), "nonce", "/")
        return self.keyring.sign_ticket(ticket).encode()

    def move_code(self) -> str:
        """Of another place than the ticket's."""
        ticket = Ticket("registration", self.instance, 1, 2, int(time.time()), "nonce", "/")
        return self.keyring.move_code(ticket, time.time())

    async def send(self, wire: bytes, within_s: float = 20.0) -> bytes:
        """Everything that comes back on one connection until the gateway ends it."""
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port, limit=2**22)
        answer = b""
        try:
            async with asyncio.timeout(within_s):
                writer.write(wire)
                while piece := await reader.read(65_536):
                    answer += piece
        except ConnectionError:
            pass  # it had heard enough
        finally:
            writer.close()
        return answer

    @property
    def log(self) -> str:
        return (self.installation.folder / "hostile.log").read_text("utf-8", "replace")


@pytest.fixture(scope="module")
def fortress(installation: Installation, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Fortress]:
    folder = tmp_path_factory.mktemp("hostile")
    with recording() as origin:
        config = folder / "antrean.toml"
        config.write_text(CONFIG.format(port=origin.port))
        environ = installation.environ | {
            "ANTREAN_CONFIG": str(config), "ANTREAN_PORT": str(free_port()), "ANTREAN_WORKERS": "1",
        }  # fmt: skip
        gateway = Installation(installation.settings, environ, folder)
        asyncio.run(_fresh_line(installation))
        gateway.start("hostile", "serve")
        made = Fortress(int(environ["ANTREAN_PORT"]), origin, gateway)
        try:
            made.instance = asyncio.run(_instance(made))
            yield made
        finally:
            gateway.stop("hostile")


async def _fresh_line(installation: Installation) -> None:
    store = await open_store(installation.settings.store_address())
    await begin_anew(store.line("registration"))
    await store.close()


async def _instance(fortress: Fortress) -> str:
    pulse = b"GET /_queue/registration/pulse HTTP/1.1\r\nHost: daftar.example\r\nConnection: close\r\n\r\n"
    answer = b""

    async def answers() -> bool:
        nonlocal answer
        try:
            answer = await fortress.send(pulse)
        except OSError:
            return False
        return answer.startswith(b"HTTP/1.1 200")

    await until(answers, "the gateway answers", 30)
    return answer.partition(b'"instance":"')[2].partition(b'"')[0].decode()
