"""The measuring instrument is measured: a gateway broken in one way must be caught, an honest one not accused."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor

import pytest

from loadtests.verdict import Check, broken
from tests.loadtests.crowd import AT_MOST_S, visit
from tests.loadtests.runs import fake_gateway

pytestmark = pytest.mark.slow

CAUGHT = {
    "rate": {"rate"},
    "order": {"order", "turn"},
    "turn": {"turn"},
    "duplicate-number": {"numbers"},
    "duplicate-registration": {"registrations"},
    "position-grows": {"position"},
    "error-page": {"errors", "registered"},
    "forgery": {"forgeries"},
    "server-error": {"errors"},
    "dies": {"errors", "registered"},
    "lost-registration": {"reconcile-origin"},
    "deaf": {"rate-set"},
    "forgets": {"registered"},
    "number-lost": {"places"},
    "two-leases": {"origin-id", "forgeries", "reconcile-admissions"},
    "absurd-range": {"ranges"},
    "cursors": {"cursors"},
    "miscounts-tickets": {"reconcile-tickets"},
    "miscounts-admissions": {"reconcile-admissions"},
}
MIX = {
    "forgery": "patient=3,forger=1,line-jumper=1",
    "number-lost": "impatient=1,patient=3",
    "two-leases": "patient=3,sharer=1",
    "none": "patient=6,impatient=2,many-tabs=3,json-client=2,no-javascript=2,forger=3,line-jumper=3,sharer=3",
}
ALONE_S = {"forgets": 6.0}
VISITORS, RATE = 24, 240.0
SLOWER = {"order": 60.0, "turn": 60.0, "rate": 60.0}  # so that those who are passed ask again, on any machine
AT_ONCE = 7  # runs side by side: each mostly waits


def run(fault: str) -> list[Check]:
    with fake_gateway(fault) as host:
        return visit(
            host, VISITORS, MIX.get(fault, "patient"), SLOWER.get(fault, RATE), ALONE_S.get(fault, AT_MOST_S)
        )[1]


@pytest.fixture(scope="module")
def judged() -> Iterator[dict[str, Future[list[Check]]]]:
    with ThreadPoolExecutor(AT_ONCE) as pool:
        yield {fault: pool.submit(run, fault) for fault in ("none", *CAUGHT)}


def test_an_honest_gateway_is_not_accused(judged: dict[str, Future[list[Check]]]) -> None:
    checks = judged["none"].result()
    assert broken(checks) == []
    assert [check for check in checks if check.passed is None] == []


def test_every_promise_has_a_gateway_that_breaks_it(judged: dict[str, Future[list[Check]]]) -> None:
    promises = {check.key for check in judged["none"].result() if not check.advice}
    assert promises == set().union(*CAUGHT.values())


@pytest.mark.parametrize("fault", CAUGHT)
def test_a_broken_gateway_is_caught(fault: str, judged: dict[str, Future[list[Check]]]) -> None:
    checks = judged[fault].result()
    assert {check.key for check in broken(checks)} >= CAUGHT[fault], checks
