"""The table for the terminal, and the report: a page with charts, each also as PNG, and everything as JSON."""

from __future__ import annotations

import argparse
import html
import json
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from loadtests.replay import opening_report
from loadtests.replay.crowd import NEVER
from loadtests.replay.day import Day
from loadtests.replay.store import Effort
from loadtests.replay.verdict import Check, broken, ranges

Row = tuple[str, str]
MARKS = {True: "held", False: "BROKEN", None: "not said"}


@dataclass(frozen=True, slots=True)
class Spent:
    """What the replay itself cost."""

    wall_s: float
    cpu_s: float  # ours
    store: Effort


def rows(day: Day, spent: Spent) -> list[Row]:
    """What a reader wants to know first, in order."""
    ledger, crowd, snapshot = day.ledger, day.crowd, day.snapshot
    seconds, moments = ledger.seconds.columns(), ledger.moments.columns()
    requests = seconds["pulses"] + seconds["check_ins"] + seconds["pages"]
    waits = (crowd.claimed_s - crowd.joined_s)[crowd.claimed_s != NEVER]
    peak = int(np.argmax(moments["awake"]))
    return [
        ("virtual time", f"{day.second / 3600:.2f} h"),
        ("visits", f"{ledger.highest + ledger.returns:,}: {ledger.highest:,} tickets, "
         f"{ledger.returns:,} returning"),
        ("admitted", f"{ledger.claims:,} ({ledger.straight_in:,} straight in, {ledger.late_claims:,} late)"),
        ("finished", f"{ledger.finished:,}"),
        ("gave up", f"{ledger.left:,}"),
        ("still in line at the end", f"{snapshot.waiting:,} tickets, {int(moments['awake'][-1]):,} of them awake"),
        ("longest line", f"{int((moments['issued'] - moments['serving']).max()):,} tickets; awake at most "
         f"{int(moments['awake'][peak]):,} at {moments['at_s'][peak] / 3600:.1f} h"),
        ("most inside", f"{int(moments['inside'].max()):,} of {day.profile.ceiling:,}"),
        ("wait", _quantiles(waits)),
        ("passed over, absent", f"{snapshot.passed:,}; offers lapsed {snapshot.lapsed:,}; "
         f"late {snapshot.late_returns:,}"),
        ("requests a second, busiest", f"{requests.max():,.0f} (pulses {seconds['pulses'].max():,.0f}, "
         f"check-ins {seconds['check_ins'].max():,.0f}, pages {seconds['pages'].max():,.0f})"),
        ("check-ins", f"{int(seconds['check_ins'].sum()):,}, of which {ledger.check_ins_sent:,} were sent"),
        ("store", f"{ledger.memory_most / 1048576:.1f} MB at most; {spent.store.calls:,} calls of "
         f"{spent.store.call_us:.0f} µs"),
        ("cost", f"{spent.wall_s:.0f} s of wall time, {spent.cpu_s:.0f} s of CPU here, "
         f"{spent.store.cpu_s:.0f} s in the store"),
    ]  # fmt: skip


def _quantiles(waits: np.ndarray) -> str:
    if len(waits) == 0:
        return "nobody was admitted"
    low, middle, high = (f"{value / 60:.1f}" for value in np.quantile(waits, (0.05, 0.5, 0.95)))
    return f"median {middle} min (5 % under {low}, 5 % over {high})"


def as_text(title: str, lines: list[Row], checks: list[Check]) -> str:
    """The table."""
    width = max(len(name) for name, _ in lines)
    promise = max(len(check.promise) for check in checks)
    table = [f"  {name:<{width}}  {value}" for name, value in lines]
    judged = [f"  {MARKS[check.held]:<8}  {check.promise:<{promise}}  {check.seen}" for check in checks]
    verdict = "A promise was broken." if broken(checks) else "Every promise was kept."
    return "\n".join((title, "", *table, "", *judged, "", f"  {verdict}"))


def write(folder: Path, options: argparse.Namespace, day: Day, checks: list[Check], spent: Spent) -> str:
    """Write the report into ``folder`` and return the table."""
    from loadtests.replay import charts  # matplotlib takes a second to load

    folder.mkdir(parents=True, exist_ok=True)
    title = f"{day.profile.title} (seed {options.seed}, scale {options.scale:g})"
    lines = rows(day, spent) + opening_report.rows(day)
    pictures = charts.draw_all(day, folder)
    (folder / "result.json").write_text(json.dumps(_facts(options, day, lines, checks), indent=1, default=str))
    (folder / "index.html").write_text(_page(title, lines, checks, pictures))
    return as_text(title, lines, checks) + f"\n  Report: {folder / 'index.html'}"


def _facts(options: argparse.Namespace, day: Day, lines: list[Row], checks: list[Check]) -> dict[str, object]:
    profile = {name: value for name, value in asdict(day.profile).items() if name != "arrivals"}
    return {
        "profile": options.profile,
        "seed": options.seed,
        "scale": options.scale,
        "numbers": profile,
        "rows": dict(lines),
        "checks": [asdict(check) for check in checks],
        "ranges": [asdict(entry) for entry in ranges(day.ledger, day.crowd)],
    }


_STYLE = """body{font:16px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem;color:#222}
table{border-collapse:collapse;margin:1rem 0}td,th{padding:.25rem .75rem;text-align:left;vertical-align:top;
border-bottom:1px solid #ddd}.broken{color:#b00020;font-weight:bold}img{max-width:100%;height:auto}"""


def _page(title: str, lines: list[Row], checks: list[Check], pictures: list[tuple[str, str]]) -> str:
    say = html.escape
    figures = "".join(f"<tr><th scope=row>{say(name)}<td>{say(value)}" for name, value in lines)
    judged = "".join(
        f"<tr><td class={MARKS[check.held].lower().replace(' ', '-')}>{MARKS[check.held]}"
        f"<td>{say(check.promise)}<td>{say(check.seen)}"
        for check in checks
    )
    images = "".join(
        f'<h2>{say(name)}</h2><p><img src="{file}.svg" alt="{say(name)}; as PNG: {file}.png"></p>'
        for name, file in pictures
    )
    return (
        f'<!doctype html><html lang="en"><meta charset="utf-8"><title>{say(title)}</title><style>{_STYLE}</style>'
        f"<h1>{say(title)}</h1><table>{figures}</table><h2>Promises</h2><table>{judged}</table>{images}</html>"
    )
