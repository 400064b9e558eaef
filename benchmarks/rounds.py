"""Rounds: a call and the bare server in turn, over and over, so that what disturbs one disturbs the other too."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import redis

from benchmarks.calls import Call
from benchmarks.client import Client, Job, Load, LoadError
from benchmarks.stack import Served, Stack


@dataclass(frozen=True, slots=True)
class StoreUse:
    """What the store did meanwhile. The ticks of all workers are in it."""

    calls: int
    processor_us: float


@dataclass(frozen=True, slots=True)
class Round:
    """One stretch of one call, and of the same request to what it is compared with."""

    load: Load
    processor_us: float  # of the worker, a request
    bare_load: Load
    bare_processor_us: float
    store: StoreUse

    @property
    def ratio(self) -> float:
        """How many of this call cost as much processor time as one bare request, upside down: 1 is as cheap."""
        return self.bare_processor_us / self.processor_us

    @property
    def rate_ratio(self) -> float:
        """The same by requests a second."""
        return (self.load.replies / self.load.seconds) / (self.bare_load.replies / self.bare_load.seconds)


@dataclass(frozen=True, slots=True)
class Result:
    """All rounds of one call on one server."""

    call: Call
    server: str
    rounds: list[Round] = field(default_factory=list)

    def median(self, of: Callable[[Round], float]) -> float:
        """Of a figure over the rounds."""
        return statistics.median(of(each) for each in self.rounds)

    def spread(self, of: Callable[[Round], float]) -> float:
        """The noise: half of the distance between the highest and the lowest, in parts of the median."""
        figures = [of(each) for each in self.rounds]
        return (max(figures) - min(figures)) / 2 / statistics.median(figures)


def measure(
    stack: Stack,
    client: Client,
    plans: Sequence[tuple[str, Call]],
    *,
    rounds: int,
    seconds: float,
    tell: Callable[[str], None],
) -> list[Result]:
    """Every (server, call) of ``plans``, ``rounds`` times around. The first, short round is not counted."""
    results = [Result(call, server) for server, call in plans]
    for number in range(rounds + 1):
        for result in results:
            tell(f"round {number} of {rounds}: {result.call.name} on {result.server}")
            try:
                done = _round(stack, client, result, seconds if number else min(seconds, 0.5))
            except LoadError as error:
                raise LoadError(f"{result.call.name} on {result.server}: {error}") from error
            if number:
                result.rounds.append(done)
    return results


def _round(stack: Stack, client: Client, result: Result, seconds: float) -> Round:
    call = result.call
    subject = stack.served[result.server, "gateway"]
    bare = stack.served[result.server, call.against]
    bare_path = "/" if call.against == "hello" else call.path
    bare_load, bare_us = _stretch(client, bare, Job(bare.port, call.requests(bare_path), 200, seconds))
    before = store_use(stack.store)
    load, processor_us = _stretch(client, subject, Job(subject.port, call.requests(), call.status, seconds))
    after = store_use(stack.store)
    used = StoreUse(after.calls - before.calls, after.processor_us - before.processor_us)
    return Round(load, processor_us, bare_load, bare_us, used)


def _stretch(client: Client, served: Served, job: Job) -> tuple[Load, float]:
    before_s = served.processor_s()
    load = client.run(job)
    return load, (served.processor_s() - before_s) / load.replies * 1e6


def store_use(store: redis.Redis) -> StoreUse:
    """Function calls so far, and the processor time of the whole store (its sockets included)."""
    commands = store.info("commandstats")
    calls = sum(commands.get(f"cmdstat_{name}", {"calls": 0})["calls"] for name in ("fcall", "fcall_ro"))
    cpu = store.info("cpu")
    return StoreUse(calls, (cpu["used_cpu_user"] + cpu["used_cpu_sys"]) * 1e6)
