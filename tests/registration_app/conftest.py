"""Settings, a running service, and a database, each test with its own."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest

from registration_app.settings import Settings, load_settings
from tests.registration_app.serving import Service, serve


@pytest.fixture
def configured(tmp_path: Path) -> Callable[..., Settings]:
    """Settings with a state folder of their own, as the environment would give them."""
    return lambda **environ: load_settings({"ANTREAN_STATE_DIR": str(tmp_path / "state"), **environ})


@pytest.fixture
async def service(configured: Callable[..., Settings]) -> AsyncIterator[Service]:
    async with serve(configured()) as running:
        yield running
