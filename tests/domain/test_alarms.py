"""When somebody is told of trouble."""

from __future__ import annotations

from typing import Any

import pytest

from gateway.domain.alarms import Bell, conditions, event_of
from gateway.domain.room import Phase


@pytest.mark.parametrize(
    ("changes", "p95_s", "skew_ms", "found"),
    [
        ({"since_release_ms": 31_000, "rate_per_minute": 60.0}, None, 0, ["no-release"]),
        ({"since_release_ms": 29_000, "rate_per_minute": 60.0}, None, 0, []),
        ({"since_release_ms": 60_000, "rate_per_minute": 60.0, "present": 0}, None, 0, []),
        ({"since_release_ms": 60_000, "rate_per_minute": 60.0, "phase": Phase.PAUSED}, None, 0, []),
        # One a minute: two and a half minutes are longer than chance and no-shows make it.
        ({"since_release_ms": 140_000, "rate_per_minute": 1.0}, None, 0, []),
        ({"since_release_ms": 160_000, "rate_per_minute": 1.0}, None, 0, ["no-release"]),
        ({"since_release_ms": 31_000, "rate_per_minute": 0.0}, None, 0, ["no-release"]),
        ({}, 2.1, 0, ["origin-slow"]),
        ({}, 2.0, 0, []),
        ({}, None, 2_001, ["clock-skew"]),
        ({}, None, -2_001, ["clock-skew"]),
        ({}, None, 2_000, []),
        ({"since_release_ms": 31_000}, 9.0, 9_000, ["no-release", "origin-slow", "clock-skew"]),
    ],
)
def test_what_counts_as_trouble(
    snapshot_with: Any, changes: dict[str, Any], p95_s: float | None, skew_ms: int, found: list[str]
) -> None:
    assert list(conditions(snapshot_with(**changes), p95_s=p95_s, slow_s=2.0, skew_ms=skew_ms)) == found


def test_it_rings_when_trouble_stays_and_once_more_when_it_has_gone() -> None:
    bell = Bell(steady_s=10.0)
    assert bell.due({"a"}, set(), 0.0) == set()
    assert bell.due({"a"}, set(), 9.0) == set()
    assert bell.due(set(), set(), 9.5) == set()  # gone for a moment: it begins anew
    assert bell.due({"a"}, set(), 10.0) == set()
    assert bell.due({"a", "b"}, set(), 20.0) == {"a"}
    assert bell.due({"a", "b"}, {"a"}, 25.0) == set()
    assert bell.due({"b"}, {"a"}, 30.0) == {"b"}
    assert bell.due({"b"}, {"a", "b"}, 40.0) == {"a"}


def test_every_attempt_to_tell_an_event_has_the_same_id() -> None:
    raised = event_of("r", "clock-skew", {"clock-skew": "apart"}, 1)
    assert (raised.event, raised.text, raised.id) == ("raised", "r: apart", "r-clock-skew-raised-1")
    assert event_of("r", "clock-skew", {}, 2).event == "ended"
