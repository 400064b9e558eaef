"""The pictures of a replayed day, each as PNG and SVG."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import matplotlib

matplotlib.use("Agg")

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes

from loadtests.replay.day import OPENS_MS, Day
from loadtests.replay.ledger import GRAIN_S
from loadtests.replay.opening_report import requests_around
from loadtests.replay.verdict import told_and_waited

SIZE = (9.0, 3.8)  # inches
TESTED_PER_HOUR = 2000  # what the portal of 2014 had been tested for
GREEN, LIGHT, ORANGE, GREY = "#00695c", "#80cbc4", "#ef6c00", "#757575"
SHOWN = 3000  # points of a scatter


def draw_all(day: Day, folder: Path) -> list[tuple[str, str]]:
    """Draw every chart into ``folder``; returns (title, file name without its ending) of each."""
    drawings: list[tuple[str, str, Callable[[Axes, Day], None]]] = [
        ("The day: who came, who was let in, and what the site was tested for", "day", _day),
        ("Numbers: issued, called, serving", "cursors", _cursors),
        ("In line: tickets, and visitors who are there", "waiting", _waiting),
        ("Let in each ten seconds, against the rate", "delivered", _delivered),
        ("Inside, against the ceiling", "inside", _inside),
        ("Waits: told at the join, and lived through", "waits-join", _waits_join),
        ("Waits: told half-way, and lived through", "waits-half", _waits_half),
        ("Requests a second at the gateway", "requests", _requests),
        ("Requests a second, by length of the line", "requests-by-line", _requests_by_line),
        ("Store memory", "memory", _memory),
    ]
    if day.opening is not None:
        drawings.insert(0, ("Requests a second around the opening", "opening", _opening))
    for title, name, drawing in drawings:
        _draw(title, name, drawing, day, folder)
    return [(title, name) for title, name, _ in drawings]


def _opening(axes: Axes, day: Day) -> None:
    at_s, kinds = requests_around(day)
    for colour, (name, values) in zip((GREEN, ORANGE, GREY), kinds.items(), strict=True):
        axes.plot(at_s, values, color=colour, linewidth=1, label=name.replace("_", "-"))
    axes.axvline(0, color="black", linewidth=0.5)
    axes.set_xlabel("seconds from the opening")


def _draw(title: str, name: str, drawing: Callable[[Axes, Day], None], day: Day, folder: Path) -> None:
    figure, axes = plt.subplots(figsize=SIZE, layout="constrained")
    drawing(axes, day)
    axes.set_title(title, loc="left")
    axes.grid(visible=True, alpha=0.3, linewidth=0.5)
    axes.spines[["top", "right"]].set_visible(False)
    if axes.get_legend_handles_labels()[0]:
        axes.legend(frameon=False)
    figure.savefig(folder / f"{name}.png", dpi=120)
    figure.savefig(folder / f"{name}.svg", metadata={"Date": None})
    plt.close(figure)


def _by_grain(day: Day, name: str, grain_s: int = GRAIN_S) -> tuple[np.ndarray, np.ndarray]:
    """Hours, and the sum a second over each ``grain_s``."""
    ledger = day.ledger
    values = ledger.claims_a_second(OPENS_MS) if name == "claims" else ledger.seconds.columns()[name]
    count = max(1, len(values) // grain_s)
    sums = np.add.reduceat(values, np.arange(0, count * grain_s, grain_s)) if len(values) else np.zeros(1)
    return np.arange(count) * grain_s / 3600, sums / grain_s


def _day(axes: Axes, day: Day) -> None:
    grain = max(GRAIN_S, min(300, len(day.ledger.seconds.columns()["at_s"]) // 200))
    hours, came = _by_grain(day, "joins", grain)
    _, let_in = _by_grain(day, "claims", grain)
    axes.fill_between(hours, came * 3600, color="#e0e0e0", label="came for the first time, an hour")
    axes.plot(hours, let_in * 3600, color=GREEN, label="let in, an hour")
    axes.axhline(
        TESTED_PER_HOUR, color=ORANGE, linestyle="--", label=f"tested in 2014: {TESTED_PER_HOUR:,} an hour"
    )
    axes.set(xlabel="hours", ylabel="visitors an hour", yscale="log", ylim=(TESTED_PER_HOUR / 4, None))


def _cursors(axes: Axes, day: Day) -> None:
    moments = day.ledger.moments.columns()
    for name, colour in (("issued", GREY), ("called", ORANGE), ("serving", GREEN)):
        axes.plot(moments["at_s"] / 3600, moments[name], color=colour, label=name)
    axes.set(xlabel="hours", ylabel="number")


def _waiting(axes: Axes, day: Day) -> None:
    moments = day.ledger.moments.columns()
    hours = moments["at_s"] / 3600
    axes.plot(hours, moments["issued"] - moments["serving"], color=GREY, label="tickets in line")
    axes.fill_between(hours, moments["awake"], color=LIGHT, label="with the page open")
    axes.plot(hours, moments["late"], color=ORANGE, label="late returns")
    axes.set(xlabel="hours", ylabel="visitors")


def _delivered(axes: Axes, day: Day) -> None:
    hours, let_in = _by_grain(day, "claims")
    _, rate = _by_grain(day, "rate")
    axes.plot(hours, let_in * GRAIN_S, ",", color=LIGHT, label="let in")
    axes.plot(hours, rate / 60 * GRAIN_S, color=GREEN, label="the rate")
    axes.set(xlabel="hours", ylabel=f"visitors in {GRAIN_S} s", ylim=(0, None))


def _inside(axes: Axes, day: Day) -> None:
    moments = day.ledger.moments.columns()
    axes.plot(moments["at_s"] / 3600, moments["inside"], color=GREEN, label="inside, offers included")
    axes.plot(moments["at_s"] / 3600, moments["ceiling"], color=ORANGE, linestyle="--", label="ceiling")
    axes.set(xlabel="hours", ylabel="visitors", ylim=(0, None))


def _waits(axes: Axes, day: Day, *, half: bool) -> None:
    low, high, waited = told_and_waited(day.ledger, day.crowd, half=half)
    some = np.linspace(0, max(0, len(waited) - 1), min(SHOWN, len(waited))).astype(int)
    axes.vlines(waited[some] / 60, low[some] / 60, high[some] / 60, color=LIGHT, alpha=0.3, label="range told")
    most = float(waited.max()) / 60 if len(waited) else 1
    axes.plot([0, most], [0, most], color=ORANGE, label="the truth")
    axes.set(xlabel="minutes waited", ylabel="minutes told")


def _waits_join(axes: Axes, day: Day) -> None:
    _waits(axes, day, half=False)


def _waits_half(axes: Axes, day: Day) -> None:
    _waits(axes, day, half=True)


def _requests(axes: Axes, day: Day) -> None:
    for name, colour in (("pulses", LIGHT), ("check_ins", GREEN), ("pages", ORANGE)):
        hours, values = _by_grain(day, name)
        axes.plot(hours, values, color=colour, label=name.replace("_", "-"), linewidth=0.8)
    axes.set(xlabel="hours", ylabel="requests a second")


def _requests_by_line(axes: Axes, day: Day) -> None:
    seconds = day.ledger.seconds.columns()
    for name, colour in (("pulses", LIGHT), ("check_ins", GREEN)):
        axes.plot(seconds["awake"][::30], seconds[name][::30], ",", color=colour)
        axes.plot([], [], "s", color=colour, label=name.replace("_", "-"))
    most = float(seconds["awake"].max())
    axes.plot([0, most], [0, most / 5], color=GREY, linestyle="--", label="a fixed poll of 5 s")
    axes.set(xlabel="visitors with the page open", ylabel="requests a second", ylim=(0, None))


def _memory(axes: Axes, day: Day) -> None:
    moments = day.ledger.moments.columns()
    axes.plot(
        moments["at_s"] / 3600, moments["memory"] / 1048576, color=GREEN, label="store memory, at most so far"
    )
    axes.axhline(10, color=ORANGE, linestyle="--", label="10 MB")
    axes.set(xlabel="hours", ylabel="MB", ylim=(0, None))
