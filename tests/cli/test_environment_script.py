"""scripts/environment.sh, with a stand-in for Python that notes what it is asked to do."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.cli.copies import ROOT

STAND_IN = """\
#!/bin/sh
case "$*" in
*ensurepip*) exit {ensurepip} ;;
"-c import sys; sys.exit"*) exit {new_enough} ;;
"-c "*print*) echo {prints} ;;
"--version") echo "Python 3.12.0" ;;
"-m venv "*) mkdir -p "$3/bin" && cp "$0" "$3/bin/python" && echo "venv" >>calls ;;
"-m pip "*embedded* | "-m pip "*requirements.txt) echo "pip requirements" >>calls; exit {wheel} ;;
"-m pip "*) echo "pip $*" >>calls; exit {pip} ;;
esac
"""

Run = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    folder = tmp_path / "a checkout"
    folder.mkdir()
    for name in ("pyproject.toml", "constraints.txt"):
        shutil.copy(ROOT / name, folder / name)
    return folder


@pytest.fixture
def run(checkout: Path, tmp_path: Path) -> Run:
    """Runs the script where the only Python is the stand-in; each answer of it is an exit code."""
    programs = tmp_path / "bin"
    programs.mkdir()
    for name in ("sh", "rm", "cat", "cksum", "mkdir", "cp", "tr", "uname", "head"):
        found = shutil.which(name)
        assert found
        (programs / name).symlink_to(found)

    def start(*arguments: str, **answers: object) -> subprocess.CompletedProcess[str]:
        given = {"ensurepip": 0, "new_enough": 0, "wheel": 0, "pip": 0, "prints": "python3.12", **answers}
        python = programs / "python3.12"
        python.write_text(STAND_IN.format(**given))
        python.chmod(0o755)
        return subprocess.run(
            ["sh", str(ROOT / "scripts" / "environment.sh"), *(arguments or (".venv", "demo", "embedded"))],
            cwd=checkout,
            env={"PATH": str(programs), "HOME": os.environ.get("HOME", "/")},
            capture_output=True,
            text=True,
            check=False,
        )

    return start


def calls(checkout: Path) -> list[str]:
    return (checkout / "calls").read_text().splitlines()


def test_it_makes_an_environment_and_is_silent_when_that_is_current(run: Run, checkout: Path) -> None:
    assert run().returncode == 0
    made = calls(checkout)
    assert made[0] == "venv"
    assert made[1].endswith("-c constraints.txt -e .[demo]")
    assert made[2] == "pip requirements"
    again = run()
    assert (again.returncode, again.stdout, again.stderr) == (0, "", "")
    assert calls(checkout) == made


def test_other_versions_are_installed_into_the_same_environment(run: Run, checkout: Path) -> None:
    run()
    with (checkout / "constraints.txt").open("a") as file:
        file.write("another==1\n")
    run()
    assert calls(checkout).count("venv") == 1
    assert len(calls(checkout)) == 5


def test_an_installation_that_was_cut_short_is_made_anew(run: Run, checkout: Path) -> None:
    assert run(pip=1).returncode != 0
    assert run().returncode == 0
    assert calls(checkout).count("venv") == 2


def test_an_environment_without_a_working_python_is_made_anew(run: Run, checkout: Path) -> None:
    run()
    (checkout / ".venv" / "bin" / "python").unlink()
    assert run().returncode == 0
    assert calls(checkout).count("venv") == 2


def test_a_checkout_that_was_moved_gets_a_new_environment(run: Run, checkout: Path) -> None:
    run()
    (checkout / ".venv" / ".made").write_text("/somewhere/else/.venv\n")
    assert run().returncode == 0
    assert calls(checkout).count("venv") == 2


def test_another_extra_is_installed_beside_what_is_there(run: Run, checkout: Path) -> None:
    run()
    run(".venv", "dev")
    assert calls(checkout).count("venv") == 1
    assert calls(checkout)[-1].endswith("-e .[dev]")


def test_a_platform_without_a_wheel_still_gets_an_environment(run: Run, checkout: Path) -> None:
    done = run(wheel=1)
    assert done.returncode == 0
    assert "install Valkey or Redis 7.0 or later" in done.stderr
    assert run().stderr == ""


def test_without_a_suitable_python_one_line_says_what_to_install(run: Run, checkout: Path) -> None:
    done = run(new_enough=1)
    assert done.returncode == 1
    [line] = done.stderr.splitlines()
    assert line.startswith("Antrean needs Python 3.11 to 3.14, and found none. Install it: ")
    assert not (checkout / ".venv").exists()


def test_a_python_without_ensurepip_is_told_with_the_exact_command(run: Run, checkout: Path) -> None:
    done = run(ensurepip=1)
    assert done.returncode == 1
    assert done.stderr.splitlines()[-1].endswith("sudo apt-get install python3.12-venv")
    assert not (checkout / ".venv").exists()


def test_the_help_lists_every_target() -> None:
    said = subprocess.run(["make", "help"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    for target in ("run", "test", "check", "load", "bench", "replay", "screenshots", "help", "clean"):
        assert f"  make {target} " in said
