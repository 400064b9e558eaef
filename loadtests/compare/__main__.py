"""``python -m loadtests.compare``: the same surge straight at the registration site, and through the line.

Exit codes: 0 the site alone broke and held behind the line, 1 it did not (the sentences say what),
2 the comparison could not be made.
"""

from __future__ import annotations

import argparse
import shutil
import sys
import time
from dataclasses import replace
from pathlib import Path

from loadtests import runner
from loadtests.__main__ import Shower
from loadtests.command import end_clearly
from loadtests.compare import report
from loadtests.compare.people import Temper
from loadtests.compare.runs import Ground, Surge, Way, surge
from loadtests.room import RateError, default_command

MINUTES_OF_WORK = 2.0  # by default so many people come as the site can register in this time
SHARE = 0.7  # of what the site alone could do: gateway, store and visitors use the same machine
LEAST_VISITORS = 60
GUIDE = """\
how it goes:
  1  60 people at once who wait as long as it takes: how many a minute does the site register?
     (With both --visitors and --rate this step is left out.)
  2  the surge, straight at the site: two minutes' work in 20 seconds, a third of it at the very opening.
     Did the site bear it, twice as many come, up to --raises times.
  3  the same people at the same moments through the gateway, at 70 % of what was measured.

  Each step has a site and databases of its own. Nothing is slowed down or limited for the comparison: a
  registration costs one Argon2id hash of 64 MiB and one committed row, and the site refuses (503) what its
  hashing threads could not do soon. People wait --times-out-after seconds for a page, send a form again
  that came back "busy", reload after other errors, and give up after --reloads of them or after --patience
  seconds in all, in the line too.

  All of it runs on this machine, load generator included. If that was the limit, it is said.

examples:
  make compare
  make compare ARGS="--visitors 600 --rate 240 --seed 7"
  make compare ARGS="--within 60 --reloads 20 --patience 1200"
"""


def parse(arguments: list[str]) -> argparse.Namespace:
    """The options. Exits with 2 and a line for what cannot be used."""
    temper = Temper()
    parser = argparse.ArgumentParser(
        "python -m loadtests.compare",
        description=(__doc__ or "").partition("\n")[0],
        epilog=GUIDE,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add = parser.add_argument
    add("--visitors", type=int, default=0, help="how many come; default: two minutes' work, as measured")
    add("--within", type=float, default=20.0, help="seconds in which they come; default: %(default)g")
    add("--rate", type=float, default=0.0, help="let in a minute; default: 70 %% of what was measured")
    add("--seed", type=int, default=2014, help="of arrivals, people and their dice; default: %(default)d")
    add(
        "--times-out-after",
        type=float,
        default=temper.times_out_after_s,
        help="seconds, a page; default: %(default)g",
    )
    add("--reloads", type=int, default=temper.reloads, help="tries after errors, in all; default: %(default)d")
    add("--patience", type=float, default=temper.patience_s, help="seconds, in all; default: %(default)g")
    add("--raises", type=int, default=2, help="twice as many if the site bears it, so often; default: %(default)d")
    add("--reports", type=Path, default=Path("reports"), help="folder for reports; default: %(default)s")
    add("--picture", type=Path, help="also put the picture there")
    options = parser.parse_args(arguments)
    _check(parser, options)
    return options


def _check(parser: argparse.ArgumentParser, options: argparse.Namespace) -> None:
    """Exit with one clear line for what cannot be used."""
    allowed = [
        ("--visitors", options.visitors, 0 <= options.visitors <= 20_000, "give 1 to 20,000, or 0"),
        ("--within", options.within, 1 <= options.within <= 3600, "give 1 to 3,600 seconds"),
        ("--rate", options.rate, 0 <= options.rate <= 100_000, "give 1 to 100,000 a minute, or 0"),
        (
            "--times-out-after",
            options.times_out_after,
            1 <= options.times_out_after <= 300,
            "give 1 to 300 seconds",
        ),
        ("--reloads", options.reloads, 0 <= options.reloads <= 100, "give 0 to 100"),
        ("--patience", options.patience, 10 <= options.patience <= 7200, "give 10 to 7,200 seconds"),
        ("--raises", options.raises, 0 <= options.raises <= 5, "give 0 to 5"),
    ]
    for name, value, good, advice in allowed:
        if not good:
            parser.error(f"{name} {value:g}: {advice}")


def run(options: argparse.Namespace) -> int:
    """The whole comparison; returns the exit code."""
    folder = options.reports / time.strftime("compare-%Y%m%d-%H%M%S")
    ground = Ground(Path(".venv/bin/python"), default_command(), folder, Shower())
    if not ground.antrean:  # it is needed only after minutes
        raise RateError("no .venv/bin/antrean here to set the rate with: run `make run` once")
    temper = Temper(options.times_out_after, options.reloads, options.patience)
    measured = None if options.visitors and options.rate else _measured(ground, options.seed, temper)
    visitors = options.visitors or max(LEAST_VISITORS, round((measured or 0) * MINUTES_OF_WORK))
    rate = options.rate or max(1.0, float(round((measured or 0) * SHARE)))
    straight = _straight(ground, surge(visitors, options.within, options.seed, temper), options.raises)
    _say(f"The same {straight.plan.visitors} people, through the gateway at {rate:g} a minute")
    through = ground.through(straight.plan, rate)
    found = report.Comparison(straight, through, rate, measured)
    page = report.write(folder, found)
    if options.picture:
        shutil.copyfile(folder / "compare.png", options.picture)
    print(f"\n{report.as_text(found)}\n\n  {report.what(found)}\n  Report: {page}")
    return 0 if found.is_clear else 1


def _measured(ground: Ground, seed: int, temper: Temper) -> float:
    _say("How many registrations a minute can the site do?")
    measured = ground.measure(seed, temper)
    if measured <= 0:
        raise runner.GeneratorError(f"the site registered too few to measure: see {ground.folder}")
    _say(f"The site can do {measured:.0f} a minute")
    return measured


def _straight(ground: Ground, plan: Surge, raises: int) -> Way:
    """The surge that breaks the site, or the largest that was tried."""
    while True:
        _say(f"{plan.visitors} people within {plan.arrive_within_s:g} s, straight at the site")
        way = ground.straight(plan)
        if way.figures.broke or raises <= 0:
            return way
        raises -= 1
        _say(f"The site bore {plan.visitors}: twice as many")
        plan = replace(plan, visitors=plan.visitors * 2)


def _say(text: str) -> None:
    print(f"\n{text}", flush=True)


def main() -> int:
    """Run, as the options say."""
    return end_clearly(lambda: run(parse(sys.argv[1:])))


if __name__ == "__main__":
    sys.exit(main())
