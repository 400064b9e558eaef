"""How busy this machine is, as Linux counts it."""

from __future__ import annotations

import time
from pathlib import Path

STAT = Path("/proc/stat")
LOOK_S = 2.0


def busy_share(look_s: float = LOOK_S) -> float:
    """The share of all processors that was busy during a look of so many seconds; 0 where it is not counted."""
    if not STAT.exists():
        return 0.0
    before = times(STAT.read_text())
    time.sleep(look_s)
    return busy_between(before, times(STAT.read_text()))


def times(stat: str) -> tuple[int, int]:
    """Ticks since start in ``/proc/stat``: (all, of them idle or waiting for a disk)."""
    fields = [int(field) for field in stat.partition("\n")[0].split()[1:9]]  # guests are counted within user
    return sum(fields), fields[3] + fields[4]


def busy_between(before: tuple[int, int], after: tuple[int, int]) -> float:
    """The share that was not idle between two counts."""
    total = after[0] - before[0]
    return 1 - (after[1] - before[1]) / total if total > 0 else 0.0
