"""The load on the protected site, as far as its visitors made it, and how the site bore it."""

from __future__ import annotations

from collections.abc import Sequence

from loadtests import windows
from loadtests.ledger import Call, Ledger
from loadtests.verdict import SLOW_FORM_S, Check

FORM = "submit the form"
CALLS = ("enter", "open the form", FORM, f"{FORM} (redirected)", "still here")


def at_once(ledger: Ledger) -> list[tuple[float, int]]:
    """Moments in order, and how many requests were under way from each on."""
    calls = [call for call in ledger.all(Call) if call.name in CALLS]
    changes = sorted([(call.received_s, -1) for call in calls] + [(call.sent_s, 1) for call in calls])
    under_way, result = 0, []
    for moment_s, change in changes:
        under_way += change
        result.append((moment_s, under_way))
    return result


def form_s(ledger: Ledger, share: float) -> float | None:
    """In this time that share of the sent forms was answered; None: none was sent."""
    return windows.quantile(
        [call.received_s - call.sent_s for call in ledger.all(Call) if call.name == FORM], share
    )


def site_bore_it(ledger: Ledger, rate_per_minute: float) -> Check:
    """Advice: whoever was let in found a site that answers. The line keeps its promises before a slow one, too."""
    title = f"The site answered 95% of forms within {SLOW_FORM_S:g} s"
    p95_s = form_s(ledger, 0.95)
    if p95_s is None:
        return Check("site", title, None, "no form was sent", advice=True)
    if p95_s <= SLOW_FORM_S:
        return Check("site", title, True, f"{p95_s:.1f} s", advice=True)
    less = f"{p95_s:.1f} s: it did not bear {rate_per_minute:g} a minute on this machine. Give it less (--rate)"
    return Check("site", title, False, f"{less}, or find its rate: make capacity", advice=True)


def most_at_once(steps: Sequence[tuple[float, int]]) -> int:
    """The peak."""
    return max((under_way for _, under_way in steps), default=0)
