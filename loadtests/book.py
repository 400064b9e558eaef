"""Where one process collects the ledger: into a file, or into memory until the master takes it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TextIO

from loadtests.ledger import Ended, Event, from_line, to_line


class Book:
    """Keeps no events when nobody reads them: a process without a file and without a master forgets."""

    def __init__(self) -> None:
        self.ended = 0  # visits, of all processes that report here
        self._file: TextIO | None = None
        self._kept: list[str] = []
        self.sends = False  # to a master

    def begin(self, path: Path | None, *, sends: bool = False) -> None:
        """A new run; an earlier run's file is closed."""
        self.close()
        self.ended, self._kept, self.sends = 0, [], sends
        self._file = path.open("w", encoding="utf-8", buffering=1) if path else None

    def note(self, event: Event) -> None:
        self.ended += isinstance(event, Ended)
        self._write(to_line(event))

    def receive(self, lines: Sequence[str]) -> None:
        """What a worker sent."""
        for line in lines:
            self.ended += isinstance(from_line(line), Ended)
            self._write(line)

    def take(self) -> list[str]:
        """What was noted since the last call, for the master."""
        taken, self._kept = self._kept, []
        return taken

    def close(self) -> None:
        if self._file:
            self._file.close()
            self._file = None

    def _write(self, line: str) -> None:
        if self._file:
            self._file.write(line + "\n")
        if self.sends:
            self._kept.append(line)
