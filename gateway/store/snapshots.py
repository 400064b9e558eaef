"""Between the store's replies and Snapshot; and what a worker knows, for restore."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from functools import lru_cache
from typing import Any

from gateway.domain.room import Draw, Ending, Knobs, Phase, Planned, Snapshot
from gateway.errors import StoreError

DAY_OFFSET_MS = 7 * 3_600_000  # western Indonesia: where a day begins when the room says nothing


def parse_snapshot(room: str, reply: object) -> Snapshot:
    """The Snapshot in a reply of tick, read, set_knobs or restore. Raises StoreError on any other reply."""
    if not isinstance(reply, str):
        raise StoreError(f"the store answered {reply!r:.200} where a snapshot was expected")
    try:
        return _build(room, json.loads(reply))
    except (KeyError, ValueError, TypeError, AttributeError) as error:
        raise StoreError(f"the store's snapshot of {room} is damaged: {error!r}") from error


def _build(room: str, fields: dict[str, Any]) -> Snapshot:
    def whole(name: str) -> int:
        return int(fields[name])

    return Snapshot(
        room=room,
        instance=fields["instance"],
        generation=whole("generation"),
        revision=whole("revision"),
        knobs=Knobs(
            rate_per_minute=float(fields["rate"]),
            ceiling=whole("ceiling"),
            phase=Phase(fields["phase"]),
            opens_at_ms=whole("opens_at_ms"),
            closes_at_ms=whole("closes_at_ms"),
            message=json.loads(fields["message"] or "{}"),
            ending=Ending(fields["ending"] or Ending.SERVE),
            daily_quota=whole("daily_quota"),
            total_quota=whole("total_quota"),
            joins_per_network=whole("joins_per_network"),
            challenge=bool(whole("challenge")),
        ),
        now_ms=whole("now_ms"),
        vt_ms=whole("vt"),
        issued=whole("issued"),
        called=whole("called"),
        ready=whole("ready"),
        serving=whole("serving"),
        late=whole("late"),
        offers=whole("offers"),
        leases=whole("leases"),
        ghosts=whole("ghosts"),
        density=float(fields["density"]),
        delivered_per_minute=float(fields["delivered"]),
        present=whole("present"),
        tick_ms=whole("tick_ms"),
        since_release_ms=whole("since_release_ms"),
        claimed=whole("claimed"),
        finished=whole("finished"),
        lapsed=whole("lapsed"),
        passed=whole("passed"),
        late_returns=whole("late_returns"),
        late_share=float(fields["late_share"]),
        workers=whole("workers"),
        registered=whole("registered"),
        poll_max_s=whole("poll_max_s"),
        started_ms=whole("started_ms"),
        unused=whole("unused"),
        used=whole("used"),
        day=whole("day"),
        day_used=whole("day_used"),
        day_offset_ms=whole("day_offset_ms"),
        gap=whole("gap"),
        generation_starts=tuple(int(start) for start in fields["starts"].split()),
        skipped=tuple(_span(span) for span in fields["skipped"].split()),
        draw=_draw(fields["draw"]),
        reason=json.loads(fields["reason"] or "{}"),
        openings=_openings(fields["openings"]),
        queueing_since_ms=whole("queueing_ms"),
    )


def _draw(text: str) -> Draw | None:
    return Draw(**json.loads(text)) if text else None


@lru_cache(maxsize=64)
def _openings(text: str) -> tuple[Planned, ...]:
    """They come with every snapshot and hardly ever change."""
    return tuple(
        Planned(
            instance=each["instance"],
            opens_at_ms=int(each["opens_at_ms"]),
            closes_at_ms=int(each["closes_at_ms"]),
            ending=Ending(each["ending"]),
            challenge=bool(int(each["challenge"])) if each["challenge"] != "" else None,
            draw=_draw(each["draw"]),
            reason=json.loads(each["reason"] or "{}"),
        )
        for each in json.loads(text or "[]")
    )


def openings_json(openings: Sequence[Planned]) -> str:
    """The openings as the store keeps them; '' for none."""
    rows = [
        asdict(each)
        | {
            "draw": json.dumps(asdict(each.draw)) if each.draw else "",
            "reason": reason_json(each.reason),
            "challenge": challenge_field(each.challenge),
        }
        for each in openings
    ]
    return json.dumps(rows, ensure_ascii=False) if rows else ""


def challenge_field(challenge: bool | None) -> int | str:
    """As the store keeps it: 1, 0, or '' for as the room has it then."""
    return "" if challenge is None else int(challenge)


def reason_json(reason: Mapping[str, str]) -> str:
    """A public reason as the store keeps it; '' for none."""
    return json.dumps(dict(reason), ensure_ascii=False) if reason else ""


def _span(text: str) -> tuple[int, int]:
    first, _, last = text.partition("-")
    return int(first), int(last)


def knob_fields(knobs: Knobs) -> dict[str, str | float]:
    """The knobs under the names that the store's functions use."""
    return {
        "rate": knobs.rate_per_minute,
        "ceiling": knobs.ceiling,
        "phase": knobs.phase.value,
        "opens_at_ms": knobs.opens_at_ms,
        "closes_at_ms": knobs.closes_at_ms,
        "message": json.dumps(knobs.message, ensure_ascii=False),
        "ending": knobs.ending.value,
        "daily_quota": knobs.daily_quota,
        "total_quota": knobs.total_quota,
        "joins_per_network": knobs.joins_per_network,
        "challenge": int(knobs.challenge),
    }


def known_json(
    snapshot: Snapshot | None,
    *,
    issued: int,
    instance: str,
    defaults: Knobs,
    poll_max_s: int,
    day_offset_ms: int = DAY_OFFSET_MS,
) -> str:
    """What a worker knows of a line, for restore.

    ``issued`` is the highest number it handed out itself; ``instance`` names the line that begins if nobody
    knows one.
    """
    fresh = {
        "instance": instance,
        "poll_max_s": poll_max_s,
        "day_offset_ms": day_offset_ms,
        **knob_fields(defaults),
    }
    if snapshot is None:
        return json.dumps({"fresh": fresh})
    known = {
        "instance": snapshot.instance,
        "started_ms": snapshot.started_ms,
        "generation": snapshot.generation,
        "revision": snapshot.revision,
        "issued": max(snapshot.issued, issued),
        "called": snapshot.called,
        "serving": snapshot.serving,
        "claimed": snapshot.claimed,
        "finished": snapshot.finished,
        "lapsed": snapshot.lapsed,
        "passed": snapshot.passed,
        "late_returns": snapshot.late_returns,
        "gap": snapshot.gap,
        "ghosts": snapshot.inside,
        # With the passes that are out: after a loss nobody can say which of them were used since.
        "used": snapshot.used + snapshot.unused,
        "day": snapshot.day,
        "day_used": snapshot.day_used + snapshot.unused,
        "starts": " ".join(map(str, snapshot.generation_starts)),
        "skipped": " ".join(f"{first}-{last}" for first, last in snapshot.skipped),
        "draw": json.dumps(asdict(snapshot.draw)) if snapshot.draw else "",
        "reason": reason_json(snapshot.reason),
        "openings": openings_json(snapshot.openings),
        **knob_fields(snapshot.knobs),
        "fresh": fresh,
    }
    return json.dumps(known, ensure_ascii=False)
