"""The curve: what is served against what is offered, both in parts of what one worker can serve."""

from __future__ import annotations

from typing import TYPE_CHECKING

import matplotlib as mpl

mpl.use("Agg")
import matplotlib.pyplot as plt

if TYPE_CHECKING:
    from pathlib import Path

    from benchmarks.overload import Point

_LINES = {True: ("#0b6e4f", "-", "with limits"), False: ("#b3541e", "--", "limits out of reach")}


def draw(points: list[Point], capacity_per_s: float, file: Path) -> None:
    """Into ``file``, whose ending says the form."""
    figure, axes = plt.subplots(1, 2, figsize=(9, 3.4), layout="constrained")
    for limits, (colour, style, label) in _LINES.items():
        mine = [point for point in points if point.limits is limits]
        times = [point.times for point in mine]
        served = [point.per_s() / capacity_per_s for point in mine]
        inside = [point.met.served["inside"] / max(1, point.met.offered["inside"]) for point in mine]
        axes[0].plot(times, served, style, color=colour, marker="o", label=label)
        axes[1].plot(times, inside, style, color=colour, marker="o", label=label)
    axes[0].set(title="Served in time, of what it can serve", xlabel="offered, times what it can serve", ylim=0)
    axes[1].set(title="Of those inside: served in time", xlabel="offered, times what it can serve", ylim=(0, 1.05))
    axes[0].legend(frameon=False)
    figure.savefig(file)
    plt.close(figure)
