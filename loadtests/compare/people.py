"""The visitors of a comparison. They do not know whether there is a waiting room: they open the site."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from loadtests import forms
from loadtests.browser import Browser, Reply, TroubleError
from loadtests.ledger import Failure, Registered, clock
from loadtests.plan import Planned
from loadtests.readings import registration_number
from loadtests.visitors import Patient, World

BUSY = 503
GAVE_UP = "gave up"


@dataclass(frozen=True, slots=True)
class Temper:
    """What people bear."""

    times_out_after_s: float = 30.0  # for one page
    reloads: int = 5  # after errors, in all; the next error is the end
    patience_s: float = 600.0  # from arrival, in a line or in front of errors


class Hopeful(Patient):
    """Opens the site and wants to register. After an error it waits a moment and tries again, then gives up.

    A form that comes back with "many are registering, send again" is sent again; whatever else goes wrong
    begins anew with opening the site, as a reload does. Who gets a place in a line stays in it.
    Leaves out: pages and forms are all that is asked for, without the styles and scripts a browser fetches once.
    """

    persona: ClassVar[str] = "hopeful"
    temper: ClassVar[Temper] = Temper()
    before_again_s: ClassVar[tuple[float, float]] = (2.0, 8.0)

    def __init__(self, world: World, browser: Browser, planned: Planned) -> None:
        super().__init__(world, browser, planned)
        self.until_s = clock() + self.temper.patience_s
        self.errors = 0

    def live(self) -> str:
        while True:
            try:
                outcome = super().live()
            except TroubleError as trouble:
                if not self.tries_again(trouble):
                    return GAVE_UP
            else:
                return GAVE_UP if outcome == "left" else outcome

    def tries_again(self, trouble: TroubleError) -> bool:
        """Note the error; afterwards the moment is over after which people press again. False: they do not."""
        self.world.note(Failure(self.me, trouble.cause, trouble.call, trouble.detail, clock()))
        self.errors += 1
        if self.errors > self.temper.reloads or self.gives_up():
            return False
        self.world.sleep(self.dice.uniform(*self.before_again_s))
        return True

    def gives_up(self) -> bool:
        return clock() > self.until_s

    def register(self, page: Reply) -> str:
        """Send the form; a form that comes back because the site is busy is sent again, as its page asks."""
        page, form = self._find_form(page)
        self.world.sleep(self.dice.uniform(*self.typing_s))
        while True:
            reply = self.send(form, page)
            if reply.status != BUSY:
                return self.keep_number(reply)
            form = forms.read(reply.text).registration_form() or form
            if not self.tries_again(TroubleError(f"status {BUSY}", "submit the form")):
                return GAVE_UP

    def send(self, form: forms.Form, page: Reply) -> Reply:
        pairs = forms.fill(form, self.identity, self.dice)
        return self.browser.submit(form.action, pairs, page.url, "submit the form", ok=(200, 201, BUSY))

    def keep_number(self, reply: Reply) -> str:
        number = registration_number(reply.text)
        if number is None:
            raise TroubleError("no registration number", "submit the form", forms.read(reply.text).text[:200])
        self.world.note(Registered(self.me, number, reply.sent_s, reply.received_s))
        return "registered"
