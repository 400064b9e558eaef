"""Which core a process may run on: what is measured on one, the load on another; the rest wherever there is time.

On the same core, each reply would wake a client that pushes the worker aside, and what is measured would be cold
caches. Where a system cannot bind processes (macOS), or has a single core, nothing is bound.
"""

from __future__ import annotations

import os
import sys


def bind(pid: int, *, measured: bool) -> None:
    """Bind a process, and what it starts, to the first of our cores or to all others."""
    if sys.platform == "linux":
        cores = sorted(os.sched_getaffinity(0))
        if len(cores) > 1:
            os.sched_setaffinity(pid, cores[:1] if measured else cores[1:])
