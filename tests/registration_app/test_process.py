"""``python -m registration_app`` as a process: it starts, serves, stops, and says why it cannot."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing
from pathlib import Path

import httpx2
import pytest

from tests.registration_app.serving import Visitor

ROOT = Path(__file__).parents[2]


def free_port() -> int:
    with closing(socket.create_server(("127.0.0.1", 0))) as listener:
        port: int = listener.getsockname()[1]
        return port


async def start(state: Path, port: int, **environ: str) -> Process:
    """The process, in a folder of its own."""
    return await asyncio.create_subprocess_exec(
        sys.executable, "-m", "registration_app",
        cwd=ROOT, stdout=PIPE, stderr=PIPE,
        env={
            "PATH": os.environ["PATH"],
            "ANTREAN_STATE_DIR": str(state),
            "REGISTRATION_PORT": str(port),
            **environ,
        },
    )  # fmt: skip


async def answers(process: Process, client: httpx2.AsyncClient) -> bool:
    if process.returncode is not None:
        assert process.stderr is not None
        pytest.fail((await process.stderr.read()).decode())
    try:
        return (await client.get("/health")).status_code == 200
    except httpx2.TransportError:
        return False


@asynccontextmanager
async def running(state: Path, port: int) -> AsyncIterator[tuple[Process, httpx2.AsyncClient]]:
    process = await start(state, port)
    try:
        async with httpx2.AsyncClient(base_url=f"http://127.0.0.1:{port}", timeout=20) as client:
            async with asyncio.timeout(30):
                while not await answers(process, client):  # noqa: ASYNC110 - another process has no event
                    await asyncio.sleep(0.05)
            yield process, client
    finally:
        if process.returncode is None:
            process.kill()
        await process.communicate()


@pytest.mark.parametrize("told", [signal.SIGTERM, signal.SIGINT])
async def test_it_registers_stops_when_told_and_remembers_after_a_kill(
    tmp_path: Path, told: signal.Signals
) -> None:
    port = free_port()
    async with running(tmp_path, port) as (process, client):
        visitor = Visitor(client)
        fields = await visitor.example()
        number = await visitor.register(fields)  # at the honest cost
        process.kill()
        await process.wait()
    async with running(tmp_path, port) as (process, client):
        health = (await client.get("/health")).json()
        assert (health["status"], health["registrations"], health["rehearsed"]) == ("ok", 1, 0)
        assert await Visitor(client).register({**await Visitor(client).example(), **person(fields)}) == number
        process.send_signal(told)
        async with asyncio.timeout(15):
            _, errors = await process.communicate()
        assert process.returncode in (0, -told)
        assert b"Traceback" not in errors


def person(fields: dict[str, str]) -> dict[str, str]:
    return {name: value for name, value in fields.items() if name not in ("csrf", "key")}


async def refusal(process: Process) -> str:
    """What a process says that does not start."""
    async with asyncio.timeout(30):
        _, errors = await process.communicate()
    assert process.returncode == 1
    return errors.decode()


async def test_a_taken_port_is_one_clear_line(tmp_path: Path) -> None:
    with closing(socket.create_server(("127.0.0.1", 0))) as taken:
        said = await refusal(await start(tmp_path, taken.getsockname()[1]))
    assert "REGISTRATION_PORT" in said
    assert said.count("\n") == 1


async def test_bad_settings_are_one_line_each(tmp_path: Path) -> None:
    said = await refusal(await start(tmp_path, 0, REGISTRATION_HASH_QUEUE="many"))
    assert "REGISTRATION_PORT" in said
    assert "REGISTRATION_HASH_QUEUE" in said
    assert said.count("\n") == 2


async def test_a_database_that_cannot_be_used_is_one_clear_line(tmp_path: Path) -> None:
    said = await refusal(await start(tmp_path, free_port(), DATABASE_URL=f"sqlite:///{tmp_path}"))
    assert str(tmp_path) in said
    assert said.count("\n") == 1
