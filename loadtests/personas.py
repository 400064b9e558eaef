"""Those who are not simply patient. Each differs from the patient visitor in one thing."""

from __future__ import annotations

import re
from typing import ClassVar

from loadtests.browser import Browser, Reply, TroubleError
from loadtests.forgers import Forger, LineJumper
from loadtests.ledger import Absent, Admitted, Seen, clock
from loadtests.plan import Planned
from loadtests.programs import JsonClient
from loadtests.sharer import Sharer
from loadtests.visitors import Patient, World

REFRESH = re.compile(r"""http-equiv=["']?refresh["']?\s+content=["']?(\d+)""", re.IGNORECASE)


class SlowTypist(Patient):
    """Takes long over the form, whose page says now and then that somebody is still there; the pass must hold."""

    persona: ClassVar[str] = "slow-typist"
    typing_s: ClassVar[tuple[float, float]] = (20.0, 60.0)
    still_here_every_s: ClassVar[float] = 15.0  # compressed: the page says it once a minute

    def type_for(self, seconds: float) -> None:
        until_s = clock() + seconds
        while (left_s := until_s - clock()) > 0:
            self.world.sleep(min(left_s, self.still_here_every_s))
            self.say_still_here()


class Impatient(Patient):
    """Does not believe the page: reloads it, or closes the tab and opens the site again, all the time.

    Gains nothing by it and loses nothing: the number stays.
    """

    persona: ClassVar[str] = "impatient"
    bears_s: ClassVar[tuple[float, float]] = (2.0, 10.0)  # compressed, as typing is
    away_s: ClassVar[tuple[float, float]] = (3.0, 15.0)
    closes: ClassVar[float] = 0.3  # how often it closes the tab instead of reloading

    def next_step(self, me: Seen) -> Seen | Reply:
        self.world.sleep(self.dice.uniform(*self.bears_s))
        if self.dice.random() >= self.closes:
            return self.open_again(me, "reload")
        self.world.sleep(self.dice.uniform(*self.away_s))
        return self.open_again(me, "open again")


class ManyTabs(Patient):
    """Opens the site in several tabs of one browser. One of them asks for all, as the page does.

    Each tab asks once for its ticket, which must be the same, and then listens to the one that asks. When
    that one hears of its turn, all go to the site; the form is filled in once.
    """

    persona: ClassVar[str] = "many-tabs"
    more_tabs: ClassVar[tuple[int, int]] = (1, 4)
    opens_next_s: ClassVar[tuple[float, float]] = (0.5, 6.0)

    def __init__(self, world: World, browser: Browser, planned: Planned) -> None:
        super().__init__(world, browser, planned)
        self.to_open = self.dice.randint(*self.more_tabs)
        self.opened = 0

    def next_step(self, me: Seen) -> Seen | Reply:
        if self.opened == self.to_open:
            return super().next_step(me)
        self.world.sleep(self.dice.uniform(*self.opens_next_s))
        self.opened += 1
        return self.open_again(me, "another tab")

    def enter(self, me: Seen) -> Reply:
        page = super().enter(me)
        for _ in range(self.opened):
            page = super().enter(me)
        return page


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

    def next_step(self, me: Seen) -> Seen | Reply:
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


PERSONAS: dict[str, type[Patient]] = {
    kind.persona: kind
    for kind in (
        *(Patient, Impatient, Leaver, Sleeper, ManyTabs, WithoutJavaScript, JsonClient, SlowTypist),
        *(Sharer, Forger, LineJumper),
    )
}
EVERYONE = (
    "patient=40,impatient=15,many-tabs=10,no-javascript=8,json-client=5,slow-typist=5,sleeper=5,leaver=5,"
    "sharer=3,forger=2,line-jumper=2"
)
"""The mix called ``everyone``: a guess at a crowd, with enough of each to see them."""
