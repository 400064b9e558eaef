"""The operations guide: its commands exist as they are written, and it knows every alarm."""

from __future__ import annotations

import re
import shlex
from dataclasses import replace
from typing import Any

import pytest
import typer.main
import yaml  # type: ignore[import-untyped]

from gateway.cli import app
from gateway.domain.alarms import conditions
from tests.desk.test_metrics import SNAPSHOT
from tests.docs.documents import ROOT, commands

DOCUMENT = ROOT / "docs" / "operations.md"
TEXT = DOCUMENT.read_text("utf-8")
RULES = ROOT / "deploy" / "prometheus" / "alerts.yml"


def written() -> list[str]:
    """Every command: after a $ in a console block, and between single backticks."""
    inline = re.findall(r"`((?:antrean|make) [^`]+)`", TEXT)
    return sorted({*(command.line for command in commands(DOCUMENT)), *inline})


@pytest.mark.parametrize("line", [line for line in written() if line.startswith("antrean ")])
def test_each_command_exists_with_these_options(line: str) -> None:
    command: Any = typer.main.get_command(app)
    words = shlex.split(line)[1:]
    context = command.make_context("antrean", [], resilient_parsing=True)
    while words and hasattr(command, "get_command") and (sub := command.get_command(context, words[0])):
        command, words = sub, words[1:]
        context = command.make_context(command.name, [], parent=context, resilient_parsing=True)
    command.parse_args(command.context_class(command), words)  # raises for what it does not know
    assert not hasattr(command, "get_command") or command.invoke_without_command


def test_each_make_target_exists() -> None:
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text("utf-8"), re.MULTILINE))
    named = {line.split()[1] for line in written() if line.startswith("make ")}
    assert named
    assert named <= targets


def test_each_alarm_says_what_to_do_and_no_other_is_named() -> None:
    (group,) = yaml.safe_load(RULES.read_text("utf-8"))["groups"]
    told = dict(re.findall(r"^### (\w+)\n\n(?:`([a-z-]+)`)?", TEXT, re.MULTILINE))
    assert list(told) == [rule["alert"] for rule in group["rules"]]
    found = conditions(replace(SNAPSHOT, since_release_ms=90_000), p95_s=9.0, slow_s=2.0, skew_ms=9_000)
    assert {name for name in told.values() if name} == {*found, "store-unreachable"}
