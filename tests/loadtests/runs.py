"""Whole load-test runs against the fake gateway, each in processes of its own."""

from __future__ import annotations

import contextlib
import importlib.util
import json
import os
import shlex
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
RUN_WITHIN_S = 150


def generator_python() -> str | None:
    """An interpreter that has locust: this one, or that of ``make load``; None when there is none."""
    if importlib.util.find_spec("locust") and importlib.util.find_spec("matplotlib"):
        return sys.executable
    other = ROOT / ".venv-load/bin/python"
    return str(other) if other.exists() else None


@dataclass(frozen=True)
class Outcome:
    """What a run left behind."""

    code: int
    output: str
    result: dict[str, Any]  # empty when there is no report
    folder: Path

    def failed(self) -> set[str]:
        return {
            check["key"] for check in self.result["checks"] if check["passed"] is False and not check["advice"]
        }


@contextlib.contextmanager
def fake_gateway(fault: str, rate: float = 77.0) -> Iterator[str]:
    """A fake gateway in a process of its own; gives its address."""
    process = subprocess.Popen(
        [sys.executable, str(HERE / "fake_gateway.py"), "--fault", fault, "--rate", str(rate)],
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout
    try:
        yield f"http://127.0.0.1:{int(process.stdout.readline())}"
    finally:
        process.kill()
        process.wait()
        process.stdout.close()


def load(host: str, reports: Path, *arguments: str, module: str = "loadtests") -> Outcome:
    """Run ``python -m loadtests``, or another module with its options, to its end."""
    command = shlex.join([sys.executable, str(HERE / "fake_antrean.py")])
    python = generator_python()
    assert python
    done = subprocess.run(
        [
            *(python, "-m", module, "--host", host, "--desk", host, "--antrean", command),
            *("--reports", str(reports), *arguments),
        ],
        cwd=ROOT,
        env={**os.environ, "FAKE_GATEWAY": host},
        capture_output=True,
        text=True,
        timeout=RUN_WITHIN_S,
        check=False,
    )
    folders = sorted(reports.glob("*-*"))
    folder = folders[-1] if folders else reports
    written = folder / "result.json"
    result = json.loads(written.read_text()) if written.exists() else {}
    return Outcome(done.returncode, done.stdout + done.stderr, result, folder)
