"""The autopilot against simulated origins, a look every two seconds of simulated time."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable

import pytest

from gateway.domain.autopilot import STEPS, Limits, State, decide
from gateway.domain.origin_health import Health

LIMITS = Limits(floor_per_minute=30, most_per_minute=900, target_p95_s=1.0)
LOOK_S = 2
WINDOW_LOOKS = 15  # the health that is told covers 30 s


class Origin:
    """Bears ``capacity`` visitors inside (rate x session); its p95 grows as that of a queue."""

    def __init__(self, capacity_per_minute: Callable[[float], float], session_s: float) -> None:
        self.capacity = capacity_per_minute
        self.session_s = session_s
        self.entered: deque[float] = deque([0.0] * int(session_s / LOOK_S), maxlen=int(session_s / LOOK_S))
        self.seen: deque[tuple[float, float]] = deque(maxlen=WINDOW_LOOKS)

    def look(self, at_s: float, rate: float) -> Health:
        self.entered.append(rate)
        load = sum(self.entered) / len(self.entered) / self.capacity(at_s)
        p95 = 0.2 / (1 - load) if load < 0.98 else 10.0
        errors = 0.0 if load < 1.1 else min(1.0, load - 1)
        self.seen.append((p95, errors))
        return Health(
            30,
            load * 10,
            sum(e for _, e in self.seen) / len(self.seen),
            0.1,
            sum(p for p, _ in self.seen) / len(self.seen),
        )


def fly(capacity: Callable[[float], float], *, session_s: float, seconds: int, start: float = 60) -> list[float]:
    """The rate at each look."""
    origin, state, rate, rates = Origin(capacity, session_s), State(), start, []
    for look in range(seconds // LOOK_S):
        health = origin.look(look * LOOK_S, rate)
        move = decide(
            LIMITS,
            state,
            rate_per_minute=rate,
            health=health,
            in_use=True,
            session_s=session_s,
            now_s=look * LOOK_S,
        )
        assert LIMITS.floor_per_minute <= move.rate_per_minute <= LIMITS.most_per_minute
        rate, state = move.rate_per_minute, move.state
        rates.append(rate)
    return rates


def after(rates: list[float], from_s: float, until_s: float = 1e9) -> list[float]:
    return rates[int(from_s / LOOK_S) : int(min(until_s, len(rates) * LOOK_S) / LOOK_S)]


BORNE = 0.8  # share of the capacity at which this origin's p95 meets the target
STEP = (LIMITS.most_per_minute - LIMITS.floor_per_minute) / STEPS


@pytest.mark.parametrize("session_s", [20, 60, 180, 300])
@pytest.mark.parametrize("capacity", [150, 400, 800])
def test_it_settles_below_what_the_origin_bears_and_swings_by_a_quarter_at_most(
    session_s: int, capacity: float
) -> None:
    settled = after(fly(lambda _: capacity, session_s=session_s, seconds=7200), 2400)
    assert max(settled) <= BORNE * capacity + 3 * STEP
    assert min(settled) >= 0.75 * BORNE * capacity


@pytest.mark.parametrize("session_s", [20, 60, 180])
def test_a_capacity_that_is_halved_and_restored_is_followed_down_and_up(session_s: int) -> None:
    rates = fly(lambda at_s: 300 if 3600 <= at_s < 7200 else 600, session_s=session_s, seconds=12_000)
    assert min(after(rates, 3000, 3600)) >= 0.75 * BORNE * 600
    halved = after(rates, 3600 + 10 * session_s + 600, 7200)
    assert max(halved) <= BORNE * 300 + 3 * STEP
    assert min(halved) >= 0.4 * BORNE * 300
    assert min(after(rates, 7200 + 3000)) >= 0.75 * BORNE * 600


def test_a_slow_decay_is_followed_without_ever_being_far_above() -> None:
    def capacity(at_s: float) -> float:
        return max(100.0, 800 - at_s / 10)

    rates = fly(capacity, session_s=60, seconds=9000)
    for at_s in range(2400, 9000, 60):
        assert rates[at_s // LOOK_S] <= 1.1 * capacity(at_s)


def test_a_sudden_failure_brings_the_floor_within_a_minute_and_recovery_is_noticed() -> None:
    rates = fly(lambda at_s: 1.0 if 3600 <= at_s < 4200 else 600, session_s=60, seconds=9000)
    assert rates[3659 // LOOK_S] == LIMITS.floor_per_minute
    assert after(rates, 3700, 4200) == [LIMITS.floor_per_minute] * 250
    assert min(after(rates, 8000)) >= 0.75 * BORNE * 600


def test_each_look_says_why() -> None:
    def why(
        p95_s: float | None,
        *,
        errors: float = 0.0,
        in_use: bool = True,
        rate: float = 100,
        state: State | None = None,
    ) -> str:
        health = Health(30, 10, errors, p95_s, p95_s)
        return decide(
            LIMITS, state or State(), rate_per_minute=rate, health=health, in_use=in_use, session_s=60, now_s=50
        ).why

    assert why(0.2) == "room-left"
    assert why(0.2, in_use=False) == "not-in-use"
    assert why(0.2, rate=900) == "at-the-most"
    assert why(0.2, rate=1000) == "limits"
    assert why(0.2, state=State(rest_until_s=60)) == "waiting-for-effect"
    assert why(0.9) == "close-to-target"
    assert why(1.1) == "too-slow"
    assert why(2.1) == "far-too-slow"
    assert why(2.1, rate=30) == "at-the-floor"
    assert why(0.2, errors=0.06) == "errors"
    assert why(None) == "no-answers"
