"""The worker processes: started, killed, replaced and stopped for real."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, suppress
from pathlib import Path

import pytest

from tests.origin.conftest import OK, Bench, ask, connected, replying, wait_until

ROOT = Path(__file__).resolve().parents[2]


class Program:
    """One run of tests.origin.sample_server, in a process group of its own; its output goes to a file."""

    def __init__(self, output: Path, *, workers: int, port: int, factory: str, origin: str) -> None:
        self.port = port
        self._output = output
        with output.open("wb") as file:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "tests.origin.sample_server", str(port), str(workers), factory],
                cwd=ROOT,
                env={**os.environ, "ORIGIN_URL": origin},
                stdout=file,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    async def text(self, path: str) -> str:
        return (await ask(self.port, path)).body.decode()

    async def pids(self, count: int) -> set[int]:
        """The processes that answer, once there are ``count``."""
        seen: set[int] = set()
        async with asyncio.timeout(20):
            while len(seen) < count:
                seen.add(int(await self.text("/pid")))
        return seen

    async def ended(self) -> tuple[int, str]:
        """The exit code and all that was printed, once the program has ended."""
        await wait_until(lambda: self.process.poll() is not None, "the program has ended", within_s=20)
        return self.process.returncode, self._output.read_text()

    def accepts(self) -> bool:
        """Whether its listener is there; a worker to answer may take a moment longer."""
        with suppress(OSError), socket.create_connection(("127.0.0.1", self.port)):
            return True
        return False

    def kill(self) -> None:
        with suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()


Start = Callable[..., Program]


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    with ExitStack() as stack:

        def begin(*, workers: int = 1, port: int = 0, factory: str = "create_app", origin: str = "") -> Program:
            port = port or free_port()
            output = tmp_path / f"{port}.log"
            program = Program(output, workers=workers, port=port, factory=factory, origin=origin)
            stack.callback(program.kill)
            return program

        yield begin


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port: int = server.getsockname()[1]
        return port


async def reachable(program: Program) -> Program:
    """The program, once it answers."""
    await wait_until(program.accepts, "the program listens", within_s=20)
    await program.text("/pid")
    return program


def is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


async def gone(pids: set[int]) -> None:
    await wait_until(lambda: not any(is_alive(pid) for pid in pids), "the processes have ended", within_s=20)


async def test_a_taken_port_is_one_line(start: Start) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        code, output = await start(port=port).ended()
    assert code != 0
    assert output == f"port {port} is taken: set ANTREAN_PORT or stop the other program\n"


async def test_a_mistake_in_the_configuration_is_one_line(start: Start) -> None:
    code, output = await start(factory="create_broken").ended()
    assert code != 0
    assert output == "ANTREAN_EXAMPLE: 'x' is not usable; give y\n"


@pytest.mark.parametrize("stop", [signal.SIGTERM, signal.SIGINT])
async def test_it_stops_quietly_and_answers_what_it_was_asked(start: Start, stop: signal.Signals) -> None:
    program = await reachable(start(workers=2))
    pids = await program.pids(2)
    # an idle connection does not hold it up
    async with connected(program.port), connected(program.port) as (reader, writer):
        writer.write(b"GET /slow HTTP/1.1\r\nHost: a\r\n\r\n")
        await reader.readuntil(b"\r\n\r\n")
        # Ctrl-C goes to the whole group, a service manager's signal to the parent alone
        if stop == signal.SIGINT:
            os.killpg(program.process.pid, stop)
        else:
            program.process.send_signal(stop)
        code, output = await program.ended()
        assert await reader.read() == b"done"
    assert (code, output) == (0, "")
    assert not any(is_alive(pid) for pid in pids)


async def test_ctrl_c_while_starting_is_quiet_too(start: Start) -> None:
    program = start(workers=2)
    await wait_until(program.accepts, "the program listens", within_s=20)
    os.killpg(program.process.pid, signal.SIGINT)
    assert await program.ended() == (0, "")


async def test_a_worker_that_dies_is_replaced(start: Start) -> None:
    program = await reachable(start(workers=2))
    first, second = await program.pids(2)
    os.kill(first, signal.SIGKILL)
    await gone({first})
    assert second in await program.pids(2)
    assert first not in await program.pids(2)


async def test_a_hangup_replaces_the_workers_without_an_error(start: Start) -> None:
    program = await reachable(start())
    before = int(await program.text("/pid"))
    program.process.send_signal(signal.SIGHUP)
    async with asyncio.timeout(20):
        while int(await program.text("/pid")) == before or is_alive(before):
            pass  # every question on the way has to be answered
    assert program.process.returncode is None


async def test_workers_do_not_outlive_a_killed_parent(start: Start) -> None:
    program = await reachable(start(workers=2))
    pids = await program.pids(2)
    program.process.kill()
    await gone(pids)


async def test_as_many_files_as_allowed_can_be_open(start: Start) -> None:
    program = await reachable(start())
    soft, hard = (int(text) for text in (await program.text("/files")).strip("()").split(","))
    assert soft == hard or soft >= 1_048_576


SIZE = 100_000_000
# What a few full buffers take, far from the size of the body.
MOST_KB = 12_000


async def peak_kb(program: Program) -> int:
    return int(await program.text("/peak")) // (1024 if sys.platform == "darwin" else 1)


@pytest.mark.parametrize("framing", ["length", "chunked"])
async def test_an_upload_of_100_mb_is_not_held_in_memory(bench: Bench, start: Start, framing: str) -> None:
    received = 0

    async def swallow(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal received
        await reader.readuntil(b"\r\n\r\n")
        while received < SIZE:
            received += len(await reader.read(1_000_000))
            if received < 2_000_000:
                await asyncio.sleep(0.05)  # slower than the visitor sends: somebody has to wait
        writer.write(OK)
        await writer.drain()

    program = await reachable(start(origin=f"http://127.0.0.1:{await bench.listen(swallow)}"))
    before = await peak_kb(program)
    async with asyncio.timeout(60), connected(program.port) as (reader, writer):
        chunked = framing == "chunked"
        header = b"Transfer-Encoding: chunked" if chunked else b"Content-Length: %d" % SIZE
        writer.write(b"POST /upload HTTP/1.1\r\nHost: a\r\n" + header + b"\r\n\r\n")
        piece = bytes(1_000_000)
        for _ in range(SIZE // len(piece)):
            writer.write(b"%x\r\n%b\r\n" % (len(piece), piece) if chunked else piece)
            await writer.drain()
        writer.write(b"0\r\n\r\n" if chunked else b"")
        assert b" 200 " in await reader.readline()
    assert received >= SIZE
    assert await peak_kb(program) - before < MOST_KB


async def test_a_download_of_100_mb_waits_for_a_slow_visitor(bench: Bench, start: Start) -> None:
    head = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % SIZE
    origin = await bench.raw_origin(replying(head + bytes(SIZE)))
    program = await reachable(start(origin=origin.url))
    before = await peak_kb(program)
    async with asyncio.timeout(60), connected(program.port) as (reader, writer):
        writer.write(b"GET /download HTTP/1.1\r\nHost: a\r\n\r\n")
        await reader.readuntil(b"\r\n\r\n")
        await asyncio.sleep(0.3)  # while the buffers between fill up
        left = SIZE
        while left:
            left -= len(await reader.read(1_000_000))
    assert await peak_kb(program) - before < MOST_KB
