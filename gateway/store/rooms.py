"""The store as a whole: its connection, the lines of its rooms, and the tick that keeps them going."""

from __future__ import annotations

import asyncio
import contextlib
import secrets
import time
from collections.abc import Sequence
from typing import Any

from redis.exceptions import ResponseError

from gateway.domain.room import Knobs
from gateway.errors import InvalidKnob, StoreError
from gateway.logs import get_logger
from gateway.store.batching import Batcher
from gateway.store.functions import Command
from gateway.store.keys import room_key
from gateway.store.line import Line
from gateway.store.openings import reveal_command
from gateway.store.snapshots import DAY_OFFSET_MS
from gateway.store.topology import connection_for

TICK_EVERY_S = 0.25
REACHABLE_FOR_S = 1.5  # after the last answer: a few ticks
SETTLED_AFTER_S = 5.0  # of answers without a break: every worker that can has reserved its stamps

log = get_logger(__name__)


class Store:
    """One process's view of the store. A worker calls ``start``; a command or the desk need not.

    ``draw_keys``: the secret keys, for who may make a draw when it is due.
    ``worker`` is made new for each process, after the fork: two workers must never share join sequences.
    """

    def __init__(self, url: str, *, draw_keys: Sequence[str] = ()) -> None:
        self._draw_keys = draw_keys
        self.worker = secrets.token_hex(16)
        self.batcher = Batcher(self.execute)
        self.lines: dict[str, Line] = {}
        self._connection = connection_for(url)
        self._ticking: asyncio.Task[None] | None = None
        self._heard_at = self._back_at = float("-inf")
        self._reload = False
        self._said: str | None = None

    def run_id_of(self, room: str) -> str:
        """Of the server that holds ``room``, as learned on the present connection: '' before the first."""
        return self._connection.run_id_of(room)

    @property
    def reachable(self) -> bool:
        """Whether the store answered lately."""
        return time.monotonic() - self._heard_at < REACHABLE_FOR_S

    @property
    def is_settled(self) -> bool:
        """Whether the store has answered without a break for a while."""
        return self.reachable and time.monotonic() - self._back_at > SETTLED_AFTER_S

    @property
    def heard_s(self) -> float:
        """When the store last answered, by the monotonic clock."""
        return self._heard_at

    def line(
        self,
        room: str,
        defaults: Knobs | None = None,
        *,
        poll_max_s: int = 60,
        admits_alone: bool = False,
        day_offset_ms: int = DAY_OFFSET_MS,
    ) -> Line:
        """The line of ``room``; ``defaults`` are its knobs until an operator changes them.

        ``admits_alone``: this worker lets people in while it is cut off from the store.
        """
        if room not in self.lines:
            self.lines[room] = line = Line(
                self, room, defaults or Knobs(), poll_max_s, admits_alone=admits_alone, day_offset_ms=day_offset_ms
            )
            self.batcher.add(line)
        return self.lines[room]

    async def execute(self, commands: Sequence[Command]) -> list[Any]:
        """The reply to each command, errors among them. Raises StoreUnreachable, StoreUnsuitable."""
        replies = await self._connection.execute(commands)
        if not self.reachable:
            self._back_at = time.monotonic()
        self._heard_at = time.monotonic()
        return replies

    async def ping(self) -> None:
        """Raises StoreUnreachable, StoreUnsuitable."""
        await self.execute([("PING",)])

    async def start(self) -> None:
        """Tick from now on. Does not wait for the store: pages are served without it."""
        self._ticking = asyncio.create_task(self._tick_forever())

    async def close(self) -> None:
        if self._ticking is not None:
            self._ticking.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._ticking
            with contextlib.suppress(StoreError):
                await self.execute(
                    [("ZREM", room_key(line.room, "workers"), line.tick_name) for line in self.lines.values()]
                )
        await self.batcher.close()
        await self._connection.close()

    def trouble(self, reply: object) -> None:
        """An operation got this instead of a result: note what mends it."""
        if isinstance(reply, ResponseError) and "unction not found" in str(reply):
            self._reload = True

    async def _tick_forever(self) -> None:
        while True:
            began = time.monotonic()
            try:
                await self.tick()
                self._say(None)
            except StoreError as error:
                self._say(str(error))
            except Exception:
                # The loop that lets people in must not die of anything.
                log.exception("tick failed")
            await asyncio.sleep(max(0.01, TICK_EVERY_S - (time.monotonic() - began)))

    async def tick(self) -> None:
        """One tick of every line, and what mends them. Raises StoreUnreachable, StoreError."""
        if self._reload:
            await self._connection.reload()
            self._reload = False
        await self._connection.connect(list(self.lines))
        lines = list(self.lines.values())
        replies = await self.execute([line.tick_command() for line in lines])
        trouble: StoreError | None = None
        for line, reply in zip(lines, replies, strict=True):
            try:
                await self._take(line, reply)
            except StoreError as error:
                trouble = error
        if trouble is not None:
            raise trouble

    async def _take(self, line: Line, reply: Any) -> None:
        word = str(reply).split(" ", 1)[0] if isinstance(reply, ResponseError) else ""
        if word in ("MISSING", "RESTORE"):
            (reply,) = await self.execute([line.restore_command()])
            if reply == "restoring":
                return  # for a second, while all workers say what they know
            log.info("line opened", room=line.room, generation=line.accept(reply).generation)
        else:
            self.trouble(reply)
            line.accept(reply)
        await self._catch_up(line)
        await self._draw(line)

    async def _draw(self, line: Line) -> None:
        """Make the draw when it is due. Raises StoreError."""
        snapshot = line.snapshot
        if snapshot is None:
            return
        try:
            command = reveal_command(line.functions, snapshot, self.run_id_of(line.room), self._draw_keys)
        except InvalidKnob as error:
            raise StoreError(f"the draw of {line.room} cannot be made: {error}") from error
        if command is not None:
            await line.act(command)
            log.info("drawn", room=line.room)

    async def _catch_up(self, line: Line) -> None:
        """What an outage left: a join without an answer, then the stamps, each in the order in which they came."""
        left = [*line.retry_join(), *line.reserve_stamps()]
        if not left:
            return
        replies = await self.execute([command for command, _ in left])
        for (_, settle), reply in zip(left, replies, strict=True):
            settle(reply)
        self.batcher.wake()

    def _say(self, problem: str | None) -> None:
        """One log line when trouble begins, changes or ends, not four a second."""
        if problem == self._said:
            return
        self._said = problem
        if problem is None:
            log.info("store answers")
        else:
            log.warning("store trouble", problem=problem)


async def open_store(url: str) -> Store:
    """A store that answers, for a command or the desk. Raises StoreUnreachable, StoreUnsuitable."""
    store = Store(url)
    try:
        await store.ping()
    except StoreError:
        await store.close()
        raise
    return store
