"""One ordinary line, varied in the rows of each table."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import fields
from typing import Any

import pytest

from gateway.domain.room import Knobs, Snapshot

SnapshotFactory = Callable[..., Snapshot]


@pytest.fixture
def snapshot_with() -> SnapshotFactory:
    """Make a snapshot of a line of 1,000, of whom 100 were served and 300 called; knobs or fields changed."""

    def make(**changes: Any) -> Snapshot:
        of_knobs = {field.name for field in fields(Knobs)}
        knobs = Knobs(**{name: changes.pop(name) for name in list(changes) if name in of_knobs})
        values: dict[str, Any] = {
            "room": "registration",
            "instance": "k3xq",
            "generation": 1,
            "revision": 1,
            "knobs": knobs,
            "now_ms": 1_764_000_000_000,
            "vt_ms": 5_000_000,
            "issued": 1000,
            "called": 300,
            "ready": 200,
            "serving": 100,
            "density": 1.0,
            "delivered_per_minute": knobs.rate_per_minute,
            "present": 900,
            "poll_max_s": 60,
        }
        zeros = {field.name: 0 for field in fields(Snapshot) if field.name not in values}
        zeros |= {"generation_starts": (), "skipped": (), "draw": None, "reason": {}, "openings": ()}  # type: ignore[dict-item]
        return Snapshot(**(zeros | values | changes))

    return make
