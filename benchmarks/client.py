"""The load, in a process of its own: connections that stay open, each waiting for its reply before it asks again.

It reads replies only as far as it must (status, length), so that it costs less than what it measures.
"""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import cycle
from multiprocessing import get_context
from multiprocessing.connection import Connection
from types import TracebackType
from typing import cast

import uvloop

from benchmarks.cores import bind

_LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)
_CONNECT_WITHIN_S = 10.0


class LoadError(Exception):
    """A reply that was not what the call is to answer, or none."""


@dataclass(frozen=True, slots=True)
class Job:
    """Ask ``port`` the ``requests`` in turn, for ``seconds``."""

    port: int
    requests: Sequence[bytes]
    status: int  # of every reply; another ends the run
    seconds: float
    connections: int = 64


@dataclass(frozen=True, slots=True)
class Load:
    """What came of it."""

    replies: int
    seconds: float
    median_ms: float
    slowest_ms: float  # all but one in a hundred were quicker


class Client:
    """The load process. Use it as a context manager."""

    def __init__(self) -> None:
        context = get_context("spawn")
        self._pipe, theirs = context.Pipe()
        self._process = context.Process(target=_work, args=(theirs,), daemon=True)

    def __enter__(self) -> Client:
        self._process.start()
        assert self._process.pid is not None
        bind(self._process.pid, measured=False)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None
    ) -> None:
        self._process.terminate()
        self._process.join()

    def run(self, job: Job) -> Load:
        """Do the job. Raises LoadError."""
        self._pipe.send(job)
        result = self._pipe.recv()
        if isinstance(result, Exception):
            raise result
        load: Load = result
        return load


def _work(pipe: Connection) -> None:
    while True:
        job = pipe.recv()
        try:
            pipe.send(uvloop.run(run(job)))
        except Exception as error:
            pipe.send(LoadError(f"port {job.port}: {error!r}"))


async def run(job: Job) -> Load:
    """Do the job in this process. Raises LoadError, OSError."""
    loop = asyncio.get_running_loop()
    callers: list[Caller] = []
    requests = cycle(job.requests)
    async with asyncio.timeout(_CONNECT_WITHIN_S):
        for _ in range(job.connections):
            _, caller = await loop.create_connection(lambda: Caller(requests, job.status), "127.0.0.1", job.port)
            callers.append(caller)
    began_s = time.perf_counter()
    for caller in callers:
        caller.ask()
    await asyncio.sleep(job.seconds)
    seconds = time.perf_counter() - began_s
    for caller in callers:
        caller.stop()
    for caller in callers:
        if caller.problem is not None:
            raise LoadError(caller.problem)
    waits_ms = sorted(wait * 1000 for caller in callers for wait in caller.waits_s)
    if not waits_ms:
        raise LoadError("no reply at all")
    return Load(len(waits_ms), seconds, waits_ms[len(waits_ms) // 2], waits_ms[len(waits_ms) * 99 // 100])


class Caller(asyncio.Protocol):
    """One connection."""

    def __init__(self, requests: Iterator[bytes], status: int) -> None:
        self.waits_s: list[float] = []
        self.problem: str | None = None
        self._requests = requests
        self._status = b"HTTP/1.1 %d " % status
        self._data = b""
        self._stopped = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """See asyncio."""
        self._transport = cast("asyncio.Transport", transport)  # uvloop's does not inherit from asyncio's

    def ask(self) -> None:
        """Send the next request."""
        self._asked_s = time.perf_counter()
        self._transport.write(next(self._requests))

    def stop(self) -> None:
        """Ask nothing more."""
        self._stopped = True
        self._transport.abort()

    def data_received(self, data: bytes) -> None:
        """See asyncio."""
        if self._data:
            data = self._data + data
        head_end = data.find(b"\r\n\r\n") + 4
        if head_end < 4 or len(data) < head_end + self._body_bytes(data, head_end):
            self._data = data
            return
        self._data = b""
        self.waits_s.append(time.perf_counter() - self._asked_s)
        if not data.startswith(self._status):
            self._fail(f"answered {data[:600].decode('latin-1')!r} instead of {self._status.decode()}")
        elif not self._stopped:
            self.ask()

    def connection_lost(self, exc: Exception | None) -> None:
        """See asyncio."""
        if not self._stopped and self.problem is None:
            self.problem = "the connection was closed"

    def _body_bytes(self, data: bytes, head_end: int) -> int:
        length = _LENGTH.search(data, 0, head_end)
        return int(length[1]) if length is not None else 0

    def _fail(self, problem: str) -> None:
        self.problem = problem
        self._transport.abort()
