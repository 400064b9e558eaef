"""Thousands of connections that never finish what they began, and bodies without end, while others are served."""

from __future__ import annotations

import asyncio
import contextlib
import resource
from pathlib import Path

from tests.hostile import corpus
from tests.hostile.conftest import Fortress
from tests.people import Browser

SOCKETS = 2000
MEGABYTES_MOST = 120  # for all of them, in the worker


async def test_two_thousand_half_requests_keep_nobody_out_and_cost_little(fortress: Fortress) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, max(soft, SOCKETS + 1000)), hard))
    before = _memory_mb(fortress)
    begun = [b"", b"GET", corpus.get()[:-2], corpus.post(b"Content-Length: 1000000", body=b"a" * 500)]
    writers: list[asyncio.StreamWriter] = []
    try:
        for n in range(SOCKETS):
            _, writer = await asyncio.open_connection("127.0.0.1", fortress.port)
            writer.write(begun[n % len(begun)].replace(corpus.PASS, b"x"))
            writers.append(writer)
        for _ in range(20):
            visitor = Browser(fortress.port, "daftar.example")
            assert (await visitor.get("/form")).status == 200
        assert _memory_mb(fortress) - before < MEGABYTES_MOST
    finally:
        for writer in writers:
            writer.transport.abort()
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


async def test_a_body_without_end_is_read_no_further_than_it_may_be(fortress: Fortress) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", fortress.port)
    head = corpus.request(b"POST /_queue/registration/join HTTP/1.1", corpus.HOST, corpus.CHUNKED)
    writer.write(head)
    sent = 0
    async with asyncio.timeout(30):
        with contextlib.suppress(ConnectionError):
            while not reader.at_eof() and sent < 2**30:
                writer.write(b"10000\r\n" + bytes(65_536) + b"\r\n")
                await writer.drain()
                sent += 65_536
                if reader._buffer:  # type: ignore[attr-defined]  # the refusal has come
                    break
        assert (await reader.readline()).startswith(b"HTTP/1.1 413 ")
    writer.close()
    assert sent < 2**26


def _memory_mb(fortress: Fortress) -> float:
    """Resident, of the whole gateway."""
    supervisor = fortress.installation.processes["hostile"].pid
    children = Path(f"/proc/{supervisor}/task/{supervisor}/children").read_text().split()
    return sum(_resident_mb(int(pid)) for pid in (supervisor, *children))


def _resident_mb(pid: int) -> float:
    with contextlib.suppress(FileNotFoundError):
        for line in Path(f"/proc/{pid}/status").read_text().splitlines():
            if line.startswith("VmRSS:"):
                return int(line.split()[1]) / 1024
    return 0.0
