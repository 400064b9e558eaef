"""Dashboard and alert rules ask only for what ``/metrics`` really has: names, labels and their values."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
import yaml  # type: ignore[import-untyped]
from prometheus_client.parser import text_string_to_metric_families

from gateway.counters import CREDENTIALS_REFUSED, ORIGIN_RESPONSES, ORIGIN_SECONDS, REQUESTS, observe
from gateway.store.watch import Report
from tests.docs.documents import ROOT

DASHBOARD = ROOT / "deploy" / "grafana" / "antrean.json"
RULES = ROOT / "deploy" / "prometheus" / "alerts.yml"
OPERATIONS = ROOT / "docs" / "operations.md"

NAMED = re.compile(r"([a-zA-Z_:][\w:]*)\s*(?:\{([^}]*)\})?\s*(?:\[[^\]]*\])?")
MATCHER = re.compile(r'([a-z_]+)\s*(=~|!~|!=|=)\s*"([^"]*)"')
GROUPING = re.compile(r"\b(by|without|on|ignoring)\s*\(([^)]*)\)")
WORDS = {"and", "or", "unless", "bool"}
Labels = dict[str, set[str]]  # name to the values that it has


@dataclass(frozen=True)
class Asked:
    """One metric in a query, with what its labels must match."""

    name: str
    matchers: tuple[tuple[str, str, str], ...]


def asked_in(query: str) -> tuple[list[Asked], set[str]]:
    """The metrics of a PromQL expression, and the labels that it groups by."""
    grouped = {label.strip() for _, labels in GROUPING.findall(query) for label in labels.split(",")}
    found = []
    rest = GROUPING.sub(" ", query)
    for match in NAMED.finditer(rest):
        is_function = rest[match.end() :].lstrip().startswith("(") and match[2] is None
        if not (is_function or match[1] in WORDS or (match.start() and rest[match.start() - 1].isalnum())):
            found.append(Asked(match[1], tuple(MATCHER.findall(match[2] or ""))))
    return found, grouped


def test_a_query_is_taken_apart_rightly() -> None:
    asked, grouped = asked_in('sum by (room, le) (rate(a_total{x=~"1|2",y="z"}[1m])) * 60 > 2 and on(q) b == 1')
    assert asked == [Asked("a_total", (("x", "=~", "1|2"), ("y", "=", "z"))), Asked("b", ())]
    assert grouped == {"room", "le", "q"}


def problems(query: str, metrics: dict[str, Labels], legend: str = "") -> Iterator[str]:
    asked, grouped = asked_in(query)
    if not asked:
        yield "it asks for no metric"
    of_all: set[str] = set()
    for one in asked:
        labels = metrics.get(one.name)
        if labels is None:
            yield f"there is no metric {one.name}"
            continue
        of_all |= set(labels)
        for label, kind, value in one.matchers:
            wanted = re.compile(value.replace("$room", ".*") if kind.endswith("~") else re.escape(value))
            if label not in labels:
                yield f"{one.name} has no label {label}"
            elif not any(wanted.fullmatch(seen) for seen in labels[label]):
                yield f"{one.name} has no {label} like {value}"
            elif kind == "=~" and "$" not in value and set(value.split("|")) - labels[label]:
                yield f"{one.name} has not all of {label} {value}"
    for label in (grouped | set(re.findall(r"\{\{(\w+)\}\}", legend))) - of_all:
        yield f"no metric here has the label {label}"


@pytest.fixture
async def metrics(desk: Any, worker: Any) -> dict[str, Labels]:
    """Every metric that a working desk exports, by name, with its labels and their values."""
    count = worker.line.count
    count(REQUESTS.key(kind="pulse"))
    count(CREDENTIALS_REFUSED.key(reason="forged"))
    for status in ("2xx", "5xx", "error", "timeout"):
        count(ORIGIN_RESPONSES.key(status=status))
    observe(count, ORIGIN_SECONDS, 0.03)
    await worker.store.tick()
    await worker.line.watch.report(worker.store.worker, Report("here", 1, 3, -2500), holds=False)
    async with desk.http.get(desk.url + "/metrics") as answer:
        text = await answer.text()
    found: dict[str, Labels] = {}
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            labels = found.setdefault(sample.name, {})
            for label, value in sample.labels.items():
                labels.setdefault(label, set()).add(value)
    return found


def rules() -> dict[str, str]:
    """Alert name to expression."""
    (group,) = yaml.safe_load(RULES.read_text("utf-8"))["groups"]
    return {rule["alert"]: rule["expr"] for rule in group["rules"]}


async def test_every_query_asks_for_what_there_is(metrics: dict[str, Labels]) -> None:
    targets = [
        target for panel in json.loads(DASHBOARD.read_text("utf-8"))["panels"] for target in panel["targets"]
    ]
    assert len(targets) > 20
    for target in targets:
        assert list(problems(target["expr"], metrics, target["legendFormat"])) == [], target["expr"]
    assert len(rules()) > 4
    for name, expression in rules().items():
        assert list(problems(expression, metrics)) == [], name


async def test_what_is_not_there_is_found(metrics: dict[str, Labels]) -> None:
    wrong = {
        "antraen_issued": "no metric antraen_issued",
        'antrean_issued{rom="x"}': "no label rom",
        'antrean_phase{phase=~"open|shut"}': "not all of phase",
        'antrean_phase{phase="shut"}': "no phase like shut",
        "sum by (status) (antrean_issued)": "the label status",
        "1 + 1": "no metric",
    }
    for query, said in wrong.items():
        assert any(said in problem for problem in problems(query, metrics)), query


async def test_the_operations_guide_names_metrics_that_there_are(metrics: dict[str, Labels]) -> None:
    named = set(re.findall(r"`(antrean_[a-z_]+)`", OPERATIONS.read_text("utf-8")))
    assert len(named) > 3
    assert named <= set(metrics)
