"""Waits against what was told of them."""

from __future__ import annotations

from loadtests.ledger import Absent, Admitted, Ledger, Seen, Silence
from loadtests.verdict import HEARING_S, RANGE_SHARE, Check, verdict


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

    Who slept meanwhile is left out: it waited for itself. So is who waited through a silence.
    """
    admitted = ledger.first(Admitted)
    silences = ledger.all(Silence)
    slept = {event.visitor for event in ledger.all(Absent)}
    result = []
    for visitor, readings in ledger.by_visitor(Seen).items():
        entry = admitted.get(visitor)
        told = next((seen for seen in readings if _is_range(seen)), None)
        if visitor in slept:
            continue
        if entry and told and any(told.sent_s < each.until_s and entry.sent_s >= each.from_s for each in silences):
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
