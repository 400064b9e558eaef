"""``python -m loadtests.replay``: replay a day in virtual time, print a table, write a report.

Exit codes: 0 every promise kept, 1 a promise broken, 2 the replay could not be made.
"""

from __future__ import annotations

import argparse
import signal
import sys
import time
from dataclasses import fields, replace
from pathlib import Path

import numpy as np
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from gateway.errors import AntreanError
from loadtests.replay import opening_report, report
from loadtests.replay.day import Day
from loadtests.replay.population import draw
from loadtests.replay.profiles import NUMBERS, PROFILES, Profile
from loadtests.replay.store import own_store
from loadtests.replay.verdict import broken, judge

LINE_EVERY_S = 10.0


def parse(arguments: list[str]) -> argparse.Namespace:
    """The options. Exits with 2 and a line for what cannot be used."""
    parser = argparse.ArgumentParser("python -m loadtests.replay", description=__doc__.partition("\n")[0])
    parser.add_argument("--profile", default="cpns-2014", choices=sorted(PROFILES))
    parser.add_argument("--seed", type=int, default=2014, help="of everybody's dice (default: %(default)s)")
    parser.add_argument("--scale", type=float, default=1.0, help="people, rate and ceiling times this")
    parser.add_argument("--reports", type=Path, default=Path("reports"), help="folder for reports")
    parser.add_argument("--every-check-in", action="store_true", help="send those that change nothing, too")
    parser.add_argument(
        "--change", action="append", metavar="SHARE:RATE", help="a rate from that share of the day on"
    )
    kinds = {entry.name: int if entry.type == "int" else float for entry in fields(Profile)}
    for name in NUMBERS:
        parser.add_argument(f"--{name.replace('_', '-')}", type=kinds[name], help="default: the profile's")
    options = parser.parse_args(arguments)
    try:
        options.day = profile_of(options)
    except ValueError as error:
        parser.error(str(error))
    return options


def profile_of(options: argparse.Namespace) -> Profile:
    """The profile with what was given instead of its own numbers. Raises ValueError."""
    given = {name: getattr(options, name) for name in NUMBERS if getattr(options, name) is not None}
    profile = replace(PROFILES[options.profile].scaled(options.scale), **given)
    if options.change is not None:
        profile = replace(profile, rate_changes=tuple(_change(text) for text in options.change))
    checks = {
        "scale": options.scale > 0,
        "visits": profile.visits >= 1,
        "hours": 0 < profile.hours <= 24 * 14,
        "drain-hours": profile.drain_hours >= 0,
        "rate": 0 <= profile.rate <= 1_000_000,
        "poll-max-s": 2 <= profile.poll_max_s <= 200,
        "returning": 0 <= profile.returning <= 0.5,
        "outage-s": profile.outage_s >= 0,
        "opens-s": profile.opens_s == 0 or profile.freeze_s < profile.opens_s < profile.hours * 3600,
        "freeze-s": 60 <= profile.freeze_s <= 120,
        "wake-grid-s": 0 <= profile.wake_grid_s <= 60,
    }
    bad = [f"--{name} is out of range" for name, good in checks.items() if not good]
    if bad:
        raise ValueError("; ".join(bad))
    return profile


def _change(text: str) -> tuple[float, float]:
    share, _, rate = text.partition(":")
    try:
        return float(share), float(rate)
    except ValueError:
        raise ValueError(f"--change {text}: give SHARE:RATE, as 0.25:3000") from None


def run(options: argparse.Namespace) -> int:
    """The whole replay; returns the exit code."""
    console = Console(stderr=True)
    began_s, began_cpu_s = time.monotonic(), time.process_time()
    profile: Profile = options.day
    rng, said_s = np.random.default_rng(options.seed), [began_s]
    with own_store() as store, _bar(console) as bar:
        task = bar.add_task("drawing the people", total=None, line="")
        people = draw(profile, rng)
        day = Day(store, profile, people, rng, every_check_in=options.every_check_in)

        def progress(second: int, most: int) -> None:
            line = f"{second / 3600:5.2f} h  issued {day.snapshot.issued:>10,}  waiting {day.snapshot.waiting:>9,}"
            bar.update(task, description=options.profile, completed=second, total=most, line=line)
            if not console.is_terminal and time.monotonic() - said_s[0] > LINE_EVERY_S:
                said_s[0] = time.monotonic()
                print(f"{options.profile} {line}", file=sys.stderr, flush=True)  # a log wants lines, not a bar

        day.run(progress)
        effort = store.effort()
    checks = judge(day.ledger, day.crowd, profile, effort) + opening_report.checks(day)
    spent = report.Spent(time.monotonic() - began_s, time.process_time() - began_cpu_s, effort)
    folder = options.reports / f"replay-{options.profile}"
    print(report.write(folder, options, day, checks, spent))
    return 1 if broken(checks) else 0


def _bar(console: Console) -> Progress:
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
        TextColumn("{task.fields[line]}"),
        console=console,
        disable=not console.is_terminal,
        refresh_per_second=2,
    )


def main() -> int:
    """Run, and turn what stops a replay into one clear line."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # the store is ended and its folder removed
    try:
        return run(parse(sys.argv[1:]))
    except (AntreanError, RuntimeError, OSError) as error:
        print(f"replay: {error}", file=sys.stderr)
    except KeyboardInterrupt:
        print("\nreplay: stopped", file=sys.stderr)
    return 2


if __name__ == "__main__":
    sys.exit(main())
