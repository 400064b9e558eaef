"""What is left of a search: a table on the terminal, a page with pictures, and a file for programs."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from html import escape
from pathlib import Path
from typing import Any

from matplotlib.axes import Axes

from loadtests.capacity.advice import Advice, sentences
from loadtests.capacity.search import Finding, Law, Outcome, Step
from loadtests.charts import draw
from loadtests.report import STYLE

HEAD = ("rate", "delivered", "p95 ms", "errors", "inside s", "others", "target")
COLORS = {Outcome.KEPT: "#00695c", Outcome.MISSED: "#b00020", Outcome.LIMITED: "#9e9e9e"}


@dataclass(frozen=True, slots=True)
class Result:
    """Everything that a report tells."""

    law: Law
    steps: Sequence[Step]
    finding: Finding
    advice: Advice | None
    room: str


def row(step: Step, law: Law) -> tuple[str, ...]:
    """One step in words."""
    return (
        f"{step.rate_per_minute:g}",
        f"{step.delivered_per_minute:.0f}",
        f"{step.p95_ms:.0f}",
        f"{step.errors:.1%}",
        f"{step.inside_s:.1f}",
        f"{step.foreign:.0%}",
        law.outcome(step).value,
    )


def line(cells: Sequence[str]) -> str:
    """A row for the terminal."""
    return "  " + "  ".join(f"{cell:>9}" for cell in cells)


def as_text(result: Result) -> str:
    """The end of the run, for the terminal."""
    return "\n".join(f"  {text}" for text in (*sentences(result.finding, result.steps, result.law), *told(result)))


def told(result: Result) -> list[str]:
    """What to set, and how it was reckoned; last the command."""
    advice = result.advice
    if advice is None:
        return []
    return [
        f"Recommended: {advice.rate} a minute, {advice.margin:.0%} below what the site bore; ceiling "
        f"{advice.ceiling}, {advice.margin:.0%} above those inside at that rate.",
        f"A visitor counts as inside for {advice.inside_s:.1f} s as measured, and {advice.form_s:g} s for a "
        "person's typing (--form-s, your own figure).",
        "",
        f"  {advice.command(result.room)}",
    ]


def as_json(result: Result) -> dict[str, Any]:
    """For programs; names as in the modules."""
    law, advice = result.law, result.advice
    return {
        "law": asdict(law),
        "steps": [{**asdict(step), "outcome": law.outcome(step).value} for step in result.steps],
        "finding": asdict(result.finding),
        "advice": {**asdict(advice), "command": advice.command(result.room)} if advice else None,
        "said": sentences(result.finding, result.steps, law),
    }


def write(result: Result, folder: Path) -> Path:
    """Write ``index.html``, its pictures and ``result.json``; returns the page's path."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "result.json").write_text(json.dumps(as_json(result), indent=2) + "\n", encoding="utf-8")
    charts = [
        draw("Slowest call to the site (p95) against the rate", "p95", lambda axes: _p95(axes, result), folder),
        draw("Let in against configured", "delivered", lambda axes: _delivered(axes, result), folder),
    ]
    pictures = "".join(
        f'<figure role="img" aria-label="{escape(chart.alt)}">{chart.svg}</figure>' for chart in charts
    )
    said = "".join(
        f"<p>{escape(text)}</p>" for text in (*sentences(result.finding, result.steps, result.law), *told(result))
    )
    head = "".join(f"<th>{name}</th>" for name in HEAD)
    cells = "".join(
        "<tr>" + "".join(f"<td>{escape(cell)}</td>" for cell in row(step, result.law)) + "</tr>"
        for step in result.steps
    )
    page = folder / "index.html"
    page.write_text(
        '<!doctype html><html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width">'
        f"<title>Capacity</title><style>{STYLE}</style><h1>Capacity</h1>{said}{pictures}"
        f"<h2>Every step</h2><table><tr>{head}</tr>{cells}</table></html>\n",
        encoding="utf-8",
    )
    return page


def _p95(axes: Axes, result: Result) -> None:
    for outcome, color in COLORS.items():
        steps = [step for step in result.steps if result.law.outcome(step) is outcome and step.p95_ms > 0]
        axes.plot(
            [step.rate_per_minute for step in steps],
            [step.p95_ms for step in steps],
            "o",
            color=color,
            alpha=0.7,
            label=outcome.value,
        )
    axes.axhline(result.law.target_p95_ms, color="#666666", ls="--", lw=1, label="target")
    if result.finding.rounds:
        axes.axvspan(result.finding.rounds[0], result.finding.rounds[-1], color="#ffe0b2", label="knee")
    if result.advice:
        axes.axvline(result.advice.rate, color="#00695c", lw=1.5, label="recommended")
    axes.set(xlabel="visitors admitted a minute", ylabel="milliseconds", yscale="log")
    for formats in (axes.yaxis.set_major_formatter, axes.yaxis.set_minor_formatter):
        formats("{x:.0f}")  # 2000 rather than 2 × 10³
    axes.legend(frameon=False)


def _delivered(axes: Axes, result: Result) -> None:
    rates = [step.rate_per_minute for step in result.steps]
    axes.plot(rates, [step.delivered_per_minute for step in result.steps], "o", color="#00695c", label="let in")
    axes.plot([0, max(rates)], [0, max(rates)], color="#666666", ls="--", lw=1, label="configured")
    axes.set(xlabel="configured, a minute", ylabel="let in, a minute")
    axes.legend(frameon=False)
