"""Both ways in one picture: left without the waiting room, right through it, on the same scales."""

from __future__ import annotations

import io
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import matplotlib

matplotlib.use("Agg")

import matplotlib.pyplot as plt
from matplotlib.axes import Axes

from loadtests.charts import GRID
from loadtests.compare.figures import is_failed, opening_s, page_calls
from loadtests.compare.runs import Way
from loadtests.ledger import Arrived, Ended, Registered
from loadtests.site_load import FORM

SIZE, DPI = (10.0, 7.6), 90  # inches; small enough for a README
GOOD, BAD, PLAIN = "#00695c", "#c62828", "#90a4ae"
BIN_S = 5


def draw(ways: Sequence[tuple[str, Way]], folder: Path) -> str:
    """Write ``compare.png``; returns the picture as SVG for a page."""
    figure, grid = plt.subplots(3, len(ways), figsize=SIZE, sharex=True, sharey="row", layout="constrained")
    for column, (title, way) in enumerate(ways):
        _people(grid[0][column], way)
        _answers(grid[1][column], way)
        _forms(grid[2][column], way)
        grid[0][column].set_title(f"{title}\n{_under(way)}", loc="left", fontsize=11)
        grid[2][column].set_xlabel("seconds since the opening")
    for axes in grid.flat:
        axes.grid(visible=True, **GRID)
        axes.spines[["top", "right"]].set_visible(False)
    for row, label in enumerate(("people", "pages a second", "seconds for the form's answer")):
        grid[row][0].set_ylabel(label)
        grid[row][-1].legend(frameon=False, fontsize=9)
    figure.savefig(folder / "compare.png", dpi=DPI)
    svg = io.StringIO()
    figure.savefig(svg, format="svg", metadata={"Date": None})
    plt.close(figure)
    return svg.getvalue()[svg.getvalue().index("<svg") :]


def _under(way: Way) -> str:
    figures = way.figures
    return (
        f"{figures.registered} of {figures.visitors} registered, {figures.failed_share:.1%} of pages failed, "
        f"p95 of pages {figures.page.p95_s:.1f} s"
    )


def _people(axes: Axes, way: Way) -> None:
    start_s = opening_s(way.ledger)
    gave_up = [event.at_s for event in way.ledger.all(Ended) if event.outcome == "gave up"]
    arrived = [event.at_s for event in way.ledger.all(Arrived)]
    registered = [event.received_s for event in way.ledger.first(Registered).values()]
    end_s = max((*arrived, *registered, *gave_up), default=start_s) - start_s
    for times, label, color in (
        (arrived, "came", PLAIN),
        (registered, "registered", GOOD),
        (gave_up, "gave up", BAD),
    ):
        steps = sorted(time_s - start_s for time_s in times)
        axes.step(
            [0.0, *steps, end_s],
            [0, *range(1, len(steps) + 1), len(steps)],
            where="post",
            color=color,
            label=label,
        )


def _answers(axes: Axes, way: Way) -> None:
    calls, start_s = page_calls(way.ledger), opening_s(way.ledger)
    for wanted, label, color in ((False, "answered", GOOD), (True, "failed", BAD)):
        bins = Counter(int((call.received_s - start_s) // BIN_S) for call in calls if is_failed(call) == wanted)
        edges = range(max(bins, default=0) + 2)
        axes.step(
            [edge * BIN_S for edge in edges],
            [bins[edge] / BIN_S for edge in edges],
            where="post",
            color=color,
            label=label,
        )


def _forms(axes: Axes, way: Way) -> None:
    calls, start_s = page_calls(way.ledger), opening_s(way.ledger)
    for wanted, label, color in ((False, "answered", GOOD), (True, "failed", BAD)):
        forms = [call for call in calls if call.name == FORM and is_failed(call) == wanted]
        axes.plot(
            [call.sent_s - start_s for call in forms],
            [call.received_s - call.sent_s for call in forms],
            ".",
            markersize=4,
            color=color,
            label=label,
        )
