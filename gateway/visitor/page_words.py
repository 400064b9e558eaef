"""What the waiting page says: which view a ticket sees, and its wait, clock and people ahead in words.

``static/waiting-words.js`` has the same functions under the same names; ``tests/browser`` holds both to one
table.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone, tzinfo
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from gateway.i18n import Language

WIB = timezone(timedelta(hours=7), "WIB")  # western Indonesia; no daylight saving
MINUTE, HOUR, DAY = 60, 3600, 86400


@dataclass(frozen=True, slots=True)
class View:
    """How one state of a ticket looks."""

    tone: str  # calm, ready, hold or stop: the colour of its label
    parts: str  # n number, w wait and people ahead, c check now, j join, e enter, r rules, g give up


VIEWS: dict[str, View] = {
    "joining": View("calm", "nwcr"),  # the surge page, before the script or the next load knows the number
    "waiting": View("calm", "nwcrg"),
    "called": View("ready", "nwcrg"),
    "admitted": View("ready", "ne"),
    "late": View("ready", "ncrg"),
    "paused": View("hold", "nwcrg"),
    "last-call": View("calm", "nwcrg"),
    "scheduled": View("calm", "nwcrg"),
    "closed": View("stop", "c"),
    "withdrawn": View("stop", "j"),
    "left": View("stop", "j"),
    "finished": View("ready", "j"),
    "expired": View("hold", "j"),
    "offline": View("hold", "nwcr"),
    "recovering": View("hold", "nwcr"),
    "trouble": View("hold", "c"),
    "cookies": View("hold", "c"),
    "bypass": View("ready", "e"),
    "overloaded": View("hold", "c"),
    "elsewhere": View("ready", "ne"),
}

_SETTLED = ("admitted", "late", "finished", "expired", "withdrawn", "left", "closed")
_BY_PHASE = {"paused": "paused", "scheduled": "scheduled", "drawn": "scheduled"}


def view_of(state: str, phase: str, numbered: bool) -> str:
    """The view for a ticket's state in a room's phase. ``numbered``: the ticket has a number, not a stamp."""
    if state in _SETTLED:
        return state
    if phase == "bypass":
        return "bypass"
    if not numbered:
        return "trouble"
    if phase in _BY_PHASE:
        return _BY_PHASE[phase]
    if state == "called":
        return "called"
    return "last-call" if phase == "last-call" else "waiting"


def about(people: float) -> int:
    """People, rounded up to three figures or so: "at most" stays true and the number stays calm."""
    for least, step in ((100_000, 1000), (10_000, 100), (1000, 10)):
        if people >= least:
            return math.ceil(people / step) * step
    return math.ceil(people)


def wait_steps(low_s: float, high_s: float) -> tuple[float, float, str]:
    """A wait as (low, high, unit), rounded outward to what a person plans with; low 0 means "under high"."""
    if high_s <= 20 * MINUTE:
        unit, size, step = "minutes", MINUTE, 1.0
    elif high_s <= 90 * MINUTE:
        unit, size, step = "minutes", MINUTE, 5.0
    elif high_s <= 36 * HOUR:
        unit, size, step = "hours", HOUR, 0.5
    else:
        unit, size, step = "days", DAY, 1.0
    low = math.floor(low_s / size / step) * step
    return low, max(math.ceil(high_s / size / step), 1) * step, unit


def chance_of(left_s: float, low_s: float, high_s: float, cut: bool) -> str:
    """Whether somebody with this wait goes in before the room closes in ``left_s``: served, yes, no or maybe.

    ``cut``: at closing time the line is cut; else everyone in it is still served.
    """
    if not cut:
        return "served"
    if high_s <= left_s:
        return "yes"
    return "no" if low_s > left_s else "maybe"


def number_words(language: Language, n: float) -> str:
    """12345.5 as ``12.345,5`` or ``12,345.5``."""
    whole = f"{math.floor(n):,}".replace(",", language.group_separator)
    return whole if n == math.floor(n) else f"{whole}{language.decimal_separator}5"


def wait_words(language: Language, low_s: float, high_s: float) -> str:
    """A wait in seconds as words: ``12–17 minutes``, ``under 5 minutes``, ``2–2.5 hours``."""
    low, high, unit = wait_steps(low_s, high_s)
    key = "wait.less" if low <= 0 else "wait.about" if low == high else "wait.range"
    name = language.count(f"unit.{unit}", math.ceil(high))
    return language.text(key, low=number_words(language, low), high=number_words(language, high), unit=name)


def clock_words(language: Language, now_ms: float, low_s: float, high_s: float, zone: tzinfo) -> str:
    """When the turn comes, by the clock: ``around 14:20–14:35 WIB``; empty when over six days away."""
    if high_s > 6 * DAY:
        return ""
    step = MINUTE if high_s <= 20 * MINUTE else 5 * MINUTE
    now_s = now_ms / 1000
    first = _at(math.floor((now_s + low_s) / step) * step, zone)
    last = _at(math.ceil((now_s + high_s) / step) * step, zone)
    start, end = time_words(language, first), time_words(language, last)
    if first.date() != _at(now_s, zone).date():
        start = f"{_weekday(language, first)} {start}"
    if last.date() != first.date():
        end = f"{_weekday(language, last)} {end}"
    span = start if start == end else f"{start}–{end}"
    return f"{language.text('clock.range', range=span)} {_zone_name(last)}".rstrip()


def date_words(language: Language, at_ms: float, zone: tzinfo) -> str:
    """A day and time: ``Wed 20 Aug, 09:00 WIB``."""
    at = _at(at_ms / 1000, zone)
    words = language.text(
        "clock.date",
        weekday=_weekday(language, at),
        day=at.day,
        month=language.months[at.month - 1],
        time=time_words(language, at),
    )
    return f"{words} {_zone_name(at)}".rstrip()


def time_words(language: Language, at: datetime, *, seconds: bool = False) -> str:
    pattern = "%H{0}%M{0}%S" if seconds else "%H{0}%M"
    return at.strftime(pattern.format(language.time_separator))


def updated_words(language: Language, now_ms: float, zone: tzinfo) -> str:
    return language.text("updated.at", time=time_words(language, _at(now_ms / 1000, zone), seconds=True))


def message_words(message: object, code: str) -> str:
    """The operator's announcement in ``code``, or in whatever language there is."""
    if isinstance(message, str):
        return message
    texts: Mapping[str, object] = message if isinstance(message, dict) else {}
    return str(texts.get(code) or next((text for text in texts.values() if text), ""))


def _at(seconds: float, zone: tzinfo) -> datetime:
    return datetime.fromtimestamp(seconds, UTC).astimezone(zone)


def _weekday(language: Language, at: datetime) -> str:
    return language.weekdays[(at.weekday() + 1) % 7]


def _zone_name(at: datetime) -> str:
    name = at.tzname() or ""
    return "" if name.startswith(("+", "-")) else name
