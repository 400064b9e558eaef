"""Carries the runs of a comparison out, one after the other, each on fresh databases."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path

from loadtests import outside
from loadtests.compare.figures import Figures, Site, reckon, steady_per_minute
from loadtests.compare.people import Hopeful, Temper
from loadtests.ledger import Ended, Ledger
from loadtests.room import Room
from loadtests.runner import Plan, Progress, run_locust
from loadtests.stack import own_site, own_stack

CALM_VISITORS, CALM_WITHIN_S = 60, 1.0  # more than it can do at once, fewer than it lets wait
CALM_TIMEOUT_S = 300.0  # nobody disturbs the measurement by asking again
IDLE_WITHIN_S = 120.0  # the site finishes what it began, also for those who have gone
ROOM = "registration"


@dataclass(frozen=True, slots=True)
class Surge(Plan):
    """Who comes, and what they bear."""

    temper: Temper = field(default_factory=Temper)

    def arguments(self, ledger: Path) -> list[str]:
        """Those of an ordinary run, with a locustfile of our own."""
        ordinary = super(Surge, self).arguments(ledger)  # a dataclass with slots is another class than it was
        ordinary[ordinary.index("-f") + 1] = str(Path(__file__).with_name("surgefile.py"))
        return [
            *ordinary,
            *("--times-out-after", str(self.temper.times_out_after_s)),
            *("--reloads", str(self.temper.reloads), "--patience", str(self.temper.patience_s)),
        ]


def surge(visitors: int, within_s: float, seed: int, temper: Temper) -> Surge:
    """A surge that has no address yet."""
    return Surge(
        host="",
        room=ROOM,
        path="/",
        visitors=visitors,
        arrivals="OpeningSpike",
        arrive_within_s=within_s,
        mix=Hopeful.persona,
        seed=seed,
        identity_salt=f"compare-{seed}",
        most_seconds=within_s + temper.patience_s + temper.times_out_after_s * (temper.reloads + 2),
        temper=temper,
    )


@dataclass(frozen=True, slots=True)
class Way:
    """One run: what was sent, what the visitors wrote, what came of it."""

    plan: Surge
    ledger: Ledger
    figures: Figures


@dataclass(frozen=True, slots=True)
class Ground:
    """Where the runs take place.

    All raise StackError, GeneratorError, UnreachableError, RateError, and KeyboardInterrupt when ended early.
    """

    python: Path
    antrean: list[str]
    folder: Path
    show: Callable[[Progress], None]

    def measure(self, seed: int, temper: Temper) -> float:
        """How many registrations a minute the site alone can do."""
        plan = surge(CALM_VISITORS, CALM_WITHIN_S, seed, replace(temper, times_out_after_s=CALM_TIMEOUT_S))
        with own_site(self.python) as host:
            return steady_per_minute(self._run(plan, host, host, "calm").ledger)

    def straight(self, plan: Surge) -> Way:
        """Nothing between the visitors and the site."""
        with own_site(self.python) as host:
            return self._run(plan, host, host, f"straight-{plan.visitors}")

    def through(self, plan: Surge, per_minute: float) -> Way:
        """The same plan, by the gateway's door."""
        with own_stack(self.python, plan.room) as stack:
            site = f"http://127.0.0.1:{stack.environ['REGISTRATION_PORT']}"
            with Room(plan.room, stack.host, self.antrean, stack.environ).rate(per_minute):
                return self._run(plan, stack.host, site, "through")

    def _run(self, plan: Surge, host: str, site: str, name: str) -> Way:
        folder = self.folder / name
        folder.mkdir(parents=True)
        plan = replace(plan, host=host)
        began_s = time.monotonic()
        ledger = run_locust(plan, folder, self.show, watch_pulse=False)
        if was_cut_off(ledger) and time.monotonic() - began_s < plan.most_seconds:
            raise KeyboardInterrupt  # the run ends for it in its own order; half a surge is not compared
        log = (folder / "locust.log").read_text(errors="replace")
        return Way(plan, ledger, reckon(ledger, counts(site), log))


def was_cut_off(ledger: Ledger) -> bool:
    """Whether the run ended before everyone's visit had."""
    return any(event.outcome == "cut off" for event in ledger.all(Ended))


def counts(site: str) -> Site:
    """The site's own, once it has nothing left to do. Raises UnreachableError."""
    deadline = time.monotonic() + IDLE_WITHIN_S
    while True:
        body = outside.get_json(f"{site}/health")
        try:
            now, most, kept = (int(body[name]) for name in ("in_flight", "most_in_flight", "registrations"))
        except (KeyError, TypeError, ValueError) as exc:
            raise outside.UnreachableError(f"{site}/health does not say how busy it is: {exc!r}") from exc
        if now == 0 or time.monotonic() > deadline:
            return Site(kept, most)
        time.sleep(0.5)
