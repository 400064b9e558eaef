"""Every error the gateway raises on purpose, as one small tree.

Each carries the data its handler needs, and a message that tells a person what to do next.
"""

from __future__ import annotations


class AntreanError(Exception):
    """The root: whatever is raised on purpose by this package."""


class SettingsError(AntreanError):
    """The configuration cannot be used. ``problems`` holds one line per setting, all at once."""

    def __init__(self, problems: list[str]) -> None:
        super().__init__("\n".join(problems))
        self.problems = problems


class CredentialError(AntreanError):
    """A ticket or pass that is not believed. ``reason`` is one stable word for logs and JSON."""

    reason = "invalid"


class ForgedCredential(CredentialError):
    """Not signed by any of our keys for this purpose, or cut, or not ours at all."""

    reason = "forged"


class OtherRoomCredential(CredentialError):
    """Genuine, but for another room."""

    reason = "other-room"


class OtherLineCredential(CredentialError):
    """Genuine, but from an earlier line of this room: the visitor joins anew."""

    reason = "earlier-line"


class FutureCredential(CredentialError):
    """Issued further in the future than machines' clocks may differ."""

    reason = "future-dated"


class ExpiredCredential(CredentialError):
    """A pass beyond its hard limit. ``number`` is whose it was; its ticket was used up with it."""

    reason = "expired"

    def __init__(self, message: str, number: int = 0) -> None:
        super().__init__(message)
        self.number = number


class SpentCredential(CredentialError):
    """A pass whose visitor has finished, or gave the place up."""

    reason = "finished"


class MistypedNumber(AntreanError):
    """A number, as people see it, whose check digit does not fit."""


class AmbiguousPath(AntreanError):
    """A path that two origins would read as two different rooms'."""


class StoreError(AntreanError):
    """The store answered something that is not a result."""


class StoreUnreachable(StoreError):
    """No answer in time. What was sent may or may not have been executed."""


class StoreUnsuitable(StoreError):
    """The store may not be used as it is configured (too old, may evict keys, read-only), or for what is in it."""


class RoomMissing(StoreUnreachable):
    """The store does not hold this room: no gateway has opened it yet, or it was emptied."""


class LineClosed(AntreanError):
    """The room gives out no tickets in this phase."""

    def __init__(self, phase: str) -> None:
        super().__init__(f"no tickets are given out: the room is in {phase}")
        self.phase = phase


class StaleRevision(AntreanError):
    """Somebody else changed the room first. ``current`` is the revision to look at before trying again."""

    def __init__(self, current: int) -> None:
        super().__init__(f"the room was changed meanwhile (revision {current}): look at it and try again")
        self.current = current


class InvalidKnob(AntreanError):
    """An operator's value that cannot be used; the message says what is allowed."""


class NoSuchOpening(AntreanError):
    """No opening of that id is planned."""


class SigningMissing(AntreanError):
    """The library that signs is not installed."""

    def __init__(self) -> None:
        super().__init__("signatures need the library cryptography (pip install cryptography), or say --unsigned")


class DrawRefuted(AntreanError):
    """A published draw is not what was committed to, or no draw at all; the message says which."""
