"""The promises, as seen from outside: pure functions over a ledger.

A check passes, fails, or was not exercised. Failing checks end a run with exit code 1, except advice.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Iterable
from itertools import pairwise
from typing import TypeVar

from loadtests import windows
from loadtests.ledger import Absent, Admitted, Arrived, Attempt, Ended, Failure, Ledger, Pulse, Registered, Seen
from loadtests.order import admitted_after_their_turn, nobody_passed
from loadtests.verdict import HEARING_S, LATE_ARRIVAL_S, RANGE_SHARE, SETTLE_S, Check, Facts, verdict

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
    line = _line_of(ledger)
    pairs = {((line.get(s.visitor, ""), s.number), s.visitor) for s in ledger.all(Seen)}
    pairs |= {
        ((line.get(a.visitor, ""), a.number), a.visitor) for a in ledger.all(Admitted) if a.number is not None
    }
    wrong = [f"number {number} given to {count} visitors" for (_, number), count in _repeated(pairs)]
    return verdict("numbers", "No number was given twice", len(pairs), wrong, f"{len(pairs)} numbers")


def _line_of(ledger: Ledger) -> dict[int, str]:
    """The line each visitor was in; empty for all when the run saw a single one."""
    seen = {pulse.visitor: pulse.instance for pulse in ledger.all(Pulse)}
    return seen if len(set(seen.values())) > 1 else {}


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


def position_never_grows(ledger: Ledger) -> Check:
    """Within a generation of the line, a visitor's position only shrinks."""
    readings = ledger.by_visitor(Seen)
    wrong = [
        f"visitor {visitor} went from position {earlier.position} to {later.position}"
        for visitor, seen in readings.items()
        for earlier, later in pairwise(seen)
        if later.position > earlier.position
        and (later.instance, later.generation) == (earlier.instance, earlier.generation)
    ]
    return verdict("position", "No position ever grew", len(readings), wrong, f"{len(readings)} visitors")


def rate_kept(ledger: Ledger, rate_per_minute: float) -> Check:
    """Promise 3: in any window of t seconds, admissions ≤ rate × t + one second's worth (at least one)."""
    intervals = [(entry.sent_s, entry.received_s) for entry in ledger.all(Admitted)]
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


def estimates_plausible(ledger: Ledger) -> Check:
    """A wait is a range: both ends finite and not negative, the lower one not above the upper."""
    ranges = [seen for seen in ledger.all(Seen) if seen.low_s is not None or seen.high_s is not None]
    wrong = [
        f"visitor {seen.visitor} was told {seen.low_s} to {seen.high_s} s"
        for seen in ranges
        if not _is_range(seen)
    ]
    return verdict("ranges", "Every estimate was a range", len(ranges), wrong, f"{len(ranges)} estimates")


def _is_range(seen: Seen) -> bool:
    return seen.low_s is not None and seen.high_s is not None and 0 <= seen.low_s <= seen.high_s < float("inf")


def waits_and_ranges(ledger: Ledger) -> list[tuple[float, float, float]]:
    """Of each visitor let in from the line: seconds waited since its first estimate, and that estimate.

    Who slept meanwhile is left out: it waited for itself.
    """
    admitted = ledger.first(Admitted)
    slept = {event.visitor for event in ledger.all(Absent)}
    result = []
    for visitor, readings in ledger.by_visitor(Seen).items():
        entry = admitted.get(visitor)
        told = next((seen for seen in readings if _is_range(seen)), None)
        if visitor in slept:
            continue
        if entry and entry.way == "line" and told and told.low_s is not None and told.high_s is not None:
            result.append((entry.received_s - told.received_s, told.low_s, told.high_s))
    return result


def estimates_kept(ledger: Ledger) -> Check:
    """Advice: most waits lie in the range told at first, up to the time it takes to hear of the turn."""
    waits = waits_and_ranges(ledger)
    title = f"At least {RANGE_SHARE:.0%} of waits were in the range told (± {HEARING_S:g} s)"
    if not waits:
        return Check("estimates", title, None, "nobody was told a range", advice=True)
    kept = sum(low - HEARING_S <= wait <= high + HEARING_S for wait, low, high in waits) / len(waits)
    return Check("estimates", title, kept >= RANGE_SHARE, f"{kept:.0%} of {len(waits)}", advice=True)


def reconciled(ledger: Ledger, facts: Facts) -> list[Check]:
    """Both sides must count the same; any difference fails."""
    numbered = {seen.visitor for seen in ledger.all(Seen)} | {entry.visitor for entry in ledger.all(Admitted)}
    before, after = facts.before, facts.after
    return [
        _same("origin", "registrations", len(ledger.all(Registered)), before.registrations, after.registrations),
        _same("tickets", "tickets issued", len(numbered), before.issued, after.issued),
        _same("admissions", "admissions", len(ledger.all(Admitted)), before.claimed, after.claimed),
    ]


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
