"""The Procfile: which processes there are, in the order in which they start."""

from __future__ import annotations

import re
import shlex
from dataclasses import dataclass
from pathlib import Path

from gateway.errors import SettingsError

PACKAGED = Path(__file__).with_name("Procfile")
"""What is started where there is no Procfile in the current folder."""

_LINE = re.compile(r"^(?P<name>[A-Za-z0-9_-]+):\s*(?P<command>.+)$")
_NEEDS_SHELL = re.compile(r"[|&;<>()$`*?\[\]#~=%{}\\]")


@dataclass(frozen=True, slots=True)
class Entry:
    """One line: a name and a shell command."""

    name: str
    command: str

    @property
    def arguments(self) -> list[str]:
        """What to execute. A shell comes in only where the command needs one: it would hide signals."""
        if _NEEDS_SHELL.search(self.command):
            return ["/bin/sh", "-c", self.command]
        return shlex.split(self.command)


def find_procfile() -> Path:
    """The one in the current folder, else the packaged one."""
    here = Path("Procfile")
    return here if here.exists() else PACKAGED


def read_procfile(path: Path) -> list[Entry]:
    """Every process in order. Raises SettingsError naming each line that is none."""
    entries: list[Entry] = []
    problems = []
    for number, line in enumerate(path.read_text("utf-8").splitlines(), start=1):
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        found = _LINE.match(line.strip())
        if not found:
            problems.append(f'{path}, line {number}: "{line.strip()}" is not of the form `name: command`')
        elif found["name"] in {entry.name for entry in entries}:
            problems.append(f"{path}, line {number}: a second process named {found['name']}")
        else:
            entries.append(Entry(found["name"], found["command"]))
    if not entries and not problems:
        problems.append(f"{path}: names no process")
    if problems:
        raise SettingsError(problems)
    return entries
