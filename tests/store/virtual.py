"""A line in virtual time, on the real function library; and a crowd that obeys the page's law."""

from __future__ import annotations

import heapq
import json
import random
from collections.abc import Iterable
from typing import Any

import redis

from gateway.domain.room import Knobs, Snapshot
from gateway.store.functions import LIBRARY, Command, Functions
from gateway.store.keys import room_key
from gateway.store.snapshots import known_json, parse_snapshot

TICK_MS = 250


_STATE = """
local s = cmsgpack.unpack(redis.call('GET', KEYS[1]))
for i = 1, #ARGV, 2 do s[ARGV[i]] = tonumber(ARGV[i + 1]) or ARGV[i + 1] end
redis.call('SET', KEYS[1], cmsgpack.pack(s))
return cjson.encode(s)
"""


class VirtualLine:
    """One room. ``now_ms`` moves only when a test moves it."""

    def __init__(self, client: redis.Redis, knobs: Knobs | None = None, *, poll_max_s: int = 60) -> None:
        self.client = client
        self.now_ms = 1_800_000_000_000
        self.run_id = "first"
        self.knobs = knobs or Knobs()
        self.poll_max_s = poll_max_s
        self.functions = Functions("room")
        self.library = LIBRARY
        self._sequence = 0
        self.waits_ms: dict[int, int] = {}
        self.claimed: dict[int, str] = {}  # number -> on-time or late, as its first admission was told
        client.function_load(self.library, replace=True)
        self.snapshot = self.restore()

    def call(self, command: Command) -> Any:
        return self.client.execute_command(*command)

    def restore(self, known: Snapshot | None = None, *, issued: int = 0) -> Snapshot:
        """What a worker with this knowledge does until the room is open again."""
        told = known_json(known, issued=issued, instance="fresh", defaults=self.knobs, poll_max_s=self.poll_max_s)
        while (reply := self.call(self.functions.restore(self.now_ms, self.run_id, told))) == "restoring":
            self.now_ms += TICK_MS
        self.snapshot = parse_snapshot("room", reply)
        return self.snapshot

    def state(self, **changes: float | str) -> dict[str, Any]:
        """What the store keeps of the line itself, and with ``changes`` made to it."""
        pairs = [text for pair in changes.items() for text in pair]
        kept: dict[str, Any] = json.loads(self.client.eval(_STATE, 1, room_key("room", "line"), *pairs))
        return kept

    def tick(self, after_ms: int = TICK_MS) -> Snapshot:
        self.now_ms += after_ms
        self.snapshot = parse_snapshot("room", self.call(self.functions.tick(self.now_ms, self.run_id, "w")))
        return self.snapshot

    def tick_for(self, seconds: float) -> Snapshot:
        for _ in range(int(seconds * 1000 / TICK_MS)):
            self.tick()
        return self.snapshot

    def join(self, count: int = 1, *, worker: str = "w", sequence: int | None = None) -> tuple[int, int]:
        """(first number, how many went straight in)."""
        if sequence is None:
            self._sequence += 1
            sequence = self._sequence
        reply = self.call(self.functions.join(self.now_ms, self.run_id, worker, sequence, count))
        return int(reply[2]), int(reply[4])

    def check_in(self, *numbers: int, returning: bool = False, device: int = 0) -> list[str]:
        """The states; when each admission counts, in ms from now, is in ``waits_ms``."""
        states: list[str] = []
        for first in range(0, len(numbers), 500):
            place = self.snapshot.position
            flat = [
                part for n in numbers[first : first + 500] for part in (place(n), n, -1 if returning else device)
            ]
            states += self.call(self.functions.check_in(self.now_ms, self.run_id, self.snapshot.order, *flat))
        pairs = [state.partition(" ") for state in states]
        admitted = {n: more.partition(" ") for n, (_, _, more) in zip(numbers, pairs, strict=True)}
        self.waits_ms = {n: int(wait or 0) for n, (wait, _, _) in admitted.items()}
        self.claimed |= {n: claim for n, (_, _, claim) in admitted.items() if claim}
        return [state for state, _, _ in pairs]

    def look(self, number: int, *, returning: bool = False, device: int = 0) -> str:
        place, bearer = self.snapshot.position(number), -1 if returning else device
        command = self.functions.look(self.now_ms, self.run_id, self.snapshot.order, place, number, bearer)
        return str(self.call(command)[0])

    def move(self, number: int, device: int, claim: str) -> int:
        place = self.snapshot.position(number)
        order = self.snapshot.order
        return int(
            self.call(self.functions.move(self.now_ms, self.run_id, order, place, number, device, claim))[0]
        )

    def touch(self, *numbers: int) -> list[int]:
        answer: list[int] = self.call(
            self.functions.touch(self.now_ms, self.run_id, self.snapshot.order, *numbers)
        )
        return answer

    def finish(self, *numbers: int) -> int:
        return int(self.call(self.functions.finish(self.now_ms, self.run_id, self.snapshot.order, *numbers)))

    def leave(self, number: int) -> int:
        return int(
            self.call(
                self.functions.leave(
                    self.now_ms, self.run_id, self.snapshot.order, self.snapshot.position(number), number
                )
            )
        )

    def set(self, **changes: Any) -> Snapshot:
        names = {"rate_per_minute": "rate"}
        pairs = [part for name, value in changes.items() for part in (names.get(name, name), value)]
        reply = self.call(self.functions.set_knobs(self.now_ms, -1, "test", "", *pairs))
        self.snapshot = parse_snapshot("room", reply)
        return self.snapshot


class Crowd:
    """Visitors who follow the page's law: the pulse until they are called, then check-ins, then a visit.

    ``slowest``: everyone polls at ``poll_max``, the hardest case for whoever must not be passed over.
    """

    def __init__(
        self, line: VirtualLine, *, seed: int = 1, visit_s: float = 0, uses_pass: bool = True, slowest: bool = True
    ) -> None:
        self.line = line
        self._slowest = slowest
        self.random = random.Random(seed)
        self.claims: list[tuple[int, int]] = []  # (time in ms, number)
        self.wronged: list[int] = []  # told they were late though they had always obeyed
        self.states: dict[int, str] = {}
        self._due: list[tuple[int, int]] = []
        self._every_ms: dict[int, int] = {}
        self._visit_s = visit_s
        self._uses_pass = uses_pass
        self._leaving: list[tuple[int, int]] = []

    def arrive(self, count: int, *, hidden_share: float = 0.0, stay: float = 1.0) -> range:
        """``count`` join now; a share wakes once a minute; a share stays, the others are never seen again."""
        first, straight_in = self.line.join(count)
        for number in range(first, first + count):
            if number < first + straight_in:
                self._admitted(number)
            elif self.random.random() < stay:
                self.follow(number, hidden=self.random.random() < hidden_share)
        return range(first, first + count)

    def follow(self, number: int, *, hidden: bool = False) -> None:
        self._every_ms[number] = 60_000 if hidden else 10_000
        heapq.heappush(self._due, (self.line.now_ms + self._poll_ms(number), number))

    def silence(self, numbers: Iterable[int]) -> None:
        for number in numbers:
            self._every_ms.pop(number, None)

    def run(self, seconds: float, *, can_reach: bool = True) -> None:
        for _ in range(int(seconds * 1000 / TICK_MS)):
            if can_reach:
                self.line.tick()
                self._finish_visits()
                self._wake()
            else:
                self.line.now_ms += TICK_MS  # nobody reaches the store, not even the workers

    def store_clock_steps(self, step_ms: int) -> None:
        """The clock that the store and its workers read is set; nobody's own patience knows of it."""
        self.line.now_ms += step_ms
        self._due = [(at_ms + step_ms, number) for at_ms, number in self._due]
        self._leaving = [(at_ms + step_ms, number) for at_ms, number in self._leaving]

    def _wake(self) -> None:
        called, asking = self.line.snapshot.called, []
        while self._due and self._due[0][0] <= self.line.now_ms:
            number = heapq.heappop(self._due)[1]
            if number not in self._every_ms:
                continue
            if self.line.snapshot.position(number) <= called:
                asking.append(number)
            else:
                heapq.heappush(self._due, (self.line.now_ms + self._poll_ms(number), number))
        self.line.waits_ms = {}
        for number, state in zip(asking, self.line.check_in(*asking), strict=True):
            self._answered(number, state)

    def _answered(self, number: int, state: str) -> None:
        self.states[number] = state
        if state == "admitted":
            self._admitted(number)
            return
        if state == "late":
            self.wronged.append(number)
        wait_ms = min(2000, self._every_ms[number]) if self._offered(number, state) else self._every_ms[number]
        heapq.heappush(self._due, (self.line.now_ms + wait_ms, number))

    def _offered(self, number: int, state: str) -> bool:
        place = self.line.snapshot.position(number)
        return state == "called" and place <= self.line.snapshot.serving and self._every_ms[number] == 10_000

    def _admitted(self, number: int) -> None:
        self.claims.append((self.line.now_ms + self.line.waits_ms.get(number, 0), number))
        self._every_ms.pop(number, None)
        if self._uses_pass:
            self.line.touch(number)
            heapq.heappush(self._leaving, (self.line.now_ms + int(self._visit_s * 1000), number))

    def _finish_visits(self) -> None:
        done = []
        while self._leaving and self._leaving[0][0] <= self.line.now_ms:
            done.append(heapq.heappop(self._leaving)[1])
        if done:
            self.line.finish(*done)

    def _poll_ms(self, number: int) -> int:
        wait_s = (
            (self.line.snapshot.position(number) - self.line.snapshot.serving)
            * 60
            / max(1, self.line.snapshot.knobs.rate_per_minute)
        )
        poll_s = self.line.poll_max_s if self._slowest else min(max(2, wait_s / 10), self.line.poll_max_s)
        return int(poll_s * 1000 * self.random.uniform(0.8, 1.2))


def worst_excess(claims: list[tuple[int, int]], rate_per_minute: float) -> float:
    """The most by which any window of claims exceeds rate x t plus one second's worth (at least one visitor).

    One pass: the excess of a window that ends at claim j is the largest over all starts before it.
    """
    rate_per_ms, depth = rate_per_minute / 60_000, max(1.0, rate_per_minute / 60)
    worst, best_start = float("-inf"), float("inf")
    for index, (at_ms, _) in enumerate(sorted(claims)):
        best_start = min(best_start, index - rate_per_ms * at_ms)
        worst = max(worst, index + 1 - rate_per_ms * at_ms - best_start - depth)
    return worst


def delivered(claims: list[tuple[int, int]], from_ms: int, until_ms: int) -> int:
    return sum(from_ms <= at_ms < until_ms for at_ms, _ in claims)
