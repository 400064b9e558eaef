"""What can go wrong between us and the origin."""

from __future__ import annotations

from gateway.errors import AntreanError


class OriginError(AntreanError):
    """The origin gave no usable reply. ``status`` is what the visitor is told."""

    status = 502


class OriginUnreachable(OriginError):
    """No connection could be made."""


class OriginBroken(OriginError):
    """The connection ended, or what came over it was no HTTP."""


class StaleConnection(OriginBroken):
    """A connection from the pool ended before any byte of a reply: the origin had already closed it."""


class OriginTimeout(OriginError):
    """The origin did not connect, read or answer in time."""

    status = 504


class VisitorGone(AntreanError):
    """The visitor closed the connection: nobody waits for a reply."""
