"""One room's line, as the rest of the gateway calls it.

Joins, check-ins and touches of all visitors wait here until the batcher takes them; each gets its own answer.
"""

from __future__ import annotations

import asyncio
import json
import secrets
import time
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import partial
from typing import TYPE_CHECKING, Any

from redis.exceptions import ResponseError

from gateway.domain.room import Knobs, Snapshot
from gateway.errors import (
    InvalidKnob,
    LineClosed,
    RoomMissing,
    StaleRevision,
    StoreError,
    StoreUnreachable,
    StoreUnsuitable,
)
from gateway.store.batching import Settle
from gateway.store.functions import Command, Functions
from gateway.store.keys import room_key
from gateway.store.knobs import knob_pairs
from gateway.store.patience import Patience
from gateway.store.snapshots import DAY_OFFSET_MS, known_json, parse_snapshot
from gateway.store.stamps import Block, Stamps
from gateway.store.waits import Waits
from gateway.store.watch import RoomWatch

if TYPE_CHECKING:
    from gateway.store.rooms import Store

BATCH_MOST = 500  # visitors in one call: the store serves nobody else while it runs, so a few milliseconds at most
ANSWER_WITHIN_S = 2.0  # a join whose store is away waits no longer: the page says so and asks again
PASS_HELD = -1  # in place of a device: who holds a pass was let in
LAST_DEVICE = 10**9  # whichever device has the place now
MOVED_BEFORE, NOT_MOVABLE, MOVE_ENDED = 0, -1, -2


class State(StrEnum):
    """What a ticket is, at this moment."""

    WAITING = "waiting"
    CALLED = "called"
    ADMITTED = "admitted"
    LATE = "late"
    FINISHED = "finished"
    EXPIRED = "expired"
    WITHDRAWN = "withdrawn"
    CLOSED = "closed"
    MOVED = "moved"  # another device has taken the place along
    UNKNOWN = "unknown"  # genuine, but of a number that this line never gave out: join anew


_STATES = {state.value: state for state in State}  # a third of the time of State(value)


@dataclass(frozen=True, slots=True)
class Joined:
    """A number, just given out."""

    number: int
    instance: str
    generation: int
    admitted: bool  # the empty-line path: sign a pass at once


@dataclass(frozen=True, slots=True)
class _JoinCall:
    """A join in flight. The same sequence is asked again until an answer comes: it gets the same numbers."""

    sequence: int
    waiters: list[asyncio.Future[Joined]]


class Line:
    """The operations of one room. ``snapshot`` is kept fresh by the tick once the store was started."""

    def __init__(
        self,
        store: Store,
        room: str,
        defaults: Knobs,
        poll_max_s: int,
        *,
        admits_alone: bool = False,
        day_offset_ms: int = DAY_OFFSET_MS,
    ) -> None:
        self.room = room
        self.tick_name = store.worker + (":admit" if admits_alone else "")
        self.snapshot: Snapshot | None = None
        self.in_flight = 0  # requests of this process that are with the origin now
        self.functions = Functions(room)
        self.watch = RoomWatch(store, room)
        self.waits = Waits(self.count)
        self._store = store
        self._defaults = defaults
        self._poll_max_s = poll_max_s
        self._day_offset_ms = day_offset_ms
        self._join_waiters: list[asyncio.Future[Joined]] = []
        self._join_call: _JoinCall | None = None
        self._patience = Patience(ANSWER_WITHIN_S, StoreUnreachable("the store gave no number in time"))
        self._sequence = 0
        self._stamps = Stamps(store.worker)
        self._highest = 0  # number handed out by this worker, of this instance
        self._waiting: dict[tuple[str, str], list[tuple[tuple[int | str, ...], asyncio.Future[Any]]]] = {}
        self._counts: Counter[str] = Counter()

    @property
    def reachable(self) -> bool:
        """Whether the store answered lately."""
        return self._store.reachable

    @property
    def asking(self) -> int:
        """Visitors of this worker who wait for the store's answer or their turn to ask."""
        joining = len(self._join_call.waiters) if self._join_call is not None else 0
        return joining + len(self._join_waiters) + sum(map(len, self._waiting.values()))

    @property
    def heard_s(self) -> float:
        """When the store last answered, by the monotonic clock."""
        return self._store.heard_s

    # What visitors do ---------------------------------------------------------------------------------------

    async def join(self) -> Joined:
        """Take the next number. Raises StoreUnreachable, LineClosed."""
        future: asyncio.Future[Joined] = asyncio.get_running_loop().create_future()
        self._join_waiters.append(future)
        self._patience.watch(future)
        self._store.batcher.wake()
        return await future

    def stamp(self) -> tuple[str, str, int]:
        """A place for somebody who comes while the store is away: line ('' if unknown), block, index."""
        instance = "" if self.snapshot is None else self.snapshot.instance
        return instance, *self._stamps.give(instance)

    async def redeem(self, block: str, index: int) -> int:
        """The number of a stamp, the same however often it is asked for.

        Raises StoreUnreachable (also while its worker is still to reserve it), LineClosed.
        """
        answer = int(await self._ask("redeem", block, index, int(self._store.is_settled)))
        if answer < 0:
            raise LineClosed("closed")
        if answer == 0:
            raise StoreUnreachable("the number of this stamp is still to come")
        self._highest = max(self._highest, answer)
        return answer

    async def check_in(
        self, number: int, *, returning: bool = False, device: int = 0, joined_s: float | None = None
    ) -> State:
        """Mark present, and claim an offer if there is one.

        ``returning``: the visitor holds a pass within its hard limit. ``device``: the ticket's. ``joined_s``: wall
        time of the ticket, for the record of told waits. An admission may take a second or two to come: it is told
        at its place in the rate. Raises StoreUnreachable.
        """
        answer = await self._ask("check_in", number, PASS_HELD if returning else device, place_of=number)
        known = _STATES.get(answer)
        if known is not None:
            return known
        state, wait_ms, *claim = answer.split(" ")
        if claim and joined_s is not None:
            entering_s = time.time() + int(wait_ms) / 1000
            self.waits.claimed(self._position(number), joined_s, entering_s, late=claim == ["late"])
        if wait_ms != "0":
            await asyncio.sleep(int(wait_ms) / 1000)
        return _STATES[state]

    async def look(self, number: int, *, returning: bool = False, device: int = LAST_DEVICE) -> State:
        """The same answer without marking or claiming. Raises StoreUnreachable."""
        return _STATES[await self._ask("look", number, PASS_HELD if returning else device, place_of=number)]

    async def move(self, number: int, device: int, claim: str) -> int:
        """Give the place to the next device: its count, or one of MOVED_BEFORE, NOT_MOVABLE, MOVE_ENDED.

        ``device``: who has it so far; ``claim``: a random word of who takes it, the same however often it asks.
        Raises StoreUnreachable.
        """
        return int(await self._ask("move", number, device, claim, place_of=number))

    async def touch(self, number: int) -> bool:
        """The pass was used: extend its lease. False: finished or withdrawn, refuse it.

        Raises StoreUnreachable.
        """
        return bool(await self._ask("touch", number))

    async def finish(self, number: int) -> None:
        """The visitor is done: free the place inside. Raises StoreUnreachable."""
        await self._ask("finish", number)

    async def leave(self, number: int) -> None:
        """The place is given up, by the visitor or an operator. Raises StoreUnreachable."""
        await self._ask("leave", number, place_of=number)

    async def reinstate(self, number: int) -> None:
        """An operator gives the place back. Raises StoreUnreachable."""
        await self._ask("reinstate", number, place_of=number)

    def count(self, metric: str, amount: float = 1) -> None:
        """Add to a counter that all workers share; it travels with the next tick."""
        self._counts[metric] += amount  # type: ignore[assignment]  # Counter is typed for int, adds floats as well

    # What operators do --------------------------------------------------------------------------------------

    async def refresh(self) -> Snapshot:
        """Read the line once, without being one of its workers. Raises RoomMissing, StoreUnreachable."""
        (reply,) = await self._store.execute([self.functions.read(0)])
        return self.accept(reply)

    async def set_knobs(
        self,
        changes: Mapping[str, object],
        *,
        actor: str,
        why: str = "",
        expected_revision: int | None = None,
    ) -> Snapshot:
        """Change knobs, by the names of Knobs' fields, and write an audit entry.

        Raises InvalidKnob, StaleRevision (the room is not at ``expected_revision``), RoomMissing,
        StoreUnreachable.
        """
        pairs = knob_pairs(changes)
        revision = -1 if expected_revision is None else expected_revision
        (reply,) = await self._store.execute([self.functions.set_knobs(0, revision, actor, why, *pairs)])
        return self.accept(reply)

    async def new_line(self, *, actor: str, why: str = "") -> Snapshot:
        """Begin again with number 1. Raises RoomMissing, StoreUnreachable."""
        (reply,) = await self._store.execute([self.functions.new_line(0, secrets.token_hex(8), actor, why)])
        return self.accept(reply)

    async def act(self, command: Command) -> Snapshot:
        """One of an operator's commands that answers with a snapshot. Raises as ``set_knobs``."""
        (reply,) = await self._store.execute([command])
        return self.accept(reply)

    async def note(
        self,
        action: str,
        *,
        actor: str,
        why: str = "",
        before: Mapping[str, object] | None = None,
        after: Mapping[str, object] | None = None,
    ) -> None:
        """Keep in the audit what was done without changing a knob. Raises RoomMissing, StoreUnreachable."""
        entry = json.dumps({"action": action, "before": before or {}, "after": after or {}}, ensure_ascii=False)
        (reply,) = await self._store.execute([self.functions.note(0, actor, why, entry)])
        _result(reply)

    async def audit(self, most: int = 50) -> list[dict[str, Any]]:
        """The operator's changes, newest first: revision, at_ms, actor, why, changes {knob: [from, to]}."""
        return [json.loads(entry) for entry in await self._read_list("audit", 0, most - 1)]

    async def samples(self, most: int = 10_000) -> list[tuple[float, ...]]:
        """A row every ten seconds, oldest first; the columns are SAMPLE_COLUMNS."""
        return [tuple(map(float, row.split())) for row in await self._read_list("samples", -most, -1)]

    async def log(self, number: int, most: int = 20_000) -> list[tuple[int, str]]:
        """What happened to a number at the front, newest first: wall time in ms, and one word."""
        rows = [row.split() for row in await self._read_list("log", 0, most - 1)]
        return [(int(at_ms), what) for at_ms, what, whose in rows if int(whose) == number]

    async def counters(self) -> dict[str, float]:
        """What all workers counted, summed."""
        (flat,) = await self._store.execute([("HGETALL", room_key(self.room, "metrics"))])
        flat = _result(flat)
        return {name: float(amount) for name, amount in zip(flat[::2], flat[1::2], strict=True)}

    async def _read_list(self, name: str, first: int, last: int) -> list[str]:
        (rows,) = await self._store.execute([("LRANGE", room_key(self.room, name), first, last)])
        rows = _result(rows)
        if not isinstance(rows, list):
            raise StoreError(f"the store answered {rows!r:.200} where a list was expected")
        return rows

    # What the store does for us -----------------------------------------------------------------------------

    def accept(self, reply: object) -> Snapshot:
        """Keep the snapshot in a reply. Raises what an error reply stands for."""
        snapshot = parse_snapshot(self.room, _result(reply))
        before = self.snapshot
        if before is not None and snapshot.instance != before.instance:
            self._highest = 0
            self._stamps.forget()
        elif before is not None and snapshot.generation != before.generation:
            self._stamps.say_again()
        self.snapshot = snapshot
        self._store.batcher.wake()  # for what waited until the server was known
        return snapshot

    def tick_command(self) -> Command:
        """The tick, with what was counted since the last one."""
        counts, self._counts = self._counts, Counter()
        flat = [part for pair in counts.items() for part in pair]
        return self.functions.tick(0, self._store.run_id_of(self.room), self.tick_name, *flat)

    def restore_command(self) -> Command:
        """What this worker knows of the line, for a store that lost it or never had it."""
        known = known_json(
            self.snapshot,
            issued=self._highest,
            instance=secrets.token_hex(8),
            defaults=self._defaults,
            poll_max_s=self._poll_max_s,
            day_offset_ms=self._day_offset_ms,
        )
        return self.functions.restore(0, self._store.run_id_of(self.room), known)

    def drain(self) -> list[tuple[Command, Settle]]:
        """For the batcher: what waits, in one call for each kind."""
        batch: list[tuple[Command, Settle]] = []
        run_id = self._store.run_id_of(self.room)
        if not run_id:
            return []  # nobody asked the server yet who it is: it may be the wrong one to write to
        if self._join_call is None and self._join_waiters and not self._stamps.waiting:
            self._sequence += 1
            self._join_call = _JoinCall(self._sequence, self._join_waiters)
            self._join_waiters = []
            batch.append(self._join_command(run_id))
        for (kind, instance), entries in list(self._waiting.items()):
            taken, rest = entries[:BATCH_MOST], entries[BATCH_MOST:]
            if rest:
                self._waiting[kind, instance] = rest
            else:
                del self._waiting[kind, instance]
            flat = [part for arguments, _ in taken for part in arguments]
            call = getattr(self.functions, kind)
            batch.append((call(0, run_id, instance, *flat), partial(self._settle, taken)))
        return batch

    def retry_join(self) -> list[tuple[Command, Settle]]:
        """The join that got no answer, once more with its sequence; nobody waits any longer: let it go."""
        if self._join_call is None:
            return []
        if all(waiter.done() for waiter in self._join_call.waiters):
            self._join_call = None
            return []
        return [self._join_command(self._store.run_id_of(self.room))]

    def reserve_stamps(self) -> list[tuple[Command, Settle]]:
        """The blocks of stamps that have no numbers yet. This worker's next join waits for them."""
        run_id = self._store.run_id_of(self.room)
        return [
            (
                self.functions.reserve(0, run_id, block.instance, block.name, block.count, block.first),
                partial(self._settle_block, block),
            )
            for block in self._stamps.due()
        ]

    def _settle_block(self, block: Block, reply: Any) -> None:
        if isinstance(reply, Exception):
            if str(reply).startswith(("CLOSED", "OTHERLINE")):
                self._stamps.refused(block)
            else:
                self._store.trouble(reply)  # asked again at the next tick
            return
        first = int(reply[1])
        self._highest = max(self._highest, first + block.count - 1)
        self._stamps.reserved(block, first)

    def _join_command(self, run_id: str) -> tuple[Command, Settle]:
        call = self._join_call
        assert call is not None
        command = self.functions.join(0, run_id, self._store.worker, call.sequence, len(call.waiters))
        return command, partial(self._settle_join, call)

    def _settle_join(self, call: _JoinCall, reply: Any) -> None:
        if self._join_call is not call:
            return  # answered by an earlier try
        if isinstance(reply, StoreUnreachable) or _not_executed(reply):
            self._store.trouble(reply)
            return  # asked again, with the same sequence, when the store is back
        self._join_call = None
        if isinstance(reply, Exception):
            for waiter in call.waiters:
                _fail(waiter, _error(reply))
            return
        instance, generation, first, count, admitted = reply
        self._highest = max(self._highest, int(first) + int(count) - 1)
        for index, waiter in enumerate(call.waiters):
            if not waiter.done():
                number = int(first) + index
                waiter.set_result(Joined(number, instance, int(generation), index < int(admitted)))

    def _settle(self, taken: list[tuple[tuple[int | str, ...], asyncio.Future[Any]]], reply: Any) -> None:
        if isinstance(reply, Exception):
            self._store.trouble(reply)
            for _, future in taken:
                _fail(future, _error(reply))
            return
        answers = reply if isinstance(reply, list) else [reply] * len(taken)
        for (_, future), answer in zip(taken, answers, strict=False):
            if not future.done():
                future.set_result(answer)

    async def _ask(self, kind: str, *arguments: int | str, place_of: int | None = None) -> Any:
        try:
            return await self._submit(kind, arguments, place_of)
        except StoreUnreachable:
            # One reply that was late or lost is no outage, and all of these may be asked twice.
            if not self._store.reachable:
                raise
        return await self._submit(kind, arguments, place_of)

    def _submit(self, kind: str, arguments: tuple[int | str, ...], place_of: int | None) -> asyncio.Future[Any]:
        future: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        # Place and order by the same snapshot: between two tries the draw may have been made.
        order = "" if self.snapshot is None else self.snapshot.order
        if place_of is not None:
            arguments = (self._position(place_of), *arguments)
        key = kind, order
        if key in self._waiting:
            self._waiting[key].append((arguments, future))
        else:
            self._waiting[key] = [(arguments, future)]
        self._store.batcher.wake()
        return future

    def _position(self, number: int) -> int:
        return number if self.snapshot is None else self.snapshot.position(number)


def _result(reply: Any) -> Any:
    if isinstance(reply, Exception):
        raise _error(reply)
    return reply


def _fail(future: asyncio.Future[Any], error: Exception) -> None:
    if not future.done():
        future.set_exception(error)


def _not_executed(reply: Any) -> bool:
    return isinstance(reply, ResponseError) and isinstance(_error(reply), StoreUnreachable)


def _error(reply: Exception) -> Exception:
    """The exception that an error reply stands for. Those that say *not executed* may be asked again."""
    if not isinstance(reply, ResponseError):
        return reply
    text = str(reply)
    match text.split(" ", 1)[0]:
        case "MISSING":
            return RoomMissing("the room is not in the store: start the gateway once, it opens its rooms")
        case "CLOSED":
            return LineClosed(text.removeprefix("CLOSED "))
        case "REFUSED":
            return InvalidKnob(text.removeprefix("REFUSED "))
        case "CONFLICT":
            return StaleRevision(int(text.removeprefix("CONFLICT ")))
        case "RESTORE" | "OTHERLINE":
            return StoreUnreachable("the line has just changed")
        case (
            "MOVED"
            | "ASK"
            | "TRYAGAIN"
            | "LOADING"
            | "READONLY"
            | "CLUSTERDOWN"
            | "MASTERDOWN"
            | "BUSY"
            | "OOM"
            | "MISCONF"
        ):
            return StoreUnreachable(f"the store is not ready: {text}")
        case "SCHEMA":
            return StoreUnsuitable(
                "the line in the store was written by another version of Antrean: run that one, or give this one "
                "another store or state folder"
            )
    if "unction not found" in text:
        return StoreUnreachable("the function library is being loaded")
    return StoreError(f"the store refused: {text}")


SAMPLE_COLUMNS = (
    "now_ms", "vt_ms", "issued", "called", "serving", "claimed", "inside", "late", "present", "passed",
    "rate_per_minute", "ceiling", "finished", "lapsed", "late_returns",
)  # fmt: skip
