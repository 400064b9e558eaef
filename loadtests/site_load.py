"""The load on the protected site, as far as its visitors made it: their requests that went through to it."""

from __future__ import annotations

from collections.abc import Sequence

from loadtests.ledger import Call, Ledger

CALLS = ("enter", "open the form", "submit the form", "submit the form (redirected)", "still here")


def at_once(ledger: Ledger) -> list[tuple[float, int]]:
    """Moments in order, and how many requests were under way from each on."""
    calls = [call for call in ledger.all(Call) if call.name in CALLS]
    changes = sorted([(call.received_s, -1) for call in calls] + [(call.sent_s, 1) for call in calls])
    under_way, result = 0, []
    for moment_s, change in changes:
        under_way += change
        result.append((moment_s, under_way))
    return result


def most_at_once(steps: Sequence[tuple[float, int]]) -> int:
    """The peak."""
    return max((under_way for _, under_way in steps), default=0)
