"""What people do. Each persona is one visit from arrival to its end; nothing here knows locust.

The patient one is the rule; the others differ from it in one thing each, which their docstring says.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import ClassVar

from loadtests import draw, forms, riddles
from loadtests.browser import Browser, Reply, TroubleError
from loadtests.identities import Identities
from loadtests.ledger import Admitted, Event, Known, Pulse, Registered, Seen, clock
from loadtests.page_law import pulse_interval_s
from loadtests.plan import Planned
from loadtests.readings import pulse_of, registration_number, seen_of

POLL_LEAST_S, POLL_MOST_S = 2.0, 60.0
JITTER = 0.2
CALLED_SPREAD_S = 1.5  # those called together do not all answer in the same moment
PULSE_STALE_S = 30.0  # while checking in, the pulse is read this seldom
WAITING = frozenset({"waiting", "called", "late"})
STILL_HERE = "/still-here"  # the sample site's: keeps the pass, and says who it takes us for


@dataclass(frozen=True, slots=True)
class World:
    """What all visitors of a run share."""

    room: str
    path: str
    identities: Identities
    sleep: Callable[[float], None]
    note: Callable[[Event], None]
    together: Callable[[Sequence[Callable[[], Seen]]], list[Seen]]  # does these at the same moment
    expired_pass: str = ""  # for forgers; empty: they have none


class Patient:
    """Opens the site, waits for its turn as long as it takes, fills in the form, keeps the number."""

    persona: ClassVar[str] = "patient"
    typing_s: ClassVar[tuple[float, float]] = (1.0, 4.0)  # compressed: nobody types that fast

    def __init__(self, world: World, browser: Browser, planned: Planned) -> None:
        self.world = world
        self.browser = browser
        self.me = planned.index
        self.dice = random.Random(planned.seed)
        self.identity = world.identities.at(planned.index)
        self.pulse: Pulse | None = None
        self.pulse_read_s = 0.0
        self.late = False
        self.commitment = ""  # of the draw, as it was first seen
        self.place = 0  # as we computed it ourselves

    def live(self) -> str:
        """The whole visit; returns its outcome. Raises TroubleError."""
        page = self.arrive()
        if page is None:
            page = self.wait_for_turn()
        return self.register(page) if page else "left"

    def arrive(self) -> Reply | None:
        """Open the site. The page when nobody was waiting and it let us in at once; None: we queue."""
        reply = self.browser.open(self.world.path, "open the site")
        if way := riddles.way_on(reply.text):
            reply = self.browser.open(way, "answer the riddle")
        if self._is_inside(reply):
            self.world.note(Admitted(self.me, "empty-line", *self._own_number(), reply.sent_s, reply.received_s))
            return reply
        if not self.browser.holds(f"antrean-ticket-{self.world.room}"):
            raise TroubleError(
                "neither the site nor a waiting page", "open the site", forms.read(reply.text).title
            )
        return None

    def wait_for_turn(self) -> Reply | None:
        """Follow the page's law until let in. None: gave up."""
        me = self.look("ticket")
        while me.state in WAITING:
            if self.gives_up():
                return None
            step = self.next_step(me)
            if isinstance(step, Reply):
                return step
            me = step
        if me.state != "admitted":
            raise TroubleError(f"turned away as {me.state}", "check-in")
        return self.enter(me)

    def gives_up(self) -> bool:
        """Whether to close the tab now."""
        return False

    def next_step(self, me: Seen) -> Seen | Reply:
        """One interval of the page: read the pulse while not called, check in once called.

        What we know afterwards; or the site itself, for those whom opening it again has let in.
        """
        if clock() - self.pulse_read_s > PULSE_STALE_S:
            self.read_pulse()
        if not me.position:
            return self.await_draw(me)
        if me.state in ("called", "late") or (self.pulse and me.position <= self.pulse.called):
            self.pause(me.poll_s)
            return self.look("check-in")
        self.pause(pulse_interval_s(me, self.pulse, clock()) if self.pulse else POLL_MOST_S)
        self.read_pulse()
        if self.pulse and me.position > self.pulse.called:
            return me
        self.world.sleep(self.dice.uniform(0, CALLED_SPREAD_S))
        return self.look("check-in")

    def await_draw(self, me: Seen) -> Seen:
        """Nobody has a place yet: only the pulse is read, until it publishes the draw, which is checked."""
        assert self.pulse is not None
        self.pause(pulse_interval_s(me, self.pulse, clock()))
        self.read_pulse()
        facts = self.pulse.draw
        if not facts or not facts.get("secret"):
            return me
        try:
            self.place = draw.place(facts, me.number, self.commitment)
        except (draw.FalseDrawError, KeyError, ValueError) as exc:
            raise TroubleError("a false draw", "pulse", repr(exc)) from exc
        return replace(me, position=self.place)

    def open_again(self, me: Seen, name: str) -> Seen | Reply:
        """Load the page anew: to the line a check-in like any other. The page then asks for its ticket."""
        page = self.browser.open(self.world.path, name)
        if not self._is_inside(page):
            self.read_pulse()
            return self.look("ticket")
        way = "late" if self.late else "line"
        self.world.note(Admitted(self.me, way, me.number, me.position, page.sent_s, page.received_s))
        return page

    def pause(self, seconds: float) -> None:
        """Wait with the page's jitter."""
        bounded = min(max(seconds, POLL_LEAST_S), POLL_MOST_S)
        self.world.sleep(bounded * self.dice.uniform(1 - JITTER, 1 + JITTER))

    def read_pulse(self) -> None:
        reply = self.browser.fetch("GET", f"/_queue/{self.world.room}/pulse", "pulse")
        self.pulse = pulse_of(reply, self.me)
        self.pulse_read_s = reply.received_s
        if self.pulse.draw and not self.commitment:
            self.commitment = str(self.pulse.draw.get("commitment"))
        self.world.note(self.pulse)

    def look(self, call: str) -> Seen:
        """Ask about our own place: ``ticket`` only reads, ``check-in`` says that we are here."""
        if self.pulse is None:
            self.read_pulse()
        method = "GET" if call == "ticket" else "POST"
        reply = self.browser.fetch(method, f"/_queue/{self.world.room}/{call}", call, extra=self.credentials())
        self.remember(reply)
        return self.noted(seen_of(reply, self.me, self.pulse, call), reply)

    def noted(self, me: Seen, reply: Reply) -> Seen:
        """Write down what we heard, and the moment at which we were let in."""
        self.world.note(me)
        if self.place and me.position != self.place:
            raise TroubleError("another place than was drawn", "check-in", f"{me.position}, not {self.place}")
        self.late = self.late or me.state == "late"
        if me.state == "admitted":
            way = "late" if self.late else "line"
            self.world.note(Admitted(self.me, way, me.number, me.position, reply.sent_s, reply.received_s))
        return me

    def credentials(self) -> dict[str, str]:
        """Headers that say who we are; a browser has its cookies."""
        return {}

    def remember(self, reply: Reply) -> None:
        """Keep credentials that came outside of cookies."""

    def enter(self, me: Seen) -> Reply:
        """Go where the check-in said; it must be the site, not the line again."""
        reply = self.browser.open(me.location or self.world.path, "enter")
        if not self._is_inside(reply):
            raise TroubleError("admitted, but not let in", "enter", forms.read(reply.text).title)
        return reply

    def register(self, page: Reply) -> str:
        """Fill in the site's own form and keep the registration number."""
        page, form = self._find_form(page)
        self.type_for(self.dice.uniform(*self.typing_s))
        try:
            pairs = forms.fill(form, self.identity, self.dice)
        except forms.UnknownFieldError as exc:
            raise TroubleError("a form that cannot be filled in", "form", str(exc)) from exc
        reply = self.browser.submit(form.action, pairs, page.url, "submit the form")
        number = registration_number(reply.text)
        if number is None:
            raise TroubleError("no registration number", "submit the form", forms.read(reply.text).text[:200])
        self.world.note(Registered(self.me, number, reply.sent_s, reply.received_s))
        return "registered"

    def type_for(self, seconds: float) -> None:
        """Fill in the form."""
        self.world.sleep(seconds)

    def say_still_here(self) -> None:
        """Keep the pass, as the sample site's form does while somebody types; note who we are to the site."""
        reply = self.browser.fetch("GET", STILL_HERE, "still here", ok=(200, 404))
        if reply.status == 200 and (origin_id := reply.json("still here").get("visitor")):
            self.world.note(Known(self.me, str(origin_id), reply.received_s))

    def _find_form(self, page: Reply) -> tuple[Reply, forms.Form]:
        read = forms.read(page.text)
        if (form := read.registration_form()) is not None:
            return page, form
        if link := read.registration_link():
            page = self.browser.open(link, "open the form")
            if (form := forms.read(page.text).registration_form()) is not None:
                return page, form
        raise TroubleError("no registration form", "form", read.title)

    def _is_inside(self, reply: Reply) -> bool:
        """The form, or a page of the site that came with a pass."""
        form = forms.read(reply.text).registration_form()
        return form is not None or self.browser.holds(f"antrean-pass-{self.world.room}")

    def _own_number(self) -> tuple[int | None, int | None]:
        """The number given on the way through an empty line, if the ticket was kept with the pass."""
        if not self.browser.holds(f"antrean-ticket-{self.world.room}"):
            return None, None
        reply = self.browser.fetch("GET", f"/_queue/{self.world.room}/ticket", "ticket", ok=(200, 401, 404, 410))
        if reply.status != 200:
            return None, None
        me = seen_of(reply, self.me, self.pulse, "ticket")
        return me.number, me.position
