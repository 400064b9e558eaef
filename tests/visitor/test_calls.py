"""The public calls: pulse, join, check-in, ticket, leave, wait, health."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from gateway.domain.room import Knobs, Phase
from gateway.store.line import State

if TYPE_CHECKING:
    from tests.visitor.conftest import House

TICKET, PASS = "antrean-ticket-registration", "antrean-pass-registration"
BASE = "/_queue/registration/"


async def test_the_pulse_is_the_same_bytes_for_everyone_and_may_be_cached_for_a_second(queue: House) -> None:
    reply = await queue.visitor().fetch(BASE + "pulse")
    assert reply.status == 200
    assert reply.header("cache-control") == "public, max-age=1, s-maxage=1"
    assert reply.header("set-cookie") == ""
    pulse = reply.json()
    assert {
        name: pulse[name] for name in ("room", "instance", "phase", "issued", "serving", "rate_per_minute")
    } == {
        "room": "registration",
        "instance": "k3xq",
        "phase": "open",
        "issued": 10,
        "serving": 0,
        "rate_per_minute": 60.0,
    }
    names = "generation now_ms called density opens_at closes_at draw message poll_max_s"
    assert set(names.split()) < set(pulse)


async def test_the_pulse_follows_the_line(queue: House) -> None:
    visitor = queue.visitor()
    await visitor.fetch(BASE + "pulse")
    queue.line.knobs = Knobs(rate_per_minute=30, phase=Phase.PAUSED, message={"id": "Sebentar"})
    pulse = (await visitor.fetch(BASE + "pulse")).json()
    assert (pulse["phase"], pulse["rate_per_minute"], pulse["message"]) == ("paused", 30, {"id": "Sebentar"})


async def test_the_pulse_of_a_store_that_does_not_answer_is_no_pulse(queue: House) -> None:
    queue.line.cut_off = True
    reply = await queue.visitor().fetch(BASE + "pulse")
    assert (reply.status, reply.header("cache-control")) == (503, "no-store")
    assert int(reply.header("retry-after")) > 0


async def test_join_gives_a_number_once_and_says_where_it_stands(queue: House) -> None:
    visitor = queue.visitor()
    reply = await visitor.fetch(BASE + "join", "POST", b'{"return_to": "/daftar?x=1"}')
    assert reply.status == 201
    state = reply.json()
    assert state["number"] == state["position"] == 11
    assert state["shown"].startswith("A-0000-011")
    assert (state["state"], state["ahead"], state["location"]) == ("waiting", 10, None)
    assert state["eta"]["low_s"] <= 10 <= state["eta"]["high_s"]
    assert state["poll_s"] == 2
    again = await visitor.fetch(BASE + "join", "POST")
    assert (again.status, again.json()["number"]) == (200, 11)
    assert queue.line.issued == 11


async def test_join_with_nobody_waiting_admits_at_once(house: House) -> None:
    visitor = house.visitor()
    reply = await visitor.fetch(BASE + "join", "POST", b'{"return_to": "/daftar"}')
    assert (reply.json()["state"], reply.json()["location"]) == ("admitted", "/daftar")
    assert (await visitor.get("/daftar")).body == b"the form"
    assert house.line.issued == 1


async def test_check_in_hands_over_the_pass_when_it_is_ones_turn(queue: House) -> None:
    visitor = queue.visitor(antrean_ticket_registration=queue.ticket(4, return_to="/daftar"))
    waiting = (await visitor.fetch(BASE + "check-in", "POST")).json()
    assert (waiting["state"], waiting["ahead"], waiting["location"]) == ("waiting", 3, None)
    queue.line.offer(4)
    looked = (await visitor.fetch(BASE + "ticket")).json()
    assert looked["state"] == "late"
    assert PASS not in visitor.cookies
    admitted = (await visitor.fetch(BASE + "check-in", "POST")).json()
    assert (admitted["state"], admitted["location"], admitted["eta"]) == ("admitted", "/daftar", None)
    assert PASS in visitor.cookies


async def test_looking_at_the_ticket_neither_marks_nor_claims(queue: House) -> None:
    queue.line.offer(4)
    visitor = queue.visitor(antrean_ticket_registration=queue.ticket(4))
    await visitor.fetch(BASE + "ticket")
    assert queue.line.called_for == [("look", 4)]
    assert queue.line.offered == {4}


async def test_who_leaves_gives_the_place_up_and_may_join_anew(queue: House) -> None:
    visitor = queue.visitor()
    await visitor.get("/")
    reply = await visitor.fetch(BASE + "leave", "POST")
    assert (reply.status, reply.json()["state"]) == (200, "withdrawn")
    assert visitor.cookies == {}
    assert ("leave", 11) in queue.line.called_for
    await visitor.get("/")
    assert (await visitor.fetch(BASE + "ticket")).json()["number"] == 12


async def test_a_ticket_that_led_nowhere_any_more_joins_anew(queue: House) -> None:
    queue.line.serving, queue.line.spent = 4, {4}
    for number in (4, 99_999):
        visitor = queue.visitor(antrean_ticket_registration=queue.ticket(number))
        assert (await visitor.fetch(BASE + "check-in", "POST")).json()["state"] == "expired"
        assert (await visitor.fetch(BASE + "join", "POST")).status == 201
    assert queue.line.issued == 12


@pytest.mark.parametrize("number", [4, 5, 6, 99_999])
async def test_opening_the_site_with_a_number_that_ended_takes_a_new_one(queue: House, number: int) -> None:
    """Number 4 was used up, 5 has finished, 6 gave its place up, and 99,999 was never given out."""
    queue.line.serving, queue.line.spent = 6, {4, 5}
    queue.line.gone = {5: State.FINISHED, 6: State.WITHDRAWN}
    visitor = queue.visitor(antrean_ticket_registration=queue.ticket(number))
    await visitor.get("/")
    assert (await visitor.fetch(BASE + "ticket")).json()["number"] == 11


async def test_a_ticket_of_an_earlier_line_is_expired_and_its_visitor_joins_the_new_one(queue: House) -> None:
    visitor = queue.visitor(antrean_ticket_registration=queue.ticket(7, instance="before"))
    state = (await visitor.fetch(BASE + "check-in", "POST")).json()
    assert (state["state"], state["number"]) == ("expired", 7)
    joined = await visitor.fetch(BASE + "join", "POST")
    assert (joined.status, joined.json()["number"]) == (201, 11)


async def test_a_ticket_that_the_store_lost_is_expired_before_its_number_is_somebody_elses(queue: House) -> None:
    queue.line.generation, queue.line.generation_starts = 2, (5,)
    visitor = queue.visitor(antrean_ticket_registration=queue.ticket(7))
    assert (await visitor.fetch(BASE + "check-in", "POST")).json()["state"] == "expired"
    assert queue.line.called_for == []


async def test_a_visit_ends_at_its_hard_limit_although_the_ticket_is_still_there(queue: House) -> None:
    queue.line.serving, queue.line.inside, queue.line.spent = 4, {4}, {4}
    ended = queue.pass_(4, expires_in_s=-200, left_s=-200)
    visitor = queue.visitor(antrean_ticket_registration=queue.ticket(4), antrean_pass_registration=ended)
    assert (await visitor.fetch(BASE + "check-in", "POST")).json()["state"] == "expired"
    await visitor.get("/")
    assert (await visitor.fetch(BASE + "ticket")).json()["number"] == 11


async def test_checking_in_while_inside_does_not_move_the_hard_limit(queue: House) -> None:
    queue.line.serving, queue.line.inside, queue.line.spent = 4, {4}, {4}
    held = queue.pass_(4, expires_in_s=60, left_s=100)
    visitor = queue.visitor(antrean_ticket_registration=queue.ticket(4), antrean_pass_registration=held)
    reply = await visitor.fetch(BASE + "check-in", "POST")
    assert reply.json()["state"] == "admitted"
    now = queue.keyring.read_pass(visitor.cookies[PASS], room="registration", instance="k3xq", now_s=time.time())
    assert now.hard_limit_s <= time.time() + 100


async def test_in_a_bypass_who_waits_is_admitted_as_well(queue: House) -> None:
    visitor = queue.visitor()
    await visitor.get("/daftar")
    queue.set_phase(Phase.BYPASS)
    assert (await visitor.fetch(BASE + "check-in", "POST")).json()["state"] == "admitted"
    assert PASS in visitor.cookies
    assert (await queue.visitor().fetch(BASE + "join", "POST")).json()["state"] == "admitted"


@pytest.mark.parametrize("phase", [Phase.CLOSED, Phase.LAST_CALL])
async def test_no_numbers_are_given_out_after_closing(queue: House, phase: Phase) -> None:
    queue.set_phase(phase)
    reply = await queue.visitor().fetch(BASE + "join", "POST")
    assert (reply.status, reply.json()["reason"]) == (409, "closed")
    assert queue.line.issued == 10


async def test_a_client_without_cookies_carries_its_ticket_and_pass_in_headers(queue: House) -> None:
    program = replace(queue.visitor(), headers={"host": "x", "accept": "application/json"})
    joined = await program.post(BASE + "join", antrean_ticket="new")
    token = joined.header("antrean-ticket")
    program.cookies = {}
    queue.line.offer(11)
    checked = await program.post(BASE + "check-in", antrean_ticket=token)
    assert checked.json()["state"] == "admitted"
    program.cookies = {}
    reply = await program.get("/api", antrean_pass=checked.header("antrean-pass"))
    assert reply.body == b"the form"
    assert reply.header("antrean-pass") != ""
    assert queue.site.header(b"antrean-pass") == []


async def test_tokens_are_shown_to_no_script_that_carries_them_in_cookies(queue: House) -> None:
    visitor = queue.visitor()
    reply = await visitor.fetch(BASE + "join", "POST")
    assert reply.header("antrean-ticket") == ""


async def test_a_browser_without_script_joins_and_leaves_with_forms(queue: House) -> None:
    visitor = queue.visitor()
    joined = await visitor.post(BASE + "join", sec_fetch_site="same-origin")
    assert (joined.status, joined.header("location")) == (303, "/")
    assert TICKET in visitor.cookies
    left = await visitor.post(BASE + "leave", sec_fetch_site="same-origin")
    assert left.status == 200
    assert left.header("content-type").startswith("text/html")
    assert visitor.cookies == {}


@pytest.mark.parametrize("call", ["join", "check-in", "leave"])
@pytest.mark.parametrize(
    "headers",
    [
        {"sec_fetch_site": "cross-site"},
        {"sec_fetch_site": "same-site"},
        {"sec_fetch_site": "", "origin": "https://evil.example"},
        {"sec_fetch_site": "", "origin": "null"},
        {"sec_fetch_site": "", "origin": "http://daftar.example.evil"},
    ],
)
async def test_another_site_can_neither_join_nor_check_in_nor_leave_for_a_visitor(
    queue: House, call: str, headers: dict[str, str]
) -> None:
    visitor = queue.visitor(antrean_ticket_registration=queue.ticket(4))
    reply = await visitor.post(BASE + call, b"", **headers)
    assert (reply.status, reply.json()["reason"]) == (403, "cross-site")
    assert queue.line.called_for == []


@pytest.mark.parametrize(
    "headers", [{"sec_fetch_site": "", "origin": "http://daftar.example"}, {"sec_fetch_site": ""}, {}]
)
async def test_our_own_page_and_programs_may_call(queue: House, headers: dict[str, str]) -> None:
    visitor = queue.visitor(antrean_ticket_registration=queue.ticket(4))
    assert (await visitor.post(BASE + "check-in", b"", **headers)).status == 200


@pytest.mark.parametrize("call", ["check-in", "leave", "ticket"])
async def test_without_a_ticket_the_calls_say_so(queue: House, call: str) -> None:
    reply = await queue.visitor().fetch(BASE + call, "GET" if call == "ticket" else "POST")
    assert (reply.status, reply.json()["reason"]) == (401, "no-ticket")
    assert reply.header("www-authenticate") == "Antrean"


@pytest.mark.parametrize("ticket", ["", "nonsense"])
async def test_a_page_that_came_up_in_our_trouble_is_told_of_it_and_not_of_its_cookies(
    queue: House, ticket: str
) -> None:
    queue.line.cut_off = True
    visitor = queue.visitor(antrean_ticket_registration=ticket)
    for call, method in (("check-in", "POST"), ("ticket", "GET"), ("leave", "POST")):
        assert (await visitor.fetch(BASE + call, method)).status == 503


@pytest.mark.parametrize("call", ["check-in", "leave", "ticket", "join"])
async def test_while_the_store_is_away_the_calls_say_that_the_place_is_kept(queue: House, call: str) -> None:
    queue.line.cut_off = True
    visitor = queue.visitor(antrean_ticket_registration=queue.ticket(4))
    reply = await visitor.fetch(BASE + call, "GET" if call == "ticket" else "POST")
    assert (reply.status, reply.json()["reason"]) == (503, "store-unreachable")
    assert TICKET in visitor.cookies


@pytest.mark.parametrize(
    ("method", "path", "allow"),
    [
        ("GET", "join", "POST"),
        ("DELETE", "check-in", "POST"),
        ("POST", "ticket", "GET"),
        ("POST", "pulse", "GET"),
        ("PUT", "wait", "GET, POST"),
    ],
)
async def test_the_wrong_method_is_told_the_right_one(queue: House, method: str, path: str, allow: str) -> None:
    reply = await queue.visitor().fetch(BASE + path, method)
    assert (reply.status, reply.header("allow")) == (405, allow)
    assert queue.line.called_for == []


@pytest.mark.parametrize(
    ("path", "reason"),
    [
        ("/_queue/", "unknown-room"),
        ("/_queue/vaksin/pulse", "unknown-room"),
        ("/_queue/vaksin/join", "unknown-room"),
        ("/_queue/registration/", "unknown-call"),
        ("/_queue/registration/pulse/", "unknown-call"),
        ("/_queue/registration/../../etc", "unknown-call"),
    ],
)
async def test_unknown_rooms_and_calls_never_reach_the_origin(queue: House, path: str, reason: str) -> None:
    reply = await queue.visitor().fetch(path)
    assert (reply.status, reply.json()["reason"]) == (404, reason)
    assert queue.site.requests == []


@pytest.mark.parametrize("path", ["/_queue/", "/_queue/vaksin/move", "/_queue/registration/muve"])
async def test_an_unknown_address_of_ours_is_a_page_for_people(queue: House, path: str) -> None:
    reply = await queue.visitor().get(path)
    assert (reply.status, reply.header("content-type")) == (404, "text/html; charset=utf-8")
    assert "<h1>Halaman ini tidak ada</h1>" in reply.body.decode()
    assert '<a class="button" href="/">' in reply.body.decode()
    assert queue.line.issued == 10, "nobody takes a number there"


async def test_waiting_by_address_leads_back_to_the_site(queue: House) -> None:
    visitor = queue.visitor()
    assert TICKET not in visitor.cookies
    page = await visitor.get(BASE + "wait?to=%2Fdaftar%3Fx%3D1")
    assert page.header("content-type").startswith("text/html")
    queue.line.offer(11)
    reply = await visitor.get(BASE + "wait?to=%2Fdaftar%3Fx%3D1")
    assert (reply.status, reply.header("location")) == (303, "/daftar?x=1")
    assert PASS in visitor.cookies


async def test_waiting_by_address_never_leads_to_another_site(house: House) -> None:
    for wanted in (
        "https://evil.example",
        "//evil.example",
        "/%5Cevil.example",
        "%2F%2Fevil.example",
        "/\\evil",
        "",
    ):
        reply = await house.visitor().get(BASE + "wait?to=" + wanted)
        assert reply.status == 303
        assert reply.header("location").startswith("/")
        assert not reply.header("location").startswith(("//", "/\\"))


async def test_health_is_about_this_worker_and_tells_of_the_store(house: House) -> None:
    reply = await house.visitor().fetch("/_queue/health")
    assert (reply.status, reply.json()) == (200, {"status": "ok", "store": "reachable", "overloaded": False})
    house.line.cut_off = True
    reply = await house.visitor().fetch("/_queue/health")
    assert (reply.status, reply.json()["store"]) == (200, "unreachable")
