"""A setting: its default, how it is read, and its documentation, also told when it is wrong."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Setting:
    """What is known of one setting beside its default."""

    effect: str
    allowed: str  # completes "give …"
    parse: Callable[[Any], Any]  # the value as used; ValueError says what is wrong
    env: str = ""  # empty: only in antrean.toml
    reason: str = ""  # why the default is what it is
    secret: bool = False  # the value is never shown


def setting(
    *,
    effect: str,
    allowed: str,
    parse: Callable[[Any], Any],
    env: str = "",
    reason: str = "",
    secret: bool = False,
    default: Any = dataclasses.MISSING,
    default_factory: Any = dataclasses.MISSING,
) -> Any:
    """A dataclass field that is a setting. One without a default must be given."""
    known = Setting(effect, allowed, parse, env, reason, secret)
    given = {} if default is dataclasses.MISSING else {"default": default}
    if default_factory is not dataclasses.MISSING:
        given = {"default_factory": default_factory}
    return dataclasses.field(**given, repr=not secret, metadata={"setting": known})


def settings_of(model: type) -> dict[str, Setting]:
    """Every setting of a dataclass, by field name, in order."""
    return {field.name: field.metadata["setting"] for field in dataclasses.fields(model)}


def required(model: type) -> set[str]:
    """The fields that have no default."""
    return {
        field.name
        for field in dataclasses.fields(model)
        if field.default is dataclasses.MISSING and field.default_factory is dataclasses.MISSING
    }
