"""What Prometheus reads: every figure from the store at scrape time, so there is one source for all workers.

Workers count with ``line.count(REQUESTS.key(kind="pulse"))`` and ``observe(line.count, STORE_CALL, seconds)``;
the amounts travel with their tick and are summed in the store under the very names that are exported. A killed
worker leaves nothing behind, and the desk needs no files of theirs.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from prometheus_client import CollectorRegistry
from prometheus_client.exposition import CONTENT_TYPE_LATEST, generate_latest
from prometheus_client.metrics_core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    Metric,
)
from prometheus_client.registry import Collector

from gateway.counters import COUNTS, DURATIONS, Durations
from gateway.domain.room import Phase, Snapshot

CONTENT_TYPE = CONTENT_TYPE_LATEST
PREFIX = "antrean_"

_KEY = re.compile(r"(?P<name>[a-z][a-z0-9_]*)(?:\{(?P<labels>[^{}]*)\})?(?:<=(?P<bound>[0-9.]+|\+Inf))?")
_LABEL = re.compile(r"([a-z_]+)=([A-Za-z0-9_.:-]*)")


@dataclass(frozen=True, slots=True)
class RoomReading:
    """One room at scrape time. ``snapshot`` is None while the store does not tell."""

    room: str
    snapshot: Snapshot | None
    standstill_s: float  # for how long no worker has ticked
    counters: Mapping[str, float]
    clock_skew_s: float = 0.0  # of the worst worker, against the store
    in_flight: int = 0  # requests that the origin has not begun to answer


@dataclass(frozen=True, slots=True)
class _Figure:
    name: str
    help: str
    of: Callable[[RoomReading, Snapshot], float]
    counts: bool = False  # grows only, until a new line begins


FIGURES = (
    _Figure("rate_per_minute", "Configured admissions a minute.", lambda r, s: s.knobs.rate_per_minute),
    _Figure(
        "delivered_per_minute",
        "Admissions a minute over the last half minute or so.",
        lambda r, s: s.delivered_per_minute,
    ),
    _Figure("ceiling", "Most visitors inside at once.", lambda r, s: s.knobs.ceiling),
    _Figure("inside", "Visitors that count against the ceiling: leases, offers, ghosts.", lambda r, s: s.inside),
    _Figure(
        "used_today", "Visitors who first used their pass today, by the room's zone.", lambda r, s: s.day_used
    ),
    _Figure("daily_quota", "Most of them; 0: no quota.", lambda r, s: s.knobs.daily_quota),
    _Figure("total_quota", "Most visitors of this line; 0: no quota.", lambda r, s: s.knobs.total_quota),
    _Figure("leases", "Visitors inside.", lambda r, s: s.leases),
    _Figure("offers", "Places offered and not yet claimed.", lambda r, s: s.offers),
    _Figure("ghosts", "Leases that a lost store may have forgotten.", lambda r, s: s.ghosts),
    _Figure("issued", "The last number given out in this line.", lambda r, s: s.issued),
    _Figure("called", "Positions up to here are asked to check in.", lambda r, s: s.called),
    _Figure("ready", "Positions up to here had time to answer.", lambda r, s: s.ready),
    _Figure("serving", "Positions up to here were admitted or passed over.", lambda r, s: s.serving),
    _Figure("waiting", "Tickets in line, present or not, both lanes.", lambda r, s: s.waiting),
    _Figure("present", "Waiting visitors seen in the last two presence windows.", lambda r, s: s.present),
    _Figure("late", "Returned visitors waiting in the late lane.", lambda r, s: s.late),
    _Figure(
        "queueing",
        "1 while anybody waits; 0: standby, everyone passes straight through.",
        lambda r, s: float(bool(s.queueing_since_ms)),
    ),
    _Figure(
        "queueing_seconds",
        "For how long people have waited without a break; 0 in standby.",
        lambda r, s: (s.now_ms - s.queueing_since_ms) / 1000 if s.queueing_since_ms else 0.0,
    ),
    _Figure("openings_planned", "Openings to come after the one under way.", lambda r, s: len(s.openings)),
    _Figure("density_ratio", "Share of the tickets ahead that enter, as lately, 0 to 1.", lambda r, s: s.density),
    _Figure("workers", "Gateway workers heard in the last seconds.", lambda r, s: s.workers),
    _Figure(
        "generation",
        "Grows when the store lost something and the line was restored.",
        lambda r, s: s.generation,
    ),
    _Figure("knobs_revision", "Revision of the knobs: grows with each change.", lambda r, s: s.revision),
    _Figure(
        "seconds_since_last_release",
        "Seconds since the last offer or claim with somebody present waiting; counts on while no worker ticks.",
        lambda r, s: s.since_release_ms / 1000 + r.standstill_s,
    ),
    _Figure(
        "seconds_without_tick",
        "Seconds for which room time has stood still: no worker ticks.",
        lambda r, s: r.standstill_s,
    ),
    _Figure(
        "clock_skew_seconds",
        "How far the worst worker's clock is ahead of the store's; negative: behind.",
        lambda r, s: r.clock_skew_s,
    ),
    _Figure(
        "origin_in_flight",
        "Requests that the origin has not begun to answer, over all workers.",
        lambda r, s: r.in_flight,
    ),
    _Figure("admissions", "Claims of this line.", lambda r, s: s.claimed, counts=True),
    _Figure("finished", "Admitted visitors who finished.", lambda r, s: s.finished, counts=True),
    _Figure("offers_lapsed", "Offers not claimed in time.", lambda r, s: s.lapsed, counts=True),
    _Figure("passed_over", "Positions passed over because they were absent.", lambda r, s: s.passed, counts=True),
    _Figure("late_returns", "Visitors who came back by the late lane.", lambda r, s: s.late_returns, counts=True),
)


def render(readings: Sequence[RoomReading], *, store_up: bool) -> bytes:
    """The answer to a scrape, in Prometheus' text format."""
    registry = CollectorRegistry(auto_describe=False)
    registry.register(_Scrape(readings, store_up))
    return generate_latest(registry)


class _Scrape(Collector):
    def __init__(self, readings: Sequence[RoomReading], store_up: bool) -> None:
        self._readings = readings
        self._store_up = store_up

    def collect(self) -> Iterable[Metric]:
        yield GaugeMetricFamily(PREFIX + "store_up", "Whether the store answers: 1 or 0.", float(self._store_up))
        yield _room_up(self._readings)
        yield _phases(self._readings)
        for figure in FIGURES:
            yield _family(figure, self._readings)
        yield from _counters(self._readings)


def _room_up(readings: Sequence[RoomReading]) -> Metric:
    family = GaugeMetricFamily(PREFIX + "room_up", "Whether the store holds the room: 1 or 0.", labels=["room"])
    for reading in readings:
        family.add_metric([reading.room], float(reading.snapshot is not None))
    return family


def _phases(readings: Sequence[RoomReading]) -> Metric:
    family = GaugeMetricFamily(PREFIX + "phase", "1 for the phase that the room is in.", labels=["room", "phase"])
    for reading in readings:
        if reading.snapshot is not None:
            for phase in Phase:
                family.add_metric([reading.room, phase], float(phase is reading.snapshot.phase))
    return family


def _family(figure: _Figure, readings: Sequence[RoomReading]) -> Metric:
    kind = CounterMetricFamily if figure.counts else GaugeMetricFamily
    family = kind(PREFIX + figure.name, figure.help, labels=["room"])
    for reading in readings:
        if reading.snapshot is not None:
            family.add_metric([reading.room], figure.of(reading, reading.snapshot))
    return family


def _counters(readings: Sequence[RoomReading]) -> Iterator[Metric]:
    """What the workers counted. A name that is not declared above is exported too, and says so."""
    counters: dict[str, CounterMetricFamily] = {}
    sums: dict[str, dict[tuple[str, str], dict[str, float]]] = {}
    for reading in readings:
        for key, amount in sorted(reading.counters.items()):
            match = _KEY.fullmatch(key)
            if match is None:
                continue
            name, bound = match["name"], match["bound"]
            if bound or (name.endswith("_sum") and name.removesuffix("_sum") in DURATIONS):
                parts = sums.setdefault(name.removesuffix("_sum") if not bound else name, {})
                parts.setdefault((reading.room, match["labels"] or ""), {})[bound or "sum"] = amount
                continue
            labels = dict(_LABEL.findall(match["labels"] or ""))
            family = counters.setdefault(name, _counter_family(name))
            family.add_sample(f"{PREFIX}{name}_total", {"room": reading.room, **labels}, amount)
    yield from counters.values()
    for name, series in sums.items():
        yield _histogram(name, series)


def _counter_family(name: str) -> CounterMetricFamily:
    declared = COUNTS.get(name)
    return CounterMetricFamily(PREFIX + name, declared.help if declared else "Counted by the workers.")


def _histogram(name: str, series: Mapping[tuple[str, str], Mapping[str, float]]) -> Metric:
    """``series`` by room and its other labels, as they stand in the keys."""
    durations = DURATIONS.get(name, Durations(name, "Measured by the workers, seconds."))
    names = [label for label, _ in durations.labels]
    family = HistogramMetricFamily(PREFIX + name, durations.help, labels=["room", *names])
    for (room, labels), parts in series.items():
        total, buckets = 0.0, []
        for bound in [*(f"{bound:g}" for bound in durations.bounds_s), "+Inf"]:
            total += parts.get(bound, 0.0)
            buckets.append((bound, total))
        told = dict(_LABEL.findall(labels))
        family.add_metric([room, *(told.get(label, "") for label in names)], buckets, parts.get("sum", 0.0))
    return family
