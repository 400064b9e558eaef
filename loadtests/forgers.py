"""Those who try what is not due. Being refused is the success; an error of the server is none."""

from __future__ import annotations

from typing import ClassVar

from loadtests.browser import Browser, Reply, TroubleError
from loadtests.ledger import Seen
from loadtests.plan import Planned
from loadtests.programs import JsonClient, join
from loadtests.readings import seen_of
from loadtests.refusals import ANY, note_attempt, try_check_in, try_site, try_twice
from loadtests.visitors import Patient, World


def altered(credential: str, number: int) -> dict[str, str]:
    """A good credential, spoiled in every way that needs no key. ``number``: the one that it was given for."""
    half = len(credential) // 2
    payload, dot, signature = credential.rpartition(".")
    spoiled = {
        "cut": credential[:-4],
        "cut in half": credential[:half],
        "with a letter changed": _with_letter_changed(credential, half),
        "with another number": credential.replace(f"~{number}~", f"~{max(1, number - 1)}~", 1),
        "with a later end": _with_later_times(payload) + dot + signature,
        "with its halves swapped": signature + dot + payload,
        "made up": "1~registration~x~1~1~0~x~/." + "A" * 27,
    }
    return {what: text for what, text in spoiled.items() if text and text != credential}


def swapped(one: str, other: str) -> str:
    """What one says, with the signature of the other."""
    return one.rpartition(".")[0] + "." + other.rpartition(".")[2]


def _with_letter_changed(text: str, at: int) -> str:
    return text[:at] + ("B" if text[at : at + 1] == "A" else "A") + text[at + 1 :]


def _with_later_times(payload: str) -> str:
    """Times are readable in a credential, in whole seconds: each moved on by a day."""
    is_time = [part.isdigit() and len(part) == 10 for part in payload.split("~")]
    parts = zip(payload.split("~"), is_time, strict=True)
    return "~".join(str(int(part) + 86_400) if moves else part for part, moves in parts)


class Forger(Patient):
    """Tries made-up, cut, changed, swapped, misused, expired and given-up credentials, then is gone."""

    persona: ClassVar[str] = "forger"
    between_s: ClassVar[tuple[float, float]] = (0.1, 0.5)

    def __init__(self, world: World, browser: Browser, planned: Planned) -> None:
        super().__init__(world, browser, planned)
        browser.refuse_cookies("antrean-")

    def live(self) -> str:
        room = self.world.room
        reply = join(self.browser, room)
        me = self.noted(seen_of(reply, self.me, self.pulse, "join"), reply)
        ticket = reply.headers.get("antrean-ticket", "")
        if not ticket:
            raise TroubleError("a join without Antrean-Ticket", "join")
        for what, headers in self.for_the_site(ticket).items():
            self.world.sleep(self.dice.uniform(*self.between_s))
            try_site(self, what, headers)
        for how, text in altered(ticket, me.number).items():
            try_check_in(self, f"a ticket {how}", text)
        extra = {"Antrean-Ticket": ticket}
        self.browser.fetch("POST", f"/_queue/{room}/leave", "leave", ok=(200, 204), extra=extra)
        try_check_in(self, "a ticket that was given up", ticket)
        return "refused"

    def for_the_site(self, ticket: str) -> dict[str, dict[str, str]]:
        """What is tried at the site, and the headers it is tried with."""
        cookie = f"antrean-pass-{self.world.room}"
        expired = self.world.expired_pass
        tried = {
            "no credential": {},
            "a made-up pass": {"Cookie": f"{cookie}=admitted", "Antrean-Pass": "admitted"},
            "a ticket as a pass": {"Antrean-Pass": ticket, "Cookie": f"{cookie}={ticket}"},
            "a changed ticket as a pass": {"Antrean-Pass": _with_letter_changed(ticket, len(ticket) // 2)},
            "the gateway's own header": {
                "Antrean-Visitor": "eyJudW1iZXIiOjF9.x",
                "Antrean-Pass-Expires": "9999999999",
            },
        }
        return tried | ({"an expired pass": {"Antrean-Pass": expired}} if expired else {})


class LineJumper(JsonClient):
    """A program that does not want to wait: tries to get past the line, waits after all, registers, and tries to
    come back on what it has: its pass in every altered form, and the pass itself, whose visit is over.
    """

    persona: ClassVar[str] = "line-jumper"

    def __init__(self, world: World, browser: Browser, planned: Planned) -> None:
        super().__init__(world, browser, planned)
        self.tool = browser.another()
        self.tool.refuse_cookies("antrean-")
        self.number = 0

    def arrive(self) -> Reply | None:
        page = super().arrive()
        ticket = self.kept["Antrean-Ticket"]
        try_site(self, "a ticket as a pass, in line", {"Antrean-Pass": ticket}, self.tool)
        sent = self.tool.fetch("POST", self.world.path, "forgery", ok=ANY)
        note_attempt(self, "a form sent without a pass", sent)
        return page

    def noted(self, me: Seen, reply: Reply) -> Seen:
        self.number = me.number
        return super().noted(me, reply)

    def register(self, page: Reply) -> str:
        """Everything altered is tried while the pass is good: only its signature stands against it."""
        ticket, good = self.kept["Antrean-Ticket"], self.kept["Antrean-Pass"]
        for how, text in altered(good, self.number).items():
            try_site(self, f"a pass {how}", {"Antrean-Pass": text}, self.tool)
        try_site(self, "a pass with a ticket's signature", {"Antrean-Pass": swapped(good, ticket)}, self.tool)
        try_site(self, "a ticket with a pass's signature", {"Antrean-Pass": swapped(ticket, good)}, self.tool)
        try_check_in(self, "a pass as a ticket", good, self.tool)
        outcome = super().register(page)
        try_twice(self, "a pass whose visit is over", {"Antrean-Pass": self.kept["Antrean-Pass"]}, self.tool)
        return outcome
