"""The operator's desk: its own process and port, never on the public listener.

A request's way through it: ``guard`` lets in who is signed in (or carries a token), ``api`` and ``pages``
read a room through ``rooms``, change it by the rules of ``gateway.domain.changes``, and ``openapi`` says
what the API promises. ``app`` puts them together; ``/metrics`` is written by ``gateway.metrics``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from gateway.settings import Settings

__all__ = ["serve"]


def serve(settings: Settings) -> None:
    """Run the desk until it is told to stop. Raises SettingsError when its port is taken."""
    from gateway.desk.app import run  # imported late: the command line must answer fast

    run(settings)
