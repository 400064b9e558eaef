"""Times in forms: a date and time beside the zone that it is in, because a browser's own field has none."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta, timezone

ZONES = {"+07:00": "WIB", "+08:00": "WITA", "+09:00": "WIT", "+00:00": "UTC"}


def zones(now: datetime) -> dict[str, str]:
    """Offsets and their names, this machine's first. ``now`` has its zone."""
    here = offset_of(now)
    return {here: ZONES.get(here, here), **ZONES}


def offset_of(moment: datetime) -> str:
    """Like "+07:00"."""
    return moment.isoformat()[-6:]


def as_field(at_ms: int | None, offset: str) -> str:
    """As a ``datetime-local`` field holds it; empty for none."""
    if not at_ms:
        return ""
    hours, minutes = int(offset[:3]), int(offset[0] + offset[4:])
    zone = timezone(timedelta(hours=hours, minutes=minutes))
    return datetime.fromtimestamp(at_ms // 1000, zone).isoformat()[:-6]


def from_fields(form: Mapping[str, str], name: str) -> str:
    """What ``read_time`` reads: the field with its zone, or "none" when it was left empty."""
    typed = form.get(name, "").strip()
    return f"{typed}{form.get('zone', '')}" if typed else "none"
