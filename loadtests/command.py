"""How the load tests' commands end: what stops one is one clear line, and nothing of it goes on running."""

from __future__ import annotations

import signal
import sys
from collections.abc import Callable

from loadtests.outside import UnreachableError
from loadtests.room import RateError
from loadtests.runner import GeneratorError
from loadtests.stack import StackError


def end_clearly(run: Callable[[], int]) -> int:
    """The exit code of ``run``; 2 when it was stopped or could not be made. SIGTERM stops it as Ctrl-C does."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        return run()
    except (RateError, StackError, GeneratorError, UnreachableError) as exc:
        print(f"loadtests: {exc}", file=sys.stderr)
    except KeyboardInterrupt:
        print("\nloadtests: stopped", file=sys.stderr)
    return 2
