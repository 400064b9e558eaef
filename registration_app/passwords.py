"""Password hashing at an honest cost, off the event loop, in a small bounded pool.

This is the reason why the site has a limit: one hash keeps one core busy for about a tenth of a second.
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from registration_app.errors import Busy

T = TypeVar("T")

SECONDS_PER_HASH = 0.2
"""A cautious guess of one hash on one core, used only to say when to try again."""


def honest_hasher() -> PasswordHasher:
    """Argon2id as RFC 9106 advises for servers short of memory: 64 MiB, 3 passes.

    One lane instead of four: as many threads as cores hash at once, so lanes would only make them wait
    for each other.
    """
    return PasswordHasher(time_cost=3, memory_cost=64 * 1024, parallelism=1)


class Passwords:
    """A pool of ``threads`` hashing threads with at most ``queue`` callers waiting for them."""

    def __init__(self, threads: int, queue: int, hasher: PasswordHasher | None = None) -> None:
        self._hasher = hasher or honest_hasher()
        self._threads = threads
        self._most = threads + queue
        self._pending = 0
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix="password")

    async def hash(self, password: str) -> str:
        """The encoded Argon2id hash. Raises Busy."""
        return await self._run(lambda: self._hasher.hash(password))

    async def verify(self, encoded: str, password: str) -> bool:
        """Whether ``encoded`` was made from ``password``. Costs as much as making it. Raises Busy."""
        return await self._run(lambda: self._matches(encoded, password))

    def close(self) -> None:
        """Let running hashes end, drop waiting ones."""
        self._pool.shutdown(wait=True, cancel_futures=True)

    def _matches(self, encoded: str, password: str) -> bool:
        try:
            return self._hasher.verify(encoded, password)
        except (VerificationError, InvalidHashError):
            return False

    async def _run(self, work: Callable[[], T]) -> T:
        if self._pending >= self._most:
            raise Busy(max(1, math.ceil(self._pending / self._threads * SECONDS_PER_HASH)))
        self._pending += 1
        try:
            return await asyncio.get_running_loop().run_in_executor(self._pool, work)
        finally:
            self._pending -= 1
