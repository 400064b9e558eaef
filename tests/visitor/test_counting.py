"""What is counted, under the names that the metrics export."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gateway.counters import COUNTS, DURATIONS

if TYPE_CHECKING:
    from tests.visitor.conftest import House


async def test_requests_are_counted_by_what_was_done_with_them(house: House) -> None:
    visitor = house.visitor()
    await visitor.get("/")
    await visitor.fetch("/static/x")
    await visitor.fetch("/_queue/registration/pulse")
    await house.visitor().fetch("/api")
    house.line.free = 0
    await house.visitor(antrean_pass_registration="made-up").get("/")
    counted = {name: house.line.counted[name] for name in house.line.counted if not name.startswith("origin")}
    assert counted == {
        "requests{kind=admitted}": 1,
        "requests{kind=free}": 1,
        "requests{kind=pulse}": 1,
        "requests{kind=refused}": 1,
        "requests{kind=page}": 1,
        "credentials_refused{reason=forged}": 1,
    }


async def test_answers_of_the_site_are_counted_by_class_with_their_time(house: House) -> None:
    await house.visitor().get("/")
    assert house.line.counted["origin_responses{status=2xx}"] == 1
    assert sum(1 for name in house.line.counted if name.startswith("origin_response_seconds")) == 2


async def test_every_name_is_one_that_the_metrics_export(house: House) -> None:
    visitor = house.visitor(antrean_ticket_registration="made-up")
    await visitor.get("/")
    await visitor.fetch("/_queue/registration/check-in", "POST")
    await visitor.fetch("/_queue/authorize")
    names = {name.split("{")[0].split("<=")[0].removesuffix("_sum") for name in house.line.counted}
    assert names <= set(COUNTS) | set(DURATIONS)
