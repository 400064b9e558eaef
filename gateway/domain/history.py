"""What the store's samples say of the last minutes: rows in, figures and series out."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Mapping, Sequence
from itertools import pairwise
from typing import Any

from gateway.domain.origin_health import Counts, health

Row = Mapping[str, float]
Point = tuple[float, float | None]  # wall time in ms, value; None: not known
MINUTE_MS = 60_000


def joins_per_minute(
    rows: Sequence[Row], issued: int, now_ms: int, skipped: Sequence[tuple[int, int]] = ()
) -> float | None:
    """Numbers given out a minute, over about the last one; None until there is a sample to compare with.

    ``skipped``: first and last number of each gap that a lost store left: nobody joined there.
    """
    older = [row for row in rows if row["now_ms"] <= now_ms - 50_000] or list(rows[:1])
    if not older or now_ms - older[-1]["now_ms"] < 5_000:
        return None
    row = older[-1]
    nobody = sum(max(0, min(issued, last) - max(row["issued"], first - 1)) for first, last in skipped)
    return max(0.0, issued - row["issued"] - nobody) * MINUTE_MS / (now_ms - row["now_ms"])


def thin(rows: Sequence[Any], most: int) -> list[Any]:
    """At most ``most`` + 1 of the rows, evenly, the last one among them."""
    if len(rows) <= most:
        return list(rows)
    every = -(-len(rows) // most)
    return [rows[index] for index in range(len(rows) - 1, -1, -every)][::-1]


def per_minute(rows: Sequence[Row], column: str) -> list[Point]:
    """How fast a counter grew up to each row. A counter that shrank began anew: nothing is known there."""
    points: list[Point] = []
    for before, row in pairwise(rows):
        passed_ms = row["now_ms"] - before["now_ms"]
        grown = row[column] - before[column]
        points.append((row["now_ms"], grown * MINUTE_MS / passed_ms if passed_ms > 0 and grown >= 0 else None))
    return points


def values(rows: Sequence[Row], value: Callable[[Row], float]) -> list[Point]:
    """A figure of each row."""
    return [(row["now_ms"], value(row)) for row in rows]


def origin_series(rows: Sequence[Counts], bounds_s: Sequence[float]) -> tuple[list[Point], list[Point]]:
    """The origin's p95 in ms, and its failed answers in percent, up to each row."""
    p95: list[Point] = []
    errors: list[Point] = []
    for before, row in pairwise(rows):
        seen = health(before, row, bounds_s)
        p95.append((row.at_ms, None if seen is None or seen.p95_s is None else seen.p95_s * 1000))
        errors.append((row.at_ms, None if seen is None else seen.error_share * 100))
    return p95, errors


ALIKE = 0.15  # of the rate
MINUTE_ROWS = 6


def p95_at_rate(
    rate_per_minute: float, rows: Sequence[Row], counts: Sequence[Counts], bounds_s: Sequence[float]
) -> float | None:
    """The origin's p95, seconds, in the latest minute in which about this many entered; None: there was none."""
    times = [count.at_ms for count in counts]
    for end in range(len(rows) - 1, MINUTE_ROWS - 1, -1):
        began, ended = rows[end - MINUTE_ROWS], rows[end]
        passed_ms = ended["now_ms"] - began["now_ms"]
        grown = ended["claimed"] - began["claimed"]
        if passed_ms <= 0 or abs(grown * MINUTE_MS / passed_ms - rate_per_minute) > ALIKE * rate_per_minute:
            continue
        first, last = bisect_left(times, began["now_ms"]), bisect_left(times, ended["now_ms"])
        if first < last < len(counts):
            seen = health(counts[first], counts[last], bounds_s)
            if seen is not None and seen.p95_s is not None:
                return seen.p95_s
    return None


def timeline(rows: Sequence[Row], number: int, position: int, by_ms: float) -> list[tuple[int, str]]:
    """About when a ticket joined, was called and had its turn: wall time in ms of the first sample that shows it.

    A sample is up to ten seconds late; ``by_ms`` is when the ticket had certainly had its turn. What happened
    before the oldest sample is not told. A number is issued; a place, which a draw makes another, is called.
    """
    told: list[tuple[int, str]] = []
    for column, place, what in (
        ("issued", number, "joined"),
        ("called", position, "called"),
        ("serving", position, "turn"),
    ):
        index = bisect_left([row[column] for row in rows], place)
        if 0 < index < len(rows) or (index == 0 and rows and place == 1):
            told.append((int(min(rows[index]["now_ms"], by_ms)), what))
    return told
