"""How the origin is, from what the workers counted between two moments."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Counts:
    """What was counted of the origin's answers up to a moment; it only grows."""

    at_ms: int
    answers: float
    errors: float  # 5xx, no answer, no answer in time
    buckets: tuple[float, ...]  # answers within each bound and above the one before; the last has no bound


@dataclass(frozen=True, slots=True)
class Health:
    """The origin between two moments. The times are None while it answered nothing."""

    seconds: float
    answers_per_s: float
    error_share: float  # 0 to 1
    p50_s: float | None
    p95_s: float | None


def health(before: Counts, now: Counts, bounds_s: Sequence[float]) -> Health | None:
    """What happened between two counts; None when no time lies between them, or the counters began anew."""
    seconds = (now.at_ms - before.at_ms) / 1000
    answers = now.answers - before.answers
    buckets = [max(0.0, after - earlier) for earlier, after in zip(before.buckets, now.buckets, strict=True)]
    if seconds <= 0 or answers < 0:
        return None
    errors = max(0.0, now.errors - before.errors)
    return Health(
        seconds=seconds,
        answers_per_s=answers / seconds,
        error_share=min(1.0, errors / answers) if answers else 0.0,
        p50_s=quantile(0.5, buckets, bounds_s),
        p95_s=quantile(0.95, buckets, bounds_s),
    )


def quantile(share: float, buckets: Sequence[float], bounds_s: Sequence[float]) -> float | None:
    """Seconds within which ``share`` of the answers began, as Prometheus' histogram_quantile reckons it.

    Linear inside a bucket; beyond the last bound, that bound. None without answers.
    """
    rank = share * sum(buckets)
    if rank <= 0:
        return None
    passed = 0.0
    for index, (count, bound) in enumerate(zip(buckets, bounds_s, strict=False)):
        if passed + count >= rank:
            lower = bounds_s[index - 1] if index else 0.0
            return lower + (bound - lower) * (rank - passed) / count
        passed += count
    return bounds_s[-1]
