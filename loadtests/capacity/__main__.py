"""``python -m loadtests.capacity``: which admission rate does the site behind the gateway bear?

Exit codes: 0 there is a rate to recommend, 1 there is none, 2 the search could not be made.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import shlex
import sys
import time
from collections.abc import Iterator
from pathlib import Path

from loadtests import outside, runner
from loadtests.__main__ import Shower
from loadtests.capacity import report
from loadtests.capacity.advice import advise
from loadtests.capacity.bench import Bench
from loadtests.capacity.search import Law, Step, conclude
from loadtests.command import end_clearly
from loadtests.personas import PERSONAS
from loadtests.plan import parse_mix
from loadtests.room import Room, default_command
from loadtests.stack import Stack, own_stack

NO_CEILING = 100_000  # while measuring: the rate alone must bind
GUIDE = """\
how it goes:
  Each step fills the line, sets the rate, and looks at the site through the gateway while people still wait:
  p95 of the slowest kind of call (page or form), and the share of those let in who got no registration.
  The rate goes up by --factor until the target is missed, is then halved in to --precision, and both sides of
  the knee are measured --repeats times. The recommendation is the median knee less --margin.

  Without --host, everything that `make run` starts is started for this, on fresh databases, and ended after it.
  With --host, the room's rate and ceiling are changed while it runs, registrations are really written, and
  rate and ceiling are set back at the end: never do this while applicants use the room.

  A machine that runs everything at once measures everything at once. For a figure to plan with, run this on
  another machine than the site, and the site where it will run.

examples:
  make capacity
  make capacity ARGS="--target-p95-ms 500 --start-rate 120 --form-s 420"
  make capacity ARGS="--host http://127.0.0.1:8080 --desk http://127.0.0.1:8082 --most-rate 600"
"""


def parse(arguments: list[str]) -> argparse.Namespace:
    """The options. Exits with 2 and a line for what cannot be used."""
    law = Law()
    parser = argparse.ArgumentParser(
        "python -m loadtests.capacity",
        description=(__doc__ or "").partition("\n")[0],
        epilog=GUIDE,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add = parser.add_argument
    add("--target-p95-ms", type=float, default=law.target_p95_ms, help="slowest call's p95; default: %(default)g")
    add("--target-errors", type=float, default=law.target_errors, help="share, 0 to 1; default: %(default)g")
    add("--start-rate", type=float, default=law.start_rate, help="first rate, a minute; default: %(default)g")
    add("--most-rate", type=float, default=law.most_rate, help="never higher than this; default: %(default)g")
    add("--factor", type=float, default=law.factor, help="from step to step; default: %(default)g")
    add("--precision", type=float, default=law.precision, help="missed over kept, less 1; default: %(default)g")
    add("--repeats", type=int, default=law.repeats, help="on each side of the knee; default: %(default)d")
    add("--step-seconds", type=float, default=30.0, help="length of the judged part; default: %(default)g")
    add("--margin", type=float, default=0.2, help="share kept free, 0 to 1; default: %(default)g")
    add("--form-s", type=float, default=300.0, help="seconds people take over the form; default: %(default)g")
    add("--host", default="", help="a running stack; default: one of its own")
    add("--desk", default="", help="the desk of that stack, for its figures and its ceiling")
    add("--room", default="registration", help="the room's id; default: %(default)s")
    add("--path", default="/", help="the page that visitors open; default: %(default)s")
    add("--mix", default="patient", help=f"weights of {', '.join(PERSONAS)}; default: %(default)s")
    add("--seed", type=int, default=2014, help="of arrivals and everyone's dice; default: %(default)d")
    add("--antrean", type=shlex.split, help="the command that sets the rate")
    add("--reports", type=Path, default=Path("reports"), help="folder for reports; default: %(default)s")
    add("--json", action="store_true", help="print the result as one JSON document, the progress on stderr")
    options = parser.parse_args(arguments)
    _check(parser, options)
    return options


def _check(parser: argparse.ArgumentParser, options: argparse.Namespace) -> None:
    """Turn what was given into what can be used, or exit with one clear line."""
    options.host, options.desk = options.host.rstrip("/"), options.desk.rstrip("/")
    whole = "give a whole number from 1 to 9"
    allowed = [
        ("--target-p95-ms", options.target_p95_ms, options.target_p95_ms > 0, "give more than 0"),
        ("--target-errors", options.target_errors, 0 <= options.target_errors < 1, "give 0 to less than 1"),
        ("--start-rate", options.start_rate, 1 <= options.start_rate <= 100_000, "give 1 to 100,000"),
        ("--most-rate", options.most_rate, options.start_rate <= options.most_rate <= 100_000, "start to 100,000"),
        ("--factor", options.factor, 1.1 <= options.factor <= 4, "give 1.1 to 4"),
        ("--precision", options.precision, 0.01 <= options.precision <= 1, "give 0.01 to 1"),
        ("--repeats", options.repeats, 1 <= options.repeats <= 9, whole),
        ("--step-seconds", options.step_seconds, 5 <= options.step_seconds <= 600, "give 5 to 600"),
        ("--margin", options.margin, 0 <= options.margin < 1, "give 0 to less than 1"),
        ("--form-s", options.form_s, 0 <= options.form_s <= 7200, "give 0 to 7200"),
    ]
    for name, value, good, advice in allowed:
        if not good:
            parser.error(f"{name} {value:g}: {advice}")
    try:
        parse_mix(options.mix, frozenset(PERSONAS))
    except ValueError as exc:
        parser.error(f"--mix: {exc}")


def law_of(options: argparse.Namespace) -> Law:
    """The search that these options ask for."""
    return Law(
        options.target_p95_ms,
        options.target_errors,
        options.start_rate,
        options.most_rate,
        options.factor,
        options.precision,
        options.repeats,
    )


@contextlib.contextmanager
def stack_of(options: argparse.Namespace) -> Iterator[Stack]:
    """The stack at --host, or one of our own on fresh databases."""
    if options.host:
        outside.get(f"{options.host}/_queue/health")
        yield Stack(options.host, options.desk, dict(os.environ))
    else:
        print("Starting a stack for this search, on fresh databases", file=sys.stderr, flush=True)
        with own_stack(Path(".venv/bin/python"), options.room) as stack:
            yield stack


def bench_of(options: argparse.Namespace, stack: Stack, room: Room, folder: Path) -> Bench:
    """Where and with whom it is measured."""
    plan = runner.Plan(
        host=stack.host,
        room=options.room,
        path=options.path,
        visitors=0,
        arrivals="Smoke",  # evenly, within the step's first seconds
        arrive_within_s=0,
        mix=options.mix,
        seed=options.seed,
        identity_salt="",
        most_seconds=0,
    )
    return Bench(stack, room, plan, options.step_seconds, folder, Shower(sys.stderr))


@contextlib.contextmanager
def without_ceiling(stack: Stack, room: Room, name: str) -> Iterator[None]:
    """The rate alone must bind. Where the desk cannot be read, the ceiling is unknown and left alone."""
    try:
        former = outside.metric(outside.get(f"{stack.desk}/metrics"), "antrean_ceiling", name)
    except outside.UnreachableError:
        former = None
    if former is None:
        print("The desk's figures cannot be read (--desk): the ceiling is left as it is", file=sys.stderr)
        yield
    else:
        with room.ceiling(NO_CEILING, former):
            yield


def run(options: argparse.Namespace) -> int:
    """The whole search; returns the exit code."""
    law, folder = law_of(options), options.reports / time.strftime("capacity-%Y%m%d-%H%M%S")
    steps: list[Step] = []
    with stack_of(options) as stack:
        room = Room(options.room, stack.host, options.antrean or default_command(), stack.environ)
        with without_ceiling(stack, room, options.room):
            print(report.line(report.HEAD), file=sys.stderr, flush=True)
            with contextlib.suppress(KeyboardInterrupt):  # what is measured so far is told
                for step in bench_of(options, stack, room, folder).search(law):
                    steps.append(step)
                    print("\r" + report.line(report.row(step, law)), file=sys.stderr, flush=True)
    if not steps:
        print("loadtests: stopped before the first step was over", file=sys.stderr)
        return 2
    finding = conclude(steps, law)
    advice = advise(finding, steps, law, margin=options.margin, form_s=options.form_s)
    result = report.Result(law, steps, finding, advice, options.room)
    page = report.write(result, folder)
    print(json.dumps(report.as_json(result)) if options.json else f"\n{report.as_text(result)}\n")
    print(f"  Report: {page}", file=sys.stderr)
    return 0 if advice else 1


def main() -> int:
    """Run, as the options say."""
    return end_clearly(lambda: run(parse(sys.argv[1:])))


if __name__ == "__main__":
    sys.exit(main())
