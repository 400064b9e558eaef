"""Openings from the desk: the form, the API, the draw's state; and what is refused keeps what was typed."""

from __future__ import annotations

import re
import time
from datetime import UTC, datetime
from typing import Any

import pytest

from tests.desk.test_openapi import check, resolve
from tests.desk.test_pages import Browser, Fields, browser

__all__ = ["browser"]  # a fixture

FORM = "/rooms/registration/openings"
CALL = "/api/rooms/registration/openings"
ANNOUNCED = {"order": "draw", "announced_entropy": "the lottery of the evening", "freeze_s": "110"}
SOON, LATER = "2099-08-20T09:00", "2099-08-20T17:00"


def in_minutes(minutes: float) -> str:
    return datetime.fromtimestamp(time.time() + minutes * 60, UTC).isoformat(timespec="seconds")


async def test_an_opening_with_a_draw_is_announced_from_the_form(browser: Browser, worker: Any) -> None:
    await browser.get()
    reasons = {"reason_id": "Supaya adil", "reason_en": "To be fair"}
    assert await browser.send(FORM, opens_at=SOON, closes_at=LATER, zone="+07:00", **ANNOUNCED, **reasons) == 200
    after = await worker.line.refresh()
    assert (after.phase, after.reason) == ("scheduled", {"id": "Supaya adil", "en": "To be fair"})
    assert after.draw is not None
    assert (after.draw.freeze_s, after.draw.announced_entropy) == (110, ANNOUNCED["announced_entropy"])
    assert after.draw.commitment in browser.page
    assert "The draw is sealed" in browser.page
    assert re.search("opening of [^<]* announced", browser.page), "the audit tells it"


async def test_a_second_opening_waits_and_is_called_off(browser: Browser, worker: Any) -> None:
    await browser.get()
    await browser.send(FORM, opens_at=SOON, closes_at=LATER, zone="+07:00")
    assert await browser.send(FORM, opens_at="2099-08-21T09:00", zone="+07:00", **ANNOUNCED) == 200
    [planned] = (await worker.line.refresh()).openings
    assert planned.draw is not None
    assert planned.draw.commitment in browser.page
    hidden = Fields(browser.page).forms[FORM]
    assert await browser.send(f"{FORM}/{planned.instance}/remove") == 200
    assert (await worker.line.refresh()).openings == ()
    assert await browser.send(f"{FORM}/{planned.instance}/remove", **hidden) == 404, "somebody was quicker"


@pytest.mark.parametrize(
    ("changed", "told"),
    [
        ({"opens_at": "2001-08-20T09:00"}, "lies in the past"),
        ({"closes_at": "2099-08-20T08:00"}, "close before it opens"),
        ({"opens_at": ""}, "give the time of the opening"),
        ({"freeze_s": "10"}, "60 to 120 whole seconds"),
        ({"order": "fifo"}, "entropy is for a draw"),
        ({"order": "maybe"}, "is not an order"),
        ({"announced_entropy": "x" * 501}, "at most 500"),
    ],
)
async def test_a_refused_form_keeps_what_was_typed(
    browser: Browser, worker: Any, changed: dict[str, str], told: str
) -> None:
    await browser.get()
    before = await worker.line.refresh()
    asked = {"opens_at": SOON, "zone": "+08:00", "reason_en": "So that nobody must be fast", "why": "agreed"}
    assert await browser.send(FORM, **(asked | ANNOUNCED | changed)) == 422
    assert told in browser.page
    for typed in ("So that nobody must be fast", "agreed", '"+08:00" selected'):
        assert typed in browser.page
    assert (await worker.line.refresh()).revision == before.revision


async def test_the_public_value_is_entered_once_after_the_freeze(browser: Browser, worker: Any, desk: Any) -> None:
    opens = {"opens_at_ms": in_minutes(10), "order": "draw", "announced_entropy": "the lottery"}
    status, told = await desk.api("POST", CALL, opens)
    assert status == 200, told
    await browser.get()
    assert await browser.send("/rooms/registration/entropy", entropy="04-17-23") == 422
    assert "not frozen yet" in browser.page
    assert 'value="04-17-23"' in browser.page
    await worker.line.set_knobs({"opens_at_ms": int(time.time() * 1000) + 100_000}, actor="tests")
    await worker.store.tick()
    assert "the doors stay shut" in await browser.get()
    assert await browser.send("/rooms/registration/entropy", entropy="04-17-23") == 200
    assert "publishes the order" in browser.page
    status, told = await desk.api("POST", "/api/rooms/registration/entropy", {"entropy": "04-17-24"})
    assert (status, "never changes" in told["detail"]) == (422, True)


async def test_answers_are_as_the_document_says(desk: Any, worker: Any) -> None:
    _, document = await desk.api("GET", "/api/openapi.json")
    path = "/api/rooms/{room}/openings"
    first = {"opens_at_ms": in_minutes(10), "closes_at_ms": in_minutes(60), "ending": "cut", "why": "agreed"}
    second = {"opens_at_ms": in_minutes(90), "order": "draw", "reason": {"id": "Supaya adil"}}
    overlapping = {"opens_at_ms": in_minutes(95)}
    for body, wanted in ((first, 200), (second, 200), (overlapping, 422), ({"opens": 1}, 422), ({}, 422)):
        status, answer = await desk.api("POST", CALL, body)
        assert status == wanted, answer
        (content,) = resolve(document["paths"][path]["post"]["responses"][str(status)])["content"].values()
        check(answer, content["schema"], f"POST {body}")
    _, told = await desk.api("GET", CALL)
    _, room = await desk.api("GET", "/api/rooms/registration")
    check(room, document["components"]["schemas"]["Room"], "Room")
    assert room["planned"] == told["planned"]
    status, _ = await desk.api("DELETE", f"{CALL}/{told['planned'][0]['instance']}")
    assert (status, (await worker.line.refresh()).openings) == (200, ())
    assert (await desk.api("DELETE", f"{CALL}/nothing"))[0] == 404


async def test_the_desk_and_the_metrics_tell_standby_from_queueing(browser: Browser, worker: Any) -> None:
    await worker.store.tick()
    assert "everyone passes straight through" in await browser.get()
    assert 'antrean_queueing{room="registration"} 0.0' in await browser.get("/metrics")
    await worker.line.set_knobs({"rate_per_minute": 0}, actor="tests")
    await worker.line.join()
    while not (await worker.line.refresh()).queueing_since_ms:
        await worker.store.tick()
    assert "data-standby hidden" in await browser.get()
    assert 'antrean_queueing{room="registration"} 1.0' in await browser.get("/metrics")
