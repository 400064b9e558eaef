"""Turns the admission rate by the origin's answers, between a floor and a most that the operator set.

Additive increase, multiplicative decrease (Chiu and Jain, 1989), with two changes that a waiting room needs:
who was let in stays inside for minutes, so that a step is judged only when its visitors have arrived; and near
the rate that was too much the last time steps are small, so that the rate rests instead of swinging.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from gateway.domain.origin_health import Health

AGAIN = 3  # pauses
ERRORS_MOST = 0.05  # share of the origin's answers
COMFORT = 0.8  # of the target: above it the rate rests
STEPS = 40  # from floor to most, far from trouble
NEAR = 0.85  # of the rate that was too much
NEAR_STEP = 0.02  # of that rate
EASE, BRAKE = 0.85, 0.5
FAR = 2.0  # times the target: brake
REMEMBERED_S = 900  # for how long the rate that was too much is kept in mind
LEAST_PAUSE_S, MOST_PAUSE_S = 30, 120  # at least the window in which the origin is seen
FAILING, FAILING_PAUSE_S = 0.3, 10  # share of errors at which nothing is waited for


@dataclass(frozen=True, slots=True)
class Limits:
    """What the operator allows."""

    floor_per_minute: float
    most_per_minute: float
    target_p95_s: float


@dataclass(frozen=True, slots=True)
class State:
    """What the controller keeps in mind between two looks."""

    rest_until_s: float = 0.0
    too_much_per_minute: float = 0.0  # 0: none known
    too_much_at_s: float = 0.0


@dataclass(frozen=True, slots=True)
class Move:
    """What the rate should be, and why: one stable word, told to people by the desk."""

    rate_per_minute: float
    why: str
    state: State


def decide(
    limits: Limits,
    state: State,
    *,
    rate_per_minute: float,
    health: Health | None,
    in_use: bool,
    session_s: float,
    now_s: float,
) -> Move:
    """The next rate.

    ``in_use``: whether the rate is what holds people back (somebody waits and the ceiling does not bind);
    ``session_s``: how long a visitor stays inside, so how long the origin takes to feel a change in full.
    """
    inside = min(max(rate_per_minute, limits.floor_per_minute), limits.most_per_minute)
    if inside != rate_per_minute:
        return Move(inside, "limits", state)
    if health is None or health.p95_s is None:
        return Move(rate_per_minute, "no-answers", state)
    pause_s = min(max(session_s / 2, LEAST_PAUSE_S), MOST_PAUSE_S)
    if health.error_share > ERRORS_MOST:
        error_pause_s = FAILING_PAUSE_S if health.error_share > FAILING else pause_s
        return _down(limits, state, rate_per_minute, BRAKE, "errors", error_pause_s, now_s)
    if health.p95_s > FAR * limits.target_p95_s:
        return _down(limits, state, rate_per_minute, BRAKE, "far-too-slow", pause_s, now_s)
    if health.p95_s > limits.target_p95_s:
        return _down(limits, state, rate_per_minute, EASE, "too-slow", pause_s, now_s)
    if health.p95_s > COMFORT * limits.target_p95_s:
        return Move(rate_per_minute, "close-to-target", state)
    if not in_use:
        return Move(rate_per_minute, "not-in-use", state)
    return _up(limits, state, rate_per_minute, pause_s, now_s)


def _down(
    limits: Limits, state: State, rate: float, factor: float, why: str, pause_s: float, now_s: float
) -> Move:
    """Rests afterwards: what is inside already still weighs on the origin, and is no reason to brake again."""
    if now_s < state.rest_until_s:
        return Move(rate, "waiting-for-effect", state)
    lower = max(limits.floor_per_minute, rate * factor)
    # Braking again at once says how deep the trouble is, not which rate was too much.
    again = now_s - state.too_much_at_s < AGAIN * pause_s
    known = State(now_s + pause_s, state.too_much_per_minute if again else rate, now_s)
    return Move(lower, why if lower < rate else "at-the-floor", known)


def _up(limits: Limits, state: State, rate: float, pause_s: float, now_s: float) -> Move:
    if now_s < state.rest_until_s:
        return Move(rate, "waiting-for-effect", state)
    if rate >= limits.most_per_minute:
        return Move(rate, "at-the-most", state)
    step = (limits.most_per_minute - limits.floor_per_minute) / STEPS
    remembered = state.too_much_per_minute and now_s - state.too_much_at_s < REMEMBERED_S
    if remembered and rate + step > NEAR * state.too_much_per_minute:
        step = min(step, NEAR_STEP * state.too_much_per_minute)
    rested = replace(state, rest_until_s=now_s + pause_s)
    return Move(min(limits.most_per_minute, rate + max(step, 0.1)), "room-left", rested)
