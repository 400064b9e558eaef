"""A ledger of an honest run to start from; tests break one thing in it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from loadtests.ledger import (
    Admitted,
    Arrived,
    Attempt,
    Call,
    Ended,
    Event,
    Known,
    Ledger,
    Pulse,
    Registered,
    Seen,
)
from loadtests.verdict import Facts, Figures

VISITORS = 10
STEP_S = 2.0  # one visitor is let in every two seconds: 30 a minute
RATE = 30.0


def admitted_s(visitor: int) -> float:
    """When a visitor of the honest run is let in."""
    return 20.0 + visitor * STEP_S


def seen(visitor: int, at_s: float, state: str = "waiting", **changes: object) -> Seen:
    """What a visitor is told at a moment: numbers from 1, in order of the visitors' index."""
    serving = max(0, min(VISITORS, int((at_s - 20.0) // STEP_S) + 1)) if at_s >= 20 else 0
    number = visitor + 1
    ahead = max(0, number - serving - 1)
    reading = Seen(
        visitor=visitor,
        number=number,
        position=number,
        state=state,
        ahead=ahead,
        low_s=ahead * STEP_S,
        high_s=ahead * STEP_S + 30,
        poll_s=10,
        sent_s=at_s,
        received_s=at_s + 0.1,
        instance="one",
        generation=1,
    )
    return replace(reading, **changes)  # type: ignore[arg-type]


def pulse(at_s: float, visitor: int = -1, **changes: object) -> Pulse:
    """The pulse of the honest run at a moment."""
    serving = max(0, min(VISITORS, int((at_s - 20.0) // STEP_S) + 1)) if at_s >= 20 else 0
    reading = Pulse(
        visitor=visitor,
        instance="one",
        generation=1,
        phase="open",
        issued=VISITORS,
        called=VISITORS,
        serving=serving,
        rate_per_minute=RATE,
        poll_max_s=60,
        sent_s=at_s,
        received_s=at_s + 0.1,
    )
    return replace(reading, **changes)  # type: ignore[arg-type]


def visit(visitor: int) -> list[Event]:
    """Everything one patient visitor writes down."""
    inside_s = admitted_s(visitor)
    number = visitor + 1
    done_s = inside_s + 5
    return [
        Arrived(visitor, "patient", visitor * 0.1, visitor * 0.1 + 0.01),
        Call(visitor, "open the site", 200, visitor * 0.1, visitor * 0.1 + 0.1),
        pulse(visitor * 0.1 + 0.2, visitor),
        seen(visitor, visitor * 0.1 + 0.4),
        seen(visitor, inside_s - 5, "called"),
        seen(visitor, inside_s, "admitted"),
        Admitted(visitor, "line", number, number, inside_s, inside_s + 0.1),
        Known(visitor, f"one:{number}", inside_s + 1),
        Call(visitor, "submit the form", 200, done_s - 0.5, done_s),
        Registered(visitor, f"2026-{number:07d}-0", done_s, done_s + 0.1),
        Ended(visitor, "registered", done_s + 0.1),
    ]


def honest_events() -> list[Event]:
    """Ten patient visitors, a forger's refused attempt, and the observer's pulses."""
    events = [event for visitor in range(VISITORS) for event in visit(visitor)]
    events += [pulse(float(second)) for second in range(1, 60, 2)]
    events += [Attempt(0, "a made-up pass", refused=True, detail="answered with 429", at_s=3.0)]
    return events


def honest_facts() -> Facts:
    """What the server side counted."""
    return Facts(RATE, 0.0, Figures(100, 50, 40), Figures(100 + VISITORS, 50 + VISITORS, 40 + VISITORS))


def honest() -> Ledger:
    """The honest run."""
    return Ledger.of(honest_events())


def changed(choose: Callable[[Event], bool], change: Callable[[Event], list[Event]]) -> Ledger:
    """The honest run, where each chosen event is replaced. Fails when nothing was chosen."""
    events, hits = [], 0
    for event in honest_events():
        hit = choose(event)
        hits += hit
        events += change(event) if hit else [event]
    assert hits, "nothing was broken"
    return Ledger.of(events)
