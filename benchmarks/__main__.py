"""``python -m benchmarks``: one command, a few minutes, three tables, and the same as JSON."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

from rich.console import Console
from rich.status import Status

from benchmarks import draw_cost, polling, report, rounds, store_cost
from benchmarks.calls import the_calls
from benchmarks.client import Client, LoadError
from benchmarks.stack import SERVERS, StackError, has_granian, running

PARTS = ("calls", "store", "polling", "draw")


def main(arguments: list[str] | None = None) -> int:
    """Run what the options say; 1 when something did not answer as it should."""
    options = _parser().parse_args(arguments)
    console = Console(width=None if sys.stdout.isatty() else 170)
    results: list[rounds.Result] = []
    costs: list[store_cost.LineCost] = []
    lines: list[polling.Polling] = []
    draws: list[draw_cost.DrawCost] = []
    with Console(stderr=True).status("starting") as status:
        try:
            if "calls" in options.parts:
                results = _calls(options, status)
                report.show_calls(console, results)
            if "store" in options.parts:
                status.update("the store alone")
                costs = store_cost.measure_store(options.sizes)
                report.show_store(console, costs)
            if "polling" in options.parts:
                lines = polling.reckon()
                report.show_polling(console, lines)
            if "draw" in options.parts:
                draws = draw_cost.measure_draw(report.check_in_us(results))
                report.show_draws(console, draws)
        except (StackError, LoadError) as error:
            console.print(f"[red]{error}[/]", highlight=False)
            return 1
    options.json.write_text(json.dumps(report.as_json(results, costs, lines, draws), indent=1) + "\n", "utf-8")
    console.print(f"The same as JSON: {options.json}")
    return 0


def _calls(options: argparse.Namespace, status: Status) -> list[rounds.Result]:
    servers = options.servers or (SERVERS if has_granian() else SERVERS[:1])
    with running(tuple(servers)) as stack, Client() as client:
        calls = [
            call
            for call in the_calls(stack.keyring, stack.instance)
            if not options.only or options.only in call.name
        ]
        plans = [(server, call) for call in calls for server in servers]
        return rounds.measure(
            stack, client, plans, rounds=options.rounds, seconds=options.seconds, tell=status.update
        )


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--rounds", type=int, default=7, help="times that everything is measured (default 7)")
    parser.add_argument("--seconds", type=float, default=1.0, help="of each stretch (default 1)")
    parser.add_argument("--only", default="", metavar="TEXT", help="only calls with this in their name")
    parser.add_argument("--servers", nargs="+", choices=SERVERS, help="default: those that are installed")
    parser.add_argument("--parts", nargs="+", choices=PARTS, default=PARTS, help="default: all of them")
    parser.add_argument("--sizes", nargs="+", type=int, default=store_cost.SIZES, help="lengths of the line")
    parser.add_argument("--json", type=Path, default=Path("benchmarks.json"), help="where to write the figures")
    return parser


if __name__ == "__main__":
    sys.exit(main())
