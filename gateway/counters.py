"""What the workers count, by the names that are exported. Without Prometheus: commands import this too."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Count:
    """A counter that workers add to. The exported name gets ``_total``."""

    name: str
    help: str
    labels: tuple[str, ...] = ()

    def key(self, **labels: str) -> str:
        """What to give to ``line.count``. Label values must be few and fixed, never a visitor's words."""
        return self.name + _told(self.name, self.labels, labels)


@dataclass(frozen=True, slots=True)
class Durations:
    """A histogram of seconds that workers add to. The exported name should end in ``_seconds``."""

    name: str
    help: str
    bounds_s: tuple[float, ...] = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)
    labels: tuple[str, ...] = ()


REQUESTS = Count("requests", "Requests answered by the gateway, by what was done with them.", ("kind",))
ORIGIN_RESPONSES = Count(
    "origin_responses", "Answers of the origin by class: 2xx to 5xx, error, timeout.", ("status",)
)
CREDENTIALS_REFUSED = Count("credentials_refused", "Tickets and passes not believed, by reason.", ("reason",))
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
WAIT_TOLD_ERROR_SECONDS = Durations(
    "wait_told_error_seconds",
    "Seconds by which the wait was outside the range told at joining and half-way; 0 inside it.",
    (0, 5, 10, 30, 60, 120, 300, 600, 1200, 1800, 3600, 7200),
    ("when",),
)

COUNTS = {count.name: count for count in (REQUESTS, ORIGIN_RESPONSES, CREDENTIALS_REFUSED, WAIT_TOLD, LATE_CLAIMS)}
DURATIONS = {durations.name: durations for durations in (ORIGIN_SECONDS, WAIT_SECONDS, WAIT_TOLD_ERROR_SECONDS)}


def observe(count: Callable[[str, float], None], durations: Durations, seconds: float, **labels: str) -> None:
    """Add one observation through ``line.count``: two counts, whatever the number of buckets."""
    told = _told(durations.name, durations.labels, labels)
    bound = next((bound for bound in durations.bounds_s if seconds <= bound), None)
    count(f"{durations.name}{told}<={'+Inf' if bound is None else f'{bound:g}'}", 1)
    count(f"{durations.name}_sum{told}", seconds)


def _told(name: str, declared: tuple[str, ...], labels: Mapping[str, str]) -> str:
    if set(labels) != set(declared):
        raise ValueError(f"{name} has the labels {declared}, not {tuple(labels)}")
    return f"{{{','.join(f'{label}={labels[label]}' for label in declared)}}}" if declared else ""
