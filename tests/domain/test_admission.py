"""Who goes in, who takes a number, who waits, and who gets a short answer."""

# ruff: noqa: E501 - a table reads best with one row a line

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from gateway.domain.admission import (
    BypassLine,
    CheckIn,
    Decision,
    Join,
    PassThrough,
    Refuse,
    RequestFacts,
    ShowClosed,
    ShowTrouble,
    decide,
    has_line,
    is_orphan,
)
from gateway.domain.passes import HARD_LIMIT_S, IDLE_S, SKEW_S, UNUSED_S, Pass, Ticket, admit, let_past
from gateway.domain.room import Phase, Snapshot
from gateway.errors import ExpiredCredential, ForgedCredential, OtherLineCredential, SpentCredential

SnapshotFactory = Callable[..., Snapshot]

NOW = 1_764_000_000.0
PAGE = RequestFacts(navigation=True, safe=True)
FORM = RequestFacts(navigation=True, safe=False)
FETCH = RequestFacts(navigation=False, safe=True)
AJAX_POST = RequestFacts(navigation=False, safe=False)
CRAWLER = RequestFacts(navigation=True, safe=True, crawler=True)

TICKET = Ticket("registration", "k3xq", 1, 500, int(NOW) - 60, "nt", "/daftar")
OTHER = replace(TICKET, number=600)
FRESH = Pass("registration", "k3xq", 1, 90, "np", int(NOW) + IDLE_S, int(NOW) + HARD_LIMIT_S)
UNUSED = replace(FRESH, expires_at_s=int(NOW) + UNUSED_S)
IDLE = replace(FRESH, expires_at_s=int(NOW) - SKEW_S - 1)
FROM_IDLE = Ticket("registration", "k3xq", 1, 90, int(NOW), "np")
STAFF = replace(FRESH, kind="staff", number=0, instance="", expires_at_s=int(NOW) + 86_400)
STAFF_OVER = replace(STAFF, expires_at_s=int(NOW) - SKEW_S - 1)

FORGED, EARLIER, SPENT = ForgedCredential("…"), OtherLineCredential("…"), SpentCredential("…")
EXPIRED = ExpiredCredential("…", number=500)

OPEN: dict[str, Any] = {}
EMPTY = {"issued": 100, "called": 100, "ready": 100}
ALL_PHASES = list(Phase)

Row = tuple[str, RequestFacts, dict[str, Any], dict[str, Any], Decision]
TABLE: list[Row] = [
    # A pass
    ("a fresh pass goes in", PAGE, OPEN, {"visitor_pass": FRESH}, PassThrough(FRESH, renew=False)),
    ("a fresh pass goes in with any request", AJAX_POST, OPEN, {"visitor_pass": FRESH}, PassThrough(FRESH, False)),
    ("a pass is renewed at its first use", FETCH, OPEN, {"visitor_pass": UNUSED}, PassThrough(UNUSED, renew=True)),
    ("an idle pass carries a form through", FORM, OPEN, {"visitor_pass": IDLE}, PassThrough(IDLE, renew=True)),
    ("and a background post", AJAX_POST, OPEN, {"visitor_pass": IDLE}, PassThrough(IDLE, renew=True)),
    ("an idle pass does not open a page", PAGE, OPEN, {"visitor_pass": IDLE}, CheckIn(FROM_IDLE, IDLE)),
    ("nor a background read", FETCH, OPEN, {"visitor_pass": IDLE}, Refuse(429, "idle", 2, FROM_IDLE)),
    ("an idle pass with its ticket returns", PAGE, OPEN, {"visitor_pass": IDLE, "ticket": TICKET}, CheckIn(TICKET, IDLE)),
    ("a pass beyond its hard limit joins anew", PAGE, OPEN, {"visitor_pass": EXPIRED}, Join()),
    ("its ticket was used up with it", PAGE, OPEN, {"visitor_pass": EXPIRED, "ticket": TICKET}, Join()),
    ("another ticket was not", PAGE, OPEN, {"visitor_pass": EXPIRED, "ticket": OTHER}, CheckIn(OTHER)),
    ("a form with it is refused", AJAX_POST, OPEN, {"visitor_pass": EXPIRED}, Refuse(429, "expired", 60)),
    ("who has finished may join anew", PAGE, OPEN, {"visitor_pass": SPENT}, Join()),
    ("a finished pass posts nothing more", AJAX_POST, OPEN, {"visitor_pass": SPENT}, Refuse(429, "finished", 60)),
    ("a made-up pass is nothing", PAGE, OPEN, {"visitor_pass": FORGED}, Join()),
    ("a made-up pass gets a clear word", FETCH, OPEN, {"visitor_pass": FORGED}, Refuse(429, "forged", 60)),
    ("staff goes in", PAGE, {"phase": Phase.CLOSED}, {"visitor_pass": STAFF}, PassThrough(STAFF, renew=False)),
    ("a staff pass that ended stands in line", PAGE, OPEN, {"visitor_pass": STAFF_OVER}, Join()),
    # A ticket, or nothing
    ("a newcomer takes a number", PAGE, OPEN, {}, Join()),
    ("also when the line is empty", PAGE, EMPTY, {}, Join()),
    ("also with a form", FORM, OPEN, {}, Join()),
    ("a background request takes none", FETCH, OPEN, {}, Refuse(429, "no-ticket", 60)),
    ("not even when the line is empty", FETCH, EMPTY, {}, Refuse(429, "no-ticket", 2)),
    ("a ticket checks in", PAGE, OPEN, {"ticket": TICKET}, CheckIn(TICKET)),
    ("a background request hears about its ticket", FETCH, OPEN, {"ticket": TICKET}, Refuse(429, "waiting", 40, TICKET)),
    ("a forged ticket joins anew", PAGE, OPEN, {"ticket": FORGED}, Join()),
    ("a ticket of an earlier line joins anew", PAGE, OPEN, {"ticket": EARLIER}, Join()),
    ("and a fetch with it is told why", FETCH, OPEN, {"ticket": EARLIER}, Refuse(429, "earlier-line", 60)),
    ("a forged pass does not harm a good ticket", PAGE, OPEN, {"ticket": TICKET, "visitor_pass": FORGED}, CheckIn(TICKET)),
    # Crawlers
    ("a crawler is asked to come later while there is a line", CRAWLER, OPEN, {}, Refuse(503, "line", 120)),
    ("a crawler is nobody special without a line", CRAWLER, EMPTY, {}, Join()),
    ("a crawler does not pass in a bypass without a pass either", CRAWLER, {"phase": Phase.BYPASS}, {}, BypassLine()),
    ("a full site is a line for a crawler", CRAWLER, EMPTY | {"leases": 500}, {}, Refuse(503, "line", 120)),
    # Phases
    ("paused: the line is kept, and gathers", PAGE, {"phase": Phase.PAUSED}, {}, Join()),
    ("paused: those inside go on", PAGE, {"phase": Phase.PAUSED}, {"visitor_pass": FRESH}, PassThrough(FRESH, False)),
    ("scheduled: the pre-queue gathers", PAGE, {"phase": Phase.SCHEDULED}, {}, Join()),
    ("drawn: a latecomer stands behind", PAGE, {"phase": Phase.DRAWN}, {}, Join()),
    ("last call: nobody new", PAGE, {"phase": Phase.LAST_CALL}, {}, ShowClosed(last_call=True)),
    ("last call: in line is served", PAGE, {"phase": Phase.LAST_CALL}, {"ticket": TICKET}, CheckIn(TICKET)),
    ("last call: idled out may return", PAGE, {"phase": Phase.LAST_CALL}, {"visitor_pass": IDLE}, CheckIn(FROM_IDLE, IDLE)),
    ("closed: nobody", PAGE, {"phase": Phase.CLOSED}, {"ticket": TICKET}, ShowClosed(last_call=False)),
    ("closed: those inside finish", FORM, {"phase": Phase.CLOSED}, {"visitor_pass": IDLE}, PassThrough(IDLE, True)),
    ("closed: programs are told", FETCH, {"phase": Phase.CLOSED}, {}, Refuse(429, "closed", 3600)),
    ("bypass: everyone passes", PAGE, {"phase": Phase.BYPASS}, {}, BypassLine()),
    ("bypass: any request", AJAX_POST, {"phase": Phase.BYPASS}, {"ticket": FORGED}, BypassLine()),
    ("bypass: a pass stays what it is", PAGE, {"phase": Phase.BYPASS}, {"visitor_pass": FRESH}, PassThrough(FRESH, False)),
    ("bypass: an idle pass is replaced", PAGE, {"phase": Phase.BYPASS}, {"visitor_pass": IDLE}, BypassLine()),
    # Trouble of ours
    ("cut off: those inside go on", PAGE, OPEN, {"visitor_pass": FRESH, "reachable": False}, PassThrough(FRESH, False)),
    ("cut off: an idle form goes through", FORM, OPEN, {"visitor_pass": IDLE, "reachable": False}, PassThrough(IDLE, True)),
    ("cut off: the place is kept", PAGE, OPEN, {"ticket": TICKET, "reachable": False}, ShowTrouble(TICKET)),
    ("cut off: a newcomer is asked to stay", PAGE, OPEN, {"reachable": False}, ShowTrouble(None)),
    ("cut off: programs are told whose fault it is", FETCH, OPEN, {"reachable": False}, Refuse(503, "store-unreachable", 5)),
    ("cut off: a crawler comes later", CRAWLER, OPEN, {"reachable": False}, Refuse(503, "line", 120)),
    ("cut off in a bypass: everyone still passes", PAGE, {"phase": Phase.BYPASS}, {"reachable": False}, BypassLine()),
    ("cut off when closed: still closed", PAGE, {"phase": Phase.CLOSED}, {"reachable": False}, ShowClosed(False)),
]  # fmt: skip


@pytest.mark.parametrize(
    ("facts", "line", "carried", "expected"), [row[1:] for row in TABLE], ids=[row[0] for row in TABLE]
)
def test_the_table(
    snapshot_with: SnapshotFactory,
    facts: RequestFacts,
    line: dict[str, Any],
    carried: dict[str, Any],
    expected: Decision,
) -> None:
    given: dict[str, Any] = {"reachable": True, "ticket": None, "visitor_pass": None} | carried
    assert decide(facts, snapshot=snapshot_with(**line), now_s=NOW, **given) == expected


@pytest.mark.parametrize("reachable", [True, False])
def test_before_the_first_snapshot_only_a_pass_helps(reachable: bool) -> None:
    def decided(facts: RequestFacts, **carried: Any) -> Decision:
        given = {"ticket": None, "visitor_pass": None} | carried
        return decide(facts, snapshot=None, reachable=reachable, now_s=NOW, **given)

    assert decided(PAGE, visitor_pass=FRESH) == PassThrough(FRESH, renew=False)
    assert decided(PAGE, ticket=TICKET) == ShowTrouble(TICKET)
    assert decided(PAGE) == ShowTrouble(None)
    assert decided(FETCH) == Refuse(503, "store-unreachable", 5)


@pytest.mark.parametrize("phase", ALL_PHASES)
@pytest.mark.parametrize("reachable", [True, False])
@pytest.mark.parametrize("facts", [PAGE, FORM, FETCH, AJAX_POST, CRAWLER])
def test_an_admitted_visitor_is_interrupted_by_nothing(
    snapshot_with: SnapshotFactory, phase: Phase, reachable: bool, facts: RequestFacts
) -> None:
    decision = decide(
        facts,
        snapshot=snapshot_with(phase=phase),
        reachable=reachable,
        ticket=TICKET,
        visitor_pass=FRESH,
        now_s=NOW,
    )
    assert isinstance(decision, PassThrough)


@pytest.mark.parametrize(
    ("number", "generation", "orphan"),
    [
        (1999, 1, False),
        (2000, 1, True),
        (2500, 1, True),
        (2500, 2, False),
        (5000, 2, True),
        (5000, 3, False),
        (9, 4, False),
    ],
)
def test_a_ticket_from_beyond_the_start_of_the_next_generation_is_lost(
    snapshot_with: SnapshotFactory, number: int, generation: int, orphan: bool
) -> None:
    """Generation 2 began at number 2000 and generation 3 at 4000."""
    snapshot = snapshot_with(issued=6000, generation=3, generation_starts=(2000, 4000))
    ticket = replace(TICKET, number=number, generation=generation)
    assert is_orphan(ticket, snapshot) is orphan
    decision = decide(PAGE, snapshot=snapshot, reachable=True, ticket=ticket, visitor_pass=None, now_s=NOW)
    assert decision == (Join() if orphan else CheckIn(ticket))


def test_there_is_a_line_when_somebody_waits_or_nobody_is_let_in(snapshot_with: SnapshotFactory) -> None:
    assert has_line(snapshot_with(), reachable=True)
    assert not has_line(snapshot_with(**EMPTY), reachable=True)
    assert has_line(snapshot_with(**EMPTY, late=1), reachable=True)
    assert has_line(snapshot_with(**EMPTY, phase=Phase.PAUSED), reachable=True)
    assert has_line(snapshot_with(**EMPTY), reachable=False)
    assert has_line(None, reachable=True)


def test_a_first_admission_has_two_hours_and_a_return_keeps_what_is_left() -> None:
    first = admit(TICKET, NOW)
    assert (first.expires_at_s, first.hard_limit_s) == (NOW + UNUSED_S, NOW + HARD_LIMIT_S)
    assert admit(TICKET, NOW, hard_limit_s=int(NOW) + 60).expires_at_s == NOW + 60


def test_who_passes_in_a_bypass_is_inside_for_as_long_as_anybody() -> None:
    visitor_pass = let_past("registration", "k3xq", 1, NOW)
    assert (visitor_pass.expires_at_s, visitor_pass.hard_limit_s) == (NOW + IDLE_S, NOW + HARD_LIMIT_S)
    assert visitor_pass.visitor != let_past("registration", "k3xq", 1, NOW).visitor
