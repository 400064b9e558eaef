"""What is told about a room, a ticket and an audit entry, as plain values: the API's JSON, the pages' data."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from gateway.counters import ORIGIN_SECONDS
from gateway.desk.actions import Ticket
from gateway.domain.accuracy import Outcomes, Tally
from gateway.domain.alarms import is_overdue
from gateway.domain.changes import Entry
from gateway.domain.estimate import wait
from gateway.domain.help_desk import advice, unused
from gateway.domain.history import joins_per_minute
from gateway.domain.limits import binding
from gateway.domain.numbers import format_number
from gateway.domain.origin_health import health
from gateway.domain.quota import day_ends_ms, left
from gateway.domain.room import Snapshot
from gateway.domain.what_if import usual_session_s
from gateway.store.line import SAMPLE_COLUMNS
from gateway.store.openings import planned_view
from gateway.store.watch import Vitals, WorkerSeen

STANDSTILL_S = 5.0  # without a tick
SILENT_MS = 3_000  # a worker that was not heard for so long counts as gone

ALERTS = ("no-workers", "standstill", "quota", "full", "rate-zero", "no-release")


def room_view(snapshot: Snapshot, *, name: str, standstill_s: float = 0.0) -> dict[str, Any]:
    """The room as API and command line show it. Times ending in ``_ms`` are unix milliseconds.

    ``standstill_s``: for how long room time has not moved, if the caller has watched it.
    """
    knobs = snapshot.knobs
    since_release_s = seconds_since_release(snapshot, standstill_s)
    return {
        "room": snapshot.room,
        "name": name,
        "instance": snapshot.instance,
        "generation": snapshot.generation,
        "revision": snapshot.revision,
        "phase": str(knobs.phase),
        "rate_per_minute": knobs.rate_per_minute,
        "ceiling": knobs.ceiling,
        "ending": str(knobs.ending),
        "daily_quota": knobs.daily_quota or None,
        "total_quota": knobs.total_quota or None,
        **quota_view(snapshot),
        "joins_per_network": knobs.joins_per_network,
        "challenge": knobs.challenge,
        "opens_at_ms": knobs.opens_at_ms or None,
        "closes_at_ms": knobs.closes_at_ms or None,
        "message": dict(knobs.message),
        "draw": None if snapshot.draw is None else asdict(snapshot.draw) | {"step": snapshot.draw.step},
        "reason": dict(snapshot.reason),
        "planned": [planned_view(each) for each in snapshot.openings],
        "queueing_since_ms": snapshot.queueing_since_ms or None,
        "now_ms": snapshot.now_ms,
        **cursors(snapshot),
        "delivered_per_minute": round(snapshot.delivered_per_minute, 2),
        "seconds_since_last_release": round(since_release_s, 1),
        "standstill_s": round(standstill_s, 1),
        "density": round(snapshot.density, 4),
        "claimed": snapshot.claimed,
        "finished": snapshot.finished,
        "lapsed": snapshot.lapsed,
        "passed": snapshot.passed,
        "late_returns": snapshot.late_returns,
        "workers": snapshot.workers,
        "poll_max_s": snapshot.poll_max_s,
        "alerts": alerts(snapshot, since_release_s, standstill_s),
    }


def quota_view(snapshot: Snapshot) -> dict[str, Any]:
    """What counts against the quotas. ``quota_left``: places that nobody holds; null without a quota."""
    quota = left(snapshot)
    return {
        "used": snapshot.used,
        "used_today": snapshot.day_used,
        "day_ends_ms": day_ends_ms(snapshot),
        "unused": snapshot.unused,
        "quota_left": None if quota is None else quota.to_offer,
    }


def binding_view(snapshot: Snapshot, vitals: Vitals) -> dict[str, Any]:
    """The least of all limits, which is what the rate comes to at this moment."""
    before = vitals.before(snapshot.now_ms)
    seen = health(before, vitals.counts(snapshot.now_ms), ORIGIN_SECONDS.bounds_s) if before else None
    steered_by = vitals.plan.kind if vitals.plan and vitals.course and not vitals.course.ended else ""
    limit = binding(snapshot, steered_by=steered_by, health=seen)
    return {"limit": limit.name, "per_minute": round(limit.per_minute, 2)}


def live_view(snapshot: Snapshot, vitals: Vitals, store_ms: float) -> dict[str, Any]:
    """What is reckoned from the samples, the workers' reports and the origin's counters."""
    rows = [dict(zip(SAMPLE_COLUMNS, row, strict=False)) for row in vitals.samples]
    joins = joins_per_minute(rows, snapshot.issued, snapshot.now_ms, snapshot.skipped)
    last = wait(snapshot, snapshot.issued + 1)
    session_s = usual_session_s(snapshot)
    return {
        "joins_per_minute": None if joins is None else round(joins, 1),
        "held_up_s": round(snapshot.since_release_ms / 1000, 1) if snapshot.waiting else None,
        "no_shows": snapshot.passed + snapshot.lapsed,
        "wait_low_s": last.low_s if last else None,
        "wait_high_s": last.high_s if last else None,
        "usual_session_s": None if session_s is None else round(session_s, 1),
        "store_ms": round(store_ms, 1),
        "origin": origin_view(snapshot, vitals),
        "heard": [_worker_view(seen) for seen in vitals.workers(snapshot.now_ms)],
        "steering": steering_view(vitals),
        "binding": binding_view(snapshot, vitals),
        "told": told_view(snapshot, vitals),
    }


def told_view(snapshot: Snapshot, vitals: Vitals) -> dict[str, Any]:
    """How told waits came out: over this line, and over the last ten minutes or so."""
    now = vitals.told(snapshot.now_ms, snapshot.instance)
    return {
        "event": _tally_view(now.since(vitals.told_at_start)),
        "recent": _tally_view(now.since(vitals.told_before)),
    }


def _tally_view(tally: Tally) -> dict[str, Any]:
    return {
        "since_ms": tally.at_ms,
        "join": _outcomes_view(tally.join),
        "halfway": _outcomes_view(tally.halfway),
        "late": round(tally.late),
    }


def _outcomes_view(outcomes: Outcomes) -> dict[str, Any]:
    """Of those who were told a range; null while there were none."""
    shares = {
        "right_percent": outcomes.percent(outcomes.right),
        "too_short_percent": outcomes.percent(outcomes.too_short),
        "too_long_percent": outcomes.percent(outcomes.too_long),
    }
    return {
        "judged": round(outcomes.judged),
        **{name: None if share is None else round(share, 1) for name, share in shares.items()},
    }


def origin_view(snapshot: Snapshot, vitals: Vitals) -> dict[str, Any]:
    """The origin over the last half minute or so, as the gateway sees it; null is not known."""
    before = vitals.before(snapshot.now_ms)
    seen = health(before, vitals.counts(snapshot.now_ms), ORIGIN_SECONDS.bounds_s) if before else None
    return {
        "requests_per_s": None if seen is None else round(seen.answers_per_s, 2),
        "error_percent": None if seen is None else round(seen.error_share * 100, 2),
        "p50_ms": None if seen is None or seen.p50_s is None else round(seen.p50_s * 1000, 1),
        "p95_ms": None if seen is None or seen.p95_s is None else round(seen.p95_s * 1000, 1),
        "in_flight": in_flight(vitals.workers(snapshot.now_ms)),
    }


def in_flight(workers: Sequence[WorkerSeen]) -> int:
    """Requests that the origin has not begun to answer, by the workers that are alive."""
    return sum(one.report.in_flight for one in workers if one.report and one.silent_ms < SILENT_MS)


def steering_view(vitals: Vitals) -> dict[str, Any] | None:
    """What turns the rate by itself, or did until a moment ago; None while people do."""
    plan, course = vitals.plan, vitals.course
    if plan is None or course is None:
        return None
    return {
        "kind": plan.kind,
        "actor": plan.actor,
        "since_ms": plan.since_ms,
        "from_per_minute": plan.from_per_minute,
        "to_per_minute": plan.to_per_minute,
        "over_minutes": plan.over_s / 60,
        "target_p95_ms": plan.target_p95_s * 1000,
        "why": course.why,
        "ended": course.ended,
        "moves": [
            {"at_ms": at_ms, "from_per_minute": was, "to_per_minute": now, "why": why}
            for at_ms, was, now, why in course.moves
        ],
    }


def _worker_view(seen: WorkerSeen) -> dict[str, Any]:
    report = seen.report
    return {
        "worker": seen.worker[:8],
        "host": report.host if report else "",
        "pid": report.pid if report else 0,
        "in_flight": report.in_flight if report else 0,
        "clock_ahead_ms": report.clock_ahead_ms if report else 0,
        "silent_s": round(seen.silent_ms / 1000, 1),
    }


def seconds_since_release(snapshot: Snapshot, standstill_s: float) -> float:
    """With people present. Room time stands still while no worker ticks, so that time is added here:
    workers that all hang at once must not look like a release a moment ago."""
    return snapshot.since_release_ms / 1000 + standstill_s


def alerts(snapshot: Snapshot, since_release_s: float, standstill_s: float) -> list[str]:
    """What an operator must look into now, as stable words."""
    knobs = snapshot.knobs
    held_up = is_overdue(snapshot, since_release_s)
    full, quota = snapshot.inside >= knobs.ceiling, left(snapshot)
    used_up = quota is not None and not quota.to_offer
    found = {
        "no-workers": snapshot.workers == 0,
        "standstill": standstill_s > STANDSTILL_S,
        "quota": held_up and used_up,
        "full": held_up and full and not used_up,
        "rate-zero": held_up and knobs.rate_per_minute == 0,
        "no-release": held_up and not full and not used_up and knobs.rate_per_minute > 0,
    }
    return [name for name, is_so in found.items() if is_so]


def cursors(snapshot: Snapshot) -> dict[str, int]:
    """Where the line stands, in numbers of visitors."""
    return {
        "issued": snapshot.issued,
        "called": snapshot.called,
        "ready": snapshot.ready,
        "serving": snapshot.serving,
        "waiting": snapshot.waiting,
        # Measured every few seconds, while `waiting` is of this moment: a part never exceeds its whole.
        "present": min(snapshot.present, snapshot.waiting),
        "late": snapshot.late,
        "inside": snapshot.inside,
        "leases": snapshot.leases,
        "offers": snapshot.offers,
        "ghosts": snapshot.ghosts,
    }


def ticket_view(ticket: Ticket) -> dict[str, Any]:
    """A ticket for the help desk; no ``position`` before its draw. ``ahead`` counts tickets, present or not."""
    snapshot, number, state = ticket.snapshot, ticket.number, str(ticket.state)
    position = None if snapshot.awaits_draw(number) else snapshot.position(number)
    waits = state in ("waiting", "called")
    return {
        "room": snapshot.room,
        "instance": snapshot.instance,
        "number": number,
        "shown": format_number(number),
        "position": position,
        "state": state,
        "ahead": snapshot.between(snapshot.serving, position - 1) if waits and position else None,
        "advice": advice(state, [what for _, what in ticket.events]),
        "pass_unused": unused(state, [what for _, what in ticket.events]),
        "timeline": [{"at_ms": at_ms, "what": what} for at_ms, what in ticket.timeline],
        "events": [{"at_ms": at_ms, "what": what} for at_ms, what in ticket.events],
    }


def entry_view(entry: Entry) -> dict[str, Any]:
    """An audit entry."""
    return {
        "revision": entry.revision,
        "at_ms": entry.at_ms,
        "actor": entry.actor,
        "action": entry.action,
        "why": entry.why,
        "before": dict(entry.before),
        "after": dict(entry.after),
        "undoable": entry.undoable,
        "opening_ms": entry.opening_ms or None,
    }
