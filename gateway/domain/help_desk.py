"""For whoever answers the phone: which number somebody means, and what their ticket's state tells them."""

from __future__ import annotations

from collections.abc import Sequence

from gateway.domain.numbers import format_number, parse_number
from gateway.errors import MistypedNumber

MOST_DIGITS = 15  # as many as the store's numbers hold exactly
SHOWN_DIGITS = 8  # the form shown to people never has fewer

ADVICE = {
    "waiting": "In line. Nothing to do: the page may be closed and opened again, the place stays.",
    "called": "Almost there: the waiting page must be open now, it goes on by itself.",
    "admitted": "Let in: open the registration page in the browser that holds the ticket.",
    "late": "Was away when the turn came. Keep the page open: late returns enter by a lane of their own.",
    "finished": "Finished the registration. Whoever wants another one joins the line anew.",
    "expired": "Was let in, but the time inside is over. Open the page again to join the line anew.",
    "withdrawn": "The place was given up. It can be reinstated here.",
    "closed": "The room is closed: nobody is let in any more.",
    "unknown": "This number was never given out in this line.",
}

UNUSED = "Was let in, but the pass was not used in time. Keep the page open: it enters again by a lane of its own."


def advice(state: str, events: Sequence[str]) -> str:
    """What to tell the visitor. ``events``: what happened to the ticket, newest first."""
    return UNUSED if unused(state, events) else ADVICE.get(state, "")


def unused(state: str, events: Sequence[str]) -> bool:
    """Whether the visitor was let in and never opened the site: no turn was missed, a pass was."""
    return state == "late" and "claimed" in events and "entered" not in events


# Derived from samples of every ten seconds, so a little late.
TIMELINE = {"joined": "joined, about", "called": "was called, about", "turn": "had its turn, about"}

EVENTS = {
    "claimed": "was let in",
    "entered": "opened the site",
    "late": "came back late",
    "finished": "finished",
    "withdrawn": "was withdrawn",
    "reinstated": "was reinstated",
}


def read_number(text: str) -> int:
    """The number that a person typed: ``A-0001-2340``, its digits alone, or ``#1234`` without check digit.

    Fewer than eight digits are a plain number too. Raises MistypedNumber.
    """
    digits = text.strip().removeprefix("#")
    plain = digits.isascii() and digits.isdigit()
    if plain and (text.strip().startswith("#") or len(digits) < SHOWN_DIGITS):
        return plain_number(digits)
    return parse_number(text)


def plain_number(digits: str) -> int:
    """A number without check digit, as programs write it. Raises MistypedNumber."""
    if not (digits.isascii() and digits.isdigit()) or len(digits) > MOST_DIGITS or int(digits) < 1:
        raise MistypedNumber(f"{digits[:40]!r} is not a number in line: use 1234 or {format_number(1234)}")
    return int(digits)
