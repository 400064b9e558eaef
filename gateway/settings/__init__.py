"""What an engineer decides before the start: from the environment and from ``antrean.toml``.

Read once, checked whole: every problem is reported at once, each naming the setting, the value and
what is allowed. A value in the environment wins over the same one in the file. What an operator
turns while the room runs (rate, ceiling, phase) has only its *first* value here.

Plain dataclasses, although pydantic-settings would read them too: a command such as
``antrean room pause`` has half a second in all, and that library takes a fifth of a second of it.
"""

from __future__ import annotations

import os
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from gateway.errors import SettingsError
from gateway.settings.documented import settings_of
from gateway.settings.model import Settings
from gateway.settings.reading import read_settings
from gateway.settings.room import RoomSettings, sample_room

__all__ = ["RoomSettings", "Settings", "config_file", "load_settings", "sample_room"]


def load_settings(config: Path | None = None, environ: Mapping[str, str] | None = None) -> Settings:
    """Read ``config`` (else ANTREAN_CONFIG, else ./antrean.toml if it is there) and the environment.

    Raises SettingsError with every problem, one line each.
    """
    environ = os.environ if environ is None else environ
    file = config_file(config, environ)
    return read_settings(_read_file(file) if file else {}, file, _gather(environ))


def config_file(config: Path | None, environ: Mapping[str, str]) -> Path | None:
    """Which file is read: the one asked for (it must exist then), the one in the current folder, or none."""
    asked = config or (Path(environ["ANTREAN_CONFIG"]) if environ.get("ANTREAN_CONFIG") else None)
    if asked is not None:
        return asked.expanduser().absolute()
    default = Path("antrean.toml").absolute()
    return default if default.exists() else None


def _gather(environ: Mapping[str, str]) -> dict[str, str]:
    """The settings that the environment gives; an empty value means unset."""
    named = {setting.env: name for name, setting in settings_of(Settings).items()}
    return {named[key]: value for key, value in environ.items() if key in named and value.strip()}


def _read_file(file: Path) -> dict[str, Any]:
    try:
        values = tomllib.loads(file.read_text("utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as exc:
        reason = exc.strerror if isinstance(exc, OSError) else exc
        raise SettingsError([f"{file}: cannot be read: {reason}"]) from exc
    if isinstance(values.get("state_dir"), str):
        # Relative to the file, so that the same file means the same folder from anywhere.
        values["state_dir"] = str(file.parent / values["state_dir"])
    return values
