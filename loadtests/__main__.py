"""``python -m loadtests``: one command from nothing to a judgement.

Exit codes: 0 every promise kept, 1 a promise broken or an error, 2 the run could not be made.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import shlex
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TextIO

from loadtests import outside, report, runner
from loadtests.checks import judge
from loadtests.command import end_clearly
from loadtests.personas import EVERYONE, PERSONAS
from loadtests.plan import parse_mix
from loadtests.room import FREEZE_S, STARTED_WITHIN_S, Room, default_command
from loadtests.shapes import SHAPES, Shape
from loadtests.stack import Stack, own_stack
from loadtests.summary import rows
from loadtests.verdict import PULSE_AGE_S, Facts, Figures, broken

LEAST_RATE, MOST_RATE = 60.0, 240.0  # by default: visible, and not more than the sample site can hash and write
DRAINED_WITHIN_S = 75.0  # by default, up to that rate
SETTLE_WITHIN_S = 3.0


def parse(arguments: list[str]) -> argparse.Namespace:
    """The options. Exits with 2 and a line for what cannot be used."""
    port, desk_port = os.environ.get("ANTREAN_PORT", "8080"), os.environ.get("ANTREAN_DESK_PORT", "8082")
    parser = argparse.ArgumentParser("python -m loadtests", description=__doc__.partition("\n")[0])
    parser.add_argument("--host", default=f"http://127.0.0.1:{port}", help="default: %(default)s")
    parser.add_argument(
        "--desk", default=f"http://127.0.0.1:{desk_port}", help="for its figures; default: %(default)s"
    )
    parser.add_argument("--room", default="registration", help="the room's id; default: %(default)s")
    parser.add_argument("--path", default="/", help="the page that visitors open; default: %(default)s")
    parser.add_argument("--users", type=int, default=os.environ.get("USERS", "200"), help="how many visitors")
    parser.add_argument(
        "--rate",
        type=float,
        default=os.environ.get("RATE"),
        help="admissions a minute for this run; default: as the shape says, or done in two minutes with 200",
    )
    parser.add_argument("--keep-rate", action="store_true", help="do not set the rate; judge by the room's own")
    parser.add_argument(
        "--shape",
        default=os.environ.get("SHAPE", "OpeningSpike"),
        help=f"{', '.join(sorted(SHAPES))}; default: %(default)s",
    )
    parser.add_argument("--arrive-within", type=float, default=0, help="seconds of arrivals; 0: as the shape says")
    parser.add_argument(
        "--mix", default=os.environ.get("MIX", "patient"), help=f"everyone, or weights of {', '.join(PERSONAS)}"
    )
    parser.add_argument("--seed", type=int, default=2014, help="of arrivals, mix and everyone's dice")
    parser.add_argument("--identity-salt", default="", help="the same salt makes the same applicants again")
    parser.add_argument(
        "--most-seconds", type=float, help="cut the run off after this; default: from rate and users"
    )
    parser.add_argument("--processes", type=int, default=0, help="locust workers on this machine; 0: one process")
    parser.add_argument("--expect-workers", type=int, default=0, help="wait for locust workers started elsewhere")
    parser.add_argument("--expired-pass", default="", help="a pass that is over, for forgers to try")
    parser.add_argument("--antrean", type=shlex.split, help="the command that sets the rate")
    parser.add_argument("--reports", type=Path, default=Path("reports"), help="folder for reports")
    options = parser.parse_args(arguments)
    _check(parser, options)
    return options


def _check(parser: argparse.ArgumentParser, options: argparse.Namespace) -> None:
    """Turn what was given into what can be used, or exit with one clear line."""
    options.host, options.desk = options.host.rstrip("/"), options.desk.rstrip("/")
    if options.users < 1:
        parser.error(f"--users {options.users}: give at least 1")
    if options.rate is not None and not 0 < options.rate <= 1_000_000:
        parser.error(f"--rate {options.rate:g}: give more than 0, at most 1,000,000 a minute")
    if options.processes > 0 < options.expect_workers:
        parser.error("--processes and --expect-workers: give one of them")
    if options.shape not in SHAPES:  # argparse does not look at a default from the environment
        parser.error(f"--shape {options.shape}: choose from {', '.join(sorted(SHAPES))}")
    try:
        parse_mix(options.mix, frozenset(PERSONAS), EVERYONE)
    except ValueError as exc:
        parser.error(f"--mix: {exc}")


def default_rate(visitors: int, shape: Shape, length_s: float) -> float:
    """Admissions a minute: the shape's own, or such that a run of ordinary size is over within two minutes."""
    if shape.rate_over_arrivals is not None:
        return float(max(1, round(shape.rate_over_arrivals * visitors * 60 / length_s)))
    return float(round(min(max(visitors * 60 / DRAINED_WITHIN_S, LEAST_RATE), MOST_RATE)))


@contextlib.contextmanager
def reachable(options: argparse.Namespace) -> Iterator[Stack]:
    """The stack at --host, or one of our own when nothing answers there."""
    try:
        outside.get(f"{options.host}/_queue/health")
    except outside.UnreachableError:
        print(f"Nothing answers at {options.host}: starting a stack for this run", flush=True)
        with own_stack(Path(".venv/bin/python"), options.room) as stack:
            yield stack
    else:
        yield Stack(options.host, options.desk, dict(os.environ))


def run(options: argparse.Namespace) -> int:
    """The whole run; returns the exit code."""
    folder = options.reports / time.strftime("load-%Y%m%d-%H%M%S")
    with reachable(options) as stack:
        command = options.antrean or default_command()
        room = Room(options.room, stack.host, command, stack.environ)
        shape = SHAPES[options.shape]
        length_s = options.arrive_within or shape.default_length_s
        per_minute = options.rate or default_rate(options.users, shape, length_s)
        with contextlib.ExitStack() as undo:
            if options.keep_rate:
                per_minute, since_s = outside.rate_per_minute(stack.host, options.room), 0.0
            else:
                since_s = undo.enter_context(room.rate(per_minute))
            if shape.drawn_opening:
                length_s += STARTED_WITHIN_S + FREEZE_S  # until the doors open
                drained_s = options.users * 60 / per_minute
                undo.enter_context(room.opening(length_s - STARTED_WITHIN_S - FREEZE_S, drained_s / 2))
            folder.mkdir(parents=True)
            plan = _plan(options, stack.host, per_minute, length_s)
            before = outside.figures(stack.host, stack.desk, options.room)
            ledger = runner.run_locust(plan, folder, Shower())
            after = _settled(stack, options.room)
            time.sleep(PULSE_AGE_S)  # no cached pulse: the last look judges the last admissions
            runner.observe(plan, ledger)
    facts = Facts(per_minute, since_s, before, after)
    checks = judge(ledger, facts)
    print("\n" + report.as_text(rows(ledger, facts), checks))
    print(f"  Report: {report.write(folder, plan, ledger, facts, checks)}")
    return 1 if broken(checks) else 0


def _plan(options: argparse.Namespace, host: str, per_minute: float, length_s: float) -> runner.Plan:
    """Long enough for everyone to come, to be served twice over, and for a sleeper's late return."""
    enough_s = length_s + 300 + 2 * options.users * 60 / per_minute if per_minute > 0 else length_s + 300
    return runner.Plan(
        host=host,
        room=options.room,
        path=options.path,
        visitors=options.users,
        arrivals=options.shape,
        arrive_within_s=options.arrive_within,
        mix=options.mix,
        seed=options.seed,
        identity_salt=options.identity_salt,
        most_seconds=options.most_seconds or enough_s,
        expired_pass=options.expired_pass,
        processes=options.processes,
        expect_workers=options.expect_workers,
    )


def _settled(stack: Stack, room: str) -> Figures:
    """The server's counts once they stand still: workers report theirs a moment later."""
    deadline = time.monotonic() + SETTLE_WITHIN_S
    last = outside.figures(stack.host, stack.desk, room)
    while time.monotonic() < deadline:
        time.sleep(0.5)
        latest = outside.figures(stack.host, stack.desk, room)
        if latest == last:
            break
        last = latest
    return last


class Shower:
    """One line that is written over on a terminal, and one every few seconds elsewhere (in a log)."""

    EVERY_S = 5.0

    def __init__(self, to: TextIO = sys.stdout) -> None:
        self._to, self._last_s = to, 0.0

    def __call__(self, progress: runner.Progress) -> None:
        if self._to.isatty():
            print(f"\r  {progress}", end="", file=self._to, flush=True)
        elif time.monotonic() - self._last_s >= self.EVERY_S:
            self._last_s = time.monotonic()
            print(f"  {progress}", file=self._to, flush=True)


def main() -> int:
    """Run, as the options say."""
    return end_clearly(lambda: run(parse(sys.argv[1:])))


if __name__ == "__main__":
    sys.exit(main())
