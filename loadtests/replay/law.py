"""What a page and the gateway do for one visitor, done for many at once.

``ranges`` is ``gateway.domain.estimate.wait`` and ``pulse_interval`` is the page's own law (waiting.js), both
over arrays of positions; a test compares them one by one.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from gateway.domain import estimate
from gateway.domain.room import Phase, Snapshot

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]

PAGE_HIDDEN_CHECK_S = 50.0
PAGE_MIDDLE, PAGE_LATER_S = (estimate.SHORTER + estimate.LONGER) / 2, estimate.LONGER_S / 2
"""The middle of the range, which the page polls by."""


def ranges(snapshot: Snapshot, positions: Ints) -> tuple[Ints, Ints] | None:
    """The low and high of the wait at each position, in seconds; None when nobody can say."""
    rate = estimate.expected_rate_per_minute(snapshot)
    if not snapshot.phase.releases or rate <= 0:
        return None
    ahead = np.maximum(0, np.minimum(positions, snapshot.issued + snapshot.gap + 1) - snapshot.serving - 1)
    main = ahead * snapshot.density
    share = min(snapshot.late_share, 0.5)
    in_lane = np.minimum(snapshot.late, main + 1) if snapshot.late else 0
    expected = (main + np.maximum(in_lane, main * (share / (1 - share)))) * 60 / rate
    low = (expected * estimate.SHORTER).astype(np.int64)
    return low, (expected * estimate.LONGER).astype(np.int64) + estimate.LONGER_S


def pulse_interval(snapshot: Snapshot, positions: Ints, hidden: Bools, dice: Floats) -> Floats:
    """Seconds until the next pulse. ``dice``: in [0, 1), for the jitter."""
    most = snapshot.poll_max_s
    rate = estimate.main_lane_per_minute(snapshot)
    if rate > 0:
        ahead = np.maximum(0, positions - snapshot.serving - 1) * snapshot.density
        wait_s = ahead * 60 / rate * PAGE_MIDDLE + PAGE_LATER_S
        seconds = np.clip(_with_countdown(snapshot, wait_s) / 10, 2, most)
    else:
        seconds = np.full(len(positions), float(most))
    seconds = np.where(hidden, np.maximum(seconds, min(60, max(most, 2))), seconds)
    return np.asarray(seconds * (0.8 + 0.4 * dice))


def _with_countdown(snapshot: Snapshot, wait_s: Floats) -> Floats:
    """Before an opening: the time to it, and once drawn what comes after it for one's own place."""
    if snapshot.phase not in (Phase.SCHEDULED, Phase.DRAWN):
        return wait_s
    left_s = max(0.0, (snapshot.knobs.opens_at_ms - snapshot.now_ms) / 1000)
    drawn = snapshot.draw is None or bool(snapshot.draw.secret)
    return left_s + wait_s if drawn else np.full(len(wait_s), left_s)


def check_interval(poll_s: Floats, hidden: Bools, dice: Floats) -> Floats:
    """Seconds until the next check-in, given what the last one was told."""
    slow = hidden & (poll_s > 3)
    return np.where(slow, PAGE_HIDDEN_CHECK_S * (0.8 + 0.2 * dice), poll_s * (0.8 + 0.4 * dice))


def far_position(snapshot: Snapshot) -> int:
    """Behind this position everyone polls at the slowest interval, whatever is heard in the next minutes."""
    rate = estimate.main_lane_per_minute(snapshot)
    if rate <= 0:
        return snapshot.called
    ahead = 12 * snapshot.poll_max_s * rate / 60 / max(snapshot.density, 0.001)
    return max(snapshot.called, snapshot.serving + int(ahead))


def remainder(most_s: float, dice: Floats, more_dice: Floats) -> Floats:
    """What is left of a poll that is under way, for pollers of interval ``most_s`` ±20 %."""
    # A moment falls into a long interval more often than into a short one.
    interval = most_s * np.sqrt(0.64 + dice * (1.44 - 0.64))
    return np.asarray(interval * more_dice)
