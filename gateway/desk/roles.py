"""What somebody at the desk may do: look, or look and change. Pure."""

from __future__ import annotations

from enum import StrEnum

SAFE_METHODS = ("GET", "HEAD")
OWN_SESSION = ("/sign-in", "/sign-out")  # whoever it is: these change nothing of an event


class Role(StrEnum):
    """Of a person, and of a script's token."""

    VIEWER = "viewer"
    OPERATOR = "operator"


def may(role: Role, method: str, path: str) -> bool:
    """Whether the role is enough. A new route that changes something needs an operator by itself."""
    return role is Role.OPERATOR or method in SAFE_METHODS or path in OWN_SESSION
