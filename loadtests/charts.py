"""The pictures of a report: each drawn once, kept as PNG to send around and SVG to look at closely."""

from __future__ import annotations

import io
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import matplotlib

matplotlib.use("Agg")

import matplotlib.pyplot as plt
from matplotlib.axes import Axes

from loadtests.admissions import distinct
from loadtests.estimates import waits_and_ranges
from loadtests.ledger import Arrived, Ledger, Registered, Silence
from loadtests.site_load import at_once
from loadtests.summary import latencies

SIZE = (8.0, 3.6)  # inches
GRID = {"alpha": 0.3, "linewidth": 0.5}


@dataclass(frozen=True, slots=True)
class Chart:
    title: str
    svg: str
    alt: str


def draw_all(ledger: Ledger, rate_per_minute: float, folder: Path) -> list[Chart]:
    """Draw every chart, write it to ``folder`` as PNG and SVG, and return it for the page."""
    start_s = min((event.planned_s for event in ledger.all(Arrived)), default=0.0)
    drawings: list[tuple[str, str, Callable[[Axes], None]]] = [
        ("Arrived, let in, registered", "line", lambda axes: _line(axes, ledger, start_s)),
        (
            "Let in each second, against the rate",
            "rate",
            lambda axes: _rate(axes, ledger, start_s, rate_per_minute),
        ),
        ("Requests at the site at once", "site", lambda axes: _site(axes, ledger, start_s)),
        ("Waits, and the range told", "waits", lambda axes: _waits(axes, ledger)),
        ("Time of each call (p50, p95, p99)", "calls", lambda axes: _calls(axes, ledger)),
    ]
    return [draw(title, name, drawing, folder) for title, name, drawing in drawings]


def draw(title: str, name: str, drawing: Callable[[Axes], None], folder: Path) -> Chart:
    figure, axes = plt.subplots(figsize=SIZE, layout="constrained")
    drawing(axes)
    axes.set_title(title, loc="left")
    axes.grid(visible=True, **GRID)  # type: ignore[arg-type]
    axes.spines[["top", "right"]].set_visible(False)
    figure.savefig(folder / f"{name}.png", dpi=120)
    svg = io.StringIO()
    figure.savefig(svg, format="svg", metadata={"Date": None})
    plt.close(figure)
    (folder / f"{name}.svg").write_text(svg.getvalue())
    return Chart(title, svg.getvalue()[svg.getvalue().index("<svg") :], f"{title}; as PNG: {name}.png")


def _steps(axes: Axes, times: Sequence[float], label: str, **style: str) -> None:
    ordered = sorted(times)
    axes.step([0.0, *ordered], range(len(ordered) + 1), where="post", label=label, **style)  # type: ignore[arg-type]


def _line(axes: Axes, ledger: Ledger, start_s: float) -> None:
    _steps(axes, [event.at_s - start_s for event in ledger.all(Arrived)], "arrived", color="#666666")
    _steps(axes, [event.received_s - start_s for event in distinct(ledger)], "let in", color="#00695c")
    _steps(
        axes,
        [event.received_s - start_s for event in ledger.all(Registered)],
        "registered",
        color="#ef6c00",
        ls="--",
    )
    for each in ledger.all(Silence):
        axes.axvspan(each.from_s - start_s, each.until_s - start_s, color="#eeeeee", label="nobody could ask")
    axes.set(xlabel="seconds", ylabel="visitors")
    axes.legend(frameon=False)


def _rate(axes: Axes, ledger: Ledger, start_s: float, rate_per_minute: float) -> None:
    times = [event.received_s - start_s for event in distinct(ledger)]
    seconds = range(int(max(times, default=0)) + 2)
    axes.hist(times, bins=list(seconds) or [0, 1], color="#80cbc4", label="let in")
    axes.axhline(rate_per_minute / 60, color="#00695c", label=f"{rate_per_minute:g} a minute")
    axes.set(xlabel="seconds", ylabel="visitors a second")
    axes.legend(frameon=False)


def _site(axes: Axes, ledger: Ledger, start_s: float) -> None:
    steps = at_once(ledger)
    axes.step([at_s - start_s for at_s, _ in steps], [count for _, count in steps], where="post", color="#00695c")
    axes.set(xlabel="seconds", ylabel="requests under way")


def _waits(axes: Axes, ledger: Ledger) -> None:
    told = sorted(waits_and_ranges(ledger), key=lambda entry: entry[1])
    index = range(len(told))
    axes.fill_between(
        index, [low for _, low, _ in told], [high for _, _, high in told], color="#b2dfdb", label="range told"
    )
    axes.plot(index, [wait for wait, _, _ in told], ".", color="#ef6c00", markersize=3, label="waited")
    axes.set(xlabel="visitors, by the wait they were told", ylabel="seconds")
    axes.legend(frameon=False)


def _calls(axes: Axes, ledger: Ledger) -> None:
    calls = latencies(ledger)
    names = [f"{name} ({count})" for name, count, *_ in calls]
    for column, (label, color) in enumerate((("p99", "#b0bec5"), ("p95", "#80cbc4"), ("p50", "#00695c"))):
        axes.barh(names, [call[4 - column] for call in calls], color=color, label=label)
    axes.set(xlabel="milliseconds")
    axes.invert_yaxis()
    axes.legend(frameon=False)
