"""What turns the rate by itself: a ramp or the autopilot, as the operator ordered it and as it stands."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from gateway.domain import autopilot
from gateway.domain.changes import InvalidChanges, read_rate
from gateway.domain.origin_health import Health
from gateway.domain.room import Snapshot
from gateway.domain.what_if import ramp_rate, usual_session_s
from gateway.errors import InvalidKnob

MOVES_KEPT = 20
SESSION_UNKNOWN_S = 60.0
LEAST_CHANGE = 0.01  # of the rate: a ramp moves in steps of a hundredth, not with every look
LONGEST_RAMP_MINUTES = 240


@dataclass(frozen=True, slots=True)
class Plan:
    """What the operator ordered. ``id`` is random: what is noted of one plan is never taken for another's."""

    id: str
    kind: str  # "ramp" or "autopilot"
    actor: str
    since_ms: int
    from_per_minute: float  # ramp: where it began; autopilot: the floor
    to_per_minute: float  # ramp: where it ends; autopilot: the most
    over_s: float = 0.0  # ramp
    target_p95_s: float = 0.0  # autopilot


@dataclass(frozen=True, slots=True)
class Course:
    """How a plan goes: the rate that it set last, why it is what it is, and the latest moves."""

    plan: str
    rate_per_minute: float
    why: str = "begun"
    ended: str = ""  # "done" or "taken-over"; then people turn the rate again
    moves: tuple[tuple[int, float, float, str], ...] = ()  # wall time in ms, from, to, why; newest first
    state: autopilot.State = field(default_factory=autopilot.State)


def plan_of(stored: Mapping[str, Any]) -> Plan:
    """A plan as the store keeps it."""
    return Plan(**stored)


def course_of(stored: Mapping[str, Any]) -> Course:
    """A course as the store keeps it."""
    moves = tuple((int(at), float(was), float(is_now), str(why)) for at, was, is_now, why in stored["moves"])
    return Course(**{**stored, "moves": moves, "state": autopilot.State(**stored["state"])})


def stored(value: Plan | Course) -> dict[str, Any]:
    """As the store keeps it."""
    return asdict(value)


def steer(plan: Plan, course: Course, snapshot: Snapshot, health: Health | None) -> Course:
    """The course after one look. Whoever changed the rate meanwhile has taken over: nothing is set any more."""
    rate = snapshot.knobs.rate_per_minute
    if abs(rate - course.rate_per_minute) > 1e-9:
        return _with(course, ended="taken-over", why="taken-over", rate_per_minute=rate)
    if plan.kind == "ramp":
        return _ramp(plan, course, snapshot)
    limits = autopilot.Limits(plan.from_per_minute, plan.to_per_minute, plan.target_p95_s)
    move = autopilot.decide(
        limits,
        course.state,
        rate_per_minute=rate,
        health=health,
        in_use=snapshot.phase.releases and snapshot.present > 0 and snapshot.inside < snapshot.knobs.ceiling,
        session_s=usual_session_s(snapshot) or SESSION_UNKNOWN_S,
        now_s=snapshot.now_ms / 1000,
    )
    return _moved(_with(course, state=move.state, why=move.why), round(move.rate_per_minute, 2), snapshot)


def _ramp(plan: Plan, course: Course, snapshot: Snapshot) -> Course:
    elapsed_s = (snapshot.now_ms - plan.since_ms) / 1000
    wanted = ramp_rate(plan.from_per_minute, plan.to_per_minute, elapsed_s=elapsed_s, over_s=plan.over_s)
    done = wanted == plan.to_per_minute
    if not done and abs(wanted - course.rate_per_minute) < LEAST_CHANGE * plan.to_per_minute:
        return course
    after = _moved(_with(course, why="ramp"), wanted, snapshot)
    return _with(after, ended="done", why="done") if done else after


def _moved(course: Course, rate: float, snapshot: Snapshot) -> Course:
    was = snapshot.knobs.rate_per_minute
    if rate == was:
        return course
    moves = ((snapshot.now_ms, was, rate, course.why), *course.moves)[:MOVES_KEPT]
    return _with(course, rate_per_minute=rate, moves=moves)


def _with(course: Course, **changes: Any) -> Course:
    return Course(**{name: changes.get(name, getattr(course, name)) for name in Course.__dataclass_fields__})


def read_order(asked: Mapping[str, object], *, id: str, actor: str, snapshot: Snapshot) -> Plan:  # noqa: A002 - the field's name
    """A plan from JSON or a form. Raises InvalidChanges naming every problem at once."""
    problems: dict[str, str] = {}

    def number(name: str, least: float, most: float, what: str) -> float:
        try:
            value = read_rate(asked[name])
        except KeyError:
            problems[name] = f"is missing: {what}"
        except InvalidKnob as error:
            problems[name] = str(error)
        else:
            if least <= value <= most:
                return value
            problems[name] = f"give {what} from {least:g} to {most:g}"
        return 0.0

    kind = asked.get("kind")
    fields = _FIELDS.get(str(kind), {})
    if not fields:
        problems["kind"] = f"use one of {', '.join(_FIELDS)}"
    values = {name: number(name, *allowed) for name, allowed in fields.items()}
    problems |= dict.fromkeys(asked.keys() - fields.keys() - {"kind"}, "is not known here")
    if kind == "autopilot" and not problems and values["floor_per_minute"] >= values["most_per_minute"]:
        problems["floor_per_minute"] = "must be less than most_per_minute"
    if problems:
        raise InvalidChanges(problems)
    common = {"id": id, "kind": str(kind), "actor": actor, "since_ms": snapshot.now_ms}
    if kind == "ramp":
        return Plan(
            **common,  # type: ignore[arg-type]
            from_per_minute=snapshot.knobs.rate_per_minute,
            to_per_minute=values["to_per_minute"],
            over_s=values["over_minutes"] * 60,
        )
    return Plan(
        **common,  # type: ignore[arg-type]
        from_per_minute=values["floor_per_minute"],
        to_per_minute=values["most_per_minute"],
        target_p95_s=values["target_p95_ms"] / 1000,
    )


_RATE = (0.1, 1_000_000, "visitors a minute")
_FIELDS: dict[str, dict[str, tuple[float, float, str]]] = {
    "ramp": {"to_per_minute": _RATE, "over_minutes": (1, LONGEST_RAMP_MINUTES, "minutes")},
    "autopilot": {
        "floor_per_minute": _RATE,
        "most_per_minute": _RATE,
        "target_p95_ms": (10, 60_000, "milliseconds"),
    },
}
