"""The gate around an in-memory line and a small origin, asked through ASGI."""

from __future__ import annotations

import json
import time
from collections import Counter
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import pytest
from starlette.types import Message, Receive, Scope, Send

from gateway.domain.credentials import Keyring, Pass, Ticket
from gateway.domain.paths import PathRules, Protection
from gateway.domain.room import Draw, Knobs, Phase, Snapshot
from gateway.errors import LineClosed, StoreUnreachable
from gateway.settings import RoomSettings
from gateway.store.line import LAST_DEVICE, MOVED_BEFORE, NOT_MOVABLE, Joined, Line, State
from gateway.visitor.gate import Gate
from gateway.visitor.rooms import VisitorRoom
from gateway.visitor.waiting_page import WaitingPage

KEYS = ["an older key of sufficient length!!", "the key that signs, long enough!!!"]
BROWSER = {
    "host": "daftar.example",
    "accept": "text/html,application/xhtml+xml,*/*;q=0.8",
    "sec-fetch-mode": "navigate",
    "sec-fetch-dest": "document",
    "sec-fetch-site": "none",
}


class MemoryLine(Line):
    """A line in forty lines: the same words as the store's, no presence, no time."""

    def __init__(self, room: str = "registration") -> None:
        self.in_flight = 0
        self.room = room
        self.knobs = Knobs()
        self.issued = self.serving = 0
        self.free = 1_000_000  # how many newcomers go straight in
        self.inside: set[int] = set()
        self.offered: set[int] = set()
        self.spent: set[int] = set()
        self.gone: dict[int, State] = {}
        self.cut_off = False
        self.called_for: list[tuple[str, int]] = []
        self.instance, self.generation = "k3xq", 1
        self.counted: Counter[str] = Counter()
        self.generation_starts: tuple[int, ...] = ()
        self.stamps = 0
        self.moves: dict[int, tuple[int, str]] = {}
        self.redeemed: dict[tuple[str, int], int] = {}
        self.draw: Draw | None = None
        self.reason: dict[str, str] = {}

    @property
    def snapshot(self) -> Snapshot:  # type: ignore[override]
        return Snapshot(
            room=self.room, instance=self.instance, generation=self.generation, revision=1, knobs=self.knobs,
            now_ms=int(time.time() * 1000), vt_ms=0, issued=self.issued, called=self.serving, ready=self.serving,
            serving=self.serving, density=1.0, delivered_per_minute=60.0, poll_max_s=60,
            generation_starts=self.generation_starts, late=0, offers=0, leases=0, ghosts=0, present=0,
            since_release_ms=0, claimed=0, finished=0, lapsed=0, passed=0, late_returns=0, workers=1,
            draw=self.draw, reason=self.reason,
        )  # fmt: skip

    @property
    def reachable(self) -> bool:
        return not self.cut_off

    @property
    def heard_s(self) -> float:
        return time.monotonic()

    async def join(self) -> Joined:
        self._note("join", 0)
        if self.knobs.phase in (Phase.CLOSED, Phase.LAST_CALL):
            raise LineClosed(str(self.knobs.phase))
        straight_in = self.free > 0 and self.serving == self.issued and self.knobs.phase.releases
        self.issued += 1
        if straight_in:
            self.free -= 1
            self.serving = self.issued
            self._admit(self.issued)
        return Joined(self.issued, self.instance, self.generation, straight_in)

    def stamp(self) -> tuple[str, str, int]:
        self.stamps += 1
        return self.instance, "worker.0", self.stamps - 1

    async def redeem(self, block: str, index: int) -> int:
        self._note("redeem", index)
        if (block, index) not in self.redeemed:
            self.issued += 1
            self.redeemed[block, index] = self.issued
        return self.redeemed[block, index]

    async def check_in(
        self, number: int, *, returning: bool = False, device: int = 0, joined_s: float | None = None
    ) -> State:
        self._note("check_in", number)
        if number in self.offered and device >= self.moves.get(number, (0, ""))[0]:
            self.offered.discard(number)
            self._admit(number)
        return await self.look(number, returning=returning, device=device)

    async def look(self, number: int, *, returning: bool = False, device: int = LAST_DEVICE) -> State:
        self._note("look", number)
        if number in self.gone:
            return self.gone[number]
        if number > self.issued:
            return State.UNKNOWN
        if device < self.moves.get(number, (0, ""))[0]:
            return State.MOVED
        if number in self.inside:
            return State.ADMITTED
        if number > self.serving:
            return State.WAITING
        return State.EXPIRED if number in self.spent and not returning else State.LATE

    async def move(self, number: int, device: int, claim: str) -> int:
        self._note("move", number)
        if self.moves.get(number) != (device + 1, claim):
            if number in self.spent or (self.generation > 1 and number <= self.serving):
                return NOT_MOVABLE
            if self.moves.get(number, (0, ""))[0] > device:
                return MOVED_BEFORE
            self.moves[number] = device + 1, claim
        return device + 1

    async def touch(self, number: int) -> bool:
        self._note("touch", number)
        if number not in self.gone:
            self._admit(number)
        return number not in self.gone

    async def finish(self, number: int) -> None:
        self._note("finish", number)
        self.inside.discard(number)
        self.gone[number] = State.FINISHED

    async def leave(self, number: int) -> None:
        self._note("leave", number)
        self.inside.discard(number)
        self.gone[number] = State.WITHDRAWN

    def count(self, metric: str, amount: float = 1) -> None:
        self.counted[metric] += 1

    def offer(self, number: int) -> None:
        """The tick reached this number."""
        self.serving = max(self.serving, number)
        self.offered.add(number)

    def _admit(self, number: int) -> None:
        self.inside.add(number)
        self.spent.add(number)

    def _note(self, call: str, number: int) -> None:
        if self.cut_off:
            raise StoreUnreachable("cut off")
        self.called_for.append((call, number))


class Site:
    """The origin: remembers what reached it, and answers what it was told to."""

    def __init__(self) -> None:
        self.requests: list[Scope] = []
        self.bodies: list[bytes] = []
        self.reply_headers: list[tuple[bytes, bytes]] = []

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self.requests.append(scope)
        if scope["type"] == "websocket":
            await receive()
            await send({"type": "websocket.accept", "headers": self.reply_headers})
            return
        body, more = b"", True
        while more:
            message = await receive()
            body, more = body + message.get("body", b""), message.get("more_body", False)
        self.bodies.append(body)
        await send({"type": "http.response.start", "status": 200, "headers": self.reply_headers})
        await send({"type": "http.response.body", "body": b"the form"})

    def header(self, name: bytes) -> list[bytes]:
        """The values of a header in the last request."""
        return [value for key, value in self.requests[-1]["headers"] if key == name]


@dataclass
class Reply:
    status: int
    headers: list[tuple[bytes, bytes]]
    body: bytes

    def header(self, name: str) -> str:
        return ", ".join(value.decode("latin-1") for key, value in self.headers if key == name.encode())

    def json(self) -> dict[str, Any]:
        value: dict[str, Any] = json.loads(self.body)
        return value


@dataclass
class Visitor:
    """A browser with a cookie jar, or (with ``headers``) any other client."""

    gate: Gate
    headers: Mapping[str, str] = field(default_factory=lambda: dict(BROWSER))
    cookies: dict[str, str] = field(default_factory=dict)
    scheme: str = "http"

    async def get(self, path: str, **headers: str) -> Reply:
        return await self.ask("GET", path, headers)

    async def post(self, path: str, body: bytes = b"", **headers: str) -> Reply:
        return await self.ask("POST", path, headers, body)

    async def fetch(self, path: str, method: str = "GET", body: bytes = b"") -> Reply:
        """As a script of the page does."""
        script = {
            "accept": "*/*",
            "sec-fetch-mode": "cors",
            "sec-fetch-dest": "empty",
            "sec-fetch-site": "same-origin",
        }
        return await self.ask(method, path, script, body)

    async def ask(self, method: str, path: str, headers: Mapping[str, str], body: bytes = b"") -> Reply:
        sent = {**self.headers, **{name.replace("_", "-"): value for name, value in headers.items()}}
        if self.cookies and "cookie" not in sent:
            sent["cookie"] = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
        if body:
            sent["content-length"] = str(len(body))
        reply = await ask(self.gate, method, path, sent, body, self.scheme)
        self._keep(reply)
        return reply

    def _keep(self, reply: Reply) -> None:
        for name, value in reply.headers:
            if name == b"set-cookie":
                cookie, *attributes = value.decode().split("; ")
                key, _, token = cookie.partition("=")
                self.cookies[key] = token
                if "Max-Age=0" in attributes:
                    del self.cookies[key]


async def ask(
    gate: Gate, method: str, path: str, headers: Mapping[str, str], body: bytes = b"", scheme: str = "http"
) -> Reply:
    raw_path, _, query = path.encode("latin-1").partition(b"?")
    scope: Scope = {
        "type": "http", "method": method, "scheme": scheme, "raw_path": raw_path, "query_string": query,
        "path": raw_path.decode("latin-1"), "client": ("127.0.0.1", 5), "http_version": "1.1",
        "headers": [(name.encode(), value.encode("latin-1")) for name, value in headers.items() if value],
    }  # fmt: skip
    sent: list[Message] = []

    async def receive() -> Message:
        return {"type": "http.request", "body": body, "more_body": False}

    async def send(message: Message) -> None:
        sent.append(message)

    await gate(scope, receive, send)
    head, *rest = sent
    return Reply(head["status"], list(head["headers"]), b"".join(message["body"] for message in rest))


@dataclass
class House:
    """One room with all its parts at hand."""

    gate: Gate
    line: MemoryLine
    site: Site
    keyring: Keyring
    room: VisitorRoom

    def visitor(self, **cookies: str) -> Visitor:
        return Visitor(self.gate, cookies={name.replace("_", "-"): value for name, value in cookies.items()})

    def set_phase(self, phase: Phase) -> None:
        self.line.knobs = replace(self.line.knobs, phase=phase)

    def ticket(self, number: int, **changes: Any) -> str:
        ticket = Ticket("registration", "k3xq", 1, number, int(time.time()), "nonce", "/")
        return self.keyring.sign_ticket(replace(ticket, **changes))

    def pass_(self, number: int, *, expires_in_s: int = 1200, left_s: int = 7200, **changes: Any) -> str:
        now = int(time.time())
        visitor_pass = Pass("registration", "k3xq", 1, number, "nonce", now + expires_in_s, now + left_s)
        return self.keyring.sign_pass(replace(visitor_pass, **changes))


SETTINGS = RoomSettings(id="registration", except_=("/static/*",), origin="http://127.0.0.1:1")


@pytest.fixture(scope="session")
def page() -> WaitingPage:
    """Built once: compressing it takes a second."""
    return WaitingPage(SETTINGS)


@pytest.fixture
async def house(page: WaitingPage) -> AsyncIterator[House]:
    """The gate with nobody in line."""
    line, site, keyring = MemoryLine(), Site(), Keyring(KEYS)
    room = VisitorRoom(SETTINGS, line, site, keyring, page)
    rules = PathRules([Protection("registration", SETTINGS.paths, SETTINGS.except_)])
    yield House(Gate({"registration": room}, rules), line, site, keyring, room)
    await room.uses.settle()


@pytest.fixture
def queue(house: House) -> House:
    """The same with a line: ten numbers out, nobody called, nothing goes straight in."""
    house.line.issued, house.line.free = 10, 0
    return house
