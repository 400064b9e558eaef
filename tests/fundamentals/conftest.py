"""One `antrean up` for the whole story, and a new line for each part of it."""

from __future__ import annotations

import signal
from collections.abc import Iterator

import pytest

from gateway.cli.procfile import PACKAGED
from tests.cli.copies import Copy, wait_until
from tests.fundamentals.antrean import Antrean


@pytest.fixture(scope="session")
def running_copy(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Copy]:
    copy = Copy(tmp_path_factory.mktemp("story") / "a copy", procfile=PACKAGED.read_text("utf-8"))
    copy.environ["ANTREAN_WORKERS"] = "2"
    copy.start()
    try:
        wait_until(lambda: "Ctrl-C stops everything" in copy.said(), f"it started; see {copy.log}", 90)
        yield copy
    finally:
        copy.signal(signal.SIGINT)
        code = copy.ended()
    assert code == 0, copy.said()
    assert "Traceback" not in copy.said()


@pytest.fixture
async def antrean(running_copy: Copy) -> Antrean:
    """The copy with a new line: open, nobody in it, 600 a minute."""
    antrean = Antrean(running_copy)
    await antrean.begins_anew()
    return antrean
