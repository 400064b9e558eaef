"""Runs locust in a process of its own, and reads along in the ledger that it writes."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from loadtests import outside
from loadtests.ledger import (
    OBSERVER,
    Admitted,
    Arrived,
    Ended,
    Failure,
    Ledger,
    Registered,
    Seen,
    Tail,
    clock,
)
from loadtests.readings import pulse_in
from loadtests.stack import free_ports

STEP_S = 1.0
STOP_WITHIN_S = 30.0
OVERTIME_S = 15.0  # locust ends a run by itself; one that has not, by now, is stuck


class GeneratorError(Exception):
    """locust itself failed; the message carries the end of its log."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What is given to locust; names as in its options (see ``locustfile``)."""

    host: str
    room: str
    path: str
    visitors: int
    arrivals: str
    arrive_within_s: float
    mix: str
    seed: int
    identity_salt: str
    most_seconds: float
    expired_pass: str = ""
    processes: int = 0  # more than one: locust's workers, on this machine
    expect_workers: int = 0  # workers that are started elsewhere

    def arguments(self, ledger: Path) -> list[str]:
        return [
            *("-f", str(Path(__file__).with_name("locustfile.py"))),
            *("--headless", "--only-summary", "--host", self.host, "--exit-code-on-error", "0"),
            *("--room", self.room, "--path", self.path, "--visitors", str(self.visitors)),
            *("--arrivals", self.arrivals, "--arrive-within", str(self.arrive_within_s)),
            *("--mix", self.mix, "--seed", str(self.seed), "--identity-salt", self.identity_salt),
            *("--most-seconds", str(self.most_seconds), "--ledger", str(ledger)),
            *("--expired-pass", self.expired_pass),
            *(self._own_workers() if self.processes > 1 else ()),
            *(("--master", "--expect-workers", str(self.expect_workers)) if self.expect_workers else ()),
        ]

    def _own_workers(self) -> tuple[str, ...]:
        """A port of its own: on locust's usual one, two runs on a machine would take each other's workers."""
        port = str(free_ports(1)[0])
        return ("--processes", str(self.processes), "--master-bind-port", port, "--master-port", port)


@dataclass(slots=True)
class Progress:
    """Counts for one line on the terminal."""

    arrived: int = 0
    admitted: int = 0
    registered: int = 0
    errors: int = 0
    ended: int = 0
    joined: int = 0
    started_s: float = 0.0

    def __str__(self) -> str:
        waiting = max(0, self.arrived - self.admitted - self.ended_waiting)
        return (
            f"joined {self.joined:>5}   waiting {waiting:>5}   admitted {self.admitted:>5}   "
            f"registered {self.registered:>5}   errors {self.errors:>3}   {clock() - self.started_s:5.0f} s"
        )

    ended_waiting: int = 0  # left, refused or failed without having been let in


def progress(ledger: Ledger, started_s: float) -> Progress:
    """Where a run is, by its ledger."""
    inside = {event.visitor for event in ledger.all(Admitted)}
    return Progress(
        arrived=len(ledger.all(Arrived)),
        joined=len(inside | {event.visitor for event in ledger.all(Seen)}),
        admitted=len(inside),
        registered=len(ledger.all(Registered)),
        errors=len(ledger.all(Failure)),
        ended=len(ledger.all(Ended)),
        ended_waiting=sum(event.visitor not in inside for event in ledger.all(Ended)),
        started_s=started_s,
    )


def run_locust(plan: Plan, folder: Path, show: Callable[[Progress], None], *, watch_pulse: bool = True) -> Ledger:
    """Run to the end; returns everything that the visitors wrote. Raises GeneratorError.

    ``watch_pulse`` False: there is no gateway to ask.
    Ctrl-C ends the run early: the visitors still waiting are then written down as cut off.
    """
    ledger, path = Ledger(), folder / "ledger.jsonl"
    tail, started_s = Tail(path), clock()
    with (folder / "locust.log").open("w") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "locust", *plan.arguments(path)],
            env={
                **os.environ,
                "PYTHONPATH": os.pathsep.join([str(Path(__file__).parents[1]), *_python_path()]),
            },
            stdout=log,
            stderr=log,
            start_new_session=True,  # so that Ctrl-C reaches us first, and it through us
        )
        try:
            while process.poll() is None:
                if clock() - started_s > plan.most_seconds + OVERTIME_S:
                    process.send_signal(signal.SIGINT)
                    break
                _take(tail, ledger)
                if watch_pulse:
                    observe(plan, ledger)
                show(progress(ledger, started_s))
                time.sleep(STEP_S)
        except KeyboardInterrupt:
            process.send_signal(signal.SIGINT)
        finally:
            _end(process)
    _take(tail, ledger)
    show(progress(ledger, started_s))
    if process.returncode or not ledger.all(Arrived):
        raise GeneratorError(f"locust ended with {process.returncode}:\n{_last_lines(folder / 'locust.log')}")
    return ledger


def observe(plan: Plan, ledger: Ledger) -> None:
    """Look at the pulse as anyone may, also when no visitor does; no answer is an error like any other."""
    sent_s = clock()
    try:
        body = outside.get_json(f"{plan.host}/_queue/{plan.room}/pulse")
        ledger.add(pulse_in(body, OBSERVER, sent_s, clock()))
    except (outside.UnreachableError, KeyError, TypeError, ValueError) as exc:
        ledger.add(Failure(OBSERVER, "no pulse", "observer", repr(exc), clock()))


def _take(tail: Tail, ledger: Ledger) -> None:
    for event in tail.read():
        ledger.add(event)


def _python_path() -> list[str]:
    return [entry for entry in os.environ.get("PYTHONPATH", "").split(os.pathsep) if entry]


def _end(process: subprocess.Popen[bytes]) -> None:
    try:
        process.wait(STOP_WITHIN_S)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def _last_lines(log: Path) -> str:
    return "\n".join(log.read_text(errors="replace").splitlines()[-20:])
