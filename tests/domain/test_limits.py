"""Quotas and limits: what is left, which limit binds, and who is told that it will not do today."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from gateway.domain import estimate
from gateway.domain.limits import NAMES, binding
from gateway.domain.origin_health import Health
from gateway.domain.quota import left
from gateway.domain.room import Phase, Snapshot

Make = Callable[..., Snapshot]


@pytest.mark.parametrize(
    ("daily", "total", "used_today", "used", "to_offer", "kind"),
    [
        (0, 0, 5, 5, None, None),
        (10, 0, 4, 9, 3, "daily-quota"),
        (0, 10, 4, 9, 0, "total-quota"),
        (10, 12, 4, 9, 0, "total-quota"),
        (10, 20, 10, 11, 0, "daily-quota"),
        (5, 0, 9, 9, 0, "daily-quota"),  # lowered below what was used
    ],
)
def test_the_scarcer_quota_counts(
    snapshot_with: Make, daily: int, total: int, used_today: int, used: int, to_offer: int | None, kind: str | None
) -> None:
    counted = {"day_used": used_today, "used": used, "unused": 2, "offers": 1}
    quota = left(snapshot_with(daily_quota=daily, total_quota=total, **counted))
    assert (quota and quota.to_offer, quota and quota.kind) == (to_offer, kind)


@pytest.mark.parametrize(
    ("changes", "knobs", "steered_by", "error_share", "limit"),
    [
        ({}, {}, "", 0.0, (60.0, "rate")),
        ({}, {}, "autopilot", 0.0, (60.0, "autopilot")),
        ({"claimed": 50, "leases": 100}, {"ceiling": 50}, "", 0.0, (60.0, "ceiling")),
        ({"claimed": 50, "leases": 40}, {"ceiling": 50, "rate_per_minute": 100}, "", 0.0, (75.0, "ceiling")),
        ({"day_used": 7}, {"daily_quota": 10}, "ramp", 0.0, (3.0, "daily-quota")),
        ({}, {"total_quota": 500}, "", 0.0, (60.0, "rate")),
        ({}, {}, "", 1.0, (0.0, "site-away")),
        ({}, {"phase": Phase.PAUSED, "rate_per_minute": 0}, "", 1.0, (0.0, "phase")),
    ],
)
def test_the_least_limit_binds(
    snapshot_with: Make,
    changes: dict[str, int],
    knobs: dict[str, float],
    steered_by: str,
    error_share: float,
    limit: tuple[float, str],
) -> None:
    room = snapshot_with(**({"delivered_per_minute": 60.0} | changes | knobs))
    health = Health(seconds=30.0, answers_per_s=1.0, error_share=error_share, p50_s=0.1, p95_s=0.2)
    found = binding(room, steered_by=steered_by, health=health)
    assert tuple(found) == limit
    assert found.name in NAMES


@pytest.mark.parametrize(
    ("position", "density", "makes_it"),
    [(140, 1.0, True), (150, 1.0, True), (151, 1.0, None), (157, 1.0, False), (199, 0.5, None), (300, 0.5, False)],
)
def test_who_will_not_make_it_today_is_told(
    snapshot_with: Make, position: int, density: float, makes_it: bool | None
) -> None:
    """Sure when all the tickets ahead fit, out of reach when nine in ten of those expected do not."""
    room = snapshot_with(daily_quota=50, density=density)
    assert estimate.makes_it(room, position, estimate.ahead(room, position)) is makes_it
    assert estimate.makes_it(snapshot_with(), position, 10_000) is True


def test_nobody_is_told_a_wait_while_no_place_is_left(snapshot_with: Make) -> None:
    assert estimate.wait(snapshot_with(daily_quota=50, day_used=50), 120) is None
