"""What the issue lists as bad input: each gets a clear answer, and nobody loses anything by it."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import pytest
from starlette.types import Message

from gateway.domain.credentials import Keyring, Pass, Ticket
from gateway.visitor.body import BodyTooLarge, read_body

if TYPE_CHECKING:
    from tests.visitor.conftest import House

TICKET, PASS = "antrean-ticket-registration", "antrean-pass-registration"
BASE = "/_queue/registration/"
NOW = int(time.time())


def bad_tickets(house: House) -> dict[str, str]:
    good = house.ticket(4)
    leaked = Keyring(["a key that is not ours, long enough"])
    ticket = Ticket("registration", "k3xq", 1, 4, NOW, "n", "/")
    return {
        "forged": good.replace("~4~", "~1~"),
        "truncated": good[:-3],
        "empty signature": good[: good.rindex(".") + 1],
        "a pass in its place": house.pass_(4),
        "of another room": house.ticket(4, room="vaksin"),
        "of another key": leaked.sign_ticket(ticket),
        "future-dated": house.ticket(4, issued_at_s=NOW + 3600),
        "nonsense": "hello",
        "binary": "\xff\xfe\x00",
        "long": "x" * 8000,
        "quotes": '"""',
        "only separators": "~~~~~~~.",
    }


def bad_passes(house: House) -> dict[str, str]:
    good = house.pass_(4)
    leaked = Keyring(["a key that is not ours, long enough"])
    return {
        "forged": good.replace("~4~", "~1~"),
        "truncated": good[:-3],
        "a ticket in its place": house.ticket(4),
        "of another room": house.pass_(4, room="vaksin"),
        "of an earlier line": house.pass_(4, instance="before"),
        "of another key": leaked.sign_pass(Pass("registration", "k3xq", 1, 4, "n", NOW + 99, NOW + 999)),
        "future-dated": house.pass_(4, left_s=86_400),
        "beyond its hard limit": house.pass_(4, expires_in_s=-200, left_s=-200),
        "nonsense": "1",
    }


CASES_OF_TICKETS = [
    "forged", "truncated", "empty signature", "a pass in its place", "of another room", "of another key",
    "future-dated", "nonsense", "binary", "long", "quotes", "only separators",
]  # fmt: skip
CASES_OF_PASSES = [
    "forged", "truncated", "a ticket in its place", "of another room", "of an earlier line", "of another key",
    "future-dated", "beyond its hard limit", "nonsense",
]  # fmt: skip


def test_every_case_is_tried(house: House) -> None:
    assert list(bad_tickets(house)) == CASES_OF_TICKETS
    assert list(bad_passes(house)) == CASES_OF_PASSES


@pytest.mark.parametrize("case", CASES_OF_TICKETS)
async def test_a_bad_ticket_counts_for_nothing_and_its_bearer_takes_a_number(queue: House, case: str) -> None:
    token = bad_tickets(queue)[case]
    refused = await queue.visitor(antrean_ticket_registration=token).fetch(BASE + "check-in", "POST")
    assert refused.status == 401
    assert refused.header("content-type") == "application/problem+json"
    assert queue.line.called_for == []
    visitor = queue.visitor(antrean_ticket_registration=token)
    assert (await visitor.get("/")).status == 200
    assert visitor.cookies[TICKET] != token
    assert queue.line.issued == 11
    assert queue.site.requests == []


@pytest.mark.parametrize("case", CASES_OF_PASSES)
async def test_a_bad_pass_opens_nothing(queue: House, case: str) -> None:
    token = bad_passes(queue)[case]
    for carried in ({"antrean_pass_registration": token}, {}):
        visitor = queue.visitor(**carried)
        headers = {} if carried else {"antrean_pass": token}
        reply = await visitor.post("/kirim", b"x", sec_fetch_mode="cors", **headers)
        assert reply.status == 429
        assert reply.json()["reason"] in ("forged", "other-room", "earlier-line", "future-dated", "expired")
    assert queue.site.requests == []


async def test_a_bad_pass_does_not_cost_the_place_in_line(queue: House) -> None:
    token = queue.ticket(4)
    for bad in bad_passes(queue).values():
        visitor = queue.visitor(antrean_ticket_registration=token, antrean_pass_registration=bad)
        await visitor.get("/")
    assert queue.line.issued == 11  # only with the pass that ended its own ticket is a new number taken


async def test_of_two_tickets_the_one_further_ahead_counts(queue: House) -> None:
    visitor = queue.visitor()
    both = f"{TICKET}={queue.ticket(8)}; {TICKET}={queue.ticket(3)}; {TICKET}=nonsense"
    reply = await visitor.get("/", cookie=both)
    assert b"A-0000-003" in reply.body
    assert queue.line.issued == 10


async def test_of_two_passes_a_good_one_counts(queue: House) -> None:
    both = f"{PASS}=nonsense; {PASS}={queue.pass_(3, expires_in_s=-900)}; {PASS}={queue.pass_(3)}"
    assert (await queue.visitor().get("/", cookie=both)).body == b"the form"


async def test_a_cookie_whose_name_only_ends_like_ours_is_not_ours(queue: House) -> None:
    visitor = queue.visitor()
    await visitor.get("/", cookie=f"x{PASS}={queue.pass_(3)}; y={PASS}={queue.pass_(3)}")
    assert queue.line.issued == 11


async def test_a_swarm_of_cookies_of_one_name_is_not_tried_for_ever(queue: House) -> None:
    cookie = "; ".join([f"{PASS}=nonsense"] * 500 + [f"{PASS}={queue.pass_(3)}"])
    assert (await queue.visitor().get("/", cookie=cookie)).body != b"the form"


@pytest.mark.parametrize(
    "path", ["//evil.example", "///evil.example/x", "/\\evil.example", "/%5cevil.example", "//evil.example/%2e%2e"]
)
async def test_an_odd_path_is_never_a_way_to_another_site(queue: House, path: str) -> None:
    visitor = queue.visitor()
    await visitor.get(path)
    queue.line.offer(11)
    location = (await visitor.fetch(BASE + "check-in", "POST")).json()["location"]
    assert location.startswith("/")
    assert not location.startswith(("//", "/\\"))


@pytest.mark.parametrize(
    "path",
    [
        "/static/../daftar",
        "/static/%2e%2e/daftar",
        "/static/..%2Fdaftar",
        "/static/..%2fdaftar",
        "/static/%252e%252e/daftar",
        "/a/..//static/x",
        "//static/x",
        "/static\\..\\daftar",
    ],
)
async def test_no_spelling_of_a_path_gets_around_the_line(queue: House, path: str) -> None:
    assert (await queue.visitor().fetch(path)).status == 429
    assert queue.site.requests == []


@pytest.mark.parametrize(
    ("body", "status", "reason"),
    [
        (b"hello", 400, "bad-body"),
        (b"[]", 400, "bad-body"),
        (b"\xff\xfe", 400, "bad-body"),
        (b"[" * 4000, 400, "bad-body"),
        (b'{"return_to": 5}', 400, "bad-body"),
        (b'{"return_to": "https://evil.example/"}', 400, "bad-body"),
        (b'{"return_to": "//evil.example/"}', 400, "bad-body"),
        (b"x" * 4097, 413, "body-too-large"),
        (b"x" * 1_000_000, 413, "body-too-large"),
    ],
)
async def test_a_body_that_join_cannot_use_is_refused_and_takes_no_number(
    queue: House, body: bytes, status: int, reason: str
) -> None:
    reply = await queue.visitor().fetch(BASE + "join", "POST", body)
    assert (reply.status, reply.json()["reason"]) == (status, reason)
    assert queue.line.issued == 10


@pytest.mark.parametrize("pieces", [[b"x" * 4000, b"y" * 4000], [b"x" * 100_000], [b"x"] * 5000])
async def test_a_body_of_unknown_length_is_read_no_further_than_allowed(pieces: list[bytes]) -> None:
    read = 0

    async def receive() -> Message:
        nonlocal read
        read += 1
        return {"type": "http.request", "body": pieces[read - 1], "more_body": read < len(pieces)}

    with pytest.raises(BodyTooLarge):
        await read_body({"headers": [(b"transfer-encoding", b"chunked")]}, receive, 4096)
    assert read <= 4097


async def test_a_query_of_very_many_fields_is_no_trouble_of_ours(queue: House) -> None:
    for call in ("wait", "move", "draw"):
        reply = await queue.visitor().get(f"{BASE}{call}?" + "&".join(["to=/x"] * 100))
        assert reply.status < 500, call


async def test_a_line_that_answers_nonsense_is_our_fault_and_no_stack_trace(
    queue: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def broken() -> None:
        raise RuntimeError("secret inside")

    monkeypatch.setattr(queue.line, "join", broken)
    reply = await queue.visitor().get("/")
    assert (reply.status, reply.json()["reason"]) == (503, "broken")
    assert b"secret" not in reply.body
