"""One ticket in two hands."""

from __future__ import annotations

from functools import partial
from typing import ClassVar

from loadtests.browser import Browser, Reply, TroubleError
from loadtests.ledger import Seen
from loadtests.plan import Planned
from loadtests.refusals import try_twice
from loadtests.visitors import Patient, World


class Sharer(Patient):
    """Gives a copy of its ticket to somebody else, and both ask at the same moment, every time.

    They must be one: one number, one lease (the server counts one admission), one visitor at the origin.
    Both open the site; one registers, and with that the visit is over for the copy too.
    """

    persona: ClassVar[str] = "sharer"

    def __init__(self, world: World, browser: Browser, planned: Planned) -> None:
        super().__init__(world, browser, planned)
        self.other = Patient(
            world, browser.another(), planned
        )  # the same visitor to the ledger: it is judged as one

    def arrive(self) -> Reply | None:
        page = super().arrive()
        self.other.browser.copy_cookies(self.browser, "antrean-ticket-")
        return page

    def look(self, call: str) -> Seen:
        mine, _ = self.world.together([partial(Patient.look, self, call), partial(self.other.look, call)])
        return mine

    def register(self, page: Reply) -> str:
        theirs = self.other.look("check-in")
        if theirs.state != "admitted":
            raise TroubleError("the copy of an admitted ticket is not let in", "check-in", theirs.state)
        self.other.enter(theirs)
        self.say_still_here()
        self.other.say_still_here()
        outcome = super().register(page)
        try_twice(self.other, "a copied pass whose visit is over", {})
        return outcome
