"""Failures that were reproduced in other waiting rooms. Each test says what must be true here instead."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import redis

from gateway.domain.room import Knobs
from tests.faults.lines import BASE, PASS, TICKET, gone_for, heard
from tests.store.virtual import Crowd, VirtualLine

if TYPE_CHECKING:
    from gateway.store.line import Line
    from tests.installation import Installation, Site

Wait = Callable[..., Any]


def test_with_a_ceiling_of_5_no_more_than_5_are_inside_because_the_released_count_before_they_come(
    store_client: redis.Redis,
) -> None:
    line = VirtualLine(store_client, Knobs(rate_per_minute=6000, ceiling=5))
    line.join(20)
    line.tick_for(10)  # twenty are there, and none of them has come for the offer
    assert line.snapshot.offers == 5
    everybody = list(range(1, 21))
    for _ in range(40):
        line.check_in(*everybody)
        assert line.tick().inside <= 5
    assert line.snapshot.leases == 5


async def test_releases_go_on_after_the_store_was_away_for_4_seconds(
    installation: Installation, line: Line, wait_until: Wait
) -> None:
    await heard(installation, line, wait_until, phase="paused")
    visitor = installation.visitor()
    await visitor.get("/")
    os.kill(installation.server_pid, signal.SIGSTOP)
    try:
        await gone_for(4, installation, wait_until)
    finally:
        os.kill(installation.server_pid, signal.SIGCONT)
    await heard(installation, line, wait_until, phase="open")

    async def admitted() -> bool:
        reply = await visitor.fetch("POST", BASE + "check-in")
        return reply.status == 200 and reply.json()["state"] == "admitted"

    await wait_until(admitted, "people are let in again")


async def test_a_made_up_cookie_value_never_reaches_the_origin(
    installation: Installation, line: Line, wait_until: Wait, site: Site
) -> None:
    await heard(installation, line, wait_until, phase="paused")
    before = len(site.asked)
    for value in ("1", "admin", "true", "../../x", "A-0000-0017"):
        visitor = installation.visitor()
        visitor.cookies = {PASS: value, TICKET: value}
        assert (await visitor.get("/")).is_page
        assert (await visitor.fetch("GET", "/data.json")).status == 429
        assert (await visitor.fetch("POST", "/kirim", b"x")).status == 429
    assert site.asked[before:] == []


def test_a_rate_of_60_a_minute_lets_in_2_and_not_60_in_the_first_two_seconds(store_client: redis.Redis) -> None:
    line = VirtualLine(store_client, Knobs(rate_per_minute=60, ceiling=500))
    crowd = Crowd(line, slowest=False)
    crowd.arrive(60)
    claims: list[int] = []
    began_ms = line.now_ms
    for _ in range(8):
        line.tick()
        for number in range(1, 61):
            [state] = line.check_in(number)
            if (
                state == "admitted"
                and number not in claims
                and line.now_ms + line.waits_ms[number] <= began_ms + 2000
            ):
                claims.append(number)
    assert claims == [1, 2]


def test_visitors_who_left_are_passed_over_and_hold_no_places(store_client: redis.Redis) -> None:
    line = VirtualLine(store_client, Knobs(rate_per_minute=600, ceiling=5))
    line.join(500)
    line.tick_for(200)  # they closed their tabs, one and all
    crowd = Crowd(line, slowest=False)
    crowd.arrive(20)
    crowd.run(200)
    assert len(crowd.claims) == 20
    assert line.snapshot.claimed == 20, "none of those who left was admitted"
    assert line.snapshot.lapsed <= 5, "an offer at the most was made to whoever left last"


def test_when_the_first_in_line_leaves_the_next_goes_in_at_once_and_when_it_vanishes_within_two_minutes(
    store_client: redis.Redis,
) -> None:
    line = VirtualLine(store_client, Knobs(rate_per_minute=60, ceiling=1))
    line.join(3)
    line.leave(1)
    line.tick_for(3)
    assert line.check_in(2) == ["admitted"]
    line.touch(2)
    line.finish(2)
    line.tick_for(155)  # the third is offered the place, and does not come: it vanished
    began_ms = line.now_ms
    crowd = Crowd(line, slowest=False)
    crowd.arrive(1)
    while not crowd.claims:
        crowd.run(1)
        assert line.now_ms - began_ms <= 120_000
    assert [number for _, number in crowd.claims] == [4]


async def test_no_identifier_that_a_client_invents_takes_a_place_in_line(
    installation: Installation, line: Line, wait_until: Wait
) -> None:
    await heard(installation, line, wait_until, phase="paused")
    for invented in ("me", "17", "00000000-0000-4000-8000-000000000000", "x" * 4000):
        visitor = installation.visitor()
        visitor.cookies = {TICKET: invented, "session": invented, "visitor": invented}
        for method, call in (("POST", "check-in"), ("GET", "ticket"), ("POST", "leave")):
            assert (await visitor.fetch(method, BASE + call)).status == 401
        headers = {"Antrean-Ticket": invented, "Antrean-Visitor": invented, "X-Forwarded-For": invented}
        assert (await visitor.ask("POST", BASE + "check-in", headers)).status == 401
        assert (await visitor.ask("GET", "/data.json", headers)).status == 429
    assert (await line.refresh()).issued == 0
    visitor.cookies = {TICKET: "17"}
    await visitor.get("/")
    state = (await visitor.fetch("POST", BASE + "check-in")).json()
    assert state["number"] == 1, "whoever opens a page gets a number of ours, whatever was brought along"
