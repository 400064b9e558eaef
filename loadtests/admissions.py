"""Admissions as the server should count them: one for each number, however many browsers heard of it."""

from __future__ import annotations

from dataclasses import replace

from loadtests.ledger import Admitted, Ledger, Pulse

Place = tuple[str, int]  # line, number


def line_of(ledger: Ledger) -> dict[int, str]:
    """The line each visitor was in; empty for all when the run saw a single one."""
    seen = {pulse.visitor: pulse.instance for pulse in ledger.all(Pulse)}
    return seen if len(set(seen.values())) > 1 else {}


def distinct(ledger: Ledger) -> list[Admitted]:
    """The first admission of each number; one without a number stands for itself.

    Of two that hear of one admission, it may have come about in the request of either: the earliest of
    the times sent and of the times received enclose it.
    """
    line = line_of(ledger)
    found: dict[Place, Admitted] = {}
    unnumbered = []
    for entry in ledger.all(Admitted):
        if entry.number is None:
            unnumbered.append(entry)
            continue
        place = line.get(entry.visitor, ""), entry.number
        known = found.setdefault(place, entry)
        first = known if known.received_s <= entry.received_s else entry
        found[place] = replace(first, sent_s=min(known.sent_s, entry.sent_s))
    return [*found.values(), *unnumbered]
