"""What the workers count, by the names that are exported. Without Prometheus: commands import this too."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property


@dataclass(frozen=True, slots=True)
class Count:
    """A counter that workers add to. The exported name gets ``_total``."""

    name: str
    help: str
    labels: tuple[str, ...] = ()

    def key(self, **labels: str) -> str:
        """What to give to ``line.count``. Label values must be few and fixed, never a visitor's words."""
        if set(labels) != set(self.labels):
            raise ValueError(f"{self.name} has the labels {self.labels}, not {tuple(labels)}")
        if not labels:
            return self.name
        return f"{self.name}{{{','.join(f'{name}={labels[name]}' for name in self.labels)}}}"


@dataclass(frozen=True)
class Durations:
    """A histogram of seconds that workers add to. The exported name should end in ``_seconds``."""

    name: str
    help: str
    bounds_s: tuple[float, ...] = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)

    @cached_property
    def keys(self) -> tuple[str, ...]:
        """What ``observe`` counts for each bound, and for what is beyond the last."""
        return *(f"{self.name}<={bound:g}" for bound in self.bounds_s), f"{self.name}<=+Inf"

    @cached_property
    def sum_key(self) -> str:
        """What ``observe`` adds the seconds to."""
        return f"{self.name}_sum"


REQUESTS = Count("requests", "Requests answered by the gateway, by what was done with them.", ("kind",))
ORIGIN_RESPONSES = Count(
    "origin_responses", "Answers of the origin by class: 2xx to 5xx, error, timeout.", ("status",)
)
CREDENTIALS_REFUSED = Count("credentials_refused", "Tickets and passes not believed, by reason.", ("reason",))
ORIGIN_SECONDS = Durations("origin_response_seconds", "Seconds until the origin's response began.")

COUNTS = {count.name: count for count in (REQUESTS, ORIGIN_RESPONSES, CREDENTIALS_REFUSED)}
DURATIONS = {durations.name: durations for durations in (ORIGIN_SECONDS,)}


def observe(count: Callable[[str, float], None], durations: Durations, seconds: float) -> None:
    """Add one observation through ``line.count``: two counts, whatever the number of buckets."""
    count(durations.keys[bisect_left(durations.bounds_s, seconds)], 1)
    count(durations.sum_key, seconds)
