"""The gateway's own record of told waits, over the real functions in virtual time."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Any

from virtual import VirtualLine

from gateway.counters import LATE_CLAIMS, WAIT_TOLD
from gateway.store.waits import Waits

OpenLine = Callable[..., VirtualLine]
PEOPLE = 100


class Day:
    """People who all join now and knock every two seconds; the record as a worker keeps it."""

    def __init__(self, line: VirtualLine) -> None:
        self.line = line
        self.counted: Counter[str] = Counter()
        self.waits = Waits(self._count)
        line.tick()
        self.waits.note(line.snapshot, line.now_ms / 1000)
        self.joined_s = line.now_ms / 1000
        first, straight_in = line.join(PEOPLE)
        self.waiting = list(range(first + straight_in, first + PEOPLE))
        self.came = len(self.waiting)

    def runs(self, seconds: int, *absent: int) -> None:
        for second in range(seconds):
            for _ in range(4):
                self.line.tick()
            self.waits.note(self.line.snapshot, self.line.now_ms / 1000)
            if second % 2:
                self._knock([number for number in self.waiting if number not in absent])

    def told(self, when: str) -> dict[str, int]:
        keys = {
            outcome: WAIT_TOLD.key(when=when, outcome=outcome) for outcome in ("right", "too-short", "too-long")
        }
        return {outcome: self.counted[key] for outcome, key in keys.items()}

    def _knock(self, numbers: list[int]) -> None:
        for number, state in zip(numbers, self.line.check_in(*numbers), strict=True):
            if state != "admitted":
                continue
            self.waiting.remove(number)
            now_s = (self.line.now_ms + self.line.waits_ms[number]) / 1000
            self.waits.claimed(number, self.joined_s, now_s, late=self.line.claimed[number] == "late")

    def _count(self, key: str, amount: float) -> None:
        self.counted[key] += amount  # type: ignore[assignment]


def test_a_steady_rate_keeps_what_was_told(open_line: OpenLine) -> None:
    day = Day(open_line(rate_per_minute=60.0))
    day.runs(130)
    assert not day.waiting
    assert day.told("join") == {"right": day.came, "too-short": 0, "too-long": 0}
    assert day.told("halfway") == day.told("join")
    assert day.counted["wait_told_error_seconds{when=join}<=0"] == day.came
    assert day.counted[LATE_CLAIMS.key()] == 0


def test_a_rate_halved_after_joining_is_told_as_too_short_and_half_way_is_right_again(open_line: OpenLine) -> None:
    day = Day(open_line(rate_per_minute=60.0))
    day.line.set(rate_per_minute=30)
    day.runs(230)
    assert not day.waiting
    join, halfway = day.told("join"), day.told("halfway")
    assert join["too-short"] > 0.6 * day.came, "all but those at the front, for whom 20 s are little"
    assert join["too-long"] == 0
    assert join["right"] + join["too-short"] == day.came
    assert halfway["right"] == day.came


def test_a_rate_that_rose_is_told_as_too_long(open_line: OpenLine) -> None:
    day = Day(open_line(rate_per_minute=30.0))
    day.runs(2)
    day.line.set(rate_per_minute=120)
    day.runs(90)
    assert day.told("join")["too-long"] > 0.6 * day.came
    assert day.told("join")["too-short"] == 0


def test_who_was_away_at_the_turn_is_counted_apart(open_line: OpenLine) -> None:
    """Number 20 is passed over and comes back; 30 is silent for more than a window, with the offer still alive."""
    day = Day(open_line(rate_per_minute=600.0))
    day.runs(4)
    silent = day.line.snapshot.serving + 5
    day.runs(90, silent)
    assert day.waiting == [silent]
    assert day.line.look(silent) == "called", "the offer is alive"
    day.runs(4)
    assert not day.waiting
    assert day.counted[LATE_CLAIMS.key()] == 1
    assert sum(day.told("join").values()) == day.came - 1


def test_a_late_return_is_counted_apart_and_a_second_tab_not_at_all(open_line: OpenLine) -> None:
    line: Any = open_line(rate_per_minute=600.0)
    day = Day(line)
    absent = day.waiting[40]
    day.runs(240, absent)
    assert day.waiting == [absent]
    day.runs(8)
    assert line.claimed[absent] == "late"
    assert day.counted[LATE_CLAIMS.key()] == 1
    line.claimed.clear()
    assert line.check_in(absent) == ["admitted"]
    assert not line.claimed, "a second tab hears that the number is in, and is no admission"
