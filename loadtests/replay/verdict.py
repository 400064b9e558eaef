"""From the ledger to a judgement: each promise with what was seen, and whether it held."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from loadtests.replay.crowd import NEVER, Crowd
from loadtests.replay.day import OPENS_MS
from loadtests.replay.ledger import GRAIN_S, Ledger
from loadtests.replay.profiles import Profile
from loadtests.replay.store import Effort

FORMED_S = 180
WINDOW_S = 600  # over which the delivery is judged
DELIVERY_SHARE = 0.01
MEMORY_BYTES = 10 * 1024 * 1024
TICK_US = 10_000
COVERAGE = (0.85, 0.95)
WIDTH = 0.35
LEAST_JUDGED = 100  # waits, and claims in a window: fewer say nothing
LEAST_WAIT_S = 60  # a range is judged for waits that are worth a range


@dataclass(frozen=True, slots=True)
class Check:
    """A promise, what was seen, and whether it held; None: this day does not say."""

    promise: str
    seen: str
    held: bool | None


@dataclass(frozen=True, slots=True)
class Ranges:
    """How the ranges that visitors were told compare to what they lived through."""

    when: str
    count: int
    inside: float  # share whose wait was within
    below: float  # share that waited less than told
    above: float
    width: float  # median of width / wait


def judge(ledger: Ledger, crowd: Crowd, profile: Profile, effort: Effort) -> list[Check]:
    """Every promise."""
    excess = ledger.excess(OPENS_MS)
    checks = [
        _zero("no position is issued twice", ledger.issued_twice),
        _zero("no visitor is admitted twice", ledger.claimed_twice),
        _zero("order within the main lane: inversions", ledger.main_inversions),
        _zero("order within the late lane: inversions", ledger.late_inversions),
        _zero("present visitors passed over", ledger.passed_present, ledger.passed_examples),
        _zero("offers lapsed although their visitors checked in", ledger.lapsed_present),
        _zero("serving never goes back", ledger.serving_went_back),
        _zero("answers that an honest visitor should not get", sum(ledger.surprises.values()), ledger.surprises),
        Check(
            "claims in any window ≤ rate × t + max(1, rate / 60)",
            f"over by {excess:.3f} at most" if excess else "never over",
            excess == 0,
        ),
        _zero("ceiling: ticks with more inside", ledger.over_ceiling),
        _delivery(ledger, profile),
        Check(
            "store memory ≤ 10 MB",
            f"{ledger.memory_most / 1048576:.1f} MB",
            ledger.memory_most <= MEMORY_BYTES,
        ),
        _ticks(ledger, effort),
    ]
    return checks + _estimates(ledger, crowd)


def broken(checks: list[Check]) -> bool:
    return any(check.held is False for check in checks)


def _zero(promise: str, count: int, examples: object = None) -> Check:
    return Check(promise, f"{count:,}" + (f" ({examples})" if count and examples else ""), count == 0)


def delivered_shares(ledger: Ledger, profile: Profile) -> tuple[np.ndarray, np.ndarray]:
    """Delivered / configured over every judged ten minutes, at ten-second grain, and when each began (s).

    Judged: all the time, and three minutes before, more than ``enough_min`` minutes' worth of visitors are awake
    in line; there is room inside; and no rise of the rate or outage was within the last three minutes.
    """
    seconds = ledger.seconds.columns()
    enough = seconds["awake"] >= profile.enough_min * seconds["rate"] + 20
    # A line that has just formed is a rise from nothing: its first visitors are only now called.
    enough &= np.convolve(enough, np.ones(FORMED_S), "full")[: len(enough)] >= FORMED_S
    good = enough & (seconds["room"] > 0) & (seconds["grace"] == 0)
    bad_before = np.r_[0, np.cumsum(~good)]
    claims, rate = np.r_[0, np.cumsum(ledger.claims_a_second(OPENS_MS))], np.r_[0, np.cumsum(seconds["rate"] / 60)]
    first = np.arange(0, max(0, len(good) - WINDOW_S + 1), GRAIN_S)
    first = first[bad_before[first + WINDOW_S] == bad_before[first]]
    due = rate[first + WINDOW_S] - rate[first]
    first, due = first[due >= LEAST_JUDGED], due[due >= LEAST_JUDGED]
    return (claims[first + WINDOW_S] - claims[first]) / due, first


def _delivery(ledger: Ledger, profile: Profile) -> Check:
    promise = "delivered within 1 % of configured over any 10 minutes with enough present"
    shares, first = delivered_shares(ledger, profile)
    if len(shares) == 0:
        return Check(promise, "never enough present for ten minutes", None)
    worst = int(np.argmax(np.abs(shares - 1)))
    seen = (
        f"{shares.min():.2%} to {shares.max():.2%} over {len(shares):,} windows"
        f" (worst begins at {first[worst] / 3600:.2f} h)"
    )
    # A window may hold a fraction of a second's worth more or less at its ends.
    return Check(promise, seen, bool(abs(shares[worst] - 1) <= DELIVERY_SHARE))


def _ticks(ledger: Ledger, effort: Effort) -> Check:
    """By the CPU time of a sample, where it can be taken: a clock also counts the pauses of a busy machine."""
    slow = sum(us > TICK_US for us in effort.slow_ticks_us)
    worst = f"{effort.slow_ticks_us[0] / 1000:.1f} ms" if effort.slow_ticks_us else "under 1 ms"
    seen = f"by the clock {worst}, {slow} of {ledger.ticks:,} above 10 ms"
    if not effort.tick_cpu_us:
        return Check("worst tick ≤ 10 ms", seen, slow == 0)
    middle = effort.tick_cpu_us[len(effort.tick_cpu_us) // 2]
    seen = f"{effort.tick_cpu_us[0] / 1000:.1f} ms of CPU, median {middle / 1000:.2f}; {seen}"
    return Check("worst tick ≤ 10 ms", seen, effort.tick_cpu_us[0] <= TICK_US)


def told_and_waited(ledger: Ledger, crowd: Crowd, *, half: bool) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Low, high and true wait of visitors who were there all along, and during whose wait the rate stayed one.

    Nobody can say beforehand what an operator will do; that a range is right again a minute after a change shows
    in those who were told theirs after it.
    """
    told = crowd.told_half if half else crowd.told
    since = crowd.half_s if half else crowd.joined_s
    steady = (crowd.claimed_s != NEVER) & ~crowd.excused & (told[1] != NEVER) & (since != NEVER)
    changes = np.r_[0, np.cumsum(np.abs(np.diff(ledger.seconds.columns()["rate"])) > 0)]
    last = len(changes) - 1
    begun, ended = since[steady], np.minimum(crowd.claimed_s[steady], last)
    # A minute after a change the range is to be right again.
    one_rate = changes[np.maximum(begun - 60, 0)] == changes[ended]
    who = np.flatnonzero(steady)[one_rate]
    return told[0, who], told[1, who], crowd.claimed_s[who] - since[who]


def ranges(ledger: Ledger, crowd: Crowd) -> list[Ranges]:
    """At the join and half-way; of those who waited a minute or more from then on, or were told so."""
    found = []
    for when, half in (("at the join", False), ("half-way", True)):
        low, high, waited = told_and_waited(ledger, crowd, half=half)
        worth = (waited >= LEAST_WAIT_S) | ((low + high) / 2 >= LEAST_WAIT_S)
        low, high, waited = low[worth], high[worth], waited[worth]
        if len(waited) < LEAST_JUDGED:
            continue
        below, above = waited < low, waited > high
        width = float(np.median((high - low) / np.maximum(waited, 1)))
        inside = 1 - float(below.mean()) - float(above.mean())
        found.append(Ranges(when, len(waited), inside, float(below.mean()), float(above.mean()), width))
    return found


def _estimates(ledger: Ledger, crowd: Crowd) -> list[Check]:
    checks = []
    for told in ranges(ledger, crowd):
        seen = f"{told.inside:.1%} of {told.count:,} (shorter {told.below:.1%}, longer {told.above:.1%})"
        checks.append(
            Check(f"range told {told.when} holds the truth in 85–95 %", seen, told.inside >= COVERAGE[0])
        )
        checks.append(
            Check(
                f"median width of the range {told.when} ≤ 35 % of the wait",
                f"{told.width:.0%}",
                told.width <= WIDTH,
            )
        )
    if ledger.growth_shown:
        share = ledger.growth_over / ledger.growth_shown
        seen = f"{share:.2%} of {ledger.growth_shown:,} showings grew by more (most {ledger.growth_most:.0%})"
        checks.append(Check("upper bound grows ≤ 10 % between showings at a constant rate", seen, share <= 0.001))
    return checks
