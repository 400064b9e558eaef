"""The rooms API on a real desk and a real store."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from gateway.domain.numbers import format_number

ROOM = "/api/rooms/registration"


async def test_a_room_is_shown_with_its_revision_as_etag(desk: Any, worker: Any) -> None:
    async with desk.http.get(desk.url + ROOM, headers=desk.bearer()) as answer:
        room = await answer.json()
        assert answer.status == 200
        assert answer.headers["ETag"] == f'"{room["revision"]}"'
    assert room["phase"] == "open"
    assert room["rate_per_minute"] == 60
    assert room["ceiling"] == 500
    assert room["name"] == "Pendaftaran CPNS"


async def test_a_change_reaches_the_workers_with_their_next_tick(desk: Any, worker: Any) -> None:
    status, room = await desk.api("PATCH", ROOM, {"rate_per_minute": 30, "why": "origin is slow"})
    assert (status, room["rate_per_minute"]) == (200, 30)
    await worker.store.tick()
    assert worker.line.snapshot.knobs.rate_per_minute == 30


async def test_every_change_leaves_an_audit_entry_that_says_who_what_and_why(desk: Any, worker: Any) -> None:
    await desk.api("PATCH", ROOM, {"rate_per_minute": 30, "ceiling": 100, "why": "origin is slow"})
    _, audit = await desk.api("GET", ROOM + "/audit")
    entry = audit["entries"][0]
    assert entry["actor"] == "token tests"
    assert entry["before"] == {"rate_per_minute": 60, "ceiling": 500}
    assert entry["after"] == {"rate_per_minute": 30, "ceiling": 100}
    assert entry["why"] == "origin is slow"
    assert entry["undoable"] is True


async def test_a_change_is_undone_as_a_change_of_its_own(desk: Any, worker: Any) -> None:
    _, changed = await desk.api("PATCH", ROOM, {"phase": "paused", "message": {"id": "Tunggu", "en": "Wait"}})
    status, undone = await desk.api("POST", f"{ROOM}/undo/{changed['revision']}")
    assert (status, undone["phase"], undone["message"]) == (200, "open", {})
    assert undone["revision"] == changed["revision"] + 1
    _, redone = await desk.api("POST", f"{ROOM}/undo/{undone['revision']}")
    assert (redone["phase"], redone["message"]) == ("paused", {"id": "Tunggu", "en": "Wait"})


async def test_what_newcomers_meet_is_turned_and_undone(desk: Any, worker: Any) -> None:
    status, room = await desk.api("PATCH", ROOM, {"challenge": True, "joins_per_network": 0})
    assert (status, room["challenge"], room["joins_per_network"]) == (200, True, 0)
    await worker.store.tick()
    assert worker.line.snapshot.knobs.challenge is True
    status, undone = await desk.api("POST", f"{ROOM}/undo/{room['revision']}")
    assert (status, undone["challenge"], undone["joins_per_network"]) == (200, False, 3000)


async def test_undo_does_not_overwrite_a_later_decision(desk: Any, worker: Any) -> None:
    _, first = await desk.api("PATCH", ROOM, {"rate_per_minute": 30})
    await desk.api("PATCH", ROOM, {"rate_per_minute": 45})
    status, problem = await desk.api("POST", f"{ROOM}/undo/{first['revision']}")
    assert (status, problem["reason"]) == (409, "cannot-undo")
    _, room = await desk.api("GET", ROOM)
    assert room["rate_per_minute"] == 45


async def test_the_second_operator_sees_the_first_ones_change_before_overwriting_it(
    desk: Any, worker: Any
) -> None:
    _, seen = await desk.api("GET", ROOM)
    await desk.api("PATCH", ROOM, {"rate_per_minute": 30})
    status, problem = await desk.api("PATCH", ROOM, {"rate_per_minute": 90, "expected_revision": seen["revision"]})
    assert (status, problem["reason"]) == (409, "changed-meanwhile")
    assert problem["current"]["rate_per_minute"] == 30
    status, problem = await desk.api(
        "PATCH", ROOM, {"rate_per_minute": 90}, **{"If-Match": f'"{seen["revision"]}"'}
    )
    assert (status, problem["current_revision"]) == (412, seen["revision"] + 1)
    current = problem["current"]["revision"]
    status, room = await desk.api("PATCH", ROOM, {"rate_per_minute": 90}, **{"If-Match": f'"{current}"'})
    assert (status, room["rate_per_minute"]) == (200, 90)


BAD = [
    ({"rate_per_minute": -1}, "rate_per_minute"),
    ({"rate_per_minute": 1e12}, "rate_per_minute"),
    ({"rate_per_minute": "fast"}, "rate_per_minute"),
    ({"rate_per_minute": True}, "rate_per_minute"),
    ({"rate_per_minute": None}, "rate_per_minute"),
    ({"rate_per_minute": 10**400}, "rate_per_minute"),
    ({"rate_per_minute": "1_000"}, "rate_per_minute"),
    ({"ceiling": "many"}, "ceiling"),
    ({"ceiling": 10.5}, "ceiling"),
    ({"ceiling": -5}, "ceiling"),
    ({"ceiling": 10**12}, "ceiling"),
    ({"challenge": 1}, "challenge"),
    ({"joins_per_network": -1}, "joins_per_network"),
    ({"phase": "half-open"}, "phase"),
    ({"phase": "drawn"}, "phase"),
    ({"phase": ["open"]}, "phase"),
    ({"message": "hello"}, "message"),
    ({"message": {"fr": "bonjour"}}, "message"),
    ({"message": {"en": "x" * 501}}, "message"),
    ({"message": {"en": "bell \x07"}}, "message"),
    ({"message": {"en": 5}}, "message"),
    ({"speed": 5}, "speed"),
    ({"rate_per_minute": 5, "why": 5}, "why"),
    ({"rate_per_minute": 5, "why": "x" * 301}, "why"),
    ({"rate_per_minute": 5, "expected_revision": "new"}, "expected_revision"),
]


@pytest.mark.parametrize(("body", "field"), BAD, ids=[str(body)[:40] for body, _ in BAD])
async def test_what_cannot_be_used_is_named_and_changes_nothing(
    desk: Any, worker: Any, body: dict[str, object], field: str
) -> None:
    _, before = await desk.api("GET", ROOM)
    status, problem = await desk.api("PATCH", ROOM, body)
    assert (status, problem["reason"]) == (422, "invalid")
    assert list(problem["problems"]) == [field]
    _, after = await desk.api("GET", ROOM)
    assert after["revision"] == before["revision"]


async def test_several_bad_values_are_all_named_at_once(desk: Any, worker: Any) -> None:
    _, problem = await desk.api("PATCH", ROOM, {"rate_per_minute": -1, "ceiling": "x", "phase": "y"})
    assert set(problem["problems"]) == {"rate_per_minute", "ceiling", "phase"}


async def test_rate_zero_and_a_ceiling_below_those_inside_are_allowed(desk: Any, worker: Any) -> None:
    await worker.line.join()
    status, room = await desk.api("PATCH", ROOM, {"rate_per_minute": 0, "ceiling": 0})
    assert (status, room["rate_per_minute"], room["ceiling"]) == (200, 0, 0)


RAW = [
    (b"{", "application/json", 400),
    (b'{"rate_per_minute": NaN}', "application/json", 400),
    (b"[1]", "application/json", 422),
    (b"{}", "application/json", 422),
    (b"rate_per_minute=5", "application/x-www-form-urlencoded", 415),
    (b'{"why": "' + b"x" * 70_000 + b'"}', "application/json", 413),
    (b"[" * 60_000, "application/json", 400),
]


@pytest.mark.parametrize(("body", "kind", "expected"), RAW, ids=[str(case[0][:24]) for case in RAW])
async def test_a_body_that_is_not_a_change_gets_a_clear_answer(
    desk: Any, worker: Any, body: bytes, kind: str, expected: int
) -> None:
    headers = desk.bearer() | {"Content-Type": kind}
    async with desk.http.patch(desk.url + ROOM, data=body, headers=headers) as answer:
        assert answer.status == expected
        assert answer.content_type == "application/problem+json"
        assert (await answer.json(content_type=None))["detail"]


NOT_THERE = [
    ("GET", "/api/rooms/other", 404),
    ("PATCH", "/api/rooms/other", 404),
    ("GET", "/api/rooms/other/audit", 404),
    ("POST", ROOM + "/undo/999", 404),
    ("POST", ROOM + "/undo/x", 422),
    ("GET", ROOM + "/tickets/999", 404),
    ("GET", ROOM + "/tickets/A-0001-2341", 404),
    ("GET", ROOM + "/tickets/0", 404),
    ("GET", ROOM + "/tickets/" + "9" * 40, 404),
    ("GET", ROOM + "/tickets/%C2%B2", 404),
    ("GET", ROOM + "/audit?most=0", 422),
    ("GET", ROOM + "/audit?most=%EF%BC%91", 422),
    ("GET", "/api/nothing", 404),
    ("PUT", ROOM, 405),
]


@pytest.mark.parametrize(("method", "path", "expected"), NOT_THERE)
async def test_what_is_not_there_says_so(desk: Any, worker: Any, method: str, path: str, expected: int) -> None:
    body = {"rate_per_minute": 5} if method == "PATCH" else None
    status, problem = await desk.api(method, path, body)
    assert status == expected
    assert problem["detail"]


async def test_a_ticket_is_found_by_its_number_and_by_the_form_that_people_see(desk: Any, worker: Any) -> None:
    await desk.api("PATCH", ROOM, {"rate_per_minute": 0})
    number = (await worker.line.join()).number
    for written in (str(number), format_number(number)):
        status, ticket = await desk.api("GET", f"{ROOM}/tickets/{written}")
        assert status == 200
        assert (ticket["number"], ticket["state"]) == (number, "waiting")
        assert ticket["ahead"] == 0


async def test_a_withdrawn_ticket_can_be_reinstated_and_the_help_desk_sees_both(desk: Any, worker: Any) -> None:
    await desk.api("PATCH", ROOM, {"rate_per_minute": 0})
    number = (await worker.line.join()).number
    ticket = f"{ROOM}/tickets/{number}"
    assert (await desk.api("POST", ticket + "/reinstate"))[0] == 409
    _, withdrawn = await desk.api("POST", ticket + "/withdraw")
    assert withdrawn["state"] == "withdrawn"
    _, back = await desk.api("POST", ticket + "/reinstate")
    assert back["state"] == "waiting"
    assert [event["what"] for event in back["events"]] == ["reinstated", "withdrawn"]


async def test_time_without_a_tick_is_counted_so_that_a_hang_is_seen(desk: Any, worker: Any) -> None:
    await worker.line.join()
    await desk.api("GET", ROOM)
    async with asyncio.timeout(10):
        while (await desk.api("GET", ROOM))[1]["standstill_s"] < 0.3:  # noqa: ASYNC110 - nothing tells us
            await asyncio.sleep(0.02)
    _, room = await desk.api("GET", ROOM)
    assert room["seconds_since_last_release"] >= room["standstill_s"]
    await worker.store.tick()
    assert (await desk.api("GET", ROOM))[1]["standstill_s"] < 0.3


async def test_a_wrong_method_is_told_all_the_right_ones(desk: Any, worker: Any) -> None:
    async with desk.http.put(desk.url + ROOM, headers=desk.bearer()) as answer:
        assert answer.status == 405
        assert answer.headers["Allow"] == "GET, HEAD, PATCH"


async def test_an_emoji_made_of_parts_passes_and_half_a_character_does_not(desk: Any, worker: Any) -> None:
    family = "👨\u200d👩\u200d👧"
    status, room = await desk.api("PATCH", ROOM, {"message": {"en": family}})
    assert (status, room["message"]) == (200, {"en": family})
    headers = desk.bearer() | {"Content-Type": "application/json"}
    async with desk.http.patch(
        desk.url + ROOM, data=rb'{"why": "\ud800", "ceiling": 5}', headers=headers
    ) as answer:
        assert answer.status == 422
