"""Lines in virtual time on the real store."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import redis

sys.path.insert(0, str(Path(__file__).parent))

from virtual import VirtualLine  # the folder is no package: its helper is found beside it

from gateway.domain.room import Knobs

OpenLine = Callable[..., VirtualLine]


@pytest.fixture
def open_line(store_client: redis.Redis) -> OpenLine:
    """Opens the room with these knobs; ``poll_max_s`` goes to the line."""

    def build(*, poll_max_s: int = 60, **knobs: Any) -> VirtualLine:
        return VirtualLine(store_client, Knobs(**knobs), poll_max_s=poll_max_s)

    return build
