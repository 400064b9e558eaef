"""Who comes, when, and what they are like: drawn once, from the seed, before the day begins."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from loadtests.replay.profiles import Profile

PARTS = 2  # a second is replayed in halves, each with its tick
NEVER = np.iinfo(np.int32).max


class Diary:
    """Events that are known beforehand, in order of their second."""

    def __init__(self, who: NDArray[np.int64], at_s: NDArray[np.int64]) -> None:
        order = np.argsort(at_s, kind="stable")
        self._who = who[order].astype(np.int32)
        self._at = at_s[order]
        self._next = 0

    def rename(self, names: NDArray[np.int64]) -> None:
        """Everybody by another index."""
        self._who = names[self._who].astype(np.int32)

    def take(self, now_s: int) -> NDArray[np.int64]:
        """Who is due by this second and was not taken yet."""
        first = self._next
        if first == len(self._at) or self._at[first] > now_s:
            return _NOBODY
        self._next = first + int(np.searchsorted(self._at[first:], now_s, side="right"))
        return self._who[first : self._next].astype(np.int64)


_NOBODY = np.empty(0, dtype=np.int64)


@dataclass(frozen=True, slots=True)
class Population:
    """Visitor ``i`` takes number ``i`` (index 0 is nobody), in order of arrival."""

    arrived: NDArray[np.int64]  # cumulative arrivals at the end of each part of a second
    hidden: NDArray[np.bool_]
    leaves: Diary  # patience ends, or the page is closed for good
    sleeps: Diary
    wakes: Diary
    session_s: NDArray[np.int32]
    finishes: NDArray[np.bool_]
    uses: NDArray[np.bool_]  # whether the pass ever reaches the site

    @property
    def size(self) -> int:
        return len(self.hidden) - 1


def draw(profile: Profile, rng: np.random.Generator) -> Population:
    """The people of one day."""
    count = profile.tickets
    seconds = max(1, round(profile.hours * 3600))
    arrive = _arrival_times(profile, seconds, count, rng)
    per_part = np.bincount((arrive * PARTS).astype(np.int64), minlength=seconds * PARTS)
    leave = _leaving(profile, arrive, rng)
    sleeper, sleep, wake = _naps(profile, arrive, rng)
    everyone = np.arange(1, count + 1)
    session = profile.session_s * np.exp(profile.session_sigma * rng.standard_normal(count + 1))
    return Population(
        arrived=np.cumsum(per_part),
        hidden=rng.random(count + 1) < profile.hidden,
        leaves=Diary(everyone, leave),
        sleeps=Diary(sleeper, sleep),
        wakes=Diary(sleeper, wake),
        session_s=np.clip(session, 20, 7000).astype(np.int32),
        finishes=rng.random(count + 1) >= profile.never_finish,
        uses=rng.random(count + 1) >= profile.never_use,
    )


def _arrival_times(profile: Profile, seconds: int, count: int, rng: np.random.Generator) -> NDArray[np.float64]:
    """Times of arrival in seconds, sorted, by the profile's density."""
    grid = np.linspace(0, 1, 4001)
    middle = (grid[1:] + grid[:-1]) / 2
    share = np.r_[0, np.cumsum(np.maximum(profile.arrivals(middle), 0))]
    at = np.interp(np.sort(rng.random(count)), share / share[-1], grid)
    return np.minimum(at * seconds, seconds - 0.001)


def _leaving(profile: Profile, arrive: NDArray[np.float64], rng: np.random.Generator) -> NDArray[np.int64]:
    patience = profile.patience_h * 3600 * np.exp(profile.patience_sigma * rng.standard_normal(len(arrive)))
    early = rng.random(len(arrive)) < profile.gone
    patience[early] = profile.gone_s * rng.random(int(early.sum()))
    return np.asarray(np.minimum(arrive + 2 + patience, NEVER - 1)).astype(np.int64)


def _naps(
    profile: Profile, arrive: NDArray[np.float64], rng: np.random.Generator
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
    """Who sleeps (index), from when, until when: each wakes with one returning visit."""
    count = min(len(arrive), round(profile.visits * profile.returning))
    who = rng.choice(len(arrive), count, replace=False)
    sleep = arrive[who] + 5 + rng.exponential(profile.nap_after_s, count)
    wake = sleep + 5 + profile.nap_s * np.exp(0.8 * rng.standard_normal(count))
    return who + 1, sleep.astype(np.int64), wake.astype(np.int64)
