"""A group of commands that imports a sub-group's module only when one of its commands is called.

`antrean room pause` must answer in under half a second: it must not pay for what `antrean ticket`
needs, nor for the servers.
"""

from __future__ import annotations

import importlib
from typing import Any, ClassVar

import typer.core
import typer.main


class LazyGroup(typer.core.TyperGroup):
    """The commands defined beside it, and the sub-groups registered in ``groups``."""

    groups: ClassVar[dict[str, str]] = {}
    """Name of a sub-group to "module:typer app"."""

    def list_commands(self, ctx: Any) -> list[str]:
        return [*super().list_commands(ctx), *self.groups]

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        if cmd_name not in self.groups:
            return super().get_command(ctx, cmd_name)
        module, _, attribute = self.groups[cmd_name].partition(":")
        group = typer.main.get_group(getattr(importlib.import_module(module), attribute))
        group.name = cmd_name
        return group
