"""What is left of a comparison: a table side by side, a page with the picture, a file for programs."""

from __future__ import annotations

import json
import os
import platform
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from html import escape
from pathlib import Path

from loadtests.compare import picture
from loadtests.compare.figures import Figures, Times, verdict
from loadtests.compare.runs import Way
from loadtests.report import STYLE

WITHOUT, THROUGH = "Straight at the site", "Through Antrean"
NOTE = (
    "Times are of pages and forms, in seconds; one without an answer counts with the time that was waited for it. "
    "Requests at once are the site's own count. Everything ran on this one machine, the load generator too."
)


@dataclass(frozen=True, slots=True)
class Comparison:
    """Both ways, and what was set for them."""

    straight: Way
    through: Way
    rate_per_minute: float
    measured_per_minute: float | None  # None: the rate was given

    @property
    def sentences(self) -> list[str]:
        return verdict(self.straight.figures, self.through.figures)

    @property
    def is_clear(self) -> bool:
        """The site alone broke, and held behind the line."""
        return self.straight.figures.broke and self.through.figures.held


def rows(without: Figures, through: Figures) -> list[tuple[str, str, str]]:
    """Name, without, through."""
    return [(name, left, right) for (name, left), (_, right) in zip(_of(without), _of(through), strict=True)]


def _of(figures: Figures) -> list[tuple[str, str]]:
    after = figures.all_after_s
    return [
        ("came", f"{figures.visitors}"),
        ("registered, and saw their number", f"{figures.registered} ({1 - figures.lost_share:.0%})"),
        ("gave up", f"{figures.gave_up}"),
        ("cut off by the end of the run", f"{figures.cut_off}"),
        ("registered without seeing it", f"{figures.unaware}"),
        ("served a minute, until nobody was left", f"{figures.served_per_minute:.0f}"),
        ("pages and forms that failed", f"{figures.failed} of {figures.pages} ({figures.failed_share:.1%})"),
        ("p50 / p95 / p99 of pages", _times(figures.page)),
        ("p50 / p95 / p99 of the form", _times(figures.form)),
        (
            "all who stayed registered after",
            "never" if after is None else f"{after:.0f} s ({figures.registered} people)",
        ),
        ("most requests at once at the site", f"{figures.most_in_flight}"),
    ]


def _times(times: Times) -> str:
    return f"{times.p50_s:.2f} / {times.p95_s:.2f} / {times.p99_s:.2f} s"


def as_text(found: Comparison) -> str:
    """For the terminal."""
    table = [("", WITHOUT, THROUGH), *rows(found.straight.figures, found.through.figures)]
    widths = [max(len(row[column]) for row in table) for column in range(3)]
    lines = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) for row in table]
    return "\n".join(f"  {line}".rstrip() for line in [*lines, "", *found.sentences, "", NOTE])


def machine() -> str:
    """What it was measured on, so that figures are not taken for those of another one."""
    return f"{os.cpu_count()} cores, {platform.system()} {platform.machine()}, Python {platform.python_version()}"


def what(found: Comparison) -> str:
    """The surge in a sentence."""
    plan, temper = found.straight.plan, found.straight.plan.temper
    rate = f"{found.rate_per_minute:g} a minute"
    if found.measured_per_minute is not None:
        rate += f" (the site alone did {found.measured_per_minute:.0f})"
    return (
        f"{plan.visitors} people within {plan.arrive_within_s:g} s (seed {plan.seed}); a page is waited for "
        f"{temper.times_out_after_s:g} s, then up to {temper.reloads} more tries, {temper.patience_s:g} s in all. "
        f"Let in: {rate}. Machine: {machine()}."
    )


def write(folder: Path, found: Comparison) -> Path:
    """``index.html``, ``compare.png`` and ``result.json``; returns the page's path."""
    svg = picture.draw([(WITHOUT, found.straight), (THROUGH, found.through)], folder)
    page = folder / "index.html"
    page.write_text(_page(found, svg), encoding="utf-8")
    result = {
        "surge": asdict(found.straight.plan),
        "rate_per_minute": found.rate_per_minute,
        "measured_per_minute": found.measured_per_minute,
        "straight": _as_json(found.straight.figures),
        "through": _as_json(found.through.figures),
        "sentences": found.sentences,
        "clear": found.is_clear,
        "machine": machine(),
    }
    (folder / "result.json").write_text(json.dumps(result, indent=2) + "\n", encoding="utf-8")
    return page


def _as_json(figures: Figures) -> dict[str, object]:
    shares = {"failed_share": figures.failed_share, "lost_share": figures.lost_share}
    return asdict(figures) | shares | {"broke": figures.broke, "held": figures.held}


def _page(found: Comparison, svg: str) -> str:
    head = f"<tr><td></td><th scope=col>{WITHOUT}</th><th scope=col>{THROUGH}</th></tr>"
    table = "".join(_row(row) for row in rows(found.straight.figures, found.through.figures))
    told = "".join(f"<p><strong>{escape(sentence)}</strong></p>" for sentence in found.sentences)
    return (
        '<!doctype html><html lang="en"><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width"><title>Without and with a line</title>'
        f"<style>{STYLE}</style><h1>The same surge, twice</h1><p>{escape(what(found))}</p>{told}"
        f"<table>{head}{table}</table><p>{escape(NOTE)}</p>"
        f'<figure role="img" aria-label="The table\'s figures over time; as PNG: compare.png">{svg}</figure>'
        "</html>\n"
    )


def _row(row: Sequence[str]) -> str:
    name, *cells = map(escape, row)
    return f"<tr><th scope=row>{name}</th>{''.join(f'<td>{cell}</td>' for cell in cells)}</tr>"
