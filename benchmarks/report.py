"""The tables, and the same figures as JSON."""

from __future__ import annotations

import os
import platform
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from rich.console import Console
from rich.table import Table

from benchmarks.draw_cost import DrawCost
from benchmarks.polling import Polling
from benchmarks.rounds import Result
from benchmarks.store_cost import LineCost


def show_calls(console: Console, results: Sequence[Result]) -> None:
    """A line for each call and server."""
    table = Table(title="Calls, one worker: processor time against the same request to a bare server")
    columns = ("call", "server", "ratio", "to reach", "noise ±", "µs/request", "bare µs", "requests/s", "by rate")
    for column in (*columns, "median ms", "99 % ms", "store calls", "store µs"):
        table.add_column(column, justify="left" if column in ("call", "server") else "right")
    for result in results:
        figures = call_figures(result)
        goal = result.call.goal
        table.add_row(
            result.call.name,
            result.server,
            _coloured(figures["ratio"], goal if result.server == "uvicorn" else None),
            "" if goal is None else f"{goal:.2f}",
            f"{figures['noise']:.0%}",
            f"{figures['processor_us']:.0f}",
            f"{figures['bare_processor_us']:.0f}",
            f"{figures['per_s']:,.0f}",
            f"{figures['rate_ratio']:.2f}",
            f"{figures['median_ms']:.1f}",
            f"{figures['slowest_ms']:.1f}",
            f"{figures['store_calls']:.3f}",
            f"{figures['store_us']:.1f}",
        )
    console.print(table)


def call_figures(result: Result) -> dict[str, float]:
    """Medians over the rounds; store figures a request."""
    return {
        "ratio": result.median(lambda r: r.ratio),
        "noise": result.spread(lambda r: r.ratio),
        "processor_us": result.median(lambda r: r.processor_us),
        "bare_processor_us": result.median(lambda r: r.bare_processor_us),
        "per_s": result.median(lambda r: r.load.replies / r.load.seconds),
        "rate_ratio": result.median(lambda r: r.rate_ratio),
        "median_ms": result.median(lambda r: r.load.median_ms),
        "slowest_ms": result.median(lambda r: r.load.slowest_ms),
        "store_calls": result.median(lambda r: r.store.calls / r.load.replies),
        "store_us": result.median(lambda r: r.store.processor_us / r.load.replies),
    }


def _coloured(ratio: float, goal: float | None) -> str:
    if goal is None:
        return f"{ratio:.2f}"
    return f"[{'green' if ratio >= goal else 'red'}]{ratio:.2f}[/]"


def show_store(console: Console, costs: Sequence[LineCost]) -> None:
    """A line for each length of the line."""
    table = Table(title="The store: five minutes of ticks at 6,000 admissions a minute, half of the line silent")
    for column in ("waiting", "memory MB", "tick median ms", "tick worst ms", "join µs", "cursor moved"):
        table.add_column(column, justify="right")
    for cost in costs:
        table.add_row(
            f"{cost.waiting:,}",
            f"{cost.memory_bytes / 1e6:.2f}",
            f"{cost.tick_median_us / 1000:.2f}",
            f"{cost.tick_worst_us / 1000:.2f}",
            f"{cost.joined_us:.2f}",
            f"{cost.served:,}",
        )
    console.print(table)


def show_polling(console: Console, lines: Sequence[Polling]) -> None:
    """A line for each length of the line."""
    table = Table(title="Requests a second that a line makes, at 6,000 admissions a minute (reckoned)")
    for column in ("waiting", "pulses/s", "check-ins/s", "together", "every 5 s", "times fewer"):
        table.add_column(column, justify="right")
    for line in lines:
        table.add_row(
            f"{line.waiting:,}",
            f"{line.pulses_per_s:,.0f}",
            f"{line.check_ins_per_s:,.0f}",
            f"{line.total_per_s:,.0f}",
            f"{line.fixed_per_s:,.0f}",
            f"{line.fixed_per_s / line.total_per_s:.1f}",
        )
    console.print(table)


def check_in_us(results: Sequence[Result]) -> float | None:
    """Processor time of a check-in, if it was measured."""
    found = [result for result in results if result.call.name == "check-in" and result.server == "uvicorn"]
    return call_figures(found[0])["processor_us"] if found else None


def show_draws(console: Console, costs: Sequence[DrawCost]) -> None:
    """A line for each size of draw."""
    table = Table(title="The place of a drawn number, µs; to reach: at most 10 % of a check-in")
    for column in ("drawn", "first time", "remembered", "of a check-in"):
        table.add_column(column, justify="right")
    for cost in costs:
        share = "not measured" if cost.share is None else f"{cost.share:.1%}"
        table.add_row(f"{cost.size:,}", f"{cost.first_us:.1f}", f"{cost.remembered_us:.2f}", share)
    console.print(table)


def as_json(
    results: Sequence[Result], costs: Sequence[LineCost], lines: Sequence[Polling], draws: Sequence[DrawCost]
) -> dict[str, Any]:
    """Everything that the tables show, and every round."""
    return {
        "machine": {
            "python": platform.python_version(),
            "system": f"{platform.system()} {platform.machine()}",
            "cores": os.cpu_count(),
        },
        "calls": [
            {
                "call": result.call.name,
                "server": result.server,
                "against": result.call.against,
                "to_reach": result.call.goal,
                **call_figures(result),
                "ratios": [round(each.ratio, 3) for each in result.rounds],
            }
            for result in results
        ],
        "store": [{name: getattr(cost, name) for name in LineCost.__dataclass_fields__} for cost in costs],
        "polling": [
            {
                "waiting": line.waiting,
                "pulses_per_s": line.pulses_per_s,
                "check_ins_per_s": line.check_ins_per_s,
                "fixed_per_s": line.fixed_per_s,
            }
            for line in lines
        ],
        "draws": [asdict(cost) for cost in draws],
    }
