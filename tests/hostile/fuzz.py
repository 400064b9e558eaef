"""Credentials and calls, damaged in every way that needs no key, against the gate. Thousands in the tests; by hand
as many as you like, with another seed each time::

    python -m tests.hostile.fuzz 1000000 [SEED]

Whatever is sent: no answer with a status of 500 or more, nothing at the origin, no lease, and no place given up,
moved or claimed for somebody else.
"""

from __future__ import annotations

import asyncio
import json
import random
import sys
import time
from dataclasses import replace

from gateway.domain.challenge import new_challenge
from gateway.domain.credentials import Keyring, Mark, Pass, Stamp, Ticket
from gateway.domain.paths import PathRules, Protection
from gateway.visitor.gate import Gate
from gateway.visitor.rooms import VisitorRoom
from gateway.visitor.waiting_page import WaitingPage
from tests.visitor.conftest import KEYS, SETTINGS, MemoryLine, Reply, Site, ask

BASE = "/_queue/registration/"
CALLS = (
    ("POST", "join"), ("POST", "check-in"), ("GET", "ticket"), ("POST", "leave"), ("GET", "move"),
    ("POST", "move"),
    ("GET", "wait"), ("GET", "pulse"), ("GET", "draw"), ("GET", "/_queue/authorize"), ("GET", "/form"),
    ("POST", "/form"),
)  # fmt: skip
BYTES = "".join(map(chr, range(0x21, 0x7F))) + "~~~...%%%\xff\x80"
BODIES = (b"", b"{}", b"[]", b"null", b'{"return_to": "/x"}', b'{"return_to": "//x"}', b'{"return_to": 1e999}',
          b'{"return_to": "\\ud800"}', b"\xff", b"[" * 3000, b'{"a":' * 900, b"0" * 5000)  # fmt: skip


class Fuzz:
    """One gate with a line of ten, and good credentials that are not good here: everything is made of them."""

    def __init__(self, seed: int, page: WaitingPage | None = None) -> None:
        self.chance = random.Random(seed)
        self.line, self.site, self.ring = MemoryLine(), Site(), Keyring(KEYS)
        self.line.issued, self.line.free = 10, 0
        room = VisitorRoom(SETTINGS, self.line, self.site, self.ring, page or WaitingPage(SETTINGS))
        rules = PathRules([Protection("registration", SETTINGS.paths, SETTINGS.except_)])
        self.gate = Gate({"registration": room}, rules)
        self.seeds = self._seeds(int(time.time()))

    def _seeds(self, now: int) -> list[str]:
        ring, other = self.ring, Keyring(["another installation's key, long enough"])
        ticket = Ticket("registration", "k3xq", 1, 7, now, "nonce", "/")
        inside = Pass("registration", "k3xq", 1, 7, "nonce", now + 900, now + 7000)
        riddle = new_challenge("registration", "k3xq", now)
        return [
            ring.sign_ticket(replace(ticket, room="vaksin")), ring.sign_ticket(replace(ticket, instance="old")),
            ring.sign_ticket(replace(ticket, issued_at_s=now + 9000)), other.sign_ticket(ticket),
            ring.sign_pass(replace(inside, room="vaksin")), ring.sign_pass(replace(inside, instance="old")),
            ring.sign_pass(replace(inside, hard_limit_s=now - 900)), other.sign_pass(inside),
            ring.sign_stamp(Stamp("vaksin", "k3xq", "w.0", 1, now, "/")), ring.sign_visitor(inside, now),
            ring.sign_mark(Mark("vaksin", now + 900, "nonce")), ring.move_code(ticket, now - 900),
            other.move_code(ticket, now), other.sign_challenge(riddle), "", "~", ".", "1~registration~k3xq~1~7",
        ]  # fmt: skip

    def credential(self) -> str:
        """A good one of elsewhere, damaged up to three times; or two of them, crossed."""
        token = self.chance.choice(self.seeds)
        if self.chance.random() < 0.2:
            token = token.rpartition(".")[0] + "." + self.chance.choice(self.seeds).rpartition(".")[2]
        for _ in range(self.chance.randrange(4)):
            token = self._damaged(token)
        return token[:6000]

    def _damaged(self, token: str) -> str:
        at = self.chance.randrange(len(token) + 1)
        match self.chance.randrange(7):
            case 0:
                return token[:at]
            case 1:
                return token[at:]
            case 2:
                return token[:at] + self.chance.choice(BYTES) + token[at + 1 :]
            case 3:
                return token[:at] + self.chance.choice(BYTES) + token[at:]
            case 4:
                return token * self.chance.choice((2, 50))
            case 5:
                return token.replace("vaksin", "registration").replace("old", "k3xq")
            case _:
                return token.replace("~7~", f"~{self.chance.choice((0, -1, 1, 10**30))}~")

    async def once(self) -> Reply:
        """One request of chance; raises AssertionError when it brought its sender anything."""
        method, call = self.chance.choice(CALLS)
        path = call if call.startswith("/") else BASE + call
        credential = {name: self.credential() for name in ("a", "b", "c")}
        if call in ("move", "wait", "authorize") or self.chance.random() < 0.1:
            path += f"?{credential['c']}&to={credential['b']}&solution={credential['a']}".translate(_IN_A_TARGET)
        headers = {"host": "daftar.example", "accept": self.chance.choice(("*/*", "application/json", ""))}
        headers["sec-fetch-mode"] = "cors"
        where = self.chance.choice(("cookie", "header", "both"))
        if where != "header":
            headers["cookie"] = "; ".join(
                f"{name}-registration={credential[key]}"
                for name, key in (("antrean-ticket", "a"), ("antrean-pass", "b"), ("antrean-move", "c"))
            )
        if where != "cookie":
            headers |= {"antrean-ticket": credential["a"], "antrean-pass": credential["b"]}
            headers["antrean-solution"] = credential["c"]
        body = self.chance.choice(BODIES) if method == "POST" else b""
        if body:
            headers["content-length"] = str(len(body))
        reply = await ask(self.gate, method, path, headers, body)
        self._judge(reply, (method, path, headers, body))
        return reply

    def _judge(self, reply: Reply, sent: object) -> None:
        assert reply.status < 500, sent
        assert self.site.requests == [], sent
        assert (self.line.inside, self.line.gone, self.line.moves) == (set(), {}, {}), sent
        assert b"antrean-pass" not in dict(reply.headers), sent
        assert not any(
            b"pass" in value.partition(b"=")[0] for name, value in reply.headers if name == b"set-cookie"
        )
        if reply.header("content-type").endswith("json"):
            json.loads(reply.body)


_IN_A_TARGET = {ord(character): "%20" for character in " \t#\xff\x80"}


async def run(cases: int, seed: int, page: WaitingPage | None = None) -> dict[int, int]:
    """So many cases; how many answers had each status."""
    fuzz, statuses = Fuzz(seed, page), dict[int, int]()
    for _ in range(cases):
        status = (await fuzz.once()).status
        statuses[status] = statuses.get(status, 0) + 1
    return dict(sorted(statuses.items()))


if __name__ == "__main__":
    wanted = int(sys.argv[1]) if len(sys.argv) > 1 else 100_000
    chosen = int(sys.argv[2]) if len(sys.argv) > 2 else int(time.time())
    began = time.monotonic()
    found = asyncio.run(run(wanted, chosen))
    sys.stdout.write(f"{wanted:,} cases, seed {chosen}, {time.monotonic() - began:.0f} s, by status: {found}\n")
