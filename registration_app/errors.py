"""Every error this service raises on purpose, each with the data its handler needs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


class RegistrationError(Exception):
    """The root: whatever is raised on purpose by this package."""


class SettingsError(RegistrationError):
    """The configuration cannot be used. ``problems`` holds one line per setting, all at once."""

    def __init__(self, problems: list[str]) -> None:
        super().__init__("\n".join(problems))
        self.problems = problems


@dataclass(frozen=True, slots=True)
class Problem:
    """What is wrong with one field: an English text (the key of its translation) and what to fill in."""

    message: str
    values: Mapping[str, object] = field(default_factory=dict)


class InvalidNik(RegistrationError):
    """Not an identity number as the population registry issues them."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(problem.message)
        self.problem = problem


class InvalidForm(RegistrationError):
    """The form cannot be accepted as it was filled in. ``problems`` maps field names to what is wrong."""

    def __init__(self, problems: dict[str, Problem]) -> None:
        super().__init__(f"problems in {', '.join(problems)}")
        self.problems = problems


class UnreadableForm(RegistrationError):
    """What was sent is not a form of ours. ``status`` is the HTTP status that says why."""

    def __init__(self, status: int, reason: str) -> None:
        super().__init__(reason)
        self.status = status


class CrossSiteForm(RegistrationError):
    """The form was sent by another site's page."""


class UnprovenForm(RegistrationError):
    """The form does not match the cookie of the browser that sent it."""


class NikTaken(RegistrationError):
    """This NIK is registered, and what was sent does not prove to come from the same person."""


class Busy(RegistrationError):
    """More registrations wait for a password hash than we promise to serve. ``retry_after_s`` from now."""

    def __init__(self, retry_after_s: int) -> None:
        super().__init__(f"too many registrations at once, try again in {retry_after_s} s")
        self.retry_after_s = retry_after_s


class DatabaseUnreachable(RegistrationError):
    """The database does not answer; nothing was registered."""


class NotThroughGate(RegistrationError):
    """The request carries no proof of the gate, or one that is not believed."""
