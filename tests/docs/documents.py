"""The documents as data: their blocks of code, their links, their marked tables."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parent.parent.parent
README = ROOT / "README.md"
DOCUMENTS = [*sorted(ROOT.glob("*.md")), *sorted((ROOT / "docs").rglob("*.md"))]

_BLOCK = re.compile(r"^```(?P<language>\w+)\n(?P<text>.*?)^```$", re.MULTILINE | re.DOTALL)
_GAP = "…"


@dataclass(frozen=True, slots=True)
class Command:
    """One line after a ``$`` in a console block, and what stands below it. A lone … is any number of lines."""

    line: str
    output: tuple[str, ...]


def blocks(document: Path, language: str) -> list[str]:
    """The text of every fenced block of that language."""
    found = _BLOCK.finditer(document.read_text("utf-8"))
    return [block["text"] for block in found if block["language"] == language]


def commands(document: Path) -> list[Command]:
    """Every command of the document's console blocks, in order."""
    found: list[Command] = []
    for block in blocks(document, "console"):
        for part in re.split(r"^\$ ", block, flags=re.MULTILINE)[1:]:
            line, *output = part.rstrip("\n").split("\n")
            found.append(Command(line, tuple(output)))
    return found


def missing_line(expected: Sequence[str], said: Sequence[str]) -> str | None:
    """The first expected line that does not come in its place; None when all do. … in a line is any text."""
    place, may_skip = 0, False
    for line in expected:
        if line == _GAP:
            may_skip = True
            continue
        wanted = re.compile(".*".join(re.escape(part) for part in line.split(_GAP)))
        last = len(said) if may_skip else min(place + 1, len(said))
        place = next((at + 1 for at in range(place, last) if wanted.fullmatch(said[at])), -1)
        if place < 0:
            return line
        may_skip = False
    return None if may_skip or place == len(said) else f"(nothing more, but it said: {said[place]})"


def row(*cells: str) -> str:
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |\n"


def table(*heads: str, rows: Sequence[tuple[str, ...]]) -> str:
    """As Markdown."""
    return row(*heads) + row(*["---"] * len(heads)) + "".join(row(*cells) for cells in rows)


def marked(document: Path, name: str) -> str:
    """What stands between ``<!-- kind: name -->`` and the end mark."""
    text = document.read_text("utf-8")
    start, end = _marks(text, name)
    return text[start:end]


def keep_marked(document: Path, name: str, content: str) -> None:
    """Write it there, if ANTREAN_WRITE_DOCS asks for that."""
    if os.environ.get("ANTREAN_WRITE_DOCS") == "1":
        text = document.read_text("utf-8")
        start, end = _marks(text, name)
        document.write_text(text[:start] + content + text[end:], "utf-8")


def _marks(text: str, name: str) -> tuple[int, int]:
    begin = re.search(rf"<!-- (\w+): {re.escape(name)} -->\n", text)
    assert begin is not None, f"there is no mark for {name}"
    return begin.end(), text.index(f"<!-- end of {begin[1]} -->", begin.end())
