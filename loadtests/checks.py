"""The promises, as seen from outside: pure functions over a ledger.

A check passes, fails, or was not exercised. Failing checks end a run with exit code 1, except advice.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Iterable
from itertools import pairwise
from typing import TypeVar

from loadtests import windows
from loadtests.admissions import distinct, line_of
from loadtests.estimates import estimates_kept, estimates_plausible
from loadtests.ledger import (
    Admitted,
    Arrived,
    Attempt,
    Ended,
    Failure,
    Known,
    Ledger,
    Pulse,
    Registered,
    Seen,
)
from loadtests.order import admitted_after_their_turn, nobody_passed
from loadtests.site_load import site_bore_it
from loadtests.verdict import LATE_ARRIVAL_S, SETTLE_S, Check, Facts, verdict

K = TypeVar("K", bound=Hashable)

MAY_STOP = {"leaver": ("left",), "forger": ("refused",)}  # everybody else stays until registered


def judge(ledger: Ledger, facts: Facts) -> list[Check]:
    """Every check, in the order in which a reader asks."""
    return [
        no_errors(ledger),
        everyone_who_stayed_registered(ledger),
        numbers_unique(ledger),
        places_kept(ledger),
        registrations_unique(ledger),
        one_at_the_origin(ledger),
        position_never_grows(ledger),
        nobody_passed(ledger),
        admitted_after_their_turn(ledger),
        rate_kept(ledger, facts.rate_per_minute),
        rate_as_set(ledger, facts),
        cursors_in_order(ledger),
        forgeries_refused(ledger),
        estimates_plausible(ledger),
        estimates_kept(ledger),
        *reconciled(ledger, facts),
        site_bore_it(ledger, facts.rate_per_minute),
        generator_in_time(ledger),
    ]


def no_errors(ledger: Ledger) -> Check:
    """No connection error, unexpected status or page that is not what it should be."""
    causes = Counter(f"{failure.cause} at {failure.call}" for failure in ledger.all(Failure))
    wrong = [f"{count} × {cause}" for cause, count in causes.most_common()]
    return verdict("errors", "No errors", len(ledger.all(Arrived)), wrong, "no error of any kind")


def everyone_who_stayed_registered(ledger: Ledger) -> Check:
    """Who stays ends with a registration number; nobody is forgotten when the run ends."""
    outcomes = {event.visitor: event.outcome for event in ledger.all(Ended)}
    wrong, staying = Counter[str](), 0
    for arrival in ledger.all(Arrived):
        outcome = outcomes.get(arrival.visitor, "cut off")
        staying += arrival.persona not in MAY_STOP
        if outcome != "registered" and outcome not in MAY_STOP.get(arrival.persona, ()):
            wrong[f"{arrival.persona}: {outcome}"] += 1
    evidence = [f"{count} × {what}" for what, count in wrong.most_common()]
    return verdict(
        "registered", "Everyone who stayed was registered", staying, evidence, f"{staying} of {staying}"
    )


def numbers_unique(ledger: Ledger) -> Check:
    """Promise 1: no number is given to two visitors."""
    line = line_of(ledger)
    pairs = {((line.get(s.visitor, ""), s.number), s.visitor) for s in ledger.all(Seen)}
    pairs |= {
        ((line.get(a.visitor, ""), a.number), a.visitor) for a in ledger.all(Admitted) if a.number is not None
    }
    wrong = [f"number {number} given to {count} visitors" for (_, number), count in _repeated(pairs)]
    return verdict("numbers", "No number was given twice", len(pairs), wrong, f"{len(pairs)} numbers")


def _repeated(pairs: Iterable[tuple[K, int]]) -> list[tuple[K, int]]:
    counts = Counter(key for key, _ in pairs)
    return [(key, count) for key, count in counts.items() if count > 1]


def places_kept(ledger: Ledger) -> Check:
    """Promise 6: a visitor keeps its number for the whole event."""
    readings = ledger.by_visitor(Seen)
    wrong = [
        f"visitor {visitor} held numbers {sorted(numbers)} in one line"
        for visitor, seen in readings.items()
        for instance in {reading.instance for reading in seen}
        if len(numbers := {reading.number for reading in seen if reading.instance == instance}) > 1
    ]
    return verdict("places", "Everyone kept their number", len(readings), wrong, f"{len(readings)} visitors")


def registrations_unique(ledger: Ledger) -> Check:
    """Nobody got somebody else's registration number."""
    pairs = {(entry.registration, entry.visitor) for entry in ledger.all(Registered)}
    wrong = [f"registration {number} given to {count} visitors" for number, count in _repeated(pairs)]
    title = "No registration number was given twice"
    return verdict("registrations", title, len(pairs), wrong, f"{len(pairs)} registration numbers")


def one_at_the_origin(ledger: Ledger) -> Check:
    """Promise 9: whoever shares a ticket is one visitor to the origin, and nobody is somebody else."""
    pairs = {(entry.origin_id, entry.visitor) for entry in ledger.all(Known)}
    ids = Counter(visitor for _, visitor in pairs)
    wrong = [
        f"visitor {visitor} was {count} visitors at the origin" for visitor, count in ids.items() if count > 1
    ]
    wrong += [f"{count} visitors were {origin_id} at the origin" for origin_id, count in _repeated(pairs)]
    title = "Everyone was one visitor at the origin, and only that one"
    return verdict("origin-id", title, len(pairs), wrong, f"{len(pairs)} visitors asked")


def position_never_grows(ledger: Ledger) -> Check:
    """Within a generation of the line, a visitor's position only shrinks."""
    readings = ledger.by_visitor(Seen)
    wrong = [
        f"visitor {visitor} went from position {earlier.position} to {later.position}"
        for visitor, seen in readings.items()
        for earlier, later in pairwise(seen)
        if later.position > earlier.position > 0
        and (later.instance, later.generation) == (earlier.instance, earlier.generation)
    ]
    return verdict("position", "No position ever grew", len(readings), wrong, f"{len(readings)} visitors")


def rate_kept(ledger: Ledger, rate_per_minute: float) -> Check:
    """Promise 3: in any window of t seconds, admissions ≤ rate × t + one second's worth (at least one)."""
    intervals = [(entry.sent_s, entry.received_s) for entry in distinct(ledger)]
    worst = windows.worst_window(intervals, rate_per_minute)
    title = f"Never more than {rate_per_minute:g} a minute, in any window"
    if worst is None:
        return Check("rate", title, None, "nobody was let in")
    length = worst.until_s - worst.from_s
    detail = f"worst window: {worst.count} in {length:.2f} s, allowed {worst.allowed:.2f}"
    return Check("rate", title, windows.keeps_rate(worst, rate_per_minute), detail)


def rate_as_set(ledger: Ledger, facts: Facts) -> Check:
    """The pulse shows the rate that was set, at once on every worker."""
    later = [pulse for pulse in ledger.all(Pulse) if pulse.sent_s > facts.rate_set_s + SETTLE_S]
    others = Counter(p.rate_per_minute for p in later if abs(p.rate_per_minute - facts.rate_per_minute) > 1e-6)
    wrong = [f"{count} pulses said {rate:g} a minute" for rate, count in others.items()]
    return verdict("rate-set", "The room ran at the rate that was set", len(later), wrong, f"{len(later)} pulses")


def cursors_in_order(ledger: Ledger) -> Check:
    """In each pulse, serving ≤ called ≤ issued."""
    pulses = ledger.all(Pulse)
    wrong = [
        f"serving {pulse.serving}, called {pulse.called}, issued {pulse.issued}"
        for pulse in pulses
        if not 0 <= pulse.serving <= pulse.called <= pulse.issued
    ]
    return verdict(
        "cursors", "Serving ≤ called ≤ issued in every pulse", len(pulses), wrong, f"{len(pulses)} pulses"
    )


def forgeries_refused(ledger: Ledger) -> Check:
    """Promise 9: nothing is believed because it is there."""
    attempts = ledger.all(Attempt)
    wrong = [f"{attempt.what}: {attempt.detail}" for attempt in attempts if not attempt.refused]
    return verdict("forgeries", "Every forgery was refused", len(attempts), wrong, f"{len(attempts)} attempts")


def reconciled(ledger: Ledger, facts: Facts) -> list[Check]:
    """Both sides must count the same; any difference fails."""
    before, after = facts.before, facts.after
    return [
        _same("origin", "registrations", len(ledger.all(Registered)), before.registrations, after.registrations),
        _same("tickets", "tickets issued", _tickets(ledger), before.issued, after.issued),
        _same("admissions", "admissions", len(distinct(ledger)), before.claimed, after.claimed),
    ]


def _tickets(ledger: Ledger) -> int:
    """Numbers that somebody held, and visitors who were let in without hearing theirs."""
    line, seen, admitted = line_of(ledger), ledger.all(Seen), ledger.all(Admitted)
    held = [(event.visitor, event.number) for event in seen]
    held += [(entry.visitor, entry.number) for entry in admitted if entry.number is not None]
    numbers = {(line.get(visitor, ""), number) for visitor, number in held}
    return len(numbers) + len({entry.visitor for entry in admitted} - {visitor for visitor, _ in held})


def _same(key: str, what: str, seen: int, before: int | None, after: int | None) -> Check:
    title = f"Visitors and server count the same {what}"
    if before is None or after is None:
        return Check(f"reconcile-{key}", title, None, "the server's count could not be read")
    grown = after - before
    others = ": did others use the room meanwhile?" if grown > seen else ""
    detail = f"visitors saw {seen}, the server counted {grown}{others}"
    return Check(f"reconcile-{key}", title, grown == seen, detail)


def generator_in_time(ledger: Ledger) -> Check:
    """Advice: the load generator itself kept the plan; otherwise it was the limit, and times are too good."""
    late = [arrival.at_s - arrival.planned_s for arrival in ledger.all(Arrived)]
    title = f"The load generator was never {LATE_ARRIVAL_S:g} s late"
    if not late:
        return Check("generator", title, None, "nobody arrived", advice=True)
    return Check("generator", title, max(late) < LATE_ARRIVAL_S, f"at most {max(late):.2f} s late", advice=True)
