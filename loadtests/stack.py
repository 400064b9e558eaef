"""A whole stack of one's own, for when nothing is running: free ports, a state folder, gone afterwards."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from loadtests import outside

READY_WITHIN_S = 90.0
STOP_WITHIN_S = 20.0


class StackError(Exception):
    """The stack did not start; the message carries the end of its log."""


@dataclass(frozen=True, slots=True)
class Stack:
    """Where a stack answers, and the environment in which its commands find it."""

    host: str
    desk: str
    environ: Mapping[str, str]


def free_ports(count: int) -> list[int]:
    """Ports that nobody listens on at this moment, all different."""
    with contextlib.ExitStack() as held:
        sockets = [held.enter_context(socket.socket()) for _ in range(count)]
        for each in sockets:
            each.bind(("127.0.0.1", 0))
        return [each.getsockname()[1] for each in sockets]


@contextlib.contextmanager
def own_stack(python: Path, room: str) -> Iterator[Stack]:
    """Start everything that ``make run`` starts; end it, by its own pid, when done. Raises StackError."""
    if not python.exists():
        raise StackError(f"{python} is missing: run `make run` once, which installs everything")
    with tempfile.TemporaryDirectory(prefix="antrean-load-") as folder:
        gateway, desk, origin = free_ports(3)
        ports = {
            "ANTREAN_PORT": str(gateway),
            "ANTREAN_DESK_PORT": str(desk),
            "REGISTRATION_PORT": str(origin),
            "ANTREAN_STATE_DIR": folder,
        }
        environ = {**os.environ, **ports}
        stack = Stack(f"http://127.0.0.1:{gateway}", f"http://127.0.0.1:{desk}", environ)
        with (Path(folder) / "up.log").open("w+") as log:
            process = subprocess.Popen(
                [str(python), "-m", "gateway", "up"],
                env=environ,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
            try:
                _wait_until_ready(stack, room, process, Path(log.name))
                yield stack
            finally:
                _stop(process)


def _wait_until_ready(stack: Stack, room: str, process: subprocess.Popen[bytes], log: Path) -> None:
    """Ready is: the line has a pulse, the site behind it answers, and the desk does."""
    deadline = time.monotonic() + READY_WITHIN_S
    while True:
        if process.poll() is not None:
            raise StackError(f"the stack ended with {process.returncode} while starting:\n{_tail(log)}")
        try:
            outside.get(f"{stack.host}/_queue/health")
            outside.get(f"{stack.host}/health")
            outside.rate_per_minute(stack.host, room)
            outside.get(f"{stack.desk}/ready")
        except outside.UnreachableError as exc:
            if time.monotonic() > deadline:
                raise StackError(f"not ready after {READY_WITHIN_S:g} s ({exc}):\n{_tail(log)}") from exc
            time.sleep(0.2)
        else:
            return


def _stop(process: subprocess.Popen[bytes]) -> None:
    """Ask as Ctrl-C does, so that it stops in its own order; kill only what does not."""
    if process.poll() is not None:
        return
    process.send_signal(signal.SIGINT)
    try:
        process.wait(STOP_WITHIN_S)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)  # its own session: only what it started
        process.wait()


def _tail(log: Path) -> str:
    return "\n".join(log.read_text(errors="replace").splitlines()[-15:])
