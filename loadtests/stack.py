"""A whole stack of one's own, for when nothing is running: free ports, a state folder, gone afterwards."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from loadtests import outside

READY_WITHIN_S = 90.0
STOP_WITHIN_S = 20.0
NOT_OURS = ("ANTREAN_STORE_URL", "DATABASE_URL", "REGISTRATION_REQUIRE_GATE")


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
    with tempfile.TemporaryDirectory(prefix="antrean-load-") as folder:
        gateway, desk, origin = free_ports(3)
        environ = _fresh(folder, ANTREAN_PORT=gateway, ANTREAN_DESK_PORT=desk, REGISTRATION_PORT=origin)
        stack = Stack(f"http://127.0.0.1:{gateway}", f"http://127.0.0.1:{desk}", environ)
        with _running(python, ["gateway", "up"], environ, lambda: _ask(stack, room)):
            yield stack


@contextlib.contextmanager
def own_site(python: Path) -> Iterator[str]:
    """The sample registration site alone, nothing in front of it; gives its address. Raises StackError."""
    with tempfile.TemporaryDirectory(prefix="antrean-load-") as folder:
        (port,) = free_ports(1)
        host = f"http://127.0.0.1:{port}"
        environ = _fresh(folder, REGISTRATION_PORT=port)
        with _running(python, ["registration_app"], environ, lambda: outside.get(f"{host}/health")):
            yield host


def _fresh(folder: str, **ports: int) -> dict[str, str]:
    """This environment, without what would lead to databases that are in use."""
    kept = {name: value for name, value in os.environ.items() if name not in NOT_OURS}
    return {**kept, "ANTREAN_STATE_DIR": folder, **{name: str(port) for name, port in ports.items()}}


@contextlib.contextmanager
def _running(
    python: Path, module: Sequence[str], environ: Mapping[str, str], ask: Callable[[], object]
) -> Iterator[None]:
    if not python.exists():
        raise StackError(f"{python} is missing: run `make run` once, which installs everything")
    with (Path(environ["ANTREAN_STATE_DIR"]) / "up.log").open("w+") as log:
        process = subprocess.Popen(
            [str(python), "-m", *module], env=environ, stdout=log, stderr=log, start_new_session=True
        )
        try:
            _wait_until_ready(ask, process, Path(log.name))
            yield
        finally:
            _stop(process)


def _ask(stack: Stack, room: str) -> None:
    """Ready is: the line has a pulse, the site behind it answers, and the desk does."""
    outside.get(f"{stack.host}/_queue/health")
    outside.get(f"{stack.host}/health")
    outside.rate_per_minute(stack.host, room)
    outside.get(f"{stack.desk}/ready")


def _wait_until_ready(ask: Callable[[], object], process: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + READY_WITHIN_S
    while True:
        if process.poll() is not None:
            raise StackError(f"the stack ended with {process.returncode} while starting:\n{_tail(log)}")
        try:
            ask()
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
