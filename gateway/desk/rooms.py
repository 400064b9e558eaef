"""The rooms as the desk sees them: read from the store when asked, never a worker of the line itself."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass, field

from gateway.desk.problem import Refusal, refusal_of
from gateway.domain.room import Knobs, Snapshot
from gateway.errors import AntreanError
from gateway.settings import RoomSettings, Settings
from gateway.store.line import Line
from gateway.store.rooms import Store, open_store


@dataclass(frozen=True, slots=True)
class Reading:
    """One look at a room. After a failed look ``snapshot`` is the last one that worked, if any."""

    settings: RoomSettings
    snapshot: Snapshot | None
    problem: Refusal | None  # why there is no newer one
    age_s: float  # of the snapshot
    standstill_s: float  # for how long room time has not moved: nobody ticks

    @property
    def seconds_since_last_release(self) -> float | None:
        """With people present. Room time stands still while no worker ticks, so that time is added here:
        workers that all hang at once must not look like a release a moment ago."""
        if self.snapshot is None:
            return None
        return self.snapshot.since_release_ms / 1000 + self.standstill_s


@dataclass(slots=True)
class _Watched:
    """What was seen of a room last, in this process's own time."""

    snapshot: Snapshot | None = None
    seen_s: float = 0.0
    moved_s: float = 0.0  # when room time was last seen to move
    lines: dict[str, Line] = field(default_factory=dict)


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
        watched = self._watched[room]
        if room not in watched.lines:
            settings = self.settings[room]
            store = await self._open()
            watched.lines[room] = store.line(room, first_knobs(settings), poll_max_s=settings.poll_max_s)
        return watched.lines[room]

    async def ping(self) -> None:
        """Raises StoreError when the store does not answer."""
        await (await self._open()).ping()

    async def read(self, room: str) -> Reading:
        """Look at the room now. Trouble with the store is in the reading; an unknown room raises Refusal."""
        problem = None
        watched = self._watched.get(room, _Watched())
        try:
            line = await self.line(room)
            self._saw(watched, await line.refresh())
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
            standstill_s=now_s - watched.moved_s if seen else 0.0,
        )

    async def read_all(self) -> list[Reading]:
        """Every room, in the order of the configuration."""
        return list(await asyncio.gather(*(self.read(room) for room in self.settings)))

    async def snapshot(self, room: str) -> Snapshot:
        """A fresh one. Raises Refusal, StoreError."""
        snapshot = await (await self.line(room)).refresh()
        self._saw(self._watched[room], snapshot)
        return snapshot

    def _saw(self, watched: _Watched, snapshot: Snapshot) -> None:
        now_s = time.monotonic()
        before = watched.snapshot
        if before is None or snapshot.vt_ms != before.vt_ms or snapshot.instance != before.instance:
            watched.moved_s = now_s
        watched.snapshot, watched.seen_s = snapshot, now_s

    async def _open(self) -> Store:
        async with self._opening:
            if self._store is None:
                self._store = await open_store(self._address)
            return self._store


def first_knobs(room: RoomSettings) -> Knobs:
    """The knobs that a room begins with; in the store they go their own way."""
    return Knobs(rate_per_minute=room.rate_per_minute, ceiling=room.ceiling)


