"""`antrean desk` as a process: its first start, its second, and its end."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path

import pytest

from gateway.desk.password import Password


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def start(state: Path, port: int) -> subprocess.Popen[str]:
    environ = {
        "ANTREAN_STATE_DIR": str(state),
        "ANTREAN_DESK_PORT": str(port),
        "ANTREAN_STORE_URL": "redis://127.0.0.1:1",
    }
    return subprocess.Popen(
        [sys.executable, "-m", "gateway", "desk"],
        env=os.environ | environ,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def wait_for_answer(port: int, process: subprocess.Popen[str]) -> int:
    """The status of ``/ready``, as soon as anything answers."""
    until = time.monotonic() + 20
    while True:
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < until, "the desk does not answer"
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/ready", timeout=5) as answer:
                return int(answer.status)
        except urllib.error.HTTPError as error:
            with error:
                return error.code
        except OSError:
            time.sleep(0.05)


def stop(process: subprocess.Popen[str]) -> str:
    process.send_signal(signal.SIGTERM)
    out, err = process.communicate(timeout=20)
    assert "Traceback" not in out + err
    assert process.returncode in (0, -signal.SIGTERM)
    return out


def test_the_password_is_shown_at_the_first_start_and_never_again(tmp_path: Path) -> None:
    state, port = tmp_path / "state", free_port()
    first = start(state, port)
    assert wait_for_answer(port, first) == 503  # it serves, and says that the store does not answer
    out = stop(first)
    found = re.search(r"shown only now: (\S+)", out)
    assert found is not None
    assert Password(state).matches(found[1])
    second = start(state, port)
    wait_for_answer(port, second)
    assert "shown only now" not in stop(second)


@pytest.mark.parametrize("what", ["port", "folder"])
def test_what_hinders_the_start_is_one_clear_line(tmp_path: Path, what: str) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        state = tmp_path / "state"
        if what == "folder":
            state.write_text("a file where the folder should be")
        process = start(state, taken.getsockname()[1] if what == "port" else free_port())
        _, err = process.communicate(timeout=20)
    assert process.returncode == 2
    assert err.count("\n") == 1
    assert ("cannot listen on 127.0.0.1:" if what == "port" else "cannot be kept") in err
