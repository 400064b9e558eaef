"""What the workers count, by the names that are exported. Without Prometheus: commands import this too."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Iterable
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
        return self.name + _in_braces((name, labels[name]) for name in self.labels)


@dataclass(frozen=True)
class Durations:
    """A histogram of seconds that workers add to. The exported name should end in ``_seconds``.

    ``labels``: names and values of this one, if several share the name.
    """

    name: str
    help: str
    bounds_s: tuple[float, ...] = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)
    labels: tuple[tuple[str, str], ...] = ()

    @cached_property
    def keys(self) -> tuple[str, ...]:
        """What ``observe`` counts for each bound, and for what is beyond the last."""
        series = self.name + _in_braces(self.labels)
        return *(f"{series}<={bound:g}" for bound in self.bounds_s), f"{series}<=+Inf"

    @cached_property
    def sum_key(self) -> str:
        """What ``observe`` adds the seconds to."""
        return f"{self.name}_sum{_in_braces(self.labels)}"


REQUESTS = Count("requests", "Requests answered by the gateway, by what was done with them.", ("kind",))
ORIGIN_RESPONSES = Count(
    "origin_responses", "Answers of the origin by class: 2xx to 5xx, error, timeout.", ("status",)
)
CREDENTIALS_REFUSED = Count("credentials_refused", "Tickets and passes not believed, by reason.", ("reason",))
SHED = Count(
    "shed",
    "Requests that an overloaded worker turned away: newcomer, check-in, connection. Counted in the first room:"
    " a worker turns away before it looks for the room.",
    ("kind",),
)
ORIGIN_SECONDS = Durations("origin_response_seconds", "Seconds until the origin's response began.")
WAIT_TOLD = Count(
    "wait_told",
    "Admissions by how the range came out that was told at joining and half-way: right, too-short (they waited"
    " longer), too-long, untold (no range was shown), unknown (from before the worker started).",
    ("when", "outcome"),
)
LATE_CLAIMS = Count(
    "late_claims",
    "Admissions by the late lane, or of who was silent at their turn: their waits are not judged.",
)
WAIT_SECONDS = Durations(
    "wait_seconds",
    "Seconds from the ticket to the admission, of those who answered at their turn.",
    (10, 30, 60, 120, 300, 600, 1200, 1800, 3600, 7200, 14_400, 28_800, 57_600),
)
WAIT_TOLD_ERROR_SECONDS = {
    when: Durations(
        "wait_told_error_seconds",
        "Seconds by which the wait was outside the range told at joining and half-way; 0 inside it.",
        (0, 5, 10, 30, 60, 120, 300, 600, 1200, 1800, 3600, 7200),
        (("when", when),),
    )
    for when in ("join", "halfway")
}

COUNTS = {
    count.name: count for count in (REQUESTS, ORIGIN_RESPONSES, CREDENTIALS_REFUSED, WAIT_TOLD, LATE_CLAIMS, SHED)
}
DURATIONS = {
    durations.name: durations for durations in (ORIGIN_SECONDS, WAIT_SECONDS, *WAIT_TOLD_ERROR_SECONDS.values())
}


def observe(count: Callable[[str, float], None], durations: Durations, seconds: float) -> None:
    """Add one observation through ``line.count``: two counts, whatever the number of buckets."""
    count(durations.keys[bisect_left(durations.bounds_s, seconds)], 1)
    count(durations.sum_key, seconds)


def _in_braces(labels: Iterable[tuple[str, str]]) -> str:
    told = ",".join(f"{name}={value}" for name, value in labels)
    return f"{{{told}}}" if told else ""
