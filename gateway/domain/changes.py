"""What an operator asks to change: checked before it goes to the store, told in a sentence, taken back.

The desk's pages, its API and the command line share these rules, so that they refuse the same things
with the same words. Values may come as JSON or as text from a form.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from datetime import UTC, datetime
from typing import Any

from gateway.domain.room import (
    MAX_MESSAGE_CHARACTERS,
    Ending,
    Knobs,
    Phase,
    check_ceiling,
    check_joins_per_network,
    check_quota,
    check_rate,
)
from gateway.errors import AntreanError, InvalidKnob

LANGUAGES = ("id", "en")
SWITCHES = {"on": True, "true": True, "off": False, "false": False}

LATEST_MS = 10**14
ZONES = {"WIB": "+07:00", "WITA": "+08:00", "WIT": "+09:00", "UTC": "+00:00"}

# Control characters but the line break, and half characters that no encoding can carry. Emoji, whose parts
# are joined by invisible characters, and writing from right to left are meant to pass.
UNUSABLE = re.compile("[\x00-\x09\x0b-\x1f\x7f-\x9f\ud800-\udfff]")
MAX_WHY_CHARACTERS = 300
WHOLE = frozenset(("ceiling", "opens_at_ms", "closes_at_ms", "daily_quota", "total_quota", "joins_per_network"))
KNOB_NAMES = frozenset(knob.name for knob in fields(Knobs))

# `scheduled` and `drawn` are entered and left by the schedule, never by hand.
OPERATOR_PHASES = (Phase.OPEN, Phase.PAUSED, Phase.LAST_CALL, Phase.CLOSED, Phase.BYPASS)


class InvalidChanges(InvalidKnob):
    """Changes that cannot be made. ``problems`` maps each field to what is wrong and what is allowed."""

    def __init__(self, problems: Mapping[str, str]) -> None:
        super().__init__("; ".join(f"{name}: {text}" for name, text in problems.items()))
        self.problems = dict(problems)


class CannotUndo(AntreanError):
    """The entry cannot be taken back; the message says why and what to do instead."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of a room's audit: who changed what, when, from what to what, and why."""

    revision: int  # of the knobs after the change; 0 when no knob was changed
    at_ms: int  # wall time
    actor: str
    action: str  # "set", or what else was done, such as "new-line"
    why: str = ""
    before: Mapping[str, object] = field(default_factory=dict)
    after: Mapping[str, object] = field(default_factory=dict)

    @property
    def opening_ms(self) -> int:
        """Of an opening that was announced, planned or called off: when its doors open; else 0."""
        told = self.after.get("opening") or self.after.get("planned") or self.before.get("planned")
        return int(str(told)) if told else 0

    @property
    def undoable(self) -> bool:
        """Whether it changed knobs, which can be set back."""
        return self.action == "set" and bool(self.before)


# The store's short names of knobs, where they differ from those of Knobs.
STORED_NAMES = {"rate": "rate_per_minute"}


# What else the store's functions write down, by what they name.
ACTIONS = {"line": "new-line", "opening": "schedule", "planned": "plan", "entropy": "entropy"}


def entry_of(stored: Mapping[str, Any]) -> Entry:
    """An audit entry as the store keeps it: ``changes`` maps each name to ``[before, after]``."""
    if "action" in stored:
        return Entry(
            revision=int(stored["revision"]),
            at_ms=int(stored["at_ms"]),
            actor=str(stored["actor"]),
            action=str(stored["action"]),
            why=str(stored["why"]),
            before=dict(stored["before"]),
            after=dict(stored["after"]),
        )
    pairs = {STORED_NAMES.get(name, name): pair for name, pair in stored.get("changes", {}).items()}
    action = next((ACTIONS[name] for name in pairs if name in ACTIONS), "note")
    if action == "plan" and not pairs["planned"][1]:
        action = "unplan"
    is_knobs = bool(pairs) and all(name in KNOB_NAMES for name in pairs)
    return Entry(
        revision=int(stored["revision"]),
        at_ms=int(stored["at_ms"]),
        actor=str(stored.get("actor", "")),
        action="set" if is_knobs else action,
        why=str(stored.get("why", "")),
        before={name: _plain(name, before) for name, (before, _) in pairs.items()},
        after={name: _plain(name, after) for name, (_, after) in pairs.items()},
    )


def _plain(name: str, value: Any) -> object:
    if name == "message" and isinstance(value, str):
        return json.loads(value) if value else {}
    if name == "rate_per_minute":
        return float(value)
    if name == "challenge":
        return bool(int(value))
    return int(value) if name in WHOLE else value


def read_changes(asked: Mapping[str, object]) -> dict[str, object]:
    """Return the changes with their proper types, or raise InvalidChanges naming every problem at once."""
    problems: dict[str, str] = {}
    changes: dict[str, object] = {}
    for name, value in asked.items():
        reader = READERS.get(name)
        if reader is None:
            problems[name] = f"there is no such setting: use {', '.join(READERS)}"
            continue
        try:
            changes[name] = reader(value)
        except InvalidKnob as error:
            problems[name] = str(error)
    if problems:
        raise InvalidChanges(problems)
    return changes


def read_rate(value: object) -> float:
    """Visitors a minute, from a number or its text. Raises InvalidKnob."""
    return check_rate(_number(value, "a number of visitors a minute, like 60 or 7.5"))


def read_ceiling(value: object) -> int:
    """Visitors inside at once, from a whole number or its text. Raises InvalidKnob."""
    return check_ceiling(_whole(value, "a whole number of visitors, like 500"))


def read_quota(value: object) -> int:
    """Visitors who may be let in, from a whole number or its text; 0 for "none" or null. Raises InvalidKnob."""
    if value is None or (isinstance(value, str) and value.strip() in ("", "none")):
        return 0
    quota = _whole(value, 'a whole number of visitors, like 500, or "none"')
    if quota == 0:
        raise InvalidKnob("0 is no quota: to let nobody in, pause the room; to take the quota away, give none")
    return check_quota(quota)


def read_joins_per_network(value: object) -> int:
    """Joins a minute that one client network may bring, from a whole number or its text. Raises InvalidKnob."""
    return check_joins_per_network(_whole(value, "a whole number of joins a minute, like 3000"))


def read_switch(value: object) -> bool:
    """On or off, from a truth value or its text. Raises InvalidKnob."""
    switch = SWITCHES.get(value.strip().lower()) if isinstance(value, str) else value
    if isinstance(switch, bool):
        return switch
    raise InvalidKnob(f"{_shown(value)} is neither on nor off")


def read_phase(value: object) -> Phase:
    """A phase that an operator may set. Raises InvalidKnob."""
    allowed = ", ".join(OPERATOR_PHASES)
    if value in OPERATOR_PHASES:
        return Phase(str(value))
    if value in tuple(Phase):
        raise InvalidKnob(f"{value} is entered by the room's schedule, not by hand: use {allowed}")
    raise InvalidKnob(f"{_shown(value)} is not a phase: use {allowed}")


def read_message(value: object) -> dict[str, str]:
    """Language code to text; it replaces what was announced in every language. Raises InvalidKnob."""
    if not isinstance(value, Mapping):
        raise InvalidKnob('give a text for each language, like {"id": "…", "en": "…"}')
    message: dict[str, str] = {}
    for language, text in value.items():
        if language not in LANGUAGES:
            raise InvalidKnob(f"{_shown(language)} is not a language of the page: use {', '.join(LANGUAGES)}")
        if cleaned := read_text(text, MAX_MESSAGE_CHARACTERS):
            message[str(language)] = cleaned
    return message


def read_text(value: object, most: int) -> str:
    """Trimmed text of at most ``most`` characters, without control characters. Raises InvalidKnob."""
    if not isinstance(value, str):
        raise InvalidKnob(f"{_shown(value)} is not a text")
    text = value.replace("\r\n", "\n").strip()
    if len(text) > most:
        raise InvalidKnob(f"the text has {len(text):,} characters: at most {most} fit")
    if UNUSABLE.search(text):
        raise InvalidKnob("the text holds control characters: use letters, spaces and line breaks")
    return text


def read_why(value: object) -> str:
    """The reason that the audit keeps. Raises InvalidKnob."""
    return read_text(value, MAX_WHY_CHARACTERS)


def read_time(value: object) -> int:
    """Wall time in ms, from a date and time with its zone, or from ms; 0 for "none". Raises InvalidKnob."""
    wanted = 'a time with its zone, like "2026-08-20 09:00 WIB" or "2026-08-20T09:00+07:00", or "none"'
    if isinstance(value, float) and value.is_integer():  # JSON has one kind of number
        value = int(value)
    if isinstance(value, int) and not isinstance(value, bool) and 0 <= value < LATEST_MS:
        return value
    if not isinstance(value, str):
        raise InvalidKnob(f"{_shown(value)} is not {wanted}")
    text = value.strip()
    if text in ("", "none"):
        return 0
    for name, offset in ZONES.items():
        text = re.sub(rf"\s*{name}$", offset, text)
    try:
        moment = datetime.fromisoformat(text)
        at_ms = round(moment.timestamp() * 1000) if moment.tzinfo else -1
    except (ValueError, OverflowError):
        at_ms = -1
    if not 0 < at_ms < LATEST_MS:
        raise InvalidKnob(f"{_shown(value)} is not {wanted}")
    return at_ms


def read_ending(value: object) -> Ending:
    """What closing time means. Raises InvalidKnob."""
    if value in tuple(Ending):
        return Ending(str(value))
    raise InvalidKnob(f"{_shown(value)} is not what closing can mean: use {', '.join(Ending)}")


READERS: dict[str, Callable[[object], object]] = {
    "rate_per_minute": read_rate,
    "ceiling": read_ceiling,
    "phase": read_phase,
    "message": read_message,
    "opens_at_ms": read_time,
    "closes_at_ms": read_time,
    "ending": read_ending,
    "daily_quota": read_quota,
    "total_quota": read_quota,
    "joins_per_network": read_joins_per_network,
    "challenge": read_switch,
}


def revert(entry: Entry, current: Knobs) -> dict[str, object]:
    """The changes that take ``entry`` back, or raise CannotUndo.

    Only what still stands as that entry left it is set back: a later change of the same knob was
    somebody's decision, and is not overwritten by undoing an older one.
    """
    if not entry.undoable:
        raise CannotUndo(f"'{entry.action}' changed no knob, so there is nothing to set back")
    changed_since = [name for name in entry.after if getattr(current, name) != entry.after[name]]
    if changed_since:
        names = ", ".join(LABELS.get(name, name) for name in changed_since)
        raise CannotUndo(f"{names} changed again since revision {entry.revision}: undo the later change first")
    return dict(entry.before)


LABELS = {
    "rate_per_minute": "rate",
    "ceiling": "ceiling",
    "phase": "phase",
    "message": "message",
    "opens_at_ms": "opening time",
    "closes_at_ms": "closing time",
    "ending": "ending",
    "daily_quota": "daily quota",
    "total_quota": "total quota",
    "joins_per_network": "joins per network",
    "challenge": "challenge",
}
UNITS = {"rate_per_minute": " a minute", "ceiling": " visitors inside", "joins_per_network": " a minute"}


def describe(before: Mapping[str, object], after: Mapping[str, object]) -> str:
    """One line for people: ``rate 60 → 30 a minute, phase open → paused``."""
    parts = (
        f"{LABELS.get(name, name)} {_tell(name, before.get(name))} → {_tell(name, value)}{UNITS.get(name, '')}"
        for name, value in after.items()
    )
    return ", ".join(parts) or "nothing"


def _tell(name: str, value: object) -> str:
    if name in ("daily_quota", "total_quota") and not value:
        return "none"
    if name in ("opens_at_ms", "closes_at_ms") and isinstance(value, int):
        return datetime.fromtimestamp(value / 1000, UTC).strftime("%Y-%m-%d %H:%M:%S UTC") if value else "none"
    return tell(value)


def tell(value: object) -> str:
    """A knob's value as people write it."""
    if isinstance(value, Mapping):
        return " / ".join(f"{language}: “{text}”" for language, text in value.items()) or "none"
    if isinstance(value, bool):
        return "on" if value else "off"
    if isinstance(value, float):
        return f"{value:,.10g}"
    if isinstance(value, int):
        return f"{value:,}"
    return str(value)


def _number(value: object, wanted: str) -> float:
    problem = InvalidKnob(f"{_shown(value)} is not {wanted}")
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        raise problem
    if isinstance(value, str) and "_" in value:  # float() would read 1_000 as a thousand
        raise problem
    try:
        return float(value)
    except (ValueError, OverflowError):
        raise problem from None


def _whole(value: object, wanted: str) -> int:
    number = _number(value, wanted)
    if not math.isfinite(number) or number != int(number):
        raise InvalidKnob(f"{_shown(value)} is not {wanted}")
    return int(number)


def _shown(value: object) -> str:
    if isinstance(value, int) and not isinstance(value, bool) and abs(value) > 10**20:
        return "a number that large"  # writing out a huge integer can itself raise
    text = repr(value)
    return text if len(text) <= 40 else f"{text[:37]}…"
