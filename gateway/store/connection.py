"""One connection to the store: pipelines out, replies in, nothing retried.

What was sent on a connection that broke may or may not have been executed; only the caller knows what may be
sent again. Each new connection learns the server's run id, checks that the store may be used, and loads the
function library.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from functools import lru_cache
from typing import Any

from hiredis import pack_command
from redis.asyncio.connection import AbstractConnection, ConnectionPool
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError, ResponseError

from gateway.errors import StoreError, StoreUnreachable, StoreUnsuitable
from gateway.store.functions import Command, load_command

SOCKET_TIMEOUT_S = 0.5  # a black hole must not hold the event loop's work longer than a visitor would wait
OLDEST = (7, 0)


class Connection:
    """Executes pipelines on one server, one at a time. ``run_id`` is the server's, known once connected."""

    def __init__(self, url: str, locate: Callable[[], Awaitable[str]] | None = None) -> None:
        """``locate`` finds the server's URL anew for each connection, where it may move."""
        self._url = url
        self._locate = locate
        self._raw: AbstractConnection | None = None
        self._turn = asyncio.Lock()
        self.run_id = ""

    async def execute(self, commands: Sequence[Command]) -> list[Any]:
        """The reply to each command; an error reply is returned, not raised. Raises StoreUnreachable."""
        async with self._turn:
            raw = await self._connected()
            return await self._exchange(raw, commands)

    async def connect(self, rooms: Sequence[str] = ()) -> None:
        """Connect if need be. Raises StoreUnreachable, StoreUnsuitable."""
        async with self._turn:
            await self._connected()

    def run_id_of(self, room: str) -> str:
        """Of the server that holds ``room``: '' before the first connection."""
        return self.run_id

    async def close(self) -> None:
        async with self._turn:
            await self._drop(wait=True)

    async def reload(self) -> None:
        """Load the library again: somebody deleted it."""
        await self.execute([load_command()])

    async def _connected(self) -> AbstractConnection:
        if self._raw is not None:
            return self._raw
        url = await self._locate() if self._locate is not None else self._url
        raw = raw_connection(url)
        try:
            await raw.connect()  # type: ignore[no-untyped-call]
        except (TimeoutError, RedisError, OSError) as error:
            raise StoreUnreachable(f"no store answers: {error}") from error
        self._raw = raw
        info, loaded = await self._exchange(raw, [("INFO", "server", "memory"), load_command()])
        try:
            self.run_id = _check(info)
            if isinstance(loaded, ResponseError) and "already exists" not in str(loaded):
                raise _unusable(loaded)
        except StoreError:
            await self._drop()
            raise
        return raw

    async def _exchange(self, raw: AbstractConnection, commands: Sequence[Command]) -> list[Any]:
        try:
            packed = [pack_command(command) for command in commands]  # type: ignore[arg-type]  # of any length
            await raw.send_packed_command(packed)
            replies = [await self._read(raw) for _ in commands]
            if self._locate is not None and any(_is_elsewhere(reply) for reply in replies):
                await self._drop()  # this is the primary no more: look for it before the next try
            return replies
        except asyncio.CancelledError:
            await self._drop()
            raise
        except (TimeoutError, RedisError, OSError) as error:
            await self._drop()
            raise StoreUnreachable(f"the store stopped answering: {error}") from error

    @staticmethod
    async def _read(raw: AbstractConnection) -> Any:
        try:
            return await raw.read_response()
        except ResponseError as error:
            return with_its_word(error)

    async def _drop(self, *, wait: bool = False) -> None:
        """A broken connection is not waited for; one that is closed in peace is, so that its socket is gone."""
        raw, self._raw = self._raw, None
        if raw is not None:
            await raw.disconnect(nowait=not wait)


@lru_cache(64)
def _pool(url: str) -> ConnectionPool:
    return ConnectionPool.from_url(
        url,
        protocol=2,
        decode_responses=True,
        socket_timeout=SOCKET_TIMEOUT_S,
        socket_connect_timeout=SOCKET_TIMEOUT_S,
        retry=Retry(NoBackoff(), 0),
    )


def raw_connection(url: str) -> AbstractConnection:
    """A connection of redis-py's, not connected yet: short time-outs, nothing retried."""
    made: AbstractConnection = _pool(url).make_connection()  # type: ignore[no-untyped-call]
    return made


def _is_elsewhere(reply: object) -> bool:
    return isinstance(reply, ResponseError) and str(reply).startswith(("READONLY", "MOVED", "ASK", "CLUSTERDOWN"))


def with_its_word(error: ResponseError) -> ResponseError:
    """The error as the server wrote it: redis-py takes the first word off those that it has a class for."""
    word = getattr(error, "status_code", None)
    return error if not word or str(error).startswith(str(word)) else ResponseError(f"{word} {error}")


def _unusable(error: ResponseError) -> StoreError:
    """LOADING, READONLY and the like pass by themselves; anything else needs a person."""
    word = str(error).split(" ", 1)[0]
    if word in ("LOADING", "READONLY", "MASTERDOWN", "CLUSTERDOWN", "NOREPLICAS", "BUSY", "MISCONF", "OOM"):
        return StoreUnreachable(f"the store is not ready: {error}")
    return StoreUnsuitable(f"the store refused the function library: {error}. Antrean needs Redis ≥ 7.0 or Valkey")


def _check(info: object) -> str:
    if isinstance(info, ResponseError):
        raise _unusable(info)
    lines = (line.partition(":") for line in str(info).splitlines() if ":" in line)
    facts = {name: value.strip() for name, _, value in lines}
    version = facts.get("redis_version", "0")
    if tuple(int(part) for part in version.split(".")[:2]) < OLDEST:
        raise StoreUnsuitable(f"the store is version {version}: Antrean needs Redis ≥ 7.0 or Valkey")
    policy = facts.get("maxmemory_policy", "noeviction")
    if facts.get("maxmemory", "0") != "0" and policy != "noeviction":
        raise StoreUnsuitable(
            f"the store may evict keys (maxmemory-policy {policy}) and would lose places: set it to noeviction"
        )
    return facts["run_id"]
