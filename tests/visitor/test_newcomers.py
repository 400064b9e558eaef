"""Before a number is given: the challenge, and the limit of a network. Who has a ticket meets neither."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from gateway.domain.challenge import MOST, WAIT_S, Challenge
from gateway.domain.room import Phase
from gateway.forwarding import judging
from gateway.settings.room import sample_room
from gateway.visitor.newcomer_page import newcomer_page

if TYPE_CHECKING:
    from tests.visitor.conftest import House, Reply, Visitor

BASE = "/_queue/registration/"
TICKET = "antrean-ticket-registration"


@pytest.fixture
def challenged(queue: House) -> House:
    queue.line.knobs = replace(queue.line.knobs, challenge=True)
    return queue


def solved(house: House, token: str) -> str:
    challenge = house.keyring.read_challenge(token)
    return f"{token}:{next(n for n in range(MOST) if challenge.is_solved_by(str(n)))}"


def token_in(page: Reply) -> str:
    found = re.search(rb'data-go="[^"]*solution=([^"&]+)"', page.body)
    assert found is not None
    return found[1].decode()


def older(house: House, token: str, by_s: int) -> str:
    challenge: Challenge = house.keyring.read_challenge(token)
    return house.keyring.sign_challenge(replace(challenge, issued_at_s=challenge.issued_at_s - by_s))


async def test_a_newcomer_is_given_the_riddle_and_no_number(challenged: House) -> None:
    visitor = challenged.visitor()
    page = await visitor.get("/daftar?a=1&b=2")
    assert page.status == 200
    assert page.header("cache-control") == "no-store"
    assert "script-src 'sha256-" in page.header("content-security-policy")
    assert b"/_queue/registration/wait?to=/daftar%3Fa%3D1%26b%3D2&amp;solution=c1~" in page.body
    assert (challenged.line.issued, visitor.cookies) == (10, {})
    assert b"@" not in page.body.replace(b"@media", b""), "no hole is left"


async def test_the_answer_is_worth_one_number(challenged: House) -> None:
    answer = solved(challenged, token_in(await challenged.visitor().get("/daftar")))
    visitor = challenged.visitor()
    page = await visitor.get(f"{BASE}wait?to=/daftar&solution={answer}")
    assert (page.status, challenged.line.issued) == (200, 11)
    assert challenged.keyring.read_ticket(
        visitor.cookies[TICKET], room="registration", instance="k3xq", now_s=9e9
    ).return_to == "/daftar"  # fmt: skip
    again = challenged.visitor()
    assert b"data-nonce" in (await again.get(f"{BASE}wait?to=/daftar&solution={answer}")).body
    assert (challenged.line.issued, again.cookies) == (11, {})


async def test_who_has_a_ticket_or_a_pass_never_meets_it(challenged: House) -> None:
    held = challenged.visitor(antrean_ticket_registration=challenged.ticket(4))
    assert b"data-nonce" not in (await held.get("/")).body
    inside = challenged.visitor(antrean_pass_registration=challenged.pass_(4))
    assert (await inside.get("/")).body == b"the form"
    assert challenged.line.issued == 10


@pytest.mark.parametrize("waited_s", [0, WAIT_S - 5, WAIT_S])
async def test_without_a_script_the_riddle_is_waited_out(challenged: House, waited_s: int) -> None:
    page = await challenged.visitor().get("/")
    token = older(challenged, token_in(page), waited_s)
    assert re.search(
        rb'http-equiv="refresh" content="3[01];url=/_queue/registration/wait\?to=/&amp;sol', page.body
    )
    visitor = challenged.visitor()
    reply = await visitor.get(f"{BASE}wait?to=/&solution={token}")
    if waited_s < WAIT_S:
        assert token_in(reply) == token, "whoever waits has waited a part already"
        assert challenged.line.issued == 10
    else:
        assert TICKET in visitor.cookies
        assert challenged.line.issued == 11


async def test_join_says_the_riddle_in_its_problem_and_takes_the_answer(challenged: House) -> None:
    visitor = challenged.visitor()
    reply = await visitor.fetch(BASE + "join", "POST")
    told: dict[str, Any] = reply.json()["challenge"]
    assert (reply.status, reply.json()["reason"], told["most"]) == (403, "challenge", MOST)
    joined = await visitor.post(
        BASE + "join", accept="*/*", sec_fetch_mode="cors", sec_fetch_dest="empty", sec_fetch_site="same-origin",
        antrean_solution=solved(challenged, told["token"]),
    )  # fmt: skip
    assert (joined.status, joined.json()["number"]) == (201, 11)


async def test_a_wrong_forged_or_old_answer_is_another_riddle(challenged: House) -> None:
    token = token_in(await challenged.visitor().get("/"))
    good = solved(challenged, token)
    elsewhere = replace(challenged.keyring.read_challenge(token), instance="before")
    old = older(challenged, token, 601)
    answers = ["", "x", ":", token + ":x", token + ":-1", good[:-9] + ":1", good.replace("c1~", "c2~"),
               challenged.keyring.sign_challenge(elsewhere), old, challenged.ticket(4), "x" * 3000]  # fmt: skip
    for answer in answers:
        reply = await challenged.visitor().get(f"{BASE}wait?to=/&solution={answer}")
        assert token_in(reply) != token
    assert challenged.line.issued == 10


async def test_a_bypass_and_a_closed_room_ask_nothing(challenged: House) -> None:
    challenged.set_phase(Phase.BYPASS)
    assert (await challenged.visitor().get("/")).body == b"the form"
    for phase in (Phase.LAST_CALL, Phase.CLOSED):
        challenged.set_phase(phase)
        refused = await challenged.visitor().fetch(BASE + "join", "POST")
        assert (refused.status, refused.json()["reason"]) == (409, "closed")
    challenged.set_phase(Phase.CLOSED)
    assert b"data-nonce" not in (await challenged.visitor().get("/")).body


async def test_while_the_store_is_away_the_riddle_stands_before_the_stamp(challenged: House) -> None:
    challenged.line.cut_off = True
    page = await challenged.visitor().get("/")
    assert challenged.line.stamps == 0
    visitor = challenged.visitor()
    reply = await visitor.get(f"{BASE}wait?to=/&solution={solved(challenged, token_in(page))}")
    assert (reply.status, challenged.line.stamps) == (503, 1)
    assert (await visitor.get("/")).status == 503, "who has a stamp has a place"


def from_address(house: House, address: str) -> Visitor:
    visitor = house.visitor()
    visitor.gate = judging(house.gate, ["127.0.0.1"])  # type: ignore[assignment]
    visitor.headers = {**visitor.headers, "x-forwarded-for": address}
    return visitor


async def test_a_network_brings_so_many_and_then_waits(queue: House) -> None:
    queue.line.knobs = replace(queue.line.knobs, joins_per_network=5)
    for n in range(5):
        assert (await from_address(queue, f"8.8.8.{n}").get("/")).status == 200
    page = await from_address(queue, "8.8.8.77").get("/daftar")
    assert page.status == 429
    assert 20 <= int(page.header("retry-after")) <= 40
    assert b"/_queue/registration/wait?to=/daftar" in page.body
    problem = await from_address(queue, "8.8.8.78").fetch(BASE + "join", "POST")
    assert (problem.status, problem.json()["reason"]) == (429, "network-limit")
    assert problem.header("retry-after")
    assert queue.line.issued == 15
    assert (await from_address(queue, "8.8.9.1").get("/")).status == 200
    assert queue.line.counted["requests{kind=limited}"] == 2


async def test_who_has_a_ticket_is_never_refused_for_the_network(queue: House) -> None:
    queue.line.knobs = replace(queue.line.knobs, joins_per_network=1)
    first = from_address(queue, "8.8.8.8")
    for _ in range(5):
        assert (await first.get("/")).status == 200
        assert (await first.fetch(BASE + "join", "POST")).status == 200
    assert queue.line.issued == 11


async def test_an_address_that_nobody_vouches_for_is_not_believed(queue: House) -> None:
    queue.line.knobs = replace(queue.line.knobs, joins_per_network=1)
    for n in range(5):
        liar = queue.visitor()
        await liar.get("/", x_forwarded_for=f"8.8.8.{n}")
    assert queue.line.issued == 15, "the connection's address counts, and this one is of no public network"
    assert len(queue.room.networks) == 0


async def test_an_answer_that_the_network_had_to_wait_with_stays_good(challenged: House) -> None:
    challenged.line.knobs = replace(challenged.line.knobs, joins_per_network=1)
    answers = [solved(challenged, token_in(await challenged.visitor().get("/"))) for _ in range(2)]
    assert (await from_address(challenged, "8.8.8.1").get(f"{BASE}wait?to=/&solution={answers[0]}")).status == 200
    page = await from_address(challenged, "8.8.8.2").get(f"{BASE}wait?to=/&solution={answers[1]}")
    assert page.status == 429
    assert answers[1].encode() in page.body
    assert (await from_address(challenged, "8.8.9.2").get(f"{BASE}wait?to=/&solution={answers[1]}")).status == 200


async def test_who_waits_instead_of_solving_counts_for_ten(challenged: House) -> None:
    challenged.line.knobs = replace(challenged.line.knobs, joins_per_network=20)
    statuses = []
    for _ in range(3):
        token = older(challenged, token_in(await challenged.visitor().get("/")), WAIT_S)
        statuses.append(
            (await from_address(challenged, "8.8.8.1").get(f"{BASE}wait?to=/&solution={token}")).status
        )
    assert statuses == [200, 200, 429]


@pytest.mark.parametrize(("code", "name"), [("id", "Pendaftaran"), ("en", "Registration")])
@pytest.mark.parametrize("kind", ["challenge", "limited"])
def test_the_room_has_its_name_in_the_language_of_the_page(code: str, name: str, kind: str) -> None:
    page = newcomer_page(sample_room(), code, kind, 200, go="/", seconds=1)
    assert f"· {name}</title>" in page.body.decode()
