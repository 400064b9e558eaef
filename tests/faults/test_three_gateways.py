"""Three gateways with state folders of their own behind the shipped nginx, one store; one of them is killed."""

from __future__ import annotations

import asyncio
import io
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import aiohttp
import pytest

from gateway.secrets import load_keys
from tests.faults.nginx import TRUSTING, Front, needs_nginx, nginx, ready
from tests.hostile.recorder import Recorder, recording
from tests.installation import CONFIG, Installation, free_port
from tests.people import until

if TYPE_CHECKING:
    from gateway.store.line import Line

pytestmark = needs_nginx

HOST = "daftar.example.go.id"
BASE = "/_queue/registration/"
VISITORS = 10


@dataclass
class Machines:
    """The gateways by name, what is before them and what is behind."""

    front: Front
    gateways: dict[str, Installation]
    origin: Recorder


@pytest.fixture
def machines(installation: Installation, tmp_path: Path) -> Iterator[Machines]:
    gateways: dict[str, Installation] = {}
    with recording() as origin:
        config = tmp_path / "antrean.toml"
        text = CONFIG.format(port=origin.port).replace("daftar.example", HOST)
        config.write_text(text.replace("vaksin.example", "ujian.example.go.id"))
        for name in ("one", "two", "three"):
            environ = installation.environ | {
                "ANTREAN_CONFIG": str(config),
                "ANTREAN_PORT": str(free_port()),
                "ANTREAN_STATE_DIR": str(tmp_path / name),
                "ANTREAN_STORE_URL": installation.settings.store_address(),
                "ANTREAN_SECRET_KEYS": ",".join(load_keys(installation.settings)),
                "ANTREAN_PUBLIC_URL": f"https://{HOST}",
                "ANTREAN_TRUSTED_PROXIES": "127.0.0.1",
                "ANTREAN_WORKERS": "1",
            }
            gateways[name] = Installation(installation.settings, environ, tmp_path)
            gateways[name].start(name, "serve")
        try:
            ports = [gateway.environ["ANTREAN_PORT"] for gateway in gateways.values()]
            with nginx(tmp_path, ports, origin.port) as front:
                yield Machines(front, gateways, origin)
        finally:
            for name, gateway in gateways.items():
                if name in gateway.processes:
                    gateway.stop(name)


async def everybody_hears(machines: Machines, line: Line, phase: str) -> None:
    await line.set_knobs({"phase": phase}, actor="test")
    assert line.snapshot is not None
    instance = line.snapshot.instance

    async def heard() -> bool:
        for name, gateway in machines.gateways.items():
            if name in gateway.processes:
                pulse = Front(int(gateway.environ["ANTREAN_PORT"]), tls=False)
                try:
                    reply = await pulse.ask(HOST, BASE + "pulse")
                except OSError:
                    return False
                if reply.status != 200 or (reply.json()["instance"], reply.json()["phase"]) != (instance, phase):
                    return False
        return True

    await until(heard, f"every gateway has heard of {phase}", 120)


async def joined(front: Front) -> tuple[Front, int]:
    visitor = Front(front.port)
    assert (await visitor.ask(HOST, "/form")).is_page
    reply = await visitor.ask(HOST, BASE + "ticket", Accept="*/*")
    assert reply.status == 200
    return visitor, reply.json()["number"]


async def test_numbers_places_and_passes_hold_when_one_of_three_is_killed(machines: Machines, line: Line) -> None:
    front = machines.front
    await ready(front)
    await everybody_hears(machines, line, "paused")
    before = await asyncio.gather(*(joined(front) for _ in range(VISITORS)))
    killed = machines.gateways["two"].processes.pop("two")
    killed.kill()
    killed.wait(20)
    after = await asyncio.gather(*(joined(front) for _ in range(VISITORS)))
    numbers = [number for _, number in (*before, *after)]
    assert len(set(numbers)) == 2 * VISITORS, "no number twice, and everybody has one"
    assert max(number for _, number in before) < min(number for _, number in after)
    for visitor, number in (*before, *after):
        reply = await visitor.ask(HOST, BASE + "check-in", "POST", Accept="*/*")
        assert (reply.status, reply.json()["number"]) == (200, number), "the place is kept, whoever answers"
    await everybody_hears(machines, line, "open")

    async def all_in() -> bool:
        states = [
            (await visitor.ask(HOST, BASE + "check-in", "POST", Accept="*/*")).json()["state"]
            for visitor, _ in (*before, *after)
        ]
        return set(states) == {"admitted"}

    await until(all_in, "everybody is let in", 120)
    machines.origin.received.clear()
    for visitor, _ in (*before, *after):
        assert (await visitor.ask(HOST, "/form")).body == b"origin"
    told = {request.values("antrean-visitor")[0] for request in machines.origin.received}
    assert len(told) == 2 * VISITORS, "each of them is one visitor to the site, and nobody another"


async def test_uploads_and_websockets_go_through_and_the_authorize_answer_is_never_kept(
    machines: Machines, line: Line
) -> None:
    front = machines.front
    await ready(front)
    await everybody_hears(machines, line, "open")
    assert (await front.ask(HOST, "/form")).body == b"origin"
    cookies = "; ".join(f"{name}={value}" for name, value in front.cookies.items())
    assert "__Host-antrean-pass-registration=" in cookies
    body = bytes(range(256)) * 20_000
    headers = {"Host": HOST, "Cookie": cookies, "X-Forwarded-For": "6.6.6.6"}
    address = f"127.0.0.1:{front.port}"
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(ssl=TRUSTING)) as session:
        machines.origin.received.clear()
        async with session.post(f"https://{address}/unggah", data=io.BytesIO(body), headers=headers) as reply:
            assert reply.status == 200
        (upload,) = machines.origin.received
        assert upload.body == body
        assert upload.values("x-forwarded-for") == ["127.0.0.1"]
        assert upload.values("x-forwarded-proto") == ["https"]
        async with session.ws_connect(f"wss://{address}/ws", headers=headers) as socket:
            await socket.send_str("halo")
            assert (await socket.receive()).data == "halo"
    await the_authorize_answer_is_never_kept(machines)


async def the_authorize_answer_is_never_kept(machines: Machines) -> None:
    front, host = Front(machines.front.port), "ujian.example.go.id"
    assert (await front.ask(host, "/_queue/vaksin/wait?to=/soal")).status == 303
    carried = dict(front.cookies)
    for _ in range(5):
        assert (await front.ask(host, "/soal")).body == b"origin"
    front.cookies.clear()
    assert (await front.ask(host, "/soal")).status == 302, "the same address, asked by somebody else"
    front.cookies.update(carried)
    assert (await front.ask(host, "/soal")).status == 200
