"""From raw values to settings. Every problem is kept, as one line: where, what was given, what is allowed."""

from __future__ import annotations

import dataclasses
import difflib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from gateway.errors import SettingsError
from gateway.settings import checks
from gateway.settings.documented import Setting, required, settings_of
from gateway.settings.model import Settings
from gateway.settings.room import RoomSettings

Where = Callable[[str], str]
"""From a field's name to the place and name that a person knows it by."""


def read_settings(in_file: dict[str, Any], file: Path | None, in_environment: Mapping[str, str]) -> Settings:
    """The settings of a file's values and the environment's. Raises SettingsError with all problems."""
    problems = _secrets_in_file(in_file, file)
    known = settings_of(Settings)

    def where(name: str) -> str:
        return known[name].env if name in in_environment else f"{file}: {name}"

    values = _read(Settings, {**in_file, **in_environment}, where, problems)
    if "rooms" in values:
        values["rooms"] = _read_rooms(values["rooms"], file, problems)
    problems += checks.shared_ports(values | _defaults(values), where)
    if problems:
        raise SettingsError(problems)
    return Settings(**values)


def _read_rooms(tables: list[dict[str, Any]], file: Path | None, problems: list[str]) -> tuple[RoomSettings, ...]:
    rooms = []
    for place, table in enumerate(tables, start=1):
        label = f'"{table["id"]}"' if isinstance(table.get("id"), str) else str(place)
        found = len(problems)
        values = _read(RoomSettings, table, _in_room(file, label), problems)
        if len(problems) == found:
            rooms.append(RoomSettings(**values))
    twins = [room.rehearsed() for room in rooms if room.rehearsal]
    apart = checks.rooms_apart([(room.id, room.hosts, room.paths) for room in (*rooms, *twins)])
    problems += [f"{file}: {problem}" for problem in apart]
    return tuple(rooms)


def _in_room(file: Path | None, label: str) -> Where:
    return lambda name: f"{file}: room {label}: {name}"


def _read(model: type, raw: Mapping[str, Any], where: Where, problems: list[str]) -> dict[str, Any]:
    """The values of one table that can be used, by field name; the other ones' problems are added."""
    known = settings_of(model)
    raw = {("except_" if name == "except" else name): value for name, value in raw.items()}
    values = {}
    for name, setting in known.items():
        shown = where(name.rstrip("_"))
        if name in raw:
            try:
                values[name] = setting.parse(raw[name])
            except ValueError as exc:
                problems.append(_problem(shown, raw[name], setting, exc))
        elif name in required(model):
            problems.append(f"{shown} is missing: give {setting.allowed}")
    for name in raw:
        if name not in known:
            shown = where(name)
            place = shown[: len(shown) - len(name)]
            problems.append(f"{place}unknown key {name}{_did_you_mean(name, model)}")
    return values


def _defaults(values: Mapping[str, Any]) -> dict[str, Any]:
    """The ports that nobody gave: a given one may clash with them."""
    fields = {field.name: field.default for field in dataclasses.fields(Settings)}
    return {name: fields[name] for name in checks.PORTS if name not in values}


def _secrets_in_file(values: dict[str, Any], file: Path | None) -> list[str]:
    """Take secret keys out of what a file gave: it is copied, mailed and kept in version control."""
    if "secret_keys" not in values:
        return []
    del values["secret_keys"]
    env = settings_of(Settings)["secret_keys"].env
    return [f"{file}: secret_keys does not belong in a file: give it as {env}, or let the first run make one"]


def _problem(shown: str, value: Any, setting: Setting, exc: ValueError) -> str:
    if isinstance(exc, checks.CompleteError):
        return f"{shown}: {exc}"
    given = "the value" if setting.secret else _shortened(value)
    because = f" ({exc})" if str(exc) else ""
    return f"{shown}: {given} is not usable{because}: give {setting.allowed}"


def _shortened(value: Any) -> str:
    """The value as it is written in the file; tables, and lists of them, would only be noise."""
    items = value if isinstance(value, list) else [value]
    if not all(isinstance(item, (str, int, float)) for item in items):
        return "what is there"
    text = str(value).lower() if isinstance(value, bool) else repr(value).replace("'", '"')
    return text if len(text) <= 80 else f"{text[:77]}…"


def _did_you_mean(name: str, model: type) -> str:
    known = [field.rstrip("_") for field in settings_of(model) if field != "secret_keys"]
    asked = name.lower().replace("-", "_").removeprefix("antrean_")
    begun = [field for field in known if asked and field.startswith(asked)]  # "rate" for rate_per_minute
    close = begun or difflib.get_close_matches(asked, known, n=1, cutoff=0.6)
    return f": did you mean {close[0]}?" if close else f": known are {', '.join(known)}"
