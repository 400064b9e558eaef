"""The store alone, in virtual time: how much memory a line takes, and how long a tick, however long the line is.

Half of the line is silent, so that ticks have absentees to pass over; everybody else was seen when they joined.
"""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import redis

from benchmarks.stack import store_of_its_own
from gateway.domain.room import Knobs
from gateway.store.functions import LIBRARY, Functions
from gateway.store.snapshots import known_json, parse_snapshot

SIZES = (1_000, 100_000, 1_000_000, 10_000_000)
RATE_PER_MINUTE = 6000.0
CEILING = 1_000_000
TICK_MS = 250
TICKS = 1200  # five minutes: past the presence windows, so that the silent are passed over
_BATCH = 100_000
_RUN_ID = "bench"


@dataclass(frozen=True, slots=True)
class LineCost:
    """One line."""

    waiting: int
    memory_bytes: int  # the most at any time: the line's keys, and what the store needs around them
    tick_median_us: float
    tick_worst_us: float
    joined_us: float  # the store's time a join, in batches of _BATCH
    served: int  # how far the cursor came meanwhile


def measure_store(sizes: Sequence[int] = SIZES) -> list[LineCost]:
    """Each size in a store of its own."""
    costs = []
    for waiting in sizes:
        with (
            tempfile.TemporaryDirectory(prefix="antrean-bench-") as folder,
            store_of_its_own(Path(folder)) as store,
        ):
            costs.append(_measure(store, waiting))
    return costs


def _measure(store: redis.Redis, waiting: int) -> LineCost:
    store.function_load(LIBRARY, replace=True)
    functions, now_ms = Functions("bench"), 1_800_000_000_000
    empty = _memory(store)
    knobs = Knobs(rate_per_minute=RATE_PER_MINUTE, ceiling=CEILING)
    told = known_json(None, issued=0, instance="bench", defaults=knobs, poll_max_s=60)
    while store.execute_command(*functions.restore(now_ms, _RUN_ID, told)) == "restoring":
        now_ms += TICK_MS
    before_us = _function_us(store)
    for sequence, first in enumerate(range(0, waiting, _BATCH), start=1):
        count = min(_BATCH, waiting - first)
        store.execute_command(*functions.join(now_ms, _RUN_ID, "w", sequence, count))
    joined_us = _function_us(store) - before_us
    ticks_us: list[int] = []
    memory = _memory(store)
    for _ in range(TICKS):
        now_ms += TICK_MS
        before_us = _function_us(store)
        snapshot = parse_snapshot("bench", store.execute_command(*functions.tick(now_ms, _RUN_ID, "w")))
        ticks_us.append(_function_us(store) - before_us)
        if snapshot.vt_ms % 10_000 < TICK_MS:
            _half_answers(store, functions, now_ms, snapshot.serving, snapshot.called)
            memory = max(memory, _memory(store))
    ticks_us.sort()
    median_us = ticks_us[len(ticks_us) // 2]
    return LineCost(waiting, memory - empty, median_us, ticks_us[-1], joined_us / waiting, snapshot.serving)


def _half_answers(store: redis.Redis, functions: Functions, now_ms: int, serving: int, called: int) -> None:
    """Every second one of those who are called checks in, in batches as workers send them."""
    asking = range(serving + 1 + serving % 2, called + 1, 2)
    for at in range(0, len(asking), 500):
        flat = [part for number in asking[at : at + 500] for part in (number, number, 0)]
        store.execute_command(*functions.check_in(now_ms, _RUN_ID, *flat))


def _function_us(store: redis.Redis) -> int:
    """The store's own clocking of all function calls so far."""
    return int(store.info("commandstats").get("cmdstat_fcall", {"usec": 0})["usec"])


def _memory(store: redis.Redis) -> int:
    return int(store.info("memory")["used_memory"])
