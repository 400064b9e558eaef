"""What it means to be refused, and the noting of it."""

from __future__ import annotations

import json
from collections.abc import Mapping

from loadtests.browser import Browser, Reply, TroubleError
from loadtests.ledger import Attempt
from loadtests.visitors import Patient

STATUSES = frozenset({400, 401, 403, 404, 410, 429})
OVER = frozenset({"finished", "expired", "withdrawn", "closed"})  # states of a ticket that leads nowhere
ANY = range(200, 600)
TOLD_S = 2.0  # within this, a worker that has seen a pass knows whether its visit is over


def is_refused(reply: Reply) -> bool:
    """A status that says no, or a ticket's state that does; and never a pass along with it."""
    if "antrean-pass" in reply.headers or "antrean-pass-" in reply.headers.get("set-cookie", ""):
        return False
    return reply.status in STATUSES or (reply.status == 200 and _state(reply.text) in OVER)


def note_attempt(who: Patient, what: str, reply: Reply) -> None:
    """Into the ledger. Raises TroubleError: an error of the server is no refusal."""
    if reply.status >= 500:
        raise TroubleError(f"status {reply.status}", "forgery", what)
    detail = f"answered with {reply.status}"
    who.world.note(Attempt(who.me, what, is_refused(reply), detail, reply.received_s))


def try_site(who: Patient, what: str, headers: Mapping[str, str], browser: Browser | None = None) -> None:
    """Ask for the protected page in the background, which takes no number."""
    note_attempt(who, what, _ask(browser or who.browser, who.world.path, headers))


def try_twice(who: Patient, what: str, headers: Mapping[str, str], browser: Browser | None = None) -> None:
    """The same with something that was good until now: a worker may learn that it is over by being shown it."""
    _ask(browser or who.browser, who.world.path, headers)
    who.world.sleep(TOLD_S)
    try_site(who, what, headers, browser)


def try_check_in(who: Patient, what: str, ticket: str, browser: Browser | None = None) -> None:
    """Check in with a ticket that is not one."""
    path = f"/_queue/{who.world.room}/check-in"
    browser = browser or who.browser
    reply = browser.fetch("POST", path, "forgery", ok=ANY, extra={"Antrean-Ticket": ticket})
    note_attempt(who, what, reply)


def _ask(browser: Browser, path: str, headers: Mapping[str, str]) -> Reply:
    return browser.fetch("GET", path, "forgery", ok=ANY, extra=headers)


def _state(text: str) -> str:
    try:
        return str(json.loads(text)["state"])
    except (ValueError, KeyError, TypeError):
        return ""
