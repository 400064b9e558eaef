"""What came of a surge, reckoned from the visitors' ledger and the site's own counts. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from loadtests.ledger import Arrived, Call, Ended, Ledger, Registered
from loadtests.site_load import FORM
from loadtests.windows import quantile

SCRIPTS = frozenset({"pulse", "ticket", "check-in"})  # asked by a page's script; people wait for pages
BREAKS = 0.05  # more than this share without a number, or of pages failed: the site did not bear the surge
HOLDS = 0.01  # at most this share of either: it did
LATE_S = 1.0  # a generator later than this does not keep to the times of arrival
HOT = "CPU usage"  # what locust warns of


@dataclass(frozen=True, slots=True)
class Site:
    """What the site counted for itself."""

    registrations: int
    most_in_flight: int


@dataclass(frozen=True, slots=True)
class Times:
    """Of requests answered or not: one without an answer took as long as it was waited for. In seconds."""

    p50_s: float
    p95_s: float
    p99_s: float


@dataclass(frozen=True, slots=True)
class Figures:
    """One way of the surge."""

    visitors: int
    registered: int  # those who saw their number
    gave_up: int
    cut_off: int  # by the end of the run
    unaware: int  # registered at the site, but nobody saw the number
    served_per_minute: float  # registered, over the time from the opening until nobody was left
    pages: int  # requests for a page, forms sent included
    failed: int  # of these: no answer in time, no connection, or an error
    page: Times
    form: Times
    all_after_s: float | None  # until everyone who stayed was registered; None: somebody who stayed was not
    most_in_flight: int  # at the site
    late_s: float  # by how much the load generator was late for an arrival, at most
    hot: bool  # whether locust said that it was short of processor

    @property
    def failed_share(self) -> float:
        return self.failed / self.pages if self.pages else 0.0

    @property
    def lost_share(self) -> float:
        """Of the visitors: left without a number."""
        return 1 - self.registered / self.visitors if self.visitors else 0.0

    @property
    def broke(self) -> bool:
        return max(self.failed_share, self.lost_share) > BREAKS

    @property
    def held(self) -> bool:
        return max(self.failed_share, self.lost_share) <= HOLDS

    @property
    def generator_was_limit(self) -> bool:
        return self.hot or self.late_s > LATE_S


def opening_s(ledger: Ledger) -> float:
    """The first planned arrival."""
    return min((event.planned_s for event in ledger.all(Arrived)), default=0.0)


def page_calls(ledger: Ledger) -> list[Call]:
    """The requests for which somebody sat in front of an empty page."""
    return [call for call in ledger.all(Call) if call.name not in SCRIPTS]


def is_failed(call: Call) -> bool:
    return call.status == 0 or call.status >= 400


def reckon(ledger: Ledger, site: Site, locust_log: str) -> Figures:
    """The figures of one run."""
    arrived, pages = ledger.all(Arrived), page_calls(ledger)
    outcomes = [event.outcome for event in ledger.all(Ended)]
    times = sorted(event.received_s - opening_s(ledger) for event in ledger.first(Registered).values())
    last_s = times[-1] if times else 0.0
    over_s = max((event.at_s for event in ledger.all(Ended)), default=0.0) - opening_s(ledger)
    stayed_in_vain = len(arrived) - len(times) - outcomes.count("gave up")
    return Figures(
        visitors=len(arrived),
        registered=len(times),
        gave_up=outcomes.count("gave up"),
        cut_off=outcomes.count("cut off"),
        unaware=max(0, site.registrations - len(times)),
        served_per_minute=len(times) * 60 / over_s if over_s > 0 else 0.0,
        pages=len(pages),
        failed=sum(map(is_failed, pages)),
        page=times_of(pages),
        form=times_of([call for call in pages if call.name == FORM]),
        all_after_s=last_s if times and stayed_in_vain == 0 else None,
        most_in_flight=site.most_in_flight,
        late_s=max((event.at_s - event.planned_s for event in arrived), default=0.0),
        hot=HOT in locust_log,
    )


def times_of(calls: Sequence[Call]) -> Times:
    """p50, p95 and p99; zeros of nothing."""
    took = [call.received_s - call.sent_s for call in calls]
    p50, p95, p99 = (quantile(took, share) or 0.0 for share in (0.5, 0.95, 0.99))
    return Times(p50, p95, p99)


def steady_per_minute(ledger: Ledger) -> float:
    """Registrations a minute while there was always one to do: between the first and last tenth of them."""
    times = sorted(event.received_s for event in ledger.first(Registered).values())
    tenth = len(times) // 10
    middle = times[tenth : len(times) - tenth]
    if len(middle) < 2 or middle[-1] <= middle[0]:
        return 0.0
    return (len(middle) - 1) * 60 / (middle[-1] - middle[0])


def verdict(without: Figures, through: Figures) -> list[str]:
    """What the comparison shows, and what it does not, in sentences. The first is about the site alone."""
    told = [_alone(without), _behind(through)]
    for way, figures in (("straight at the site", without), ("through Antrean", through)):
        if figures.generator_was_limit:
            told.append(
                f"Caution: {way}, the load generator itself was a limit (late by {figures.late_s:.1f} s"
                f"{', short of processor' if figures.hot else ''}): run it on another machine, or send fewer."
            )
    return told


def _alone(figures: Figures) -> str:
    lost = f"{figures.lost_share:.0%} left without a number, {figures.failed_share:.0%} of pages failed"
    if figures.broke:
        return f"Alone, the site did not bear this surge: {lost}."
    return f"Alone, the site did NOT collapse at this load ({lost}): raise --visitors or lower --within."


def _behind(figures: Figures) -> str:
    lost = f"{figures.lost_share:.1%} left without a number, {figures.failed_share:.1%} of pages failed"
    if figures.held:
        return f"Through Antrean, the same people at the same times: {lost}."
    return f"Through Antrean it did NOT hold ({lost}): the rate is more than the site bears, set a lower --rate."
