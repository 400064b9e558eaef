"""Those who come while the store is away: the page and a stamp; a number when it is back; one each."""

from __future__ import annotations

import time

from gateway.domain.credentials import Stamp, format_number
from gateway.domain.room import Phase
from tests.visitor.conftest import House

COOKIE = "antrean-ticket-registration"
CALLS = "/_queue/registration/"


async def test_a_newcomer_gets_the_page_and_a_stamp_and_keeps_it(queue: House) -> None:
    queue.line.cut_off = True
    visitor = queue.visitor()
    reply = await visitor.get("/form?a=1")
    assert (reply.status, reply.header("retry-after")) == (503, "5")
    stamp = visitor.cookies[COOKIE]
    assert stamp.startswith("s1~registration~k3xq~worker.0~0~")
    await visitor.get("/form")
    await visitor.fetch(CALLS + "check-in", "POST")
    assert visitor.cookies[COOKIE] == stamp, "whoever has one gets no other"
    assert queue.line.stamps == 1


async def test_a_stamp_becomes_a_ticket_at_each_of_the_calls_and_always_the_same(queue: House) -> None:
    queue.line.cut_off = True
    visitor = queue.visitor()
    await visitor.get("/form")
    stamp = visitor.cookies[COOKIE]
    queue.line.cut_off = False
    for method, call in (("POST", "check-in"), ("GET", "ticket"), ("POST", "join")):
        copy = queue.visitor()
        copy.cookies[COOKIE] = stamp
        reply = await copy.fetch(CALLS + call, method)
        assert (reply.status, reply.json()["number"], reply.json()["state"]) == (200, 11, "waiting"), call
        assert copy.cookies[COOKIE].startswith("1~"), "from now on it carries a ticket"
    page = await visitor.get("/form")
    assert page.status == 200
    assert format_number(11) in page.body.decode(), "the page shows the number"
    assert queue.line.issued == 11


async def test_a_program_is_given_its_stamp_too(queue: House) -> None:
    queue.line.cut_off = True
    visitor = queue.visitor()
    reply = await visitor.ask("POST", CALLS + "join", {"accept": "*/*", "antrean-ticket": "none"})
    assert reply.status == 503
    assert reply.header("antrean-ticket").startswith("s1~")


async def test_in_last_call_a_stamp_is_served_and_a_newcomer_is_not(queue: House) -> None:
    queue.line.cut_off = True
    visitor = queue.visitor()
    await visitor.get("/form")
    queue.line.cut_off = False
    queue.set_phase(Phase.LAST_CALL)
    assert format_number(11) in (await visitor.get("/form")).body.decode()
    await queue.visitor().get("/form")
    assert queue.line.issued == 11


async def test_where_no_numbers_are_given_no_stamps_are(queue: House) -> None:
    queue.set_phase(Phase.LAST_CALL)
    queue.line.cut_off = True
    visitor = queue.visitor()
    await visitor.get("/form")
    assert COOKIE not in visitor.cookies


async def test_stamps_that_are_forged_or_of_another_line_room_or_purpose_take_no_number(queue: House) -> None:
    sign = queue.keyring.sign_stamp
    now = int(time.time())
    good = sign(Stamp("registration", "k3xq", "w.0", 0, now))
    bad = [
        good[:-1],
        good.replace("~0~", "~1~"),
        sign(Stamp("vaksin", "k3xq", "w.0", 0, now)),
        sign(Stamp("registration", "older", "w.0", 0, now)),
        sign(Stamp("registration", "k3xq", "w.0", 0, now + 9999)),
        "s1~" + queue.ticket(3),
        "s1~",
    ]
    for token in bad:
        visitor = queue.visitor()
        visitor.cookies[COOKIE] = token
        assert (await visitor.fetch(CALLS + "check-in", "POST")).status == 401, token
    assert queue.line.redeemed == {}


async def test_a_stamp_whose_number_has_finished_joins_anew(queue: House) -> None:
    queue.line.cut_off = True
    visitor = queue.visitor()
    await visitor.get("/form")
    stamp = visitor.cookies[COOKIE]
    queue.line.cut_off = False
    await visitor.fetch(CALLS + "leave", "POST")
    visitor.cookies[COOKIE] = stamp
    await visitor.get("/form")
    assert queue.line.issued == 12, "one number for the stamp, which was given up, and a new one"
