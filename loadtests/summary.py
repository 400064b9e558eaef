"""A run in figures: the rows of the table, for the terminal, the report and ``result.json``."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from loadtests import windows
from loadtests.admissions import distinct
from loadtests.delivery import delivered_per_minute
from loadtests.estimates import waits_and_ranges
from loadtests.ledger import Admitted, Arrived, Call, Ended, Failure, Ledger, Registered, Seen, Silence
from loadtests.order import claims_out_of_order, inversions
from loadtests.site_load import at_once, form_s, most_at_once
from loadtests.verdict import HEARING_S, Facts

Row = tuple[str, str]


def rows(ledger: Ledger, facts: Facts) -> list[Row]:
    """What a reader wants to know first, in order."""
    admitted = distinct(ledger)
    joined = {event.visitor for event in ledger.all(Seen)} | {event.visitor for event in admitted}
    overtaken, most_s = claims_out_of_order(ledger)
    return [
        ("arrived", str(len(ledger.all(Arrived)))),
        ("joined", str(len(joined))),
        ("admitted", _with_ways(admitted)),
        ("registered", str(len(ledger.all(Registered)))),
        *_against_the_rate(admitted, facts.rate_per_minute),
        ("delivered while people waited", _delivered(ledger, facts.rate_per_minute)),
        *_silences(ledger),
        ("order inversions", str(len(inversions(ledger)))),
        ("claims after one behind", f"{overtaken}, by at most {most_s:.1f} s (between two check-ins)"),
        *_waits(ledger),
        ("site's load", f"at most {most_at_once(at_once(ledger))} requests at once{_form_times(ledger)}"),
        ("errors", _errors(ledger)),
        ("outcomes", _counts(event.outcome for event in ledger.all(Ended))),
    ]


def _form_times(ledger: Ledger) -> str:
    half_s, most_s = form_s(ledger, 0.5), form_s(ledger, 0.95)
    return "" if half_s is None or most_s is None else f"; the form p50 {half_s:.1f} s, p95 {most_s:.1f} s"


def latencies(ledger: Ledger) -> list[tuple[str, int, float, float, float]]:
    """Each call: name, count, then p50, p95 and p99 in ms."""
    times: dict[str, list[float]] = {}
    for call in ledger.all(Call):
        times.setdefault(call.name, []).append((call.received_s - call.sent_s) * 1000)
    return [
        (name, len(ms), *(windows.quantile(ms, share) or 0.0 for share in (0.5, 0.95, 0.99)))  # type: ignore[misc]
        for name, ms in sorted(times.items())
    ]


def _with_ways(admitted: Sequence[Admitted]) -> str:
    return f"{len(admitted)} ({_counts(entry.way for entry in admitted)})" if admitted else "0"


def _counts(words: object) -> str:
    counted = Counter(words)  # type: ignore[call-overload]
    return ", ".join(f"{count} {word}" for word, count in counted.most_common()) or "none"


def _against_the_rate(admitted: Sequence[Admitted], rate_per_minute: float) -> list[Row]:
    """The busiest minute and second by arrival of the answers; the check uses the provable window."""
    times = [entry.received_s for entry in admitted]
    rate_s, burst = rate_per_minute / 60, windows.burst(rate_per_minute)
    return [
        ("busiest minute", f"{windows.busiest(times, 60)} of {rate_per_minute + burst:g} allowed"),
        ("busiest second", f"{windows.busiest(times, 1)} of {rate_s + burst:g} allowed"),
    ]


def _delivered(ledger: Ledger, rate_per_minute: float) -> str:
    per_minute = delivered_per_minute(ledger, rate_per_minute)
    if per_minute is None or rate_per_minute <= 0:
        return "too few to say"
    return f"{per_minute:.0f} a minute of {rate_per_minute:g} ({per_minute / rate_per_minute:.0%})"


def _silences(ledger: Ledger) -> list[Row]:
    """How hard the herd came: what was asked in the first second after everyone had been cut off."""
    sent = [call.sent_s for call in ledger.all(Call)]
    return [
        (
            "after the outage",
            f"{sum(each.until_s - 0.1 <= at_s < each.until_s + 1 for at_s in sent)} calls in the first second, "
            f"none in the {each.until_s - each.from_s:.0f} s before",
        )
        for each in ledger.all(Silence)
    ]


def _waits(ledger: Ledger) -> list[Row]:
    told = waits_and_ranges(ledger)
    if not told:
        return [("waits", "nobody waited")]
    waits = [wait for wait, _, _ in told]
    kept = sum(low - HEARING_S <= wait <= high + HEARING_S for wait, low, high in told)
    return [
        ("waits", f"p50 {windows.quantile(waits, 0.5):.0f} s, p95 {windows.quantile(waits, 0.95):.0f} s"),
        ("ranges told", " to ".join(f"{_median(told, end):.0f}" for end in (1, 2)) + " s (medians)"),
        ("waits within their range", f"{kept} of {len(told)} (± {HEARING_S:g} s to hear of it)"),
    ]


def _median(told: Sequence[tuple[float, float, float]], end: int) -> float:
    return windows.quantile([entry[end] for entry in told], 0.5) or 0.0


def _errors(ledger: Ledger) -> str:
    return _counts(f"{failure.cause} at {failure.call}" for failure in ledger.all(Failure))
