"""What Prometheus reads, from the store at scrape time."""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import replace
from typing import Any

from prometheus_client.parser import text_string_to_metric_families

from gateway.counters import CREDENTIALS_REFUSED, ORIGIN_SECONDS, REQUESTS, WAIT_TOLD_ERROR_SECONDS, observe
from gateway.domain.room import Knobs, Phase, Snapshot
from gateway.metrics import FIGURES, RoomReading, render
from gateway.store.watch import Report


def parse(text: str) -> dict[tuple[str, frozenset[tuple[str, str]]], float]:
    return {
        (sample.name, frozenset(sample.labels.items())): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def value(text: str, name: str, **labels: str) -> float:
    return parse(text)[f"antrean_{name}", frozenset(labels.items())]


async def scrape(desk: Any) -> str:
    async with desk.http.get(desk.url + "/metrics") as answer:
        assert answer.status == 200
        return str(await answer.text())


async def test_what_workers_say_of_themselves_is_told(desk: Any, worker: Any) -> None:
    before = value(await scrape(desk), "origin_in_flight", room="registration")
    await worker.store.tick()
    await worker.line.watch.report(worker.store.worker, Report("here", 1, 3, -9_500), holds=False)
    text = await scrape(desk)
    assert value(text, "clock_skew_seconds", room="registration") == -9.5
    assert value(text, "origin_in_flight", room="registration") == before + 3


async def test_the_rooms_figures_come_from_the_store(desk: Any, worker: Any) -> None:
    await worker.line.set_knobs({"rate_per_minute": 30, "ceiling": 7, "phase": "paused"}, actor="tests")
    await worker.line.join()
    await worker.store.tick()  # the worker is heard
    text = await scrape(desk)
    assert value(text, "store_up") == 1
    assert value(text, "room_up", room="registration") == 1
    assert value(text, "rate_per_minute", room="registration") == 30
    assert value(text, "ceiling", room="registration") == 7
    assert value(text, "issued", room="registration") == 1
    assert value(text, "phase", room="registration", phase="paused") == 1
    assert value(text, "phase", room="registration", phase="open") == 0
    assert value(text, "workers", room="registration") >= 1


async def test_what_workers_count_is_summed_over_all_of_them(desk: Any, worker: Any, valkey: Any) -> None:
    before = await scrape(desk)
    key = ("antrean_requests_total", frozenset({("room", "registration"), ("kind", "pulse")}))
    for _ in range(3):
        worker.line.count(REQUESTS.key(kind="pulse"))
    observe(worker.line.count, ORIGIN_SECONDS, 0.03)
    observe(worker.line.count, ORIGIN_SECONDS, 60)
    await worker.store.tick()
    text = await scrape(desk)
    assert parse(text)[key] == parse(before).get(key, 0) + 3

    def more(name: str, **labels: str) -> float:
        of = (f"antrean_origin_response_seconds_{name}", frozenset({("room", "registration"), *labels.items()}))
        return parse(text)[of] - parse(before).get(of, 0)

    assert [more("bucket", le=bound) for bound in ("0.025", "0.05", "+Inf")] == [0, 1, 2]
    assert more("count") == 2
    assert math.isclose(more("sum"), 60.03)


SNAPSHOT = Snapshot(
    room="r", instance="i", generation=1, revision=1, knobs=Knobs(), now_ms=0, vt_ms=0, issued=10, called=8,
    ready=6, serving=5, late=0, offers=1, leases=2, ghosts=0, density=1.0, delivered_per_minute=0.0, present=4,
    since_release_ms=12_000, claimed=3, finished=1, lapsed=0, passed=2, late_returns=0, workers=0, poll_max_s=60,
)  # fmt: skip


def rendered(snapshot: Snapshot | None = SNAPSHOT, *, up: bool = True, **changes: Any) -> str:
    reading = replace(RoomReading("r", snapshot, 0.0, {}), **changes)
    return render([reading], store_up=up).decode()


def test_a_hang_is_not_silent_seconds_count_on_while_nobody_ticks() -> None:
    assert value(rendered(), "seconds_since_last_release", room="r") == 12
    text = rendered(standstill_s=300.0)
    assert value(text, "seconds_since_last_release", room="r") == 312
    assert value(text, "seconds_without_tick", room="r") == 300


def test_a_store_that_is_away_is_a_figure_and_no_stale_number_is_shown() -> None:
    text = rendered(None, up=False)
    assert value(text, "store_up") == 0
    assert value(text, "room_up", room="r") == 0
    assert 'antrean_issued{room="r"}' not in text


def test_every_metric_has_help_and_each_phase_a_value() -> None:
    text = rendered()
    for figure in FIGURES:
        suffix = "_total" if figure.counts else ""
        assert f"# HELP antrean_{figure.name}{suffix} {figure.help}" in text
    assert sum(value(text, "phase", room="r", phase=phase) for phase in Phase) == 1


def test_counts_nobody_declared_are_exported_and_odd_ones_cannot_break_the_scrape() -> None:
    counters = {
        "surprise": 2.0,
        "surprise{why=x}": 3.0,
        CREDENTIALS_REFUSED.key(reason="forged"): 1.0,
        'evil"} 1\nx{': 9.0,
        "Capital": 1.0,
    }
    text = rendered(counters=counters)
    assert value(text, "surprise_total", room="r") == 2
    assert value(text, "surprise_total", room="r", why="x") == 3
    assert value(text, "credentials_refused_total", room="r", reason="forged") == 1
    assert "evil" not in text


def test_a_histogram_has_its_labels_beside_the_room() -> None:
    counted: Counter[str] = Counter()

    def count(key: str, amount: float) -> None:
        counted[key] += amount  # type: ignore[assignment]

    for when, seconds in (("join", 0.0), ("join", 31.0), ("halfway", 4.0)):
        observe(count, WAIT_TOLD_ERROR_SECONDS[when], seconds)
    text = rendered(counters=counted)
    name = "wait_told_error_seconds"
    assert value(text, f"{name}_bucket", room="r", when="join", le="0") == 1
    assert value(text, f"{name}_bucket", room="r", when="join", le="60") == 2
    assert value(text, f"{name}_sum", room="r", when="join") == 31
    assert value(text, f"{name}_count", room="r", when="halfway") == 1
