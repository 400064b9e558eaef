"""What is left of a run: a table on the terminal, a page with pictures, and a file for programs."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict
from html import escape
from pathlib import Path

from loadtests.charts import Chart, draw_all
from loadtests.ledger import Ledger
from loadtests.runner import Plan
from loadtests.summary import Row, latencies, rows
from loadtests.verdict import Check, Facts, broken

STYLE = """
body { font: 16px/1.5 system-ui, sans-serif; max-width: 56rem; margin: 2rem auto; padding: 0 1rem }
table { border-collapse: collapse; margin: 1rem 0 } td, th { text-align: left; padding: .2rem 1rem .2rem 0 }
td { vertical-align: top; border-top: 1px solid #ddd } svg { width: 100%; height: auto }
.FAIL { color: #b00020; font-weight: bold } .pass { color: #00695c } .look { color: #9a5b00 }
"""


def as_text(table: Sequence[Row], checks: Sequence[Check]) -> str:
    """Table and check list for the terminal."""
    width = max(len(name) for name, _ in table)
    lines = [f"  {name:<{width}}  {value}" for name, value in table]
    marks = [f"  {check.word:<13}  {check.title}: {check.detail}" for check in checks]
    return "\n".join(["", *lines, "", *marks, "", f"  {conclusion(checks)}"])


def conclusion(checks: Sequence[Check]) -> str:
    """The last line."""
    failed = broken(checks)
    if not failed:
        return "Every promise that this run could break was kept."
    return f"NOT kept: {', '.join(check.key for check in failed)}."


def write(folder: Path, plan: Plan, ledger: Ledger, facts: Facts, checks: Sequence[Check]) -> Path:
    """Write ``index.html``, its pictures and ``result.json``; returns the page's path."""
    table = rows(ledger, facts)
    charts = draw_all(ledger, facts.rate_per_minute, folder)
    page = folder / "index.html"
    page.write_text(_page(plan, facts, table, checks, ledger, charts), encoding="utf-8")
    result = {
        "plan": asdict(plan),
        "facts": asdict(facts),
        "table": dict(table),
        "checks": [asdict(check) for check in checks],
        "kept": not broken(checks),
    }
    (folder / "result.json").write_text(json.dumps(result, indent=2) + "\n", encoding="utf-8")
    return page


def _page(
    plan: Plan,
    facts: Facts,
    table: Sequence[Row],
    checks: Sequence[Check],
    ledger: Ledger,
    charts: Sequence[Chart],
) -> str:
    what = (
        f"{plan.visitors} visitors ({plan.mix}), {plan.arrivals}, seed {plan.seed}, "
        f"{facts.rate_per_minute:g} a minute, at {plan.host}"
    )
    pictures = "".join(
        f'<figure role="img" aria-label="{escape(chart.alt)}">{chart.svg}</figure>' for chart in charts
    )
    return (
        '<!doctype html><html lang="en"><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width"><title>Load test</title>'
        f"<style>{STYLE}</style><h1>Load test</h1><p>{escape(what)}</p>"
        f"<p><strong>{escape(conclusion(checks))}</strong></p>"
        f"<h2>In figures</h2>{_html_table(table)}"
        f"<h2>The promises, from outside</h2>{_html_checks(checks)}"
        f"<h2>In pictures</h2>{pictures}<h2>Calls</h2>{_html_calls(ledger)}</html>\n"
    )


def _html_table(table: Sequence[Row]) -> str:
    cells = "".join(f"<tr><th scope=row>{escape(name)}</th><td>{escape(value)}</td></tr>" for name, value in table)
    return f"<table>{cells}</table>"


def _html_checks(checks: Sequence[Check]) -> str:
    cells = "".join(
        f"<tr><td class={check.word.split()[0]}>{escape(check.word)}</td><td>{escape(check.title)}</td>"
        f"<td>{escape(check.detail)}</td></tr>"
        for check in checks
    )
    return f"<table>{cells}</table>"


def _html_calls(ledger: Ledger) -> str:
    head = "<tr><th>call</th><th>count</th><th>p50 ms</th><th>p95 ms</th><th>p99 ms</th></tr>"
    cells = "".join(
        f"<tr><td>{escape(name)}</td><td>{count}</td><td>{p50:.0f}</td><td>{p95:.0f}</td><td>{p99:.0f}</td></tr>"
        for name, count, p50, p95, p99 in latencies(ledger)
    )
    return f"<table>{head}{cells}</table>"
