"""Charts of a room, drawn here as SVG of a few kilobytes, from the store's samples and the origin's counters."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup

from gateway.counters import ORIGIN_SECONDS
from gateway.domain.history import Point, origin_series, per_minute, thin, values
from gateway.store.line import SAMPLE_COLUMNS, Line

SPANS = {"10m": 61, "2h": 721, "all": 10_000}  # rows of ten seconds
POINTS = 120
WIDTH, HEIGHT = 600.0, 100.0
GAP = 4  # times the usual distance between points: a line is not drawn across a hole


@dataclass(frozen=True, slots=True)
class Series:
    """One line of a chart. ``name`` is a key of the desk's texts, and the class that colours it."""

    name: str
    points: Sequence[Point]

    @property
    def last(self) -> float | None:
        return self.points[-1][1] if self.points else None


@dataclass(frozen=True, slots=True)
class Chart:
    """Lines over the same time and on the same scale, which begins at 0."""

    name: str
    series: tuple[Series, ...]

    @property
    def most(self) -> float:
        """The top of the scale."""
        return max((value for one in self.series for _, value in one.points if value is not None), default=0.0)

    @property
    def empty(self) -> bool:
        return sum(value is not None for one in self.series for _, value in one.points) < 2

    def span_ms(self) -> tuple[float, float]:
        """Wall time of the first and the last point."""
        times = [at_ms for one in self.series for at_ms, _ in one.points]
        return min(times, default=0.0), max(times, default=0.0)

    def svg(self, label: str) -> Markup:
        """The drawing; the style sheet colours it. ``label`` tells it to those who do not see it."""
        first, last = self.span_ms()
        lines = Markup("").join(
            Markup('<path class="line line-{}" d="{}"/>').format(index, _path(one.points, first, last, self.most))
            for index, one in enumerate(self.series)
        )
        head = Markup('<svg class="chart" viewBox="0 0 {:.0f} {:.0f}" preserveAspectRatio="none" role="img"')
        return head.format(WIDTH, HEIGHT) + Markup(' aria-label="{}">{}</svg>').format(label, lines)


async def charts(line: Line, span: str) -> list[Chart]:
    """The room's charts over one of SPANS. Raises StoreError."""
    rows = thin([dict(zip(SAMPLE_COLUMNS, row, strict=False)) for row in await line.samples(SPANS[span])], POINTS)
    between = line.snapshot.between if line.snapshot else lambda after, last: max(0, last - after)
    p95, errors = origin_series(thin(await line.watch.origin_rows(SPANS[span]), POINTS), ORIGIN_SECONDS.bounds_s)
    return [
        Chart(
            "rate",
            (
                Series("delivered", per_minute(rows, "claimed")),
                Series("configured", values(rows[1:], lambda row: row["rate_per_minute"])),
            ),
        ),
        Chart(
            "line",
            (
                Series(
                    "waiting",
                    values(rows, lambda row: between(int(row["serving"]), int(row["issued"])) + row["late"]),
                ),
                Series("present", values(rows, lambda row: row["present"])),
            ),
        ),
        Chart(
            "inside",
            (
                Series("inside", values(rows, lambda row: row["inside"])),
                Series("ceiling", values(rows, lambda row: row["ceiling"])),
            ),
        ),
        Chart("origin", (Series("p95", p95),)),
        Chart("errors", (Series("errors", errors),)),
    ]


def _path(points: Sequence[Point], first: float, last: float, most: float) -> str:
    width, height = max(last - first, 1.0), max(most, 1e-9)
    usual = width / max(len(points) - 1, 1)
    steps, before = [], None
    for at_ms, value in points:
        if value is None:
            before = None
            continue
        move = "L" if before is not None and at_ms - before <= GAP * usual else "M"
        steps.append(
            f"{move}{(at_ms - first) / width * WIDTH:.0f} {HEIGHT - value / height * (HEIGHT - 4) - 2:.1f}"
        )
        before = at_ms
    return "".join(steps)
