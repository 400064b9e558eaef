"""Arguments and options that several commands take, and how times are told."""

from __future__ import annotations

import time
from typing import Annotated

import typer

Room = Annotated[str | None, typer.Argument(help="The room's id; not needed where there is only one.")]
Json = Annotated[bool, typer.Option("--json", help="One JSON document, for scripts.")]
Why = Annotated[str, typer.Option("--why", help="Kept in the audit.")]


def clock(at_ms: float) -> str:
    """A wall time in ms as this machine's clock shows it, with its zone; a dash for 0, which is none."""
    return time.strftime("%Y-%m-%d %H:%M:%S %Z", time.localtime(at_ms / 1000)) if at_ms else "–"
