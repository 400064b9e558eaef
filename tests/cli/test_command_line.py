"""The command `antrean`: what it lists, what it imports, how it fails."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from gateway.cli.procfile import Entry, read_procfile
from gateway.errors import SettingsError
from tests.cli.copies import ROOT


def antrean(*arguments: str, folder: Path, **environ: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "gateway", *arguments],
        cwd=folder,
        env={"PYTHONPATH": str(ROOT), "PATH": "/usr/bin:/bin", **environ},
        capture_output=True,
        text=True,
        check=False,
    )


def test_the_help_lists_the_processes(tmp_path: Path) -> None:
    said = antrean("--help", folder=tmp_path).stdout
    for command in ("up", "store", "serve", "desk", "check"):
        assert f" {command} " in said


def test_the_command_line_imports_no_server_no_store_and_no_settings_before_they_are_needed() -> None:
    heavy = ("redis", "pydantic", "structlog", "asyncio", "uvicorn", "starlette", "aiohttp")
    code = f"import sys, gateway.cli; print(*sorted(set(sys.modules) & set({heavy!r})))"
    said = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert said.stdout.strip() == ""


def test_an_unknown_command_is_refused(tmp_path: Path) -> None:
    done = antrean("opne", folder=tmp_path)
    assert done.returncode == 2
    assert "No such command" in done.stderr


def test_a_wrong_setting_is_one_line_and_no_trace(tmp_path: Path) -> None:
    done = antrean("check", folder=tmp_path, ANTREAN_PORT="http")
    assert done.returncode == 2
    assert done.stderr == 'antrean: ANTREAN_PORT: "http" is not usable: give a port, 1 to 65535\n'


def test_check_tells_what_would_be_started(tmp_path: Path) -> None:
    done = antrean("check", folder=tmp_path)
    assert done.returncode == 0
    assert "registration: / but /static/*, /health, /check/* → http://127.0.0.1:8081" in done.stdout
    assert "will be made in" in done.stdout
    assert "embedded, run by" in done.stdout
    assert list(tmp_path.iterdir()) == []


def test_check_tells_that_a_store_does_not_answer(tmp_path: Path) -> None:
    done = antrean("check", folder=tmp_path, ANTREAN_STORE_URL="redis://127.0.0.1:1/0")
    assert done.returncode == 1
    assert "ANTREAN_STORE_URL does not answer" in done.stdout


def test_check_lists_every_setting_and_its_reason(tmp_path: Path) -> None:
    said = antrean("check", "--settings", folder=tmp_path).stdout
    for text in ("ANTREAN_STORE_URL (store_url)", "ANTREAN_SECRET_KEYS\n", "rate_per_minute", "except\n"):
        assert text in said
    assert "Default: 127.0.0.1. Nothing is public until somebody decides so." in said


@pytest.mark.parametrize(
    ("command", "arguments"),
    [
        ("python -m gateway serve", ["python", "-m", "gateway", "serve"]),
        ("python 'a b.py'", ["python", "a b.py"]),
        ("A=1 python x", ["/bin/sh", "-c", "A=1 python x"]),
        ("python x | tee y", ["/bin/sh", "-c", "python x | tee y"]),
        ("python x --port $PORT", ["/bin/sh", "-c", "python x --port $PORT"]),
    ],
)
def test_a_shell_comes_in_only_where_the_command_needs_one(command: str, arguments: list[str]) -> None:
    assert Entry("x", command).arguments == arguments


def test_every_wrong_line_of_a_procfile_is_told(tmp_path: Path) -> None:
    file = tmp_path / "Procfile"
    file.write_text("# comment\n\nstore: run\nnonsense\nstore: again\n")
    with pytest.raises(SettingsError) as caught:
        read_procfile(file)
    first, second = caught.value.problems
    assert 'line 4: "nonsense" is not of the form' in first
    assert "line 5: a second process named store" in second


def test_a_procfile_without_a_process_is_refused(tmp_path: Path) -> None:
    (tmp_path / "Procfile").write_text("# nothing\n")
    with pytest.raises(SettingsError, match="names no process"):
        read_procfile(tmp_path / "Procfile")


def test_check_tells_a_script_what_it_found(tmp_path: Path) -> None:
    found = json.loads(antrean("check", "--json", folder=tmp_path).stdout)
    assert found["ok"] is True
    assert set(found) == {"configuration", "rooms", "keys", "store", "ok"}
