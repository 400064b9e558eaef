"""Admissions against a rate, in any window, from times that are known only as intervals."""

from __future__ import annotations

import bisect
from collections.abc import Sequence
from dataclasses import dataclass

MOMENT_S = 0.001  # times closer than this are one moment to a measuring process


@dataclass(frozen=True, slots=True)
class Window:
    """``count`` admissions certainly fell between ``from_s`` and ``until_s``; ``allowed`` is the promise."""

    from_s: float
    until_s: float
    count: int
    allowed: float

    @property
    def excess(self) -> float:
        return self.count - self.allowed


def burst(rate_per_minute: float) -> float:
    """What may come at once: one second's worth, at least one visitor."""
    return max(1.0, rate_per_minute / 60)


def worst_window(intervals: Sequence[tuple[float, float]], rate_per_minute: float) -> Window | None:
    """The window of any length that most exceeds rate × length + burst.

    Each admission happened somewhere in its ``(sent, received)``. An admission is counted into a
    window only if it cannot have happened outside: received by its end, and not sent before its
    start. So a slow network never accuses anyone: an excess here is proof. Within the same bound the
    sum splits into a term of the end and a term of the start, so one pass over sorted times finds
    the worst of all windows.
    """
    rate_s = rate_per_minute / 60
    sent = sorted(start for start, _ in intervals)
    received = sorted(end for _, end in intervals)
    worst: Window | None = None
    lowest, lowest_at, before = float("inf"), 0.0, 0
    starts = 0
    for done, end in enumerate(received, start=1):
        while starts < len(sent) and sent[starts] <= end:
            score = starts - rate_s * sent[starts]
            if score < lowest:
                lowest, lowest_at, before = score, sent[starts], starts
            starts += 1
        window = Window(lowest_at, end, done - before, rate_s * (end - lowest_at) + burst(rate_per_minute))
        if worst is None or window.excess > worst.excess:
            worst = window
    return worst


def keeps_rate(window: Window | None, rate_per_minute: float) -> bool:
    """Whether the worst window keeps the promise, within one moment of measurement."""
    return window is None or window.excess <= rate_per_minute / 60 * MOMENT_S + 1e-6


def busiest(times: Sequence[float], length_s: float) -> int:
    """The most admissions whose answers arrived within any ``length_s`` seconds (for people to read)."""
    ordered = sorted(times)
    return max(
        (bisect.bisect_left(ordered, start + length_s) - index for index, start in enumerate(ordered)),
        default=0,
    )


def quantile(values: Sequence[float], share: float) -> float | None:
    """The value that ``share`` of them do not exceed (nearest rank); None of nothing."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))] if ordered else None
