"""How a command acts on the store: directly, so that it works while gateway and desk are down."""

from __future__ import annotations

import asyncio
import getpass
import json
import sys
from collections.abc import Awaitable, Callable, Mapping
from typing import TYPE_CHECKING, Any, Never, TypeVar

import typer

from gateway.cli import exits
from gateway.desk.actions import NoSuchEntry, NumberUnknown
from gateway.domain import openings
from gateway.domain.changes import READERS, CannotUndo, InvalidChanges
from gateway.errors import (
    AntreanError,
    InvalidKnob,
    MistypedNumber,
    NoSuchOpening,
    RoomMissing,
    SettingsError,
    StaleRevision,
    StoreError,
)
from gateway.settings import load_settings
from gateway.store.rooms import open_store

if TYPE_CHECKING:
    from gateway.settings import RoomSettings, Settings
    from gateway.store.line import Line

Result = TypeVar("Result")


class NoSuchRoom(AntreanError):
    """The configuration has no such room, or more than one and none was named."""


def settings_or_exit() -> Settings:
    """The settings; what is wrong with them is one line each, and exit code 2."""
    try:
        return load_settings()
    except SettingsError as error:
        fail(error)


def on_lines(
    rooms: list[RoomSettings], settings: Settings, act: Callable[[list[Line]], Awaitable[Result]]
) -> Result:
    """What ``act`` returns for the rooms' lines; on trouble the command ends with its message and code."""
    try:
        return asyncio.run(_with_lines(rooms, settings, act))
    except AntreanError as error:
        fail(error, settings)


def on_line(room: str | None, act: Callable[[Line], Awaitable[Result]]) -> Result:
    """The same for one room; it need not be named where there is only one."""
    settings = settings_or_exit()
    try:
        chosen = choose_room(settings, room)
    except NoSuchRoom as error:
        fail(error)
    return on_lines([chosen], settings, lambda lines: act(lines[0]))


def choose_room(settings: Settings, room: str | None) -> RoomSettings:
    """The room that is meant. Raises NoSuchRoom."""
    known = {configured.id: configured for configured in settings.rooms}
    real = [configured for configured in settings.rooms if not configured.rehearses]
    if room is None and len(real) == 1:
        return real[0]
    if room is None:
        raise NoSuchRoom(f"say which room: {', '.join(known)}")
    if room not in known:
        raise NoSuchRoom(f"there is no room '{room}': there are {', '.join(known)}")
    return known[room]


def actor() -> str:
    """Who acts, as the audit names it."""
    try:
        return f"{getpass.getuser()} (command)"
    except (KeyError, OSError):  # a container's user need not have a name
        return "somebody (command)"


def fail(error: AntreanError, settings: Settings | None = None) -> Never:
    """End the command: one line for people on stderr, a code for scripts."""
    problems = error.problems if isinstance(error, SettingsError) else [_sentence(error, settings)]
    for problem in problems:
        sys.stderr.write(f"antrean: {problem}\n")
    raise typer.Exit(exit_code(error))


def exit_code(error: AntreanError) -> int:
    """The stable code for an error."""
    if isinstance(error, InvalidKnob | MistypedNumber | SettingsError):
        return exits.USAGE
    if isinstance(error, NoSuchRoom | NumberUnknown | NoSuchEntry | NoSuchOpening | RoomMissing):
        return exits.NOT_FOUND
    if isinstance(error, StaleRevision | CannotUndo):
        return exits.CONFLICT
    return exits.UNREACHABLE if isinstance(error, StoreError) else exits.TROUBLE


def print_json(value: Mapping[str, Any] | list[Any]) -> None:
    """For scripts: one JSON document on stdout."""
    sys.stdout.write(json.dumps(value, ensure_ascii=False, indent=2) + "\n")


async def _with_lines(
    rooms: list[RoomSettings], settings: Settings, act: Callable[[list[Line]], Awaitable[Result]]
) -> Result:
    store = await open_store(settings.store_address())
    try:
        return await act(
            [store.line(room.id, poll_max_s=room.poll_max_s, day_offset_ms=room.day_offset_ms) for room in rooms]
        )
    finally:
        await store.close()


_WITH_OPTIONS = (READERS.keys() | openings.READERS.keys()) - {"message", "reason", "order"}


def _option(field: str) -> str:
    """The option that sets a knob: ``rate_per_minute`` is ``--rate``, ``opens_at_ms`` is ``--opens-at``."""
    if field == "announced_entropy":
        return "--entropy-from"
    return "--" + field.removesuffix("_per_minute").removesuffix("_ms").removesuffix("_s").replace("_", "-")


def _sentence(error: AntreanError, settings: Settings | None) -> str:
    if isinstance(error, InvalidChanges) and error.problems.keys() <= _WITH_OPTIONS:
        return "; ".join(f"{_option(field)}: {text}" for field, text in error.problems.items())
    if settings is None or exit_code(error) != exits.UNREACHABLE:
        return str(error)
    advice = "Is it running?" if settings.store_url else "Start it with 'antrean up' or 'antrean store'."
    return f"{str(error).rstrip('.')}. {advice}"
