"""Visitors without a browser: they join by a call of their own and keep their credentials themselves."""

from __future__ import annotations

from typing import ClassVar

from loadtests import riddles
from loadtests.browser import Browser, Reply, TroubleError
from loadtests.ledger import Seen
from loadtests.plan import Planned
from loadtests.readings import seen_of
from loadtests.visitors import Patient, World


def join(browser: Browser, room: str) -> Reply:
    """Take a number as a program does: the header says that it wants its ticket in one."""
    path, wanted = f"/_queue/{room}/join", {"Antrean-Ticket": "new"}
    reply = browser.fetch("POST", path, "join", ok=(200, 201, 403), extra=wanted)
    if reply.status != 403:
        return reply
    problem = reply.json("join")
    if "challenge" not in problem:
        raise TroubleError("status 403", "join", reply.text[:200])
    solved = riddles.answer(problem["challenge"])
    return browser.fetch("POST", path, "answer the riddle", ok=(200, 201), extra=wanted | solved)


class JsonClient(Patient):
    """A program: joins by itself, keeps ticket and pass in headers, has no cookies of the line."""

    persona: ClassVar[str] = "json-client"

    def __init__(self, world: World, browser: Browser, planned: Planned) -> None:
        super().__init__(world, browser, planned)
        self.kept: dict[str, str] = {}
        browser.refuse_cookies("antrean-")

    def arrive(self) -> Reply | None:
        reply = join(self.browser, self.world.room)
        self.remember(reply)
        if "Antrean-Ticket" not in self.kept:
            raise TroubleError("a join without Antrean-Ticket", "join")
        self.read_pulse()
        me = self.noted(seen_of(reply, self.me, self.pulse, "join"), reply)
        return self.enter(me) if me.state == "admitted" else None

    def credentials(self) -> dict[str, str]:
        return dict(self.kept)

    def remember(self, reply: Reply) -> None:
        for name in ("Antrean-Ticket", "Antrean-Pass"):
            if value := reply.headers.get(name.lower()):
                self.kept[name] = value

    def enter(self, me: Seen) -> Reply:
        if "Antrean-Pass" not in self.kept:
            raise TroubleError("admitted without Antrean-Pass", "check-in")
        self.browser.always_send(self.kept)
        return super().enter(me)
