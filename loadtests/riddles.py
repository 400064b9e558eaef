"""The riddle before a number is given, solved as the page's script does it; see docs/draw.md of the gateway."""

from __future__ import annotations

import hashlib
import html
import re
from collections.abc import Mapping
from typing import Any

_DATA = re.compile(r'data-(nonce|target|most|go)="([^"]*)"')


def way_on(page: str) -> str | None:
    """Where the page's script goes with its answer; None for a page without a riddle."""
    data = {name: html.unescape(value) for name, value in _DATA.findall(page)}
    if len(data) < 4:
        return None
    return f"{data['go']}:{_number(data['nonce'], data['target'], int(data['most']))}"


def answer(told: Mapping[str, Any]) -> dict[str, str]:
    """The header that answers a riddle in a problem document."""
    number = _number(str(told["nonce"]), str(told["target"]), int(told["most"]))
    return {"Antrean-Solution": f"{told['token']}:{number}"}


def _number(nonce: str, target: str, most: int) -> int:
    """Raises ValueError when there is none."""
    begun = hashlib.sha256(nonce.encode())
    wanted = bytes.fromhex(target)
    for number in range(most):
        tried = begun.copy()
        tried.update(b"%d" % number)
        if tried.digest() == wanted:
            return number
    raise ValueError(f"no number below {most} answers the riddle {nonce}")
