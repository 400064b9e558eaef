"""Where the store is: one address, the primary that Sentinels name, or the nodes of a Cluster.

``sentinel://[user:password@]host:port,host:port/name[/database]`` and
``cluster://[user:password@]host:port,host:port``. The credentials are the servers', not the Sentinels'.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from functools import partial
from typing import Any, Protocol
from urllib.parse import urlsplit

from redis.crc import key_slot
from redis.exceptions import RedisError

from gateway.errors import StoreUnreachable
from gateway.store.connection import Connection, raw_connection
from gateway.store.functions import Command, load_command
from gateway.store.keys import room_key


class Connecting(Protocol):
    """What the store layer needs, whatever the topology."""

    async def execute(self, commands: Sequence[Command]) -> list[Any]: ...
    async def connect(self, rooms: Sequence[str] = ()) -> None: ...
    async def reload(self) -> None: ...
    async def close(self) -> None: ...
    def run_id_of(self, room: str) -> str: ...


def connection_for(url: str) -> Connecting:
    """The connection that a store's URL asks for."""
    parts = urlsplit(url)
    login, _, hosts = parts.netloc.rpartition("@")
    seeds = [f"redis://{host}" for host in hosts.split(",")]
    prefix = f"{login}@" if login else ""
    if parts.scheme == "sentinel":
        name, _, database = parts.path.strip("/").partition("/")
        return Connection(url, partial(_primary, seeds, name, prefix, database or "0"))
    if parts.scheme == "cluster":
        return ClusterConnection([f"redis://{prefix}{host}" for host in hosts.split(",")], prefix)
    return Connection(url)


async def _primary(sentinels: Sequence[str], name: str, prefix: str, database: str) -> str:
    """The primary's URL, by the first Sentinel that knows one. Raises StoreUnreachable."""
    for sentinel in sentinels:
        try:
            found = await _ask(sentinel, ("SENTINEL", "GET-MASTER-ADDR-BY-NAME", name))
        except StoreUnreachable:
            continue
        if isinstance(found, list) and len(found) == 2:
            return f"redis://{prefix}{found[0]}:{found[1]}/{database}"
    raise StoreUnreachable(f"none of the Sentinels knows a primary for {name}")


class ClusterConnection:
    """Sends each command to the node that holds its room. While a node in use is away, so is the store."""

    def __init__(self, seeds: Sequence[str], prefix: str) -> None:
        self._seeds = list(seeds)
        self._prefix = prefix
        self._slots: list[tuple[int, int, str]] = []  # first, last, URL of the primary
        self._stale = True  # the slots may have moved: ask before the next try
        self._nodes: dict[str, Connection] = {}

    async def execute(self, commands: Sequence[Command]) -> list[Any]:
        """See Connection. Raises StoreUnreachable: some of the commands may have been executed."""
        await self._learn()
        places: dict[str, list[int]] = {}
        for index, command in enumerate(commands):
            places.setdefault(self._node_of(_key_of(command)), []).append(index)
        batches = [[commands[index] for index in indexes] for indexes in places.values()]
        answers = await asyncio.gather(*map(self._on_node, places, batches), return_exceptions=True)
        replies: list[Any] = [None] * len(commands)
        for indexes, answer in zip(places.values(), answers, strict=True):
            if isinstance(answer, BaseException):
                raise answer
            for index, reply in zip(indexes, answer, strict=True):
                replies[index] = reply
        return replies

    async def connect(self, rooms: Sequence[str] = ()) -> None:
        """To every node that holds one of ``rooms``. Raises StoreUnreachable, StoreUnsuitable."""
        await self._learn()
        for url in {self._node_of(room_key(room, "line")) for room in rooms}:
            try:
                await self._node(url).connect()
            except StoreUnreachable:
                self._stale = True
                raise

    async def reload(self) -> None:
        for node in self._nodes.values():
            await node.execute([load_command()])

    async def close(self) -> None:
        for node in self._nodes.values():
            await node.close()

    def run_id_of(self, room: str) -> str:
        """Of the node that holds ``room``: '' before the first connection to it."""
        if not self._slots:
            return ""
        return self._node(self._node_of(room_key(room, "line"))).run_id

    async def _on_node(self, url: str, commands: Sequence[Command]) -> list[Any]:
        try:
            replies = await self._node(url).execute(commands)
        except StoreUnreachable:
            self._stale = True  # a replica may have taken over
            raise
        if any(str(reply).startswith(("MOVED", "ASK", "CLUSTERDOWN", "READONLY")) for reply in replies):
            self._stale = True
        return replies

    def _node(self, url: str) -> Connection:
        return self._nodes.setdefault(url, Connection(url))

    def _node_of(self, key: str) -> str:
        if not key:
            return self._slots[0][2]
        slot = key_slot(key.encode())
        for first, last, url in self._slots:
            if first <= slot <= last:
                return url
        raise StoreUnreachable(f"no node of the cluster serves {key}")

    async def _learn(self) -> None:
        if not self._stale:
            return
        for seed in dict.fromkeys((*self._seeds, *self._nodes)):
            try:
                rows = await _ask(seed, ("CLUSTER", "SLOTS"))
            except StoreUnreachable:
                continue
            if isinstance(rows, list) and rows:
                self._slots = [(int(r[0]), int(r[1]), f"redis://{self._prefix}{r[2][0]}:{r[2][1]}") for r in rows]
                self._stale = False
                return
        raise StoreUnreachable("no node of the cluster answers")


async def _ask(url: str, command: Command) -> Any:
    """One question on a connection of its own. Raises StoreUnreachable."""
    raw = raw_connection(url)
    try:
        await raw.connect()  # type: ignore[no-untyped-call]
        await raw.send_command(*command)
        return await raw.read_response()
    except (TimeoutError, RedisError, OSError) as error:
        raise StoreUnreachable(f"no answer from {urlsplit(url).hostname}: {error}") from error
    finally:
        await raw.disconnect(nowait=True)


def _key_of(command: Command) -> str:
    """The first key of a command of ours; '' for one that has none."""
    if command[0] in ("FCALL", "FCALL_RO"):
        return str(command[3])
    return str(command[1]) if command[0] in ("HGETALL", "LRANGE", "ZREM") else ""
