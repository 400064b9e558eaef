"""The issue's story and its bad input, over real sockets, two workers and the real store."""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pytest

from gateway.domain.credentials import Keyring, Ticket

if TYPE_CHECKING:
    from gateway.store.line import Line
    from tests.installation import Installation

TICKET, PASS = "antrean-ticket-registration", "antrean-pass-registration"
BASE = "/_queue/registration/"


async def hold(
    installation: Installation, line: Line, wait_until: Callable[..., Any], phase: str = "paused"
) -> None:
    """Change the phase and wait until every worker has heard of it."""
    await line.set_knobs({"phase": phase}, actor="test")

    async def heard() -> bool:
        pulses = [(await installation.visitor().fetch("GET", BASE + "pulse")).json() for _ in range(8)]
        return all(pulse["phase"] == phase for pulse in pulses)

    await wait_until(heard, f"every worker has heard of {phase}")


def header_of(site_reply: dict[str, Any], name: str) -> list[str]:
    return [value for key, value in site_reply["headers"] if key.lower() == name]


async def test_a_connection_that_is_kept_has_every_answer_to_its_end(installation: Installation) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", installation.settings.port)
    for name in (
        "pulse",
        "draw",
        "draw.json",
        "draw-script",
        "alert-script",
        "chance-script",
        "turn-script",
        "move",
    ):
        writer.write(f"GET {BASE}{name} HTTP/1.1\r\nHost: daftar.example\r\n\r\n".encode())
        head = await reader.readuntil(b"\r\n\r\n")
        length = re.search(rb"content-length: (\d+)\r\n", head)
        assert length, f"{name}: a browser would wait for its end"
        await reader.readexactly(int(length[1]))
    writer.close()


async def test_with_nobody_waiting_a_visitor_lands_on_the_site_at_once(
    installation: Installation, line: Line, keyring: Keyring
) -> None:
    visitor = installation.visitor()
    reply = await visitor.get("/daftar?x=1")
    site = reply.json()
    assert site["path"] == "/daftar?x=1"
    (header,) = header_of(site, "antrean-visitor")
    assert keyring.read_visitor(header, time.time())["number"] == 1
    assert header_of(site, "cookie") == []
    assert set(visitor.cookies) == {TICKET, PASS}


async def test_fifty_at_once_get_fifty_numbers_and_go_in_when_the_line_moves(
    installation: Installation, line: Line, wait_until: Callable[..., Any]
) -> None:
    await hold(installation, line, wait_until)
    visitors = [installation.visitor() for _ in range(50)]
    pages = await asyncio.gather(*(visitor.get("/daftar") for visitor in visitors))
    assert all(page.is_page and page.status == 200 for page in pages)
    states = [(await visitor.fetch("POST", BASE + "check-in")).json() for visitor in visitors]
    assert sorted(state["number"] for state in states) == list(range(1, 51))
    await hold(installation, line, wait_until, "open")
    waiting = list(visitors)

    async def all_in() -> bool:
        for visitor in list(waiting):
            if (await visitor.fetch("POST", BASE + "check-in")).json()["state"] == "admitted":
                waiting.remove(visitor)
        return not waiting

    await wait_until(all_in, "everybody is let in", 40)
    assert [(await visitor.get("/daftar")).json()["path"] for visitor in visitors] == ["/daftar"] * 50


async def test_who_has_finished_comes_again_with_a_new_number(installation: Installation, line: Line) -> None:
    visitor = installation.visitor()
    await visitor.get("/")
    old_pass = visitor.cookies[PASS]
    reply = await visitor.get("/selesai")
    assert reply.header("antrean-finished") == ""
    assert visitor.cookies == {}
    # A worker that has not seen this pass yet lets one request through before the store's word reaches it.
    for _ in range(6):
        if TICKET not in visitor.cookies:
            visitor.cookies = {PASS: old_pass}
            await visitor.get("/")
    assert (await visitor.fetch("GET", BASE + "ticket")).json()["number"] > 1


async def test_cookies_with_the_right_names_and_wrong_content_open_nothing(
    installation: Installation, line: Line, wait_until: Callable[..., Any], keyring: Keyring
) -> None:
    await hold(installation, line, wait_until)
    assert line.snapshot is not None
    instance, now = line.snapshot.instance, int(time.time())
    good = keyring.sign_ticket(Ticket("registration", instance, 1, 1, now, "n"))
    wrong = {
        "made up": "1",
        "forged": good.replace("~1~1~", "~1~9~"),
        "cut": good[:-4],
        "of another room": keyring.sign_ticket(Ticket("vaksin", instance, 1, 1, now, "n")),
        "of another line": keyring.sign_ticket(Ticket("registration", "other", 1, 1, now, "n")),
        "far above what was issued": keyring.sign_ticket(Ticket("registration", instance, 1, 10**9, now, "n")),
        "from the future": keyring.sign_ticket(Ticket("registration", instance, 1, 1, now + 9999, "n")),
    }
    for value in wrong.values():
        visitor = installation.visitor()
        visitor.cookies = {TICKET: value, PASS: value}
        assert (await visitor.fetch("POST", "/kirim", b"x")).status == 429
        assert (await visitor.get("/")).is_page
        assert visitor.cookies[TICKET] != value
    state = await installation.visitor().fetch("GET", BASE + "pulse")
    assert state.json()["issued"] <= len(wrong)


@pytest.mark.parametrize(
    "path",
    [
        "//evil.example",
        "/a/..//b",
        "/static/..%2Fdaftar",
        "/static/%2e%2e/daftar",
        "/%00",
        "/" + "a" * 5000,
        "/?" + "q" * 5000,
    ],
)
async def test_odd_paths_wait_in_line_like_any_other(
    installation: Installation, line: Line, wait_until: Callable[..., Any], path: str
) -> None:
    await hold(installation, line, wait_until)
    visitor = installation.visitor()
    reply = await visitor.get(path)
    assert (reply.status, reply.is_page) == (200, True)
    assert (await visitor.fetch("POST", BASE + "check-in")).json()["state"] in ("waiting", "called")


@pytest.mark.parametrize(
    ("name", "head", "statuses"),
    [
        ("an underscore in a name", b"GET / HTTP/1.1\r\nHost: daftar.example\r\nAntrean_Visitor: x\r\n", {400}),
        ("200 kB of headers", b"GET / HTTP/1.1\r\nHost: x\r\n" + b"X-A: %b\r\n" % (b"a" * 200_000), {400, 431}),
        ("no host", b"GET / HTTP/1.1\r\n", {400}),
        ("two hosts", b"GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n", {400}),
        ("an unknown host", b"GET / HTTP/1.1\r\nHost: nowhere.example\r\n", {404}),
        ("the whole server", b"OPTIONS * HTTP/1.1\r\nHost: daftar.example\r\n", {400, 429}),
        ("another site's address", b"GET http://evil.example/ HTTP/1.1\r\nHost: daftar.example\r\n", {400, 429}),
    ],
)
async def test_an_odd_request_gets_a_clear_answer(
    installation: Installation, line: Line, name: str, head: bytes, statuses: set[int]
) -> None:
    reply = await installation.ask(head + b"Connection: close\r\n\r\n")
    assert reply.status in statuses, reply
    assert b"Traceback" not in reply.body


async def test_a_body_that_join_cannot_use_takes_no_number(installation: Installation, line: Line) -> None:
    for body, status in ((b"x" * 5000, 413), (b"hello", 400), (b'{"return_to": "//evil.example"}', 400)):
        reply = await installation.visitor().fetch("POST", BASE + "join", body)
        assert reply.status == status
    assert (await installation.visitor().fetch("GET", BASE + "pulse")).json()["issued"] == 0


async def test_rooms_are_apart(installation: Installation, line: Line, wait_until: Callable[..., Any]) -> None:
    await hold(installation, line, wait_until)
    assert (await installation.visitor().get("/")).is_page
    visitor = installation.visitor("vaksin.example")
    assert (await visitor.get("/")).json()["path"] == "/"
    visitor.host = "daftar.example"
    assert (await visitor.get("/")).is_page


async def test_while_the_store_is_away_nobody_inside_notices_and_no_answer_is_a_500(
    installation: Installation, line: Line, wait_until: Callable[..., Any]
) -> None:
    inside, newcomer = installation.visitor(), installation.visitor()
    await inside.get("/")
    await inside.get("/")
    await hold(installation, line, wait_until)
    waiting = installation.visitor()
    await waiting.get("/")
    number = (await waiting.fetch("GET", BASE + "ticket")).json()["number"]
    installation.stop("store")
    try:

        async def noticed() -> bool:
            replies = [await installation.visitor().fetch("GET", BASE + "pulse") for _ in range(6)]
            return all(reply.status == 503 for reply in replies)

        await wait_until(noticed, "every worker has noticed")
        assert (await inside.get("/formulir")).json()["path"] == "/formulir"
        assert (await inside.fetch("POST", "/kirim", b"x")).json()["path"] == "/kirim"
        page = await waiting.get("/")
        assert (page.status, page.is_page) == (200, True)
        trouble = await newcomer.get("/")
        assert (trouble.status, trouble.is_page) == (503, True)
        for method, call in (("POST", "check-in"), ("POST", "join"), ("GET", "ticket")):
            assert (await waiting.fetch(method, BASE + call)).status == 503
        assert (await newcomer.fetch("GET", "/_queue/health")).json()["store"] == "unreachable"
    finally:
        installation.start("store", "store")

    async def back() -> bool:
        replies = [await waiting.fetch("POST", BASE + "check-in") for _ in range(4)]
        return all(reply.status == 200 for reply in replies)

    await wait_until(back, "the line goes on", 30)
    state = (await waiting.fetch("POST", BASE + "check-in")).json()
    assert (state["number"], state["state"]) == (number, "waiting")

    async def numbered() -> bool:
        await newcomer.get("/")
        return "number" in (await newcomer.fetch("GET", BASE + "ticket")).json()

    await wait_until(numbered, "the newcomer's stamp has its number", 30)
    assert (await newcomer.fetch("GET", BASE + "ticket")).json()["number"] > number
    assert (await inside.get("/")).json()["path"] == "/"
