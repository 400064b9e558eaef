"""Sets the room's rate and ceiling for a run, by the operator's own command, and puts them back afterwards."""

from __future__ import annotations

import contextlib
import datetime as dt
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from loadtests import outside

COMMAND_WITHIN_S = 15.0
HEARD_WITHIN_S = 5.0
STARTED_WITHIN_S = 15.0  # locust is there, and its first visitors
FREEZE_S = 110  # what a room with the longest polls allows, and a little


class RateError(Exception):
    """The rate could not be set; the message says what to do."""


def default_command() -> list[str]:
    """The operator's command of this checkout; empty when it is not installed."""
    program = Path(".venv/bin/antrean")
    return [str(program)] if program.exists() else []


class Room:
    """One room as its operator has it in hand. ``environ`` holds the settings of the stack it belongs to."""

    def __init__(self, room: str, host: str, command: Sequence[str], environ: Mapping[str, str]) -> None:
        self._room, self._host = room, host
        self._command, self._environ = list(command), dict(environ)

    @contextlib.contextmanager
    def rate(self, per_minute: float) -> Iterator[float]:
        """Run with this rate; gives the moment (time.time) from which it held.

        Raises RateError, UnreachableError. The former rate is read from the room's pulse, and set
        again however the run ends.
        """
        former = outside.rate_per_minute(self._host, self._room)
        self._set("--rate", per_minute)
        try:
            self._wait_until_heard(per_minute)
            yield time.time()
        finally:
            self._restore("--rate", former)

    @contextlib.contextmanager
    def ceiling(self, most: int, former: int) -> Iterator[None]:
        """Run with this ceiling, then with ``former`` again. Raises RateError."""
        self._set("--ceiling", most)
        try:
            yield
        finally:
            self._restore("--ceiling", former)

    @contextlib.contextmanager
    def opening(self, length_s: float, open_s: float) -> Iterator[None]:
        """Run with a drawn opening: people come for ``length_s``; after the freeze it opens so long.

        Everyone in line now loses their place. Afterwards the room is simply open. Raises RateError.
        """
        opens_s = time.time() + STARTED_WITHIN_S + length_s + FREEZE_S
        times = [
            f"{dt.datetime.fromtimestamp(at_s, dt.UTC):%Y-%m-%dT%H:%M:%SZ}" for at_s in (opens_s, opens_s + open_s)
        ]
        self._call("close")
        self._call(
            "schedule", "--opens-at", times[0], "--closes-at", times[1], "--draw", "--freeze", str(FREEZE_S)
        )
        try:
            yield
        finally:
            self._call("set", "--closes-at", "none")
            self._call("close")
            self._call("new-line", "--yes")  # an opening whose draw was never made cannot be opened by hand
            self._call("open")

    def _restore(self, option: str, former: float) -> None:
        """A room that is out of reach by now is said, and does not hide what the run found."""
        try:
            self._set(option, former)
        except RateError as exc:
            print(f"loadtests: the former {option} {former:g} was not set again: {exc}", file=sys.stderr)

    def _set(self, option: str, value: float) -> None:
        self._call("set", option, f"{value:g}")

    def _call(self, verb: str, *options: str) -> None:
        if not self._command:
            raise RateError(
                "no .venv/bin/antrean here to set the rate with: run `make run` once, give another command "
                "with --antrean, or measure at the present rate with --keep-rate"
            )
        call = [*self._command, "room", verb, self._room, *options]
        try:
            done = subprocess.run(
                call, env=self._environ, capture_output=True, text=True, timeout=COMMAND_WITHIN_S, check=False
            )
        except (OSError, subprocess.TimeoutExpired) as exc:
            raise RateError(f"`{' '.join(call)}` did not run: {exc}") from exc
        if done.returncode:
            said = (done.stderr or done.stdout).strip()
            raise RateError(f"`{' '.join(call)}` ended with {done.returncode}: {said[-500:]}")

    def _wait_until_heard(self, per_minute: float) -> None:
        deadline = time.monotonic() + HEARD_WITHIN_S
        while abs(outside.rate_per_minute(self._host, self._room) - per_minute) > 1e-6:
            if time.monotonic() > deadline:
                raise RateError(
                    f"the rate was set to {per_minute:g}, but after {HEARD_WITHIN_S:g} s the pulse of "
                    f"{self._host} does not say so: is the command using the same store?"
                )
            time.sleep(0.2)
