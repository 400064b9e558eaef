"""A visitor with a rehearsal's mark: into the rehearsal's room, never into the real line, or refused."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from dataclasses import dataclass

import pytest
from starlette.types import Message, Scope

from gateway.domain.credentials import Keyring, Mark, Pass
from gateway.domain.paths import PathRules, Protection
from gateway.settings import RoomSettings
from gateway.visitor.gate import Gate
from gateway.visitor.rooms import VisitorRoom
from gateway.visitor.waiting_page import WaitingPage
from tests.visitor.conftest import BROWSER, KEYS, MemoryLine, Site, Visitor

REAL = RoomSettings(id="registration", except_=("/static/*",), origin="http://127.0.0.1:1", rehearsal=True)
OTHER = RoomSettings(id="results", hosts=("hasil.example",), origin="http://127.0.0.1:1")
TWIN = "/_queue/registration-rehearsal"


@dataclass
class Houses:
    gate: Gate
    lines: dict[str, MemoryLine]
    site: Site
    keyring: Keyring

    def mark(self, room: str = "registration", left_s: int = 3600, keys: list[str] | None = None) -> str:
        ring = Keyring(keys) if keys else self.keyring
        return ring.sign_mark(Mark(room, int(time.time()) + left_s, "nonce"))

    def visitor(self, mark: str | None, **headers: str) -> Visitor:
        marked = {} if mark is None else {"antrean-rehearsal": mark}
        return Visitor(self.gate, {**BROWSER, **marked, **headers})

    def real_is_untouched(self) -> bool:
        real = self.lines["registration"]
        return (real.called_for, real.issued) == ([], 0) and not set(real.counted) - {"requests{kind=authorize}"}


@pytest.fixture
async def houses(page: WaitingPage) -> AsyncIterator[Houses]:
    """A room, its rehearsal, and a room that has none, in front of one site."""
    settings = [REAL, REAL.rehearsed(), OTHER]
    site, keyring = Site(), Keyring(KEYS)
    lines = {each.id: MemoryLine(each.id) for each in settings}
    rooms = {each.id: VisitorRoom(each, lines[each.id], site, keyring, page) for each in settings}
    rules = PathRules([Protection(each.id, each.paths, each.except_, each.hosts) for each in settings])
    yield Houses(Gate(rooms, rules), lines, site, keyring)
    for room in rooms.values():
        await room.uses.settle()


@pytest.fixture
def queues(houses: Houses) -> Houses:
    """Nobody goes straight in, neither here nor there."""
    for line in houses.lines.values():
        line.free = 0
    return houses


async def test_with_the_mark_a_number_comes_from_the_rehearsals_line(queues: Houses) -> None:
    visitor = queues.visitor(queues.mark())
    assert (await visitor.get("/")).status == 200
    assert (await visitor.fetch(f"{TWIN}/check-in", "POST")).json()["number"] == 1
    assert queues.lines["registration-rehearsal"].issued == 1
    assert set(visitor.cookies) == {"antrean-ticket-registration-rehearsal"}
    assert queues.real_is_untouched()


async def test_the_site_is_told_that_it_is_a_rehearsal_and_nothing_of_the_mark(houses: Houses) -> None:
    visitor = houses.visitor(houses.mark(), cookie=f"antrean-rehearsal-registration={houses.mark()}; own=1")
    assert (await visitor.get("/form")).body == b"the form"
    (signed,) = houses.site.header(b"antrean-visitor")
    claims = houses.keyring.read_visitor(signed.decode(), time.time())
    assert (claims["room"], claims["rehearsal"]) == ("registration-rehearsal", True)
    assert houses.site.header(b"antrean-rehearsal") == []
    assert houses.site.header(b"cookie") == [b"own=1"]
    assert houses.real_is_untouched()


async def test_without_the_mark_all_is_as_it_was(houses: Houses) -> None:
    assert (await houses.visitor(None).get("/")).body == b"the form"
    (signed,) = houses.site.header(b"antrean-visitor")
    claims = houses.keyring.read_visitor(signed.decode(), time.time())
    assert claims["room"] == "registration"
    assert "rehearsal" not in claims
    assert houses.lines["registration-rehearsal"].issued == 0


def bad_marks(houses: Houses) -> dict[str, str]:
    now = int(time.time())
    good = houses.mark()
    real_pass = Pass("registration", "", 0, 0, "nonce", now + 600, now + 600, "staff")
    return {
        "made up": "mark",
        "cut": good[:-1],
        "changed": good.replace("1~registration~", "1~registration~9", 1),
        "another key's": houses.mark(keys=["somebody else's key, long enough!!"]),
        "over": houses.mark(left_s=-1),
        "another room's": houses.mark(room="results"),
        "a pass": houses.keyring.sign_pass(real_pass),
        "two": f"{good}, {good}",
        "too long": good + "x" * 5000,
    }


BAD = ("made up", "cut", "changed", "another key's", "over", "another room's", "a pass", "two", "too long")


@pytest.mark.parametrize("kind", BAD)
async def test_a_bad_mark_is_refused_and_touches_no_line(houses: Houses, kind: str) -> None:
    visitor = houses.visitor(bad_marks(houses)[kind])
    for method, path in (("GET", "/"), ("POST", "/"), ("POST", f"{TWIN}/join"), ("GET", f"{TWIN}/wait")):
        reply = await visitor.ask(method, path, {})
        assert (reply.status, reply.header("set-cookie")) == (403, ""), path
        assert "mark" in reply.json()["detail"]
    assert (await visitor.get("/_queue/authorize", x_original_uri="/")).status == 403
    assert houses.site.requests == []
    assert all(not line.called_for for line in houses.lines.values())


@pytest.mark.parametrize("call", ["join", "check-in", "ticket", "leave", "wait"])
async def test_nobody_enters_the_rehearsal_without_a_mark(queues: Houses, call: str) -> None:
    method = "GET" if call in ("ticket", "wait") else "POST"
    reply = await queues.visitor(None).ask(method, f"{TWIN}/{call}", {})
    assert reply.status == 403
    assert queues.lines["registration-rehearsal"].called_for == []


@pytest.mark.parametrize("call", ["join", "check-in", "ticket", "leave", "wait"])
async def test_a_marked_visitor_takes_no_place_in_the_real_line(queues: Houses, call: str) -> None:
    method = "GET" if call in ("ticket", "wait") else "POST"
    reply = await queues.visitor(queues.mark()).ask(method, f"/_queue/registration/{call}", {})
    assert reply.status == 403
    assert queues.lines["registration"].called_for == []


async def test_a_room_without_a_rehearsal_takes_no_marks(houses: Houses) -> None:
    visitor = houses.visitor(houses.mark("results"), host="hasil.example")
    reply = await visitor.get("/")
    assert (reply.status, reply.json()["type"].rpartition(":")[2]) == (403, "no-rehearsal")
    assert houses.lines["results"].called_for == []


async def test_a_proxy_that_asks_is_led_to_the_rehearsals_line(queues: Houses) -> None:
    visitor = queues.visitor(queues.mark())
    reply = await visitor.get("/_queue/authorize", x_original_uri="/form")
    assert reply.header("location") == f"{TWIN}/wait?to=/form"
    assert (await visitor.get(reply.header("location"))).status == 200
    assert queues.lines["registration-rehearsal"].issued == 1


async def test_in_a_browser_a_link_begins_it_and_another_ends_it(queues: Houses) -> None:
    visitor = queues.visitor(None)
    begun = await visitor.get(f"{TWIN}/begin?mark={queues.mark()}")
    assert (begun.status, begun.header("location")) == (303, "/")
    await visitor.get("/")
    assert queues.real_is_untouched()
    await visitor.get(f"{TWIN}/end")
    await visitor.get("/")
    assert queues.lines["registration"].issued == 1


@pytest.mark.parametrize("kind", [*BAD, "none"])
async def test_a_link_with_a_bad_mark_begins_nothing(queues: Houses, kind: str) -> None:
    mark = bad_marks(queues).get(kind, "").replace(" ", "%20")
    reply = await queues.visitor(None).get(f"{TWIN}/begin?mark={mark}")
    assert (reply.status, reply.header("set-cookie")) == (403, "")


@pytest.mark.parametrize("is_good", [True, False])
async def test_a_websocket_needs_a_pass_of_the_rehearsal(houses: Houses, is_good: bool) -> None:
    mark = houses.mark()
    visitor = houses.visitor(mark)
    await visitor.get("/")
    cookie = "; ".join(f"{name}={value}" for name, value in visitor.cookies.items())
    headers = [(b"host", b"daftar.example"), (b"cookie", cookie.encode())]
    headers.append((b"antrean-rehearsal", mark.encode() if is_good else b"made up"))
    scope: Scope = {
        "type": "websocket", "scheme": "ws", "path": "/ws", "raw_path": b"/ws", "query_string": b"",
        "headers": headers, "client": ("127.0.0.1", 5), "subprotocols": [],
    }  # fmt: skip
    sent: list[Message] = []

    async def receive() -> Message:
        return {"type": "websocket.connect"}

    async def send(message: Message) -> None:
        sent.append(message)

    await houses.gate(scope, receive, send)
    assert sent[0]["type"] == ("websocket.accept" if is_good else "websocket.close")
