"""The rooms as the desk sees them: read from the store when asked, never a worker of the line itself."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass
from typing import Any

from gateway.desk.problem import Refusal, refusal_of
from gateway.desk.views import live_view, room_view
from gateway.domain.room import Knobs, Snapshot
from gateway.errors import AntreanError, StoreUnreachable
from gateway.settings import RoomSettings, Settings
from gateway.store.line import Line
from gateway.store.rooms import Store, open_store
from gateway.store.watch import Vitals


@dataclass(frozen=True, slots=True)
class Reading:
    """One look at a room. After a failed look ``snapshot`` is the last one that worked, if any."""

    settings: RoomSettings
    snapshot: Snapshot | None
    problem: Refusal | None  # why there is no newer one
    age_s: float  # of the snapshot
    vitals: Vitals | None = None  # as old as the snapshot
    store_ms: float = 0.0  # how long the store took to answer

    @property
    def standstill_s(self) -> float:
        """For how long no worker has ticked, by the store's clock; on and on while the store does not answer."""
        if self.snapshot is None or not self.snapshot.tick_ms:
            return self.age_s
        return max(0, self.snapshot.now_ms - self.snapshot.tick_ms) / 1000 + self.age_s

    def view(self) -> dict[str, Any] | None:
        """As the API shows it; None when the room was never read."""
        if self.snapshot is None:
            return None
        view = room_view(self.snapshot, name=self.settings.name, standstill_s=self.standstill_s)
        live = None if self.vitals is None else live_view(self.snapshot, self.vitals, self.store_ms)
        return view | (live or {})


@dataclass(slots=True)
class _Watched:
    """What was seen of a room last, in this process's own time."""

    snapshot: Snapshot | None = None
    vitals: Vitals | None = None
    seen_s: float = 0.0
    store_ms: float = 0.0


class Rooms:
    """The configured rooms. Opens the store at first use, so that the desk starts without it."""

    def __init__(self, settings: Settings) -> None:
        self.settings = {room.id: room for room in settings.rooms}
        self._address = settings.store_address()
        self._store: Store | None = None
        self._opening = asyncio.Lock()
        self._watched = {room: _Watched() for room in self.settings}

    async def close(self) -> None:
        """Close the connection to the store."""
        if self._store is not None:
            await self._store.close()

    async def line(self, room: str) -> Line:
        """The room's line. Raises Refusal (404) for a room that is not configured, StoreError."""
        if room not in self.settings:
            raise Refusal(404, "no-such-room", f"there is no room '{room}': there are {', '.join(self.settings)}")
        settings = self.settings[room]
        return (await self._open()).line(room, first_knobs(settings), poll_max_s=settings.poll_max_s)

    async def ping(self) -> None:
        """Raises StoreError when the store does not answer."""
        await (await self._open()).ping()

    async def read(self, room: str) -> Reading:
        """Look at the room now. Trouble with the store is in the reading; an unknown room raises Refusal."""
        problem = None
        watched = self._watched.get(room, _Watched())
        try:
            await self._look(watched, await self.line(room))
        except Refusal:
            raise
        except AntreanError as error:
            problem = refusal_of(error)
        now_s = time.monotonic()
        seen = watched.snapshot is not None
        return Reading(
            settings=self.settings[room],
            snapshot=watched.snapshot,
            problem=problem,
            age_s=now_s - watched.seen_s if seen else 0.0,
            vitals=watched.vitals,
            store_ms=watched.store_ms,
        )

    async def read_all(self) -> list[Reading]:
        """Every room, in the order of the configuration."""
        return list(await asyncio.gather(*(self.read(room) for room in self.settings)))

    async def _look(self, watched: _Watched, line: Line) -> None:
        asked_s = time.monotonic()
        snapshot = await _refresh(line)
        store_ms = (time.monotonic() - asked_s) * 1000
        vitals = await line.watch.vitals()
        watched.snapshot, watched.vitals = snapshot, vitals
        watched.seen_s, watched.store_ms = time.monotonic(), store_ms

    async def _open(self) -> Store:
        async with self._opening:
            if self._store is None:
                self._store = await open_store(self._address)
            return self._store


async def _refresh(line: Line) -> Snapshot:
    """Asked once more when the connection had died since the last look: reading twice does no harm."""
    try:
        return await line.refresh()
    except StoreUnreachable:
        return await line.refresh()


def first_knobs(room: RoomSettings) -> Knobs:
    """The knobs that a room begins with; in the store they go their own way."""
    return Knobs(rate_per_minute=room.rate_per_minute, ceiling=room.ceiling)
