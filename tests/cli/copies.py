"""A whole copy of Antrean in a folder of its own, started as people start it."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable
from pathlib import Path

import pytest

HERE = Path(__file__).parent
ROOT = HERE.parent.parent

PROCFILE = """\
store: python -m gateway store
registration: python stand_in.py registration REGISTRATION_PORT
gateway: python stand_in.py gateway ANTREAN_PORT
desk: python stand_in.py desk ANTREAN_DESK_PORT
"""


def wait_until(predicate: Callable[[], object], description: str, timeout_s: float = 20) -> None:
    """Until it holds; fails with the description."""
    until = time.monotonic() + timeout_s
    while not predicate():
        assert time.monotonic() < until, f"never happened: {description}"
        time.sleep(0.02)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def alive(pid: int) -> bool:
    """Whether the process runs (a zombie that nobody has reaped does not)."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    state = subprocess.run(["ps", "-o", "stat=", "-p", str(pid)], capture_output=True, text=True, check=False)
    return bool(state.stdout.strip()) and not state.stdout.strip().startswith("Z")


class Copy:
    """One `antrean up` in its own folder (with a space in its name), with its own ports."""

    def __init__(self, folder: Path, procfile: str = PROCFILE) -> None:
        self.folder = folder
        self.folder.mkdir(parents=True, exist_ok=True)
        (folder / "stand_in.py").write_text((HERE / "stand_in.py").read_text())
        (folder / "Procfile").write_text(procfile)
        self.ports = {
            name: free_port() for name in ("ANTREAN_PORT", "ANTREAN_DESK_PORT", "REGISTRATION_PORT")
        }
        self.environ = {
            **{key: value for key, value in os.environ.items() if not key.startswith("ANTREAN_")},
            **{name: str(port) for name, port in self.ports.items()},
            "PYTHONPATH": str(ROOT),
            "PYTHONUNBUFFERED": "1",
        }
        self.process: subprocess.Popen[bytes] | None = None
        self.log = folder / "up.log"

    def start(self) -> None:
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "gateway", "up"],
                cwd=self.folder,
                env=self.environ,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
            )

    def started(self) -> Copy:
        self.start()
        self.wait_for("Ctrl-C stops everything")
        return self

    def said(self) -> str:
        return self.log.read_text("utf-8")

    def wait_for(self, text: str, times: int = 1) -> None:
        wait_until(lambda: self.said().count(text) >= times, f"{text!r} × {times} in\n{self.said()}")

    def pids(self, name: str) -> list[int]:
        """Of every life of a stand-in, oldest first."""
        start = f"{name} runs as "
        return [int(line.split(start)[1]) for line in self.said().splitlines() if start in line]

    def server_pid(self) -> int:
        """Of the Valkey of the store."""
        return int((self.folder / ".state" / "store" / "server.pid").read_text())

    def signal(self, number: int = signal.SIGINT) -> None:
        assert self.process is not None
        self.process.send_signal(number)

    def ended(self) -> int:
        assert self.process is not None
        return self.process.wait(30)

    def make_die(self, port_name: str) -> None:
        with pytest.raises(OSError):
            urllib.request.urlopen(f"http://127.0.0.1:{self.ports[port_name]}/die", timeout=5)

    def leftovers(self) -> list[str]:
        """Names in the store's folder that only a running store has."""
        return [
            path.name for path in (self.folder / ".state" / "store").iterdir() if path.name != "appendonlydir"
        ]
