"""Every command of the README, in its order, on a stack of its own; what it says is what the README says.

Ports, times and sizes differ from run to run: … in the README stands for them. `make load` sends fewer visitors
here, so of its table only the rows are compared.
"""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cli.copies import free_port
from tests.docs.documents import README, ROOT, Command, commands, missing_line

VISITORS, RATE = 12, 120
READY_WITHIN_S = 120
LOAD_WITHIN_S = 540  # with the installation of locust on first use
PORTS = {"ANTREAN_PORT": "8080", "REGISTRATION_PORT": "8081", "ANTREAN_DESK_PORT": "8082"}
GIVEN = re.compile(r"(?:(?:ANTREAN|REGISTRATION)_\w+=\S+ )+")


class Stack:
    """What `make run` starts, in a folder and on ports of its own. Its words are told with the usual ports."""

    def __init__(self, folder: Path) -> None:
        self.ports = {name: str(free_port()) for name in PORTS}
        self.reports = folder / "reports"
        (folder / "antrean.toml").write_text("")  # not the one of whoever runs the tests
        self.environ = {
            **{
                name: value
                for name, value in os.environ.items()
                if not name.startswith(("ANTREAN_", "MAKE", "MFLAGS"))
            },
            **self.ports,
            "ANTREAN_STATE_DIR": str(folder / "state"),
            "ANTREAN_CONFIG": str(folder / "antrean.toml"),
            "ARGS": f"--users {VISITORS} --rate {RATE} --reports {self.reports}",
        }
        self.log = folder / "run.log"
        self.process: subprocess.Popen[bytes] | None = None

    def start(self, command: str) -> list[str]:
        """Start it as in a terminal of its own; what it said until it was ready."""
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(
                ["sh", "-c", command],
                cwd=ROOT,
                env=self.environ,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        until = time.monotonic() + READY_WITHIN_S
        while "Ctrl-C stops everything." not in self.log.read_text("utf-8"):
            assert self.process.poll() is None, self.log.read_text("utf-8")
            assert time.monotonic() < until, self.log.read_text("utf-8")
            time.sleep(0.1)
        return self.told(self.log.read_text("utf-8"))

    def run(self, command: str, within_s: float) -> list[str]:
        """What a command said in a shell of its own."""
        with_our_ports = command
        for name, usual in PORTS.items():
            with_our_ports = with_our_ports.replace(f":{usual}", f":{self.ports[name]}")
        done = subprocess.run(
            ["sh", "-c", with_our_ports],
            cwd=ROOT,
            env=self.environ,
            capture_output=True,
            text=True,
            timeout=within_s,
            check=False,
        )
        assert done.returncode == 0, f"{command}\n{done.stdout}{done.stderr}"
        return self.told(done.stdout)

    def told(self, said: str) -> list[str]:
        """Without what is only so in this copy."""
        for name, usual in PORTS.items():
            said = said.replace(f"127.0.0.1:{self.ports[name]}", f"127.0.0.1:{usual}")
        said = GIVEN.sub("", said).replace(str(self.reports), "reports")
        return said.rstrip("\n").split("\n")

    def stop(self) -> str:
        """Ctrl-C: the signal goes to everything in the terminal. What was said from then on."""
        assert self.process is not None
        before = len(self.log.read_text("utf-8"))
        os.killpg(self.process.pid, signal.SIGINT)
        self.process.wait(60)
        return self.log.read_text("utf-8")[before:]


@pytest.fixture
def stack(tmp_path: Path) -> Iterator[Stack]:
    made = ROOT / ".venv" / ".made"
    if not made.exists() or made.read_text().strip() != str(ROOT / ".venv"):
        pytest.skip("there is no .venv of this checkout: run the tests with `make test`")
    stack = Stack(tmp_path)
    yield stack
    if stack.process is not None and stack.process.poll() is None:
        stack.stop()


def rows(lines: list[str]) -> list[str]:
    """The names of a table's rows: what stands before the first wide gap, without figures."""
    return [re.sub(r"\d+", "#", re.split(r"\s{2,}", line.strip())[0]) for line in lines]


def check(command: Command, said: list[str]) -> None:
    expected = list(command.output)
    if command.line == "make load":
        expected, said = rows(expected), rows(said)
    missing = missing_line(expected, said)
    assert missing is None, f"$ {command.line}\nis missing: {missing}\nin:\n" + "\n".join(said)


@pytest.mark.slow
def test_every_command_runs_and_says_what_the_readme_says(stack: Stack) -> None:
    told = commands(README)
    assert [command.line for command in told[:2]] == ["make run", "make load"]
    check(told[0], stack.start(told[0].line))
    check(told[1], stack.run(told[1].line, LOAD_WITHIN_S))
    before = ""
    for command in told[2:]:
        if command.line.startswith(". "):
            before += command.line + " && "
        elif not command.line.startswith("curl") or shutil.which("curl"):
            check(command, stack.run(before + command.line, 60))
    goodbye = stack.stop()
    assert "antrean      │ stopped" in goodbye
    assert "Traceback" not in goodbye


def test_every_command_is_one_that_make_or_antrean_know() -> None:
    """So that the test above leaves none out unseen."""
    inline = re.findall(r"`(make|antrean) ([a-z-]+)[^`]*`", README.read_text("utf-8"))
    targets = re.findall(r"^([a-z]+):.*##", (ROOT / "Makefile").read_text("utf-8"), re.MULTILINE)
    for program, word in inline:
        if program == "make":
            assert word in targets
        else:
            assert word in {"up", "serve", "store", "desk", "check", "room", "ticket", "pass", "keys"}


def test_what_is_missing_is_noticed() -> None:
    """The comparison itself: a check that cannot fail would be worth nothing."""
    assert missing_line(["a", "…", "b 1…"], ["a", "x", "b 12"]) is None
    assert missing_line(["a", "b"], ["a", "x", "b"]) == "b"
    assert missing_line(["…", "c"], ["a", "b"]) == "c"
    assert missing_line(["a"], ["a", "more"]) is not None
    assert missing_line(["a", "…"], ["a", "more"]) is None
