"""What a visitor reads out of answers; an answer that lacks what it must have is an error, not a default."""

from __future__ import annotations

import re
from typing import Any

from loadtests.browser import Reply, TroubleError
from loadtests.forms import read
from loadtests.ledger import Pulse, Seen

REGISTRATION_NUMBER = re.compile(r"\b\d{4}-\d{5,}-\d\b")  # year, running number, check digit


def pulse_of(reply: Reply, visitor: int) -> Pulse:
    """The pulse in an answer. Raises TroubleError naming what is missing or not of its type."""
    try:
        return pulse_in(reply.json("pulse"), visitor, reply.sent_s, reply.received_s)
    except (KeyError, TypeError, ValueError) as exc:
        raise TroubleError("a pulse that is not one", "pulse", repr(exc)) from exc


def pulse_in(body: dict[str, Any], visitor: int, sent_s: float, received_s: float) -> Pulse:
    """The pulse in a JSON object. Raises KeyError, TypeError, ValueError."""
    return Pulse(
        visitor=visitor,
        instance=str(body["instance"]),
        generation=int(body["generation"]),
        phase=str(body["phase"]),
        issued=int(body["issued"]),
        called=int(body["called"]),
        serving=int(body["serving"]),
        rate_per_minute=float(body["rate_per_minute"]),
        poll_max_s=float(body["poll_max_s"]),
        sent_s=sent_s,
        received_s=received_s,
        density=float(body.get("density") or 1),
        expected_per_minute=float(body.get("expected_per_minute") or 0),
        opens_at_s=float(body.get("opens_at") or 0) / 1000,
        draw=body.get("draw"),
        skipped=[[int(first), int(last)] for first, last in body.get("skipped") or ()],
    )


def seen_of(reply: Reply, visitor: int, pulse: Pulse | None, call: str) -> Seen:
    """A ticket's state in an answer. Raises TroubleError like ``pulse_of``."""
    body = reply.json(call)
    try:
        eta: dict[str, Any] = body.get("eta") or {}
        return Seen(
            visitor=visitor,
            number=int(body["number"]),
            position=0 if body["position"] is None else int(body["position"]),
            state=str(body["state"]),
            ahead=None if body.get("ahead") is None else int(body["ahead"]),
            low_s=None if eta.get("low_s") is None else float(eta["low_s"]),
            high_s=None if eta.get("high_s") is None else float(eta["high_s"]),
            poll_s=float(body["poll_s"]),
            sent_s=reply.sent_s,
            received_s=reply.received_s,
            instance=pulse.instance if pulse else "",
            generation=pulse.generation if pulse else 0,
            location=str(body.get("location") or ""),
        )
    except (KeyError, TypeError, ValueError, AttributeError) as exc:
        raise TroubleError("a ticket's state that is not one", call, repr(exc)) from exc


def registration_number(html: str) -> str | None:
    """The number on a page that confirms a registration; None when there is none to be read."""
    found = REGISTRATION_NUMBER.search(read(html).text)
    return found.group() if found else None
