"""The day itself: second by second, send what the due visitors do, settle what the store answered.

One second is under way while the next is prepared, so that the store and we work at the same time: nothing
that a reply decides is due earlier than two seconds later.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gateway.domain import estimate
from gateway.domain.room import Knobs, Snapshot
from loadtests.replay import law
from loadtests.replay.crowd import CALLED, DONE, GONE, INSIDE, LATE, NEVER, WAITING, Crowd
from loadtests.replay.ledger import GRAIN_S, Ledger
from loadtests.replay.opening import DrawnOpening
from loadtests.replay.pending import Pending
from loadtests.replay.population import PARTS, Population
from loadtests.replay.profiles import Profile
from loadtests.replay.store import WINDOW_MS, WORKER, ReplayStore, pack
from loadtests.replay.wheel import Wheel

Index = NDArray[np.int64]

OPENS_MS = 1_408_500_000_000  # 20 August 2014, 09:00 in Jakarta
PART_MS = 1000 // PARTS
BATCH = 500  # as the gateway's own
TOUCH_S = 300  # between two pages of a form that is being filled in
HIDDEN_ENTERS_S = 60
GRACE_S = 180
SURVEY_S = 600
WATCHED_TICK_S = 59  # so often the ticks of a second are sent one by one, and their CPU time is taken
WATCH_S, WATCHED, WATCH_LEAST_S = 30, 4000, 60
STATES = {"waiting": WAITING, "called": CALLED, "admitted": INSIDE, "late": LATE}
OTHER = 99
_MIX = (0x9E3779B97F4A7C15, 0xBF58476D1CE4E5B9, 0x94D049BB133111EB)


class Day:
    """One replay. ``run`` returns when the day is over; the ledger holds what happened."""

    def __init__(
        self,
        store: ReplayStore,
        profile: Profile,
        population: Population,
        rng: np.random.Generator,
        *,
        every_check_in: bool = False,
    ) -> None:
        self.profile, self.people, self.crowd = profile, population, Crowd(population)
        self.ledger = Ledger()
        self.second = 0
        self._store, self._every = store, every_check_in
        self._salt = int(rng.integers(1 << 62))
        knobs = Knobs(rate_per_minute=profile.rate, ceiling=profile.ceiling)
        self.snapshot: Snapshot = store.open_room(OPENS_MS - PART_MS, knobs, profile.poll_max_s)
        self.opening = DrawnOpening(profile, population) if profile.opens_s else None
        if self.opening is not None:
            opens_ms = OPENS_MS + profile.opens_s * 1000
            command = self.opening.schedule(store, OPENS_MS - PART_MS, opens_ms)
            self.snapshot = store.snapshot(store.call(command))
        self._vt, self._seen_ms = self.snapshot.vt_ms, OPENS_MS - PART_MS
        self._rate, self._grace_until = profile.rate, profile.opens_s
        self._changes = [(round(at * profile.hours * 3600), rate) for at, rate in profile.rate_changes]
        self._joined, self._sequence = 0, 0
        self._wheel, self._sessions = Wheel(256), Wheel(512)
        # Up to here visitors' pulses are drawn one by one; before an opening all of them are.
        self._near = population.size if self.opening else 0
        self._far = 0  # awake visitors behind it
        self._awake = 0
        self._half = 1
        self._watch_every = max(1, population.size // WATCHED)
        self._watched: tuple[Index, Index] | None = None
        self._pulses = self._checks = self._pages = 0
        self._room_times: list[int] = []
        self._window_of_part = np.zeros(PARTS, dtype=np.int64)
        arrivals = len(population.arrived) // PARTS
        self.arrivals_end_s = arrivals
        self.most_s = arrivals + round(profile.drain_hours * 3600)
        self._outage = range(
            round(profile.outage_at * profile.hours * 3600),
            round(profile.outage_at * profile.hours * 3600) + profile.outage_s,
        )

    # The loop -------------------------------------------------------------------------------------------------

    def run(self, progress: Callable[[int, int], None]) -> None:
        """Replay; ``progress`` gets the second and the most there can be."""
        before: Pending | None = None
        for second in range(self.most_s):
            self.second = second
            if self._is_over():
                break
            if self.second % SURVEY_S == 0:
                if before is not None:
                    self._settle(before)
                    before = None
                self._survey()
                progress(self.second, self.most_s)
            pending = self._prepare(self.second)
            if self.second % WATCHED_TICK_S == 0:
                if before is not None:
                    self._settle(before)
                self._settle(pending, self._store.exchange_watched(pending.packed, pending.kinds))
                before = None
                continue
            self._store.send(pending.packed)
            if before is not None:
                self._settle(before)
            before = pending
        if before is not None:
            self._settle(before)
        self._survey()
        progress(self.most_s, self.most_s)

    def _is_over(self) -> bool:
        return (
            self.second > self.arrivals_end_s
            and self._awake == 0
            and self.snapshot.offers == 0
            and self._joined == self.people.size
        )

    def _survey(self) -> None:
        self._store.note_slow_ticks()
        self.ledger.memory_most = max(self.ledger.memory_most, self._store.memory_bytes())

    # One second: what is sent ---------------------------------------------------------------------------------

    def _prepare(self, second: int) -> Pending:
        away = second in self._outage
        if not away:
            self._tell_time(second)
        woken = self._by_diary(second)
        checks = np.concatenate((self._due(second), woken))
        self._checks += len(checks)
        pending = Pending(second, self._rate)
        if away:
            self._fail(second, checks)
            self._postpone_sessions(second)
            return pending
        self._change_rate(second, pending)
        self._keep_opening(second, pending)
        pending.room_times = tuple(self._room_times)
        sent = self._filter(second, checks)
        part = (sent + second) % PARTS
        touched, finished = self._use_passes(second)
        for index in range(PARTS):
            now_ms = OPENS_MS + second * 1000 + index * PART_MS
            self._join(second, index, now_ms, pending)
            self._check_in(sent[part == index], index, now_ms, pending)
            if index == 0:
                self._inside(touched, finished, now_ms, pending)
            pending.add("tick", self._store.tick(now_ms), index)
            pending.add("offers", self._store.offers_of(self._room_times[index], late=False), index)
            pending.add("late offers", self._store.offers_of(self._room_times[index], late=True), index)
        return pending

    def _tell_time(self, second: int) -> None:
        """Room time as the store will have it after each part's first call."""
        self._room_times = []
        for index in range(PARTS):
            now_ms = OPENS_MS + second * 1000 + index * PART_MS
            self._vt += max(0, min(now_ms - self._seen_ms, 1000))
            self._seen_ms = now_ms
            self._room_times.append(self._vt)
            self._window_of_part[index] = self._vt // WINDOW_MS

    def _change_rate(self, second: int, pending: Pending) -> None:
        while self._changes and self._changes[0][0] <= second:
            _, rate = self._changes.pop(0)
            now_ms = OPENS_MS + second * 1000
            pending.add("other", pack(self._store.set_rate(now_ms, rate)), 0)
            if rate > self._rate:
                self._grace_until = max(self._grace_until, second + GRACE_S)
            self._rate = pending.rate = rate

    def _keep_opening(self, second: int, pending: Pending) -> None:
        if self.opening is None:
            return
        for command in self.opening.due(self._store, second, OPENS_MS + second * 1000):
            pending.add("other", pack(command), 0)
        if self.opening.is_drawn_in(second):
            self.crowd.window[:] = -1

    def _numbers(self, who: Index) -> Index:
        return who if self.opening is None else self.opening.numbers[who]

    def _by_diary(self, second: int) -> Index:
        """Who gives up, falls asleep or comes back; returns those who look at the page again."""
        crowd = self.crowd
        leaving = self.people.leaves.take(second)
        leaving = leaving[crowd.in_line(leaving)]
        self._drop(leaving[crowd.awake[leaving]])
        crowd.state[leaving] = GONE
        self.ledger.left += len(leaving)
        sleeping = self.people.sleeps.take(second)
        sleeping = sleeping[crowd.in_line(sleeping) & crowd.awake[sleeping]]
        self._drop(sleeping)
        waking = self.people.wakes.take(second)
        self._pages += len(waking)
        self.ledger.returns += len(waking)
        waking = waking[crowd.in_line(waking) & ~crowd.awake[waking]]
        crowd.awake[waking] = True
        crowd.excused[waking] = waking <= self.snapshot.called
        self._awake += len(waking)
        return waking

    def _drop(self, who: Index) -> None:
        """These stop polling."""
        crowd = self.crowd
        crowd.awake[who] = False
        crowd.due_s[who] = NEVER
        self._awake -= len(who)
        self._far -= int(np.count_nonzero(crowd.far[who]))
        crowd.far[who] = False

    def _due(self, second: int) -> Index:
        """Pulses are answered here; returns whose turn it is to check in."""
        crowd, snapshot = self.crowd, self.snapshot
        due = self._wheel.take(second)
        due = due[crowd.due_s[due] == second]
        waits = crowd.state[due] == WAITING
        pulsing = due[waits]
        if len(pulsing):
            self._pulses += len(pulsing)
            heard = pulsing <= snapshot.called
            called, others = pulsing[heard], pulsing[~heard]
            crowd.state[called] = CALLED
            self._schedule(called, second + 2 * self._dice(called, second), second + 1)
            self._schedule_pulse(others, second)
        checking: Index = due[~waits]
        return checking

    def _dice(self, who: Index, second: int) -> NDArray[np.float64]:
        """A number in [0, 1) for each visitor: the same whatever else is thrown, and in which order."""
        moment = np.uint64((second * _MIX[1] ^ self._salt) & (1 << 64) - 1)
        mixed = who.astype(np.uint64) * np.uint64(_MIX[0]) ^ moment
        mixed = (mixed ^ (mixed >> np.uint64(30))) * np.uint64(_MIX[2])
        mixed ^= mixed >> np.uint64(31)
        return np.asarray((mixed >> np.uint64(11)) * 2.0**-53)

    def _schedule(self, who: Index, at_s: NDArray[np.float64], least_s: int) -> None:
        due = np.maximum(at_s.astype(np.int64), least_s)
        grid = self.profile.wake_grid_s
        if grid:
            due = np.where(self.crowd.hidden[who], due + (who - due) % grid, due)
        self.crowd.due_s[who] = due
        self._wheel.put(who, due)

    def _schedule_pulse(self, who: Index, second: int) -> None:
        hidden, dice = self.crowd.hidden[who], self._dice(who, second)
        interval = law.pulse_interval(self.snapshot, who, hidden, dice)
        self._schedule(who, second + (who + second) % PARTS / PARTS + interval, second + 2)

    def _schedule_check(self, who: Index, poll_s: NDArray[np.float64], second: int) -> None:
        interval = law.check_interval(poll_s, self.crowd.hidden[who], self._dice(who, second))
        self._schedule(who, second + (who + second) % PARTS / PARTS + interval, second + 2)

    def _fail(self, second: int, who: Index) -> None:
        """Nobody answers them: the page tries again, later each time, at most every 20 s."""
        failures = np.minimum(self.crowd.failures[who] + 1, 10)
        self.crowd.failures[who] = failures
        wait = np.minimum(2.0**failures, 20) * (0.8 + 0.4 * self._dice(who, second))
        self._schedule(who, second + wait, second + 1)

    def _filter(self, second: int, who: Index) -> Index:
        """Which check-ins can change anything in the store; the others are answered as it would."""
        if self._every or len(who) == 0:
            return who
        crowd, snapshot = self.crowd, self.snapshot
        window = self._window_of_part[(who + second) % PARTS]
        soon = snapshot.serving + 20 + int(self._rate / 60 * 6 / max(snapshot.density, 0.02))
        needed = (crowd.window[who] != window) | (crowd.state[who] == LATE) | (who <= soon)
        skipped = who[~needed]
        self._answer(skipped, np.where(skipped <= snapshot.called, CALLED, WAITING), second)
        sent: Index = who[needed]
        return sent

    def _check_in(self, who: Index, part: int, now_ms: int, pending: Pending) -> None:
        self.ledger.check_ins_sent += len(who)
        for first in range(0, len(who), BATCH):
            batch = who[first : first + BATCH]
            triples = np.zeros((len(batch), 3), dtype=np.int64)
            triples[:, 0], triples[:, 1] = batch, self._numbers(batch)
            command = self._store.functions.check_in(
                now_ms, self._store.run_id, self.snapshot.order, *triples.ravel().tolist()
            )
            pending.add("check in", pack(command), part)
            pending.checks.append(batch)

    def _join(self, second: int, part: int, now_ms: int, pending: Pending) -> None:
        arrived = self.people.arrived
        count = int(arrived[min(second * PARTS + part, len(arrived) - 1)]) - self._joined
        if count <= 0:
            return
        self._joined += count
        self._sequence += 1
        command = self._store.functions.join(now_ms, self._store.run_id, WORKER, self._sequence, count)
        pending.add("join", pack(command), part)

    def _use_passes(self, second: int) -> tuple[Index, Index]:
        due = self._sessions.take(second)
        if len(due) == 0:
            return due, due
        ends = self.crowd.session_end_s[due]
        over = due[ends <= second]
        using, until = due[ends > second], ends[ends > second]
        self._sessions.put(using, np.minimum(second + TOUCH_S, until).astype(np.int64))
        self.crowd.state[over] = DONE
        return using, over[self.people.finishes[over]]

    def _postpone_sessions(self, second: int) -> None:
        due = self._sessions.take(second)
        self._sessions.put(due, np.full(len(due), self._outage.stop + 1))

    def _inside(self, touched: Index, finished: Index, now_ms: int, pending: Pending) -> None:
        functions, run_id, instance = self._store.functions, self._store.run_id, self.snapshot.order
        self.ledger.finished += len(finished)
        for build, numbers in ((functions.touch, touched), (functions.finish, finished)):
            for first in range(0, len(numbers), BATCH):
                command = build(now_ms, run_id, instance, *self._numbers(numbers[first : first + BATCH]).tolist())
                pending.add("other", pack(command), 0)

    # One second: what was answered ------------------------------------------------------------------------------

    def _settle(self, pending: Pending, replies: list[Any] | None = None) -> None:
        second = pending.second
        joins, serving_before = 0, self.snapshot.serving
        answers: list[tuple[Index, list[str], int]] = []
        checks = iter(pending.checks)
        if replies is None:
            replies = self._store.receive(len(pending.kinds))
        newest: Any = None
        joined: list[tuple[int, int, int]] = []
        for kind, part, reply in zip(pending.kinds, pending.parts, replies, strict=True):
            if kind == "tick":
                newest = reply
                self._watch_tick(reply)
            elif kind == "offers":
                self._offers(sorted(map(int, reply)))
            elif kind == "late offers":
                self._late_offers(sorted(map(int, reply)), pending.room_times[part] // WINDOW_MS)
            elif kind == "check in":
                who = next(checks)
                answers.append((who, reply, part))
                if "late" in reply:
                    self._enter_late(who[np.array([word == "late" for word in reply])])
            elif kind == "join":
                first, count, admitted = int(reply[2]), int(reply[3]), int(reply[4])
                self.ledger.issue(first, count)
                self.ledger.admit(OPENS_MS + second * 1000 + part * PART_MS, [0] * admitted)
                joined.append((first, count, admitted))
                joins += count
        if newest is not None:
            self._take_snapshot(newest)
            if self.snapshot.vt_ms != pending.room_times[-1]:
                raise RuntimeError("the replay's room time is not the store's: its tick changed")
        for first, count, admitted in joined:
            self._seat(first, count, admitted, second)
        self._judge_passing(serving_before, second)
        for who, reply, part in answers:
            self._take_answers(who, reply, pending.room_times[part] // WINDOW_MS, second, part)
        self._book(pending, joins, away=newest is None)

    def _watch_tick(self, reply: str) -> None:
        """Every tick: the ceiling."""
        told = json.loads(reply)
        self.ledger.ticks += 1
        self.ledger.over_ceiling += told["offers"] + told["leases"] + told["ghosts"] > self.profile.ceiling

    def _take_snapshot(self, reply: object) -> None:
        snapshot = self._store.snapshot(reply)
        self.ledger.serving_went_back += snapshot.serving < self.snapshot.serving
        self.snapshot = snapshot

    def _offers(self, positions: list[int]) -> None:
        # An offer that was renewed at the door in this part has the same age, and is not a new one.
        positions = [position for position in positions if not self.crowd.offered[position]]
        if positions:
            self.ledger.offer_main(positions)
            self.crowd.offered[positions] = True

    def _late_offers(self, positions: list[int], window: int) -> None:
        crowd = self.crowd
        for position in positions:
            if not crowd.in_late_lane[position]:
                continue  # renewed at the door
            crowd.in_late_lane[position] = False
            crowd.offered[position] = True
            for earlier in self.ledger.lane.serve(position):
                crowd.in_late_lane[earlier] = False
                present = crowd.window[earlier] >= window - 1
                if present and crowd.awake[earlier] and crowd.state[earlier] == LATE:
                    self.ledger.late_inversions += 1

    def _seat(self, first: int, count: int, admitted: int, second: int) -> None:
        """Newcomers: the first ``admitted`` are inside, the others see the page."""
        crowd = self.crowd
        numbers = np.arange(first, first + count)
        if self.opening is not None:
            numbers = self.opening.places[numbers]
        crowd.joined_s[numbers] = second
        crowd.window[numbers] = self.snapshot.vt_ms // WINDOW_MS
        self._pages += count
        self._let_in(numbers[:admitted], np.full(admitted, second))
        self.ledger.straight_in += admitted
        waiting = numbers[admitted:]
        crowd.middle[numbers] = (numbers + self.snapshot.serving) // 2
        if len(waiting) == 0:
            return
        crowd.awake[waiting] = True
        self._awake += len(waiting)
        told = law.ranges(self.snapshot, waiting)
        if told is not None:
            crowd.told[0, waiting], crowd.told[1, waiting] = told
        called = waiting <= self.snapshot.called
        crowd.state[waiting] = np.where(called, CALLED, WAITING)
        self._schedule(waiting[called], second + 1 + self._dice(waiting[called], second), second + 2)
        self._wait_on(waiting[~called], second)

    def _wait_on(self, who: Index, second: int) -> None:
        """Not called yet: the page looks at the pulse once at first, then by the law."""
        self._pulses += len(who)
        near = who <= self._near
        self._schedule_pulse(who[near], second)
        self.crowd.far[who[~near]] = True
        self._far += len(who) - int(near.sum())

    def _judge_passing(self, serving_before: int, second: int) -> None:
        crowd, first, last = self.crowd, serving_before + 1, self.snapshot.serving
        if last < first:
            return
        part = slice(first, last + 1)
        state = crowd.state[part]
        here = (state == WAITING) | (state == CALLED)
        wronged = here & crowd.awake[part] & ~crowd.offered[part] & ~crowd.excused[part]
        self.ledger.pass_over(second, (np.flatnonzero(wronged) + first).tolist())

    def _take_answers(self, who: Index, reply: list[str], window: int, second: int, part: int) -> None:
        crowd = self.crowd
        states = np.array([STATES.get(word, OTHER) for word in reply], dtype=np.int64)
        for index in np.flatnonzero(states == OTHER).tolist():
            # An admission may be told a moment later, at its place in the rate.
            if reply[index].startswith("admitted "):
                states[index] = INSIDE
            else:
                self.ledger.surprise(reply[index])
        crowd.window[who] = window
        crowd.failures[who] = 0
        # Who closed the page in this very second is not there to take the answer, but an admission counts.
        stays = crowd.in_line(who) & crowd.awake[who] & (states != INSIDE) & (states != OTHER)
        claimed = np.flatnonzero(states == INSIDE)
        if len(claimed):
            waits = [int((reply[index] + " 0").split(" ")[1]) for index in claimed.tolist()]
            self.ledger.admit(OPENS_MS + second * 1000 + part * PART_MS, waits)
            self.ledger.late_claims += int(np.count_nonzero(crowd.state[who[claimed]] == LATE))
            told_s = second + (np.array(waits) + part * PART_MS) // 1000
            self._let_in(who[claimed], told_s)
        self._answer(who[stays], states[stays], second)

    def _enter_late(self, who: Index) -> None:
        crowd = self.crowd
        wronged = who[crowd.offered[who] & ~crowd.excused[who] & (crowd.state[who] != LATE)]
        self.ledger.lapsed_present += len(wronged)
        for position in who[~crowd.in_late_lane[who]].tolist():
            self.ledger.lane.enter(position)
        crowd.in_late_lane[who] = True

    def _answer(self, who: Index, states: NDArray[np.int64], second: int) -> None:
        """What the page does next, having been told where its visitor stands."""
        if len(who) == 0:
            return
        crowd = self.crowd
        crowd.state[who] = states
        checking = states != WAITING
        claiming = (states == CALLED) & (who <= self.snapshot.serving)
        poll_s = np.where(claiming, estimate.POLL_CLAIM_S, estimate.POLL_CALLED_S).astype(float)
        self._schedule_check(who[checking], poll_s[checking], second)
        self._wait_on(who[~checking], second)

    def _let_in(self, who: Index, told_s: Index) -> None:
        crowd = self.crowd
        self.ledger.claimed_twice += int(np.count_nonzero(crowd.claimed_s[who] != NEVER))
        crowd.claimed_s[who] = told_s
        self._awake -= int(np.count_nonzero(crowd.awake[who]))
        crowd.awake[who] = False
        crowd.due_s[who] = NEVER
        use = self.people.uses[who]
        crowd.state[who] = np.where(use, INSIDE, DONE)
        enters = told_s + np.where(crowd.hidden[who], HIDDEN_ENTERS_S, 2)
        crowd.session_end_s[who] = enters + self.people.session_s[who]
        self._sessions.put(who[use], enters[use])

    # The books --------------------------------------------------------------------------------------------------

    def _book(self, pending: Pending, joins: int, *, away: bool) -> None:
        snapshot, ledger, second, rate = self.snapshot, self.ledger, pending.second, pending.rate
        self._come_near(second)
        self._half_way(second)
        if away:
            self._grace_until = max(self._grace_until, second + 1 + GRACE_S)
        room = snapshot.inside + 2 + 2 * rate / 60 < self.profile.ceiling
        far_pulses = self._far / self.profile.poll_max_s
        ledger.seconds.add(
            second, joins, rate, self._pulses + far_pulses, self._checks, self._pages,
            self._awake, room, second < self._grace_until,
        )  # fmt: skip
        self._pulses = self._checks = self._pages = 0
        if second % WATCH_S == 0:
            self._watch_growth(second)
        if second % GRAIN_S == 0:
            ledger.moments.add(
                second, snapshot.issued, snapshot.called, snapshot.ready, snapshot.serving, snapshot.inside,
                snapshot.knobs.ceiling, self._awake, snapshot.late, snapshot.present, snapshot.density,
                snapshot.delivered_per_minute, snapshot.passed, ledger.memory_most,
            )  # fmt: skip

    def _come_near(self, second: int) -> None:
        """The front came nearer: from now on these visitors' pulses are drawn one by one."""
        near = min(self.snapshot.issued, max(self._near, law.far_position(self.snapshot)))
        if near <= self._near:
            return
        who = np.arange(self._near + 1, near + 1)
        self._near = near
        crowd = self.crowd
        who = who[crowd.far[who]]
        crowd.far[who] = False
        self._far -= len(who)
        left = law.remainder(self.profile.poll_max_s, self._dice(who, second), self._dice(who, -second))
        self._schedule(who, second + left, second + 2)

    def _half_way(self, second: int) -> None:
        """What visitors are told when half of those before them are gone."""
        crowd, issued = self.crowd, self.snapshot.issued
        if not self.snapshot.phase.releases:
            return
        reached = int(np.searchsorted(crowd.middle[self._half : issued + 1], self.snapshot.serving, side="right"))
        who = np.arange(self._half, self._half + reached)
        self._half += reached
        told = law.ranges(self.snapshot, who)
        if told is not None and reached:
            crowd.told_half[0, who], crowd.told_half[1, who] = told
            crowd.half_s[who] = second

    def _watch_growth(self, second: int) -> None:
        """How much the upper bound grows from one showing to the next, for a sample of those who wait."""
        every = self._watch_every
        first = (self.snapshot.serving // every + 1) * every
        who = np.arange(first, self.snapshot.issued + 1, every)
        told = law.ranges(self.snapshot, who)
        if told is None or second < self._grace_until + WATCH_S:
            self._watched = None
            return
        before = self._watched
        self._watched = (who, told[1])
        if before is None:
            return
        shared, now_at, then_at = np.intersect1d(who, before[0], assume_unique=True, return_indices=True)
        high, was = told[1][now_at], before[1][then_at]
        judged = (was >= WATCH_LEAST_S) & (self.crowd.state[shared] == WAITING)
        if judged.any():
            growth = high[judged] / was[judged] - 1
            self.ledger.growth_shown += len(growth)
            self.ledger.growth_over += int(np.count_nonzero(growth > 0.1))
            self.ledger.growth_most = max(self.ledger.growth_most, float(growth.max()))
