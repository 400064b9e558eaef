"""What was sent for one second of a replayed day, until it is answered."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

Index = NDArray[np.int64]


@dataclass(slots=True)
class Pending:
    """What was sent for one second: the kind of each command, and whose check-ins they are."""

    second: int
    rate: float  # in this second, a minute
    room_times: tuple[int, ...] = ()  # at each part's tick
    kinds: list[str] = field(default_factory=list)
    packed: list[bytes] = field(default_factory=list)
    parts: list[int] = field(default_factory=list)
    checks: list[Index] = field(default_factory=list)  # for each check_in command

    def add(self, kind: str, packed: bytes, part: int) -> None:
        self.kinds.append(kind)
        self.packed.append(packed)
        self.parts.append(part)
