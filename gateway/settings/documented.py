"""A setting's documentation, beside its field; ``antrean check --settings`` prints it."""

from __future__ import annotations

from dataclasses import dataclass

from pydantic.fields import FieldInfo


@dataclass(frozen=True, slots=True)
class Setting:
    """The documentation of one setting, also used when it is wrong."""

    effect: str
    allowed: str  # completes "give …"
    env: str = ""  # empty: only in antrean.toml
    reason: str = ""  # why the default is what it is
    secret: bool = False  # the value is never shown


def setting_of(field: FieldInfo) -> Setting:
    """The documentation attached to a field."""
    return next(item for item in field.metadata if isinstance(item, Setting))
