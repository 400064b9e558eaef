"""Those who are not simply patient. Each differs from the patient visitor in one thing."""

from __future__ import annotations

import re
from typing import ClassVar

from loadtests.browser import Browser, Reply, TroubleError
from loadtests.ledger import Absent, Admitted, Attempt, Seen, clock
from loadtests.plan import Planned
from loadtests.readings import seen_of
from loadtests.visitors import Patient, World

REFUSALS = frozenset({400, 401, 403, 404, 410, 429})
ANY = range(200, 600)
REFRESH = re.compile(r"""http-equiv=["']?refresh["']?\s+content=["']?(\d+)""", re.IGNORECASE)


def join(browser: Browser, room: str) -> Reply:
    """Take a number as a program does: the header says that it wants its ticket in one."""
    return browser.fetch("POST", f"/_queue/{room}/join", "join", ok=(200, 201), extra={"Antrean-Ticket": "new"})


class SlowTypist(Patient):
    """Takes long over the form; the pass must hold."""

    persona: ClassVar[str] = "slow-typist"
    typing_s: ClassVar[tuple[float, float]] = (20.0, 60.0)


class Leaver(Patient):
    """Closes the tab after a while; every second one says so first. Lets itself not be let in."""

    persona: ClassVar[str] = "leaver"

    def __init__(self, world: World, browser: Browser, planned: Planned) -> None:
        super().__init__(world, browser, planned)
        self.leaves_s = clock() + self.dice.uniform(5, 30)

    def gives_up(self) -> bool:
        if clock() < self.leaves_s:
            return False
        if self.dice.random() < 0.5:
            self.browser.fetch("POST", f"/_queue/{self.world.room}/leave", "leave", ok=(200, 204))
        return True

    def register(self, page: Reply) -> str:
        return "left"


class Sleeper(Patient):
    """The phone sleeps during the wait, perhaps through its turn; afterwards the place is still there."""

    persona: ClassVar[str] = "sleeper"
    sleep_s: ClassVar[tuple[float, float]] = (30.0, 150.0)

    def __init__(self, world: World, browser: Browser, planned: Planned) -> None:
        super().__init__(world, browser, planned)
        self.slept = False

    def next_step(self, me: Seen) -> Seen:
        if self.slept:
            return super().next_step(me)
        self.slept = True
        from_s = clock()
        self.world.sleep(self.dice.uniform(*self.sleep_s))
        self.world.note(Absent(self.me, from_s, clock()))
        self.read_pulse()
        return self.look("check-in")


class WithoutJavaScript(Patient):
    """Runs no script: the page refreshes itself at the interval it states, and each load is a check-in."""

    persona: ClassVar[str] = "no-javascript"

    def arrive(self) -> Reply | None:
        self.page = self.browser.open(self.world.path, "open the site")
        return self.admit(self.page, "empty-line", *self._own_number()) if self._is_inside(self.page) else None

    def wait_for_turn(self) -> Reply | None:
        """Reads its number once (what the page shows), then reloads until it is inside."""
        me = self.look("ticket")
        while True:
            self.pause(self._refresh_s())
            self.page = self.browser.open(self.world.path, "reload")
            if self._is_inside(self.page):
                return self.admit(self.page, "line", me.number, me.position)

    def admit(self, page: Reply, way: str, number: int | None, position: int | None) -> Reply:
        self.world.note(Admitted(self.me, way, number, position, page.sent_s, page.received_s))
        return page

    def _refresh_s(self) -> float:
        stated = self.page.headers.get("refresh", "").partition(";")[0]
        found = REFRESH.search(self.page.text)
        if not stated.isdigit() and not found:
            raise TroubleError("a waiting page that does not refresh without script", "reload")
        return float(stated if stated.isdigit() else found.group(1) if found else 0)


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


class Forger(Patient):
    """Tries what is not due: made-up, cut, swapped and misused credentials. Being refused is the success."""

    persona: ClassVar[str] = "forger"

    def __init__(self, world: World, browser: Browser, planned: Planned) -> None:
        super().__init__(world, browser, planned)
        browser.refuse_cookies("antrean-")

    def live(self) -> str:
        room = self.world.room
        reply = join(self.browser, room)
        self.world.note(seen_of(reply, self.me, self.pulse, "join"))
        ticket = reply.headers.get("antrean-ticket", "")
        if not ticket:
            raise TroubleError("a join without Antrean-Ticket", "join")
        for what, headers in self.forgeries(ticket).items():
            self.enter_with(what, headers)
        for what, value in {"a cut ticket": ticket[:-4], "a made-up ticket": "1." + "A" * 40}.items():
            self.check_in_with(what, value)
        self.browser.fetch(
            "POST", f"/_queue/{room}/leave", "leave", ok=(200, 204), extra={"Antrean-Ticket": ticket}
        )
        return "refused"

    def forgeries(self, ticket: str) -> dict[str, dict[str, str]]:
        """What is tried, and the headers it is tried with."""
        cookie = f"antrean-pass-{self.world.room}"
        middle = len(ticket) // 2
        swapped = ticket[:middle] + ("B" if ticket[middle] == "A" else "A") + ticket[middle + 1 :]
        return {
            "no credential": {},
            "a made-up pass": {"Cookie": f"{cookie}=admitted", "Antrean-Pass": "admitted"},
            "a ticket as a pass": {"Antrean-Pass": ticket, "Cookie": f"{cookie}={ticket}"},
            "a changed ticket as a pass": {"Antrean-Pass": swapped},
            "the gateway's own header": {
                "Antrean-Visitor": "eyJudW1iZXIiOjF9.x",
                "Antrean-Pass-Expires": "9999999999",
            },
        }

    def enter_with(self, what: str, headers: dict[str, str]) -> None:
        """Ask for the protected page in the background, which takes no number."""
        self.world.sleep(self.dice.uniform(0.2, 1.0))
        reply = self.browser.fetch("GET", self.world.path, "forgery", ok=ANY, extra=headers)
        self.judge(what, reply)

    def check_in_with(self, what: str, ticket: str) -> None:
        path = f"/_queue/{self.world.room}/check-in"
        self.judge(what, self.browser.fetch("POST", path, "forgery", ok=ANY, extra={"Antrean-Ticket": ticket}))

    def judge(self, what: str, reply: Reply) -> None:
        if reply.status >= 500:
            raise TroubleError(f"status {reply.status}", "forgery", what)
        refused = reply.status in REFUSALS
        self.world.note(Attempt(self.me, what, refused, f"answered with {reply.status}", reply.received_s))


PERSONAS: dict[str, type[Patient]] = {
    kind.persona: kind for kind in (Patient, SlowTypist, Leaver, Sleeper, WithoutJavaScript, JsonClient, Forger)
}
