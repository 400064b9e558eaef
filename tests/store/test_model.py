"""Whatever happens in whatever order: the function library against a model that remembers everything.

Hypothesis invents the order of events and shrinks one that breaks a promise to its shortest form. Here it tries
3,600 events; ``ANTREAN_MODEL_EXAMPLES=2000 make test ARGS=tests/store/test_model.py`` tries 120,000, others
each time.
"""

from __future__ import annotations

import copy
import os
from dataclasses import asdict, replace
from typing import Any

import pytest
import redis
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from gateway.domain.room import Knobs, Snapshot
from gateway.store.functions import Command
from gateway.store.snapshots import parse_snapshot
from tests.store.virtual import VirtualLine, worst_excess

OFFER_MS, UNUSED_MS, IDLE_MS, WINDOW_MS = 150_000, 180_000, 1_200_000, 75_000
HEAR_MS = 1.2 * 60_000 + 10_000  # G: from being called to having been able to answer
OFFERS, INSIDE = ("offers", "offers:late"), ("claimed", "leases")
PICK = st.integers(0, 10_000)


class Model:
    """The line as somebody would keep it who remembers everything and does nothing himself."""

    def __init__(self, vt_ms: int, now_ms: int) -> None:
        self.vt_ms, self.seen_ms = vt_ms, now_ms
        self.seen: dict[int, int] = {}  # number -> the presence window in which it was last seen
        self.offers: dict[int, int] = {}  # number -> when the offer lapses
        self.claimed: dict[int, int] = {}  # number -> when an unused admission lapses
        self.leases: dict[int, int] = {}
        self.late: set[int] = set()  # in the late lane
        self.spent: set[int] = set()
        self.ended: set[int] = set()  # finished, or gave the place up
        self.calls: list[tuple[int, int]] = []  # (when, called so far), since the last grace

    def pass_time(self, now_ms: int) -> None:
        self.vt_ms += min(max(now_ms - self.seen_ms, 0), 1000)
        self.seen_ms = now_ms

    def is_present(self, number: int) -> bool:
        return self.seen.get(number, -9) >= self.vt_ms // WINDOW_MS - 1

    def lapse(self, *, paused: bool) -> None:
        if not paused:
            self.offers = {n: until for n, until in self.offers.items() if until > self.vt_ms}
        self.spent -= {n for n, until in self.claimed.items() if until <= self.vt_ms}
        self.claimed = {n: until for n, until in self.claimed.items() if until > self.vt_ms}
        self.leases = {n: until for n, until in self.leases.items() if until > self.vt_ms}

    def may_be(self, number: int, now: Snapshot, returning: bool) -> tuple[str, ...]:
        """What a check-in may be told."""
        if number in self.ended:
            return ("finished",) if number in self.spent else ("withdrawn",)
        if number <= now.serving and (number in self.claimed or number in self.leases):
            return ("admitted",)
        if now.phase == "closed":
            return ("closed",)
        if number > now.serving:
            return ("called",) if number <= now.called else ("waiting",)
        if number in self.offers:
            return "admitted", "called"
        return ("expired",) if number in self.spent and not returning else ("late",)

    def admit(self, number: int) -> None:
        self.offers.pop(number, None)
        self.claimed[number] = self.vt_ms + UNUSED_MS
        self.spent.add(number)

    def touch(self, number: int) -> int:
        if number in self.ended:
            return 0
        self.claimed.pop(number, None)
        self.leases[number] = self.vt_ms + IDLE_MS
        self.spent.add(number)
        return 1

    def end(self, number: int, *, finished: bool) -> None:
        for places in (
            (self.claimed, self.leases) if finished else (self.claimed, self.leases, self.offers, self.seen)
        ):
            places.pop(number, None)
        self.ended.add(number)
        self.late.discard(number)
        (self.spent.add if finished else self.spent.discard)(number)

    def could_hear(self) -> int:
        """The last position that was called early enough to have heard it."""
        return max((called for vt_ms, called in self.calls if vt_ms <= self.vt_ms - HEAR_MS), default=0)


class Events(RuleBasedStateMachine):
    """Everything that can happen to a line."""

    client: redis.Redis

    @initialize(rate=st.sampled_from([60, 600, 6000]), ceiling=st.sampled_from([3, 20, 500]))
    def open_the_room(self, rate: int, ceiling: int) -> None:
        self.client.flushall()
        self.line = VirtualLine(self.client, Knobs(rate_per_minute=rate, ceiling=ceiling))
        self.model = Model(self.line.snapshot.vt_ms, self.line.now_ms)
        self.handed_out: set[int] = set()
        self.returning: set[int] = set()  # admitted once: they hold a pass
        self.claims: list[tuple[int, int]] = []
        self.runs, self.ticked_ms = 1, self.line.now_ms
        self.kept: tuple[dict[str, bytes], Model, Snapshot] | None = None

    # What visitors do

    @rule(count=st.integers(1, 40), lose_reply=st.booleans())
    def join(self, count: int, lose_reply: bool) -> None:
        before = self._look()
        if before.phase in ("closed", "last-call"):
            with pytest.raises(redis.ResponseError, match="CLOSED"):
                self.line.join(count)
            return
        self.model.pass_time(self.line.now_ms)
        first, straight_in = self.line.join(count)
        if lose_reply:
            assert self.line.join(count, sequence=self.line._sequence) == (first, straight_in)
            with pytest.raises(redis.ResponseError, match="STALE"):
                self.line.join(count, sequence=self.line._sequence - 1)
        numbers = set(range(first, first + count))
        assert first == before.issued + 1
        assert not numbers & self.handed_out, "a number was given out twice"
        self.handed_out |= numbers
        self._mark(numbers)
        if straight_in:
            assert before.serving == before.issued, "nobody goes past those who wait"
            assert self._look().inside <= before.knobs.ceiling
        for number in range(first, first + straight_in):
            self._admitted(number, 0)

    @rule(picks=st.lists(PICK, min_size=1, max_size=40), lose_reply=st.booleans())
    def check_in(self, picks: list[int], lose_reply: bool) -> None:
        for number in self._among(picks):
            self._check_in(number, lose_reply=lose_reply)

    @rule()
    def those_with_an_offer_come(self) -> None:
        for number in sorted(self.model.offers):
            self._check_in(number)

    @rule(picks=st.lists(PICK, min_size=1, max_size=10))
    def use_passes(self, picks: list[int]) -> None:
        numbers = self._among(picks, self.returning)
        assert self.line.touch(*numbers) == [self.model.touch(n) for n in numbers] if numbers else True

    @rule(picks=st.lists(PICK, min_size=1, max_size=5))
    def finish(self, picks: list[int]) -> None:
        for number in self._among(picks, self.returning):
            assert self.line.finish(number) == (number not in self.model.ended)
            self.model.end(number, finished=True)
            assert self.line.touch(number) == [0], "who has finished is refused"
            assert self.line.finish(number) == 0, "a reply that was lost counts nobody twice"

    @rule(pick=PICK)
    def leave(self, pick: int) -> None:
        for number in self._among([pick]):
            fresh = number not in self.model.ended
            assert (self.line.leave(number), self.line.leave(number)) == (fresh, False)
            if fresh:
                self.model.end(number, finished=False)

    @rule(pick=PICK)
    def an_operator_gives_a_place_back(self, pick: int) -> None:
        for number in self._among([pick], self.model.ended & self.handed_out):
            command = self.line.functions.reinstate(
                self.line.now_ms, self.line.run_id, self.line.snapshot.instance, number, number
            )
            assert self.line.call(command) == 1
            self.model.ended.discard(number)
            self.model.spent.discard(number)

    @rule()
    def a_number_that_nobody_was_given_is_unknown(self) -> None:
        before = self._look()
        assert self.line.check_in(before.issued + before.gap + 1) == ["unknown"]
        self.model.pass_time(self.line.now_ms)
        assert self._look().issued == before.issued

    # What time does

    @rule(ticks=st.integers(1, 20), after_ms=st.sampled_from([100, 250, 1000]))
    def time_goes_on(self, ticks: int, after_ms: int) -> None:
        for _ in range(ticks):
            self._tick(after_ms)

    @rule(seconds=st.sampled_from([20, 90, 160]), faithful=st.integers(0, 8))
    def a_while_goes_by(self, seconds: int, faithful: int) -> None:
        """Some obey the page's law, the others are silent."""
        waiting = [n for n in sorted(self.handed_out) if n not in self.model.spent][:faithful]
        for second in range(seconds):
            self._tick(1000)
            if second % 10 == 0:
                for number in waiting:
                    self._check_in(number)

    @rule(step_ms=st.sampled_from([-3_600_000, -60_000, -1, 6_000, 60_000, 86_400_000]))
    def the_clock_is_set(self, step_ms: int) -> None:
        self._tick(step_ms)

    # What operators do

    @rule(rate=st.sampled_from([0, 1, 30, 60, 600, 6000]))
    def change_the_rate(self, rate: int) -> None:
        self._set(rate_per_minute=rate)
        self.claims.clear()  # windows are judged between two changes of the rate

    @rule(ceiling=st.sampled_from([0, 1, 5, 50, 500]))
    def change_the_ceiling(self, ceiling: int) -> None:
        self._set(ceiling=ceiling)

    @rule(phase=st.sampled_from(["paused", "open", "open", "last-call", "closed"]))
    def change_the_phase(self, phase: str) -> None:
        was = self._look().phase
        self._set(phase=phase)
        if phase in ("open", "last-call") and not was.releases:
            self.model.calls.clear()
            self.model.offers = dict.fromkeys(self.model.offers, self.model.vt_ms + OFFER_MS)

    # What is done to the store

    @rule()
    def the_store_starts_again(self) -> None:
        self._restored(self.line.snapshot)

    @rule(knows=st.booleans())
    def the_store_is_emptied(self, knows: bool) -> None:
        """A worker knows the last numbers that it gave out, or died before it could say so."""
        known = self.line.snapshot
        self.client.flushall()
        self.model = Model(0, self.line.now_ms)
        self._restored(known, issued=max(self.handed_out, default=0) if knows else 0)

    @rule()
    def the_store_is_copied(self) -> None:
        keys = self.client.keys("antrean:*")
        self.kept = {key: self._dump(key) for key in keys}, copy.deepcopy(self.model), self._look()

    @precondition(lambda self: self.kept)
    @rule()
    def the_store_falls_back_to_the_copy(self) -> None:
        assert self.kept
        content, model, _ = self.kept
        known = self.line.snapshot
        self.client.flushall()
        for key, value in content.items():
            self.client.restore(key, 0, value)
        self.model = copy.deepcopy(model)
        self._restored(known, issued=max(self.handed_out, default=0))

    # What always holds

    @invariant()
    def the_books_agree(self) -> None:
        if not hasattr(self, "model"):
            return
        read = self.line.functions.read(self.line.now_ms)
        reply, late, *members = self._ask(read, ("BITCOUNT", _key("late")), *map(_members, (*OFFERS, *INSIDE)))
        now = parse_snapshot("room", reply)
        offers, late_offers, claimed, leases = map(_numbers, members)
        assert now.serving <= now.ready <= now.called <= now.issued
        assert late - 1 == now.late, "the late counter is the number of late bits"
        assert offers | late_offers == set(self.model.offers)
        assert (claimed, leases) == (set(self.model.claimed), set(self.model.leases))
        bits = self._ask(*(("GETBIT", _key("spent"), number) for number in claimed | leases))
        assert all(bits), "a lease for a number that was not spent"
        if self.claims:
            excess = worst_excess(self.claims, now.knobs.rate_per_minute)
            assert excess <= 0.01, "more claims than the rate allows in some window"

    # How it is done

    def _among(self, picks: list[int], among: set[int] | None = None) -> list[int]:
        """Numbers in hand, each once."""
        pool = sorted(self.handed_out if among is None else among & self.handed_out)
        return list(dict.fromkeys(pool[pick % len(pool)] for pick in picks)) if pool else []

    def _check_in(self, number: int, *, lose_reply: bool = False) -> None:
        before, returning = self._look(), number in self.returning
        self.model.pass_time(self.line.now_ms)
        allowed = self.model.may_be(number, before, returning)
        [state] = self.line.check_in(number, returning=returning)
        assert state in allowed, f"{number} is {state}, not {allowed}"
        wait_ms = self.line.waits_ms[number]
        if lose_reply:
            assert self.line.check_in(number, returning=returning) == [state]
            assert abs(self.line.waits_ms[number] - wait_ms) <= 1
        if state == "admitted" and number in self.model.offers and number not in self._inside():
            self._admitted(number, wait_ms)
        elif state == "called" and number in self.model.offers:
            self.model.offers[number] = self.model.vt_ms + OFFER_MS
        elif state == "late":
            self.model.late.add(number)
        if state in ("waiting", "called", "late"):
            self._mark({number})

    def _mark(self, numbers: set[int]) -> None:
        self.model.seen |= dict.fromkeys(numbers, self.model.vt_ms // WINDOW_MS)

    def _inside(self) -> set[int]:
        return set(self.model.claimed) | set(self.model.leases)

    def _admitted(self, number: int, wait_ms: int) -> None:
        self.model.admit(number)
        self.returning.add(number)
        self.claims.append((self.model.vt_ms + wait_ms, number))

    def _tick(self, after_ms: int) -> None:
        self.line.now_ms += after_ms
        functions, now_ms = self.line.functions, self.line.now_ms
        tick = functions.tick(now_ms, self.line.run_id, "w")
        replies = self._ask(functions.read(now_ms), tick, *map(_members, OFFERS))
        before, now = (parse_snapshot("room", reply) for reply in replies[:2])
        self.line.snapshot = now
        since_ms = now_ms - self.ticked_ms
        if 0 <= since_ms < 200:
            same = replace(before, workers=now.workers, registered=now.registered)
            assert asdict(now) == asdict(same), "so soon after the last one it only reads"
            return
        self.ticked_ms = now_ms
        self.model.pass_time(self.line.now_ms)
        assert now.vt_ms == self.model.vt_ms
        if since_ms > 5000:
            self.model.calls.clear()
        self.model.lapse(paused=now.phase == "paused")
        self._offered(before, now, *map(_numbers, replies[2:]))
        self.model.calls.append((now.vt_ms, now.called))

    def _offered(self, before: Snapshot, now: Snapshot, main: set[int], late: set[int]) -> None:
        main, late = main - set(self.model.offers), late - set(self.model.offers)
        if main | late:
            assert now.phase.releases
            assert now.inside <= now.knobs.ceiling, "released above the ceiling"
        assert all(map(self.model.is_present, main | late)), "released somebody who is not there"
        assert all(before.serving < n <= now.serving for n in main), "the line moves forward only"
        assert all(n <= now.serving for n in late)
        self.model.late -= late
        waiting = filter(self.model.is_present, self.model.late)
        assert not late or max(late) < min(waiting, default=now.issued + 1), "the foremost late return goes first"
        passed_over = set(range(before.serving + 1, now.serving + 1)) - main
        assert not any(map(self.model.is_present, passed_over)), "passed over somebody who is there"
        could_hear = max(self.model.could_hear(), before.ready)
        never_out = {n for first, last in now.skipped for n in passed_over if first <= n <= last}
        assert all(n <= could_hear or n in self.model.ended | never_out for n in passed_over), (
            "passed over too early"
        )
        self.model.offers |= dict.fromkeys(main | late, now.vt_ms + OFFER_MS)

    def _set(self, **changes: Any) -> None:
        self.model.pass_time(self.line.now_ms)
        self.line.set(**changes)

    def _restored(self, known: Snapshot, issued: int = 0) -> None:
        self.runs += 1
        self.line.run_id = f"run {self.runs}"
        now = self.line.restore(known, issued=issued)
        assert now.instance == known.instance
        assert now.generation > known.generation
        assert now.issued > max(self.handed_out, default=0), "numbers go on behind everything that was given out"
        assert now.serving >= known.serving
        self.model.seen_ms = self.ticked_ms = self.line.now_ms
        self.model.calls.clear()
        self.claims.clear()

    def _look(self) -> Snapshot:
        """The line now, without touching it."""
        return parse_snapshot("room", self.line.call(self.line.functions.read(self.line.now_ms)))

    def _ask(self, *commands: Command) -> list[Any]:
        """All replies, in one round trip."""
        pipeline = self.client.pipeline(transaction=False)
        for command in commands:
            pipeline.execute_command(*command)
        return pipeline.execute()

    def _dump(self, key: str) -> bytes:
        path = self.client.connection_pool.connection_kwargs["path"]
        with redis.Redis(unix_socket_path=path) as raw:  # the other client decodes what it gets
            dumped: bytes = raw.dump(key)
        return dumped


def _key(name: str) -> str:
    return f"antrean:{{room}}:{name}"


def _members(name: str) -> Command:
    return "ZRANGE", _key(name), 0, -1


def _numbers(members: list[str]) -> set[int]:
    return {int(member) for member in members if member != "sentinel"}


def test_no_order_of_events_breaks_a_promise(store_client: redis.Redis) -> None:
    examples = int(os.environ.get("ANTREAN_MODEL_EXAMPLES", "0"))

    class EventsHere(Events):
        client = store_client

    run_state_machine_as_test(  # type: ignore[no-untyped-call]
        EventsHere,
        settings=settings(
            max_examples=examples or 60,
            stateful_step_count=60,
            derandomize=not examples,
            database=None,
            deadline=None,
            suppress_health_check=list(HealthCheck),
            phases=[Phase.explicit, Phase.generate],
        ),
    )
