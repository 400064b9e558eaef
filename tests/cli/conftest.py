"""Whole copies of Antrean for these tests."""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.cli.copies import Copy


@pytest.fixture
def copies(tmp_path: Path) -> Iterator[Callable[..., Copy]]:
    """Makes copies; whatever a failing test leaves running is stopped."""
    made: list[Copy] = []

    def make(name: str = "a copy", **options: str) -> Copy:
        made.append(Copy(tmp_path / name, **options))
        return made[-1]

    yield make
    for copy in made:
        if copy.process is not None and copy.process.poll() is None:
            copy.signal(signal.SIGTERM)
            copy.ended()
