"""One step read from its ledger."""

from __future__ import annotations

from dataclasses import replace

import pytest

from loadtests.capacity.machine import busy_between, busy_share, times
from loadtests.capacity.measure import CPU_WARNING, generator_limit, step_of, visitors_for, window_of
from loadtests.ledger import Admitted, Arrived, Call, Ended, Event, Ledger, Registered

SECONDS = 20.0
WINDOW = range(12, 33)  # the visitors let in within the window: one a second from 0 s


def visit(visitor: int) -> list[Event]:
    """Comes at once, is let in a second after the one before, and is done in three seconds."""
    at_s = float(visitor)
    return [
        Arrived(visitor, "patient", 0.0, 0.1),
        Admitted(visitor, "line", visitor, visitor, at_s - 0.1, at_s),
        Call(visitor, "enter", 200, at_s, at_s + 0.1),
        Call(visitor, "submit the form", 303, at_s + 0.5, at_s + 1.0),
        Call(visitor, "submit the form (redirected)", 200, at_s + 1.0, at_s + 1.1),
        Call(visitor, "pulse", 200, at_s, at_s + 9.0),
        Registered(visitor, "2026-00001-1", at_s + 0.5, at_s + 1.1),
        Ended(visitor, "registered", at_s + 2.9),
    ]


def events() -> list[Event]:
    return [event for visitor in range(visitors_for(60, SECONDS)) for event in visit(visitor)]


def test_a_healthy_step() -> None:
    step = step_of(Ledger.of(events()), SECONDS, 60, "")
    assert step.delivered_per_minute == pytest.approx(60, rel=0.06)
    assert step.p95_ms == pytest.approx(500)  # the submission's; waiting for one's turn is no call to the site
    assert (step.errors, step.generator) == (0.0, "")
    assert step.inside_s == pytest.approx(3.0)


def test_the_line_outlasts_the_window() -> None:
    window = window_of(Ledger.of(events()), SECONDS)
    assert window is not None
    assert window.until_s < visitors_for(60, SECONDS) - 10


def test_whoever_was_let_in_and_not_registered_is_an_error() -> None:
    lost = {15, 20, 99}
    ledger = Ledger.of(
        event for event in events() if not (isinstance(event, Registered) and event.visitor in lost)
    )
    assert step_of(ledger, SECONDS, 60, "").errors == pytest.approx(2 / len(WINDOW))


def test_a_few_slow_submissions_show_beside_many_fast_pages() -> None:
    def slowed(event: Event) -> Event:
        slow = isinstance(event, Call) and event.name == "submit the form" and event.visitor in (20, 21)
        return replace(event, received_s=event.received_s + 5) if slow else event  # type: ignore[call-arg,attr-defined]

    assert step_of(Ledger.of(map(slowed, events())), SECONDS, 60, "").p95_ms > 5000


def test_the_gateways_own_count_of_those_inside_is_believed_first() -> None:
    inside = [(float(second), 8 if second in WINDOW else 99) for second in range(60)]
    assert step_of(Ledger.of(events()), SECONDS, 60, "", inside).inside_s == pytest.approx(8, rel=0.06)


def test_how_busy_the_machine_was_is_the_share_of_ticks_that_were_not_idle() -> None:
    before = times("cpu  100 0 50 800 50 0 0 0 0 0\ncpu0 1 1 1 1\n")
    after = times("cpu  160 0 60 820 60 0 0 0 0 0\ncpu0 1 1 1 1\n")
    assert busy_between(before, after) == pytest.approx(0.7)
    assert busy_between(after, after) == 0.0
    assert 0.0 <= busy_share(0.0) <= 1.0


def test_nobody_let_in_is_a_step_that_failed() -> None:
    ledger = Ledger.of(event for event in events() if not isinstance(event, Admitted))
    assert step_of(ledger, SECONDS, 60, "").errors == 1.0


def test_a_generator_that_is_the_limit_says_so() -> None:
    assert generator_limit(Ledger.of(events()), "") == ""
    assert "processor" in generator_limit(Ledger.of(events()), f"WARNING {CPU_WARNING} 90%! This may ...")
    late = Ledger.of(replace(event, at_s=2.0) if isinstance(event, Arrived) else event for event in events())
    assert "late" in generator_limit(late, "")
