"""What `antrean up` prints: every line of every process behind its name."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import TextIO

_COLOURS = ("36", "35", "32", "33", "34", "96", "95", "92")


class Output:
    """Lines behind the process's name, coloured on a terminal."""

    def __init__(self, names: Sequence[str], stream: TextIO | None = None) -> None:
        self._stream = stream or sys.stdout
        self._width = max(len(name) for name in (*names, "antrean"))
        self._colours = dict(zip(names, _COLOURS * len(names), strict=False))
        self.on_terminal = self._stream.isatty()

    def line(self, name: str, text: str) -> None:
        """One line of the process ``name``."""
        prefix = f"{name:<{self._width}} │"
        if self.on_terminal:
            prefix = f"\033[{self._colours.get(name, '1')}m{prefix}\033[0m"
        self.plain(f"{prefix} {text}")

    def say(self, text: str) -> None:
        """A line of our own."""
        self.line("antrean", text)

    def plain(self, text: str) -> None:
        """Text without a prefix. A reader that has gone away stops no process."""
        try:
            print(text, file=self._stream, flush=True)
        except OSError:
            self._stream = open("/dev/null", "w", encoding="utf-8")  # noqa: SIM115  (until we end)
