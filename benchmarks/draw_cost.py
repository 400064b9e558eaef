"""What the place of a drawn number costs a check-in: reckoned at the first one in each worker, remembered then."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from gateway.domain import draw

SIZES = (63, 1_000, 1_000_000, 10_000_000)
LOOKUPS = 4_000
CHECK_INS = 30  # of one visitor in line: five minutes from being called, every ten seconds


@dataclass(frozen=True, slots=True)
class DrawCost:
    """Processor time in µs. ``share`` is of a check-in; None: the calls were not measured."""

    size: int
    first_us: float
    remembered_us: float
    share: float | None  # on average over a visitor's check-ins


def measure_draw(check_in_us: float | None, sizes: Sequence[int] = SIZES) -> list[DrawCost]:
    """Every size of draw."""
    return [_measure(size, check_in_us) for size in sizes]


def _measure(size: int, check_in_us: float | None) -> DrawCost:
    dice = random.Random(size)  # noqa: S311 - which numbers are looked up
    seed = draw.seed_of(dice.randbytes(32).hex(), "entropy")
    numbers = [dice.randint(1, size) for _ in range(LOOKUPS)]
    first_us = _each_us(lambda: [draw.position_of.__wrapped__(seed, size, number) for number in numbers])
    draw.position_of(seed, size, 1)
    remembered_us = _each_us(lambda: [draw.position_of(seed, size, 1) for _ in numbers])
    average_us = (first_us + (CHECK_INS - 1) * remembered_us) / CHECK_INS
    return DrawCost(size, first_us, remembered_us, average_us / check_in_us if check_in_us else None)


def _each_us(look_up: Callable[[], object]) -> float:
    began_s = time.process_time()
    look_up()
    return (time.process_time() - began_s) / LOOKUPS * 1e6
