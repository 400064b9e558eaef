"""How problems with the configuration are told: one line each, all at once."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from gateway.settings.checks import CompleteError
from gateway.settings.documented import setting_of
from gateway.settings.model import Settings
from gateway.settings.room import RoomSettings


def secrets_in_file(values: dict[str, Any], file: Path | None) -> list[str]:
    """Take secret keys out of what a file gave: it is copied, mailed and kept in version control."""
    if "secret_keys" not in values:
        return []
    del values["secret_keys"]
    env = setting_of(Settings.model_fields["secret_keys"]).env
    return [f"{file}: secret_keys does not belong in a file: give it as {env}, or let the first run make one"]


def explain(
    failure: ValidationError, in_file: Mapping[str, Any], file: Path | None, in_environment: Mapping[str, Any]
) -> list[str]:
    """One line for each problem: where, what was given, what is allowed."""
    lines = []
    for error in failure.errors():
        name, *inside = error["loc"]
        if error["type"] == "default_factory_not_called":
            continue  # follows from another problem, which has a line of its own
        if name == "rooms" and len(inside) > 1:
            where = f"{file}: room {_room_label(in_file['rooms'], inside[0])}: "
            lines.append(_line(where, str(inside[1]), RoomSettings, error))
        elif name in in_environment:
            env = setting_of(Settings.model_fields[str(name)]).env
            lines.append(_line("", str(name), Settings, error, shown=env))
        else:
            lines.append(_line(f"{file}: " if name in in_file else "", str(name), Settings, error))
    return list(dict.fromkeys(lines))


def _line(where: str, name: str, model: type[BaseModel], error: ErrorDetails, shown: str = "") -> str:
    field = model.model_fields.get("except_" if name == "except" else name)
    if field is None:
        return f"{where}unknown key {name}{_did_you_mean(name, model)}"
    setting = setting_of(field)
    if error["type"] == "missing":
        return f"{where}{name} is missing: give {setting.allowed}"
    problem = error.get("ctx", {}).get("error")
    if isinstance(problem, CompleteError):
        return f"{where}{shown or name}: {problem}"
    value = "the value" if setting.secret else _shortened(error["input"])
    because = f" ({problem})" if error["type"] == "value_error" else ""
    return f"{where}{shown or name}: {value} is not usable{because}: give {setting.allowed}"


def _shortened(value: Any) -> str:
    """The value as it is written in the file; tables, and lists of them, would only be noise."""
    items = value if isinstance(value, (tuple, list)) else [value]
    if not all(isinstance(item, (str, int, float)) for item in items):
        return "what is there"
    text = str(value).lower() if isinstance(value, bool) else repr(list(value) if value is items else value)
    text = text.replace("'", '"')
    return text if len(text) <= 80 else f"{text[:77]}…"


def _did_you_mean(name: str, model: type[BaseModel]) -> str:
    known = [
        "except" if field == "except_" else field for field in model.model_fields if field != "secret_keys"
    ]
    asked = name.lower().replace("-", "_").removeprefix("antrean_")
    begun = [field for field in known if asked and field.startswith(asked)]  # "rate" for rate_per_minute
    close = begun or difflib.get_close_matches(asked, known, n=1, cutoff=0.6)
    return f": did you mean {close[0]}?" if close else f": known are {', '.join(known)}"


def _room_label(rooms: Any, index: object) -> str:
    """The room's id as given, else its place in the file, counted from 1."""
    room = rooms[index]
    if isinstance(room, dict) and isinstance(room.get("id"), str):
        return f'"{room["id"]}"'
    return f"{int(str(index)) + 1}"
