"""``python -m benchmarks.overload``: what one worker serves when it is offered up to five times what it can.

Newcomers, visitors in line and visitors inside, seven, two and one of ten, each request on a connection of its own
and not held back by answers. Once as it is, and once with the limits out of reach, as if there were none.
"""

from __future__ import annotations

import argparse
import json
import sys
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path

from rich.console import Console
from rich.table import Table

from benchmarks.calls import Call, the_calls
from benchmarks.cores import bind
from benchmarks.crowd import Met, Part, offer
from benchmarks.stack import Stack, StackError, running

STEPS = (0.5, 1.0, 1.5, 2.0, 3.0, 4.0, 5.0)  # times what it can serve
WITHIN_S = 3.0  # a page that takes longer is loaded anew
NO_LIMITS = {"ANTREAN_MOST_LAG_MS": "10000", "ANTREAN_MOST_CONNECTIONS": "500000"}
SHARES = {"newcomer": 7, "check-in": 2, "inside": 1}
_CALLS = {"newcomer": "join, with the page", "check-in": "check-in, ticket known", "inside": "admitted, proxied"}
_FIRST_PER_S, _KEPT_UP = 200.0, 0.97


@dataclass(frozen=True, slots=True)
class Point:
    """One stretch."""

    times: float  # of what can be served
    limits: bool
    met: Met

    def per_s(self, name: str = "") -> float:
        """Served in time, a second: all of them, or one part."""
        return (self.met.served[name] if name else self.met.served.total()) / self.met.seconds


def main(arguments: list[str] | None = None) -> int:
    """Measure what the options say; 1 when the stack does not start, or what is served falls away."""
    options = _parser().parse_args(arguments)
    console = Console(width=None if sys.stdout.isatty() else 150)
    try:
        points, capacity_per_s = measure(options.seconds, options.steps, console)
    except StackError as error:
        console.print(f"[red]{error}[/]", highlight=False)
        return 1
    show(console, points, capacity_per_s)
    if options.picture:
        from benchmarks.overload_picture import draw

        draw(points, capacity_per_s, options.picture)
    if options.json:
        options.json.write_text(json.dumps([_figures(point) for point in points], indent=1) + "\n", "utf-8")
    kept = min(point.per_s() for point in points if point.limits and point.times >= 1) / capacity_per_s
    console.print(f"with limits, {kept:.0%} of what one worker can serve is served at the worst step")
    return 0 if kept >= options.least else 1


def measure(seconds: float, steps: list[float], console: Console) -> tuple[list[Point], float]:
    """All stretches, and what one worker serves without turning anybody away, a second. Raises StackError."""
    points = []
    capacity_per_s = 0.0
    for limits in (True, False):
        for times in [0.0, *steps]:
            # A worker of its own for each step: one that fell is no measure of the next.
            with running(("uvicorn",), ("gateway",), None if limits else NO_LIMITS) as stack:
                if not times:
                    capacity_per_s = capacity_per_s or find_capacity(stack, seconds)
                    console.print(f"one worker keeps up with {capacity_per_s:.0f} requests a second")
                    continue
                met = crowd_of_its_own(stack, times * capacity_per_s, seconds)
                points.append(Point(times, limits, met))
                console.print(f"{times:g} x, limits {limits}: {points[-1].per_s():.0f} served a second")
    return points, capacity_per_s


def find_capacity(stack: Stack, seconds: float) -> float:
    """The most requests a second that are all served: doubled until some are not, then halved in between."""
    lower, upper = _FIRST_PER_S, 0.0
    for _ in range(8):
        wanted = (lower + upper) / 2 if upper else lower * 2
        met = crowd_of_its_own(stack, wanted, seconds)
        if met.served.total() >= _KEPT_UP * met.offered.total() >= _KEPT_UP * 0.95 * wanted * met.seconds:
            lower = wanted
        else:
            upper = wanted
    return lower


def crowd_of_its_own(stack: Stack, per_second: float, seconds: float) -> Met:
    """Offer the mixture from another process, on another core than the worker's."""
    calls = {call.name: call for call in the_calls(stack.keyring, stack.instance)}
    parts = [Part(name, SHARES[name], _closing(calls[called])) for name, called in _CALLS.items()]
    context = get_context("spawn")
    ours, theirs = context.Pipe()
    process = context.Process(
        target=_offer, args=(theirs, stack.served["uvicorn", "gateway"].port, parts, per_second, seconds)
    )
    process.start()
    assert process.pid is not None
    bind(process.pid, measured=False)
    theirs.close()
    met: Met = ours.recv()
    process.join()
    return met


def _offer(pipe: object, port: int, parts: list[Part], per_second: float, seconds: float) -> None:
    pipe.send(offer(port, parts, per_second, seconds, WITHIN_S))  # type: ignore[attr-defined]


def _closing(call: Call) -> list[bytes]:
    return [request.replace(b"\r\n", b"\r\nconnection: close\r\n", 1) for request in call.requests()[:2000]]


def show(console: Console, points: list[Point], capacity_per_s: float) -> None:
    """A line for each stretch."""
    table = Table(title=f"One worker, which keeps up with {capacity_per_s:.0f} requests a second")
    for column in (
        "offered",
        "limits",
        "a second",
        "served",
        "of what it can",
        "newcomers",
        "check-ins",
        "inside",
    ):
        table.add_column(column, justify="right")
    for column in ("turned away", "too late", "95 % inside ms", "95 % newcomers ms"):
        table.add_column(column, justify="right")
    for point in points:
        figures = _figures(point)
        parts = [f"{figures[f'served {name}']:.0%}" for name in SHARES]
        table.add_row(
            f"{point.times:g} x",
            "yes" if point.limits else "no",
            f"{figures['offered_per_s']:.0f}",
            f"{figures['served_per_s']:.0f}",
            f"{point.per_s() / capacity_per_s:.0%}",
            *parts,
            f"{figures['turned_away']:.0%}",
            f"{figures['failed']:.0%}",
            f"{figures['inside_ms']:.0f}",
            f"{figures['newcomer_ms']:.0f}",
        )
    console.print(table)


def _figures(point: Point) -> dict[str, float]:
    met, offered = point.met, point.met.offered.total()
    return {
        "times": point.times,
        "limits": point.limits,
        "offered_per_s": offered / met.seconds,
        "served_per_s": point.per_s(),
        **{f"served {name}": met.served[name] / max(1, met.offered[name]) for name in SHARES},
        "turned_away": met.turned_away.total() / offered,
        "failed": met.failed.total() / offered,
        "inside_ms": met.wait_ms("inside"),
        "newcomer_ms": met.wait_ms("newcomer"),
    }


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.overload", description=__doc__)
    parser.add_argument("--seconds", type=float, default=6.0, help="of each stretch (default 6)")
    parser.add_argument("--steps", type=float, nargs="+", default=list(STEPS), help="times what can be served")
    parser.add_argument("--least", type=float, default=0.6, help="fail when less than this share is served")
    parser.add_argument("--picture", type=Path, help="draw the curve into this file (.svg or .png)")
    parser.add_argument("--json", type=Path, help="write the figures into this file")
    return parser


if __name__ == "__main__":
    sys.exit(main())
