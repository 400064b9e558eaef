"""What this side counts, under names made once: they travel with the tick and are summed in the store."""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import partial

from gateway.counters import CREDENTIALS_REFUSED, ORIGIN_RESPONSES, ORIGIN_SECONDS, REQUESTS, observe
from gateway.errors import CredentialError
from gateway.store.line import Line

_KINDS = (
    "admitted",  # went to the origin with a pass
    "free",  # went to the origin: not protected
    "page",  # the waiting page, in one of its forms
    "refused",  # a short answer for programs
    "limited",  # a newcomer from a network that brought too many lately
    "challenged",  # a newcomer who was given a riddle first
    "pulse", "join", "check-in", "ticket", "leave", "wait", "draw", "move", "authorize",
)  # fmt: skip
_REQUESTS = {kind: REQUESTS.key(kind=kind) for kind in _KINDS}
_REFUSED = {kind.reason: CREDENTIALS_REFUSED.key(reason=kind.reason) for kind in CredentialError.__subclasses__()}
_CLASSES = {digit: ORIGIN_RESPONSES.key(status=f"{digit}xx") for digit in range(1, 6)}


class in_flight:  # noqa: N801 - used like a function; contextlib's generator costs more than what it does
    """While the origin has the request."""

    __slots__ = ("_line",)

    def __init__(self, line: Line) -> None:
        self._line = line

    def __enter__(self) -> None:
        self._line.in_flight += 1

    def __exit__(self, *_: object) -> None:
        self._line.in_flight -= 1


def count_request(line: Line, kind: str) -> None:
    """One request answered, by what was done with it."""
    line.count(_REQUESTS[kind])


def counting_requests(line: Line, kind: str) -> Callable[[], None]:
    """The same for a call that is always of one kind: its key is looked up once."""
    return partial(line.count, _REQUESTS[kind])


def count_refused(line: Line, error: CredentialError) -> None:
    """One ticket or pass that was not believed."""
    line.count(_REFUSED[error.reason])


def count_reply(line: Line, status: int, asked_s: float) -> None:
    """One answer of the origin that began; ``asked_s`` is when it was asked, by the monotonic clock."""
    line.count(_CLASSES[min(max(status // 100, 1), 5)])
    observe(line.count, ORIGIN_SECONDS, time.monotonic() - asked_s)
