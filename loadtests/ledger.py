"""The ledger: what each visitor did and saw, one JSON object a line.

Times are seconds since the epoch, taken from one steady clock per process (``clock``), so a step of
the machine's clock does not bend a measurement. ``sent_s`` and ``received_s`` enclose the moment at
which the server acted: whatever is judged must hold for every moment in between.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, TypeVar

_EPOCH_OFFSET_S = time.time() - time.perf_counter()


def clock() -> float:
    """Seconds since the epoch, never stepped while this process lives."""
    return _EPOCH_OFFSET_S + time.perf_counter()


OBSERVER = -1  # the run itself, which looks at the pulse now and then and is no visitor


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happened to one visitor (its index in the plan), or to the observer."""

    visitor: int


@dataclass(frozen=True, slots=True)
class Arrived(Event):
    persona: str
    planned_s: float  # when the open model wanted it
    at_s: float


@dataclass(frozen=True, slots=True)
class Call(Event):
    """One HTTP exchange. ``status`` 0: no answer."""

    name: str
    status: int
    sent_s: float
    received_s: float


@dataclass(frozen=True, slots=True)
class Seen(Event):
    """The state of its own ticket, from ``join``, ``ticket`` or ``check-in``."""

    number: int
    position: int  # 0: still to be drawn
    state: str
    ahead: int | None
    low_s: float | None
    high_s: float | None
    poll_s: float
    sent_s: float
    received_s: float
    instance: str = ""  # of the pulse it had last read; empty before the first
    generation: int = 0
    location: str = ""  # where to go, once admitted


@dataclass(frozen=True, slots=True)
class Pulse(Event):
    instance: str
    generation: int
    phase: str
    issued: int
    called: int
    serving: int
    rate_per_minute: float
    poll_max_s: float
    sent_s: float
    received_s: float
    density: float = 1.0  # people behind a ticket
    expected_per_minute: float = 0.0  # what the main lane can reckon with; 0: not said
    opens_at_s: float = 0.0  # 0: no opening is announced
    draw: dict[str, Any] | None = None  # its public facts
    skipped: list[list[int]] = field(default_factory=list)  # first and last position of stretches where nobody is


@dataclass(frozen=True, slots=True)
class Admitted(Event):
    """Let in. ``way``: ``line`` (called), ``late`` (a late return) or ``empty-line`` (never queued)."""

    way: str
    number: int | None
    position: int | None
    sent_s: float
    received_s: float


@dataclass(frozen=True, slots=True)
class Absent(Event):
    """Not looking, on purpose: the phone slept. Order is promised only to those present."""

    from_s: float
    until_s: float


@dataclass(frozen=True, slots=True)
class Silence(Event):
    """Of the whole run: nobody could ask anything, and at the end of it everybody did."""

    from_s: float
    until_s: float


@dataclass(frozen=True, slots=True)
class Known(Event):
    """Who the origin says that we are."""

    origin_id: str
    at_s: float


@dataclass(frozen=True, slots=True)
class Registered(Event):
    registration: str
    sent_s: float
    received_s: float


@dataclass(frozen=True, slots=True)
class Attempt(Event):
    """A forger's try. ``refused`` is the success."""

    what: str
    refused: bool
    detail: str
    at_s: float


@dataclass(frozen=True, slots=True)
class Failure(Event):
    """An error: no connection, an unexpected status, a page that is not what it should be."""

    cause: str
    call: str
    detail: str
    at_s: float


@dataclass(frozen=True, slots=True)
class Ended(Event):
    """The end of a visit: ``registered``, ``left``, ``refused``, ``failed`` or ``cut off`` by the run."""

    outcome: str
    at_s: float


E = TypeVar("E", bound=Event)

KINDS: dict[str, type[Event]] = {
    kind.__name__: kind
    for kind in (
        *(Arrived, Call, Seen, Pulse, Admitted, Absent, Silence),
        *(Known, Registered, Attempt, Failure, Ended),
    )
}


def to_line(event: Event) -> str:
    """One event as one line of JSON."""
    return json.dumps({"kind": type(event).__name__, **asdict(event)}, separators=(",", ":"))


def from_line(line: str) -> Event:
    """The event of one line. Raises ValueError when it is not one."""
    try:
        fields: dict[str, Any] = json.loads(line)
        return KINDS[fields.pop("kind")](**fields)
    except (ValueError, KeyError, TypeError, AttributeError) as exc:
        raise ValueError(f"not a line of a ledger: {line[:120]!r}") from exc


@dataclass(slots=True)
class Ledger:
    """All events of a run, sorted into kinds as they come in."""

    events: dict[type[Event], list[Any]] = field(default_factory=dict)

    @classmethod
    def of(cls, events: Iterable[Event]) -> Ledger:
        ledger = cls()
        for event in events:
            ledger.add(event)
        return ledger

    def add(self, event: Event) -> None:
        self.events.setdefault(type(event), []).append(event)

    def all(self, kind: type[E]) -> list[E]:
        return self.events.get(kind, [])

    def first(self, kind: type[E]) -> dict[int, E]:
        """The first event of this kind of each visitor."""
        found: dict[int, E] = {}
        for event in self.all(kind):
            found.setdefault(event.visitor, event)
        return found

    def by_visitor(self, kind: type[E]) -> dict[int, list[E]]:
        grouped: dict[int, list[E]] = {}
        for event in self.all(kind):
            grouped.setdefault(event.visitor, []).append(event)
        return grouped


class Tail:
    """Reads a ledger that another process is still writing; half a line waits for its other half."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._offset = 0
        self._rest = b""

    def read(self) -> Iterator[Event]:
        """The events that are new since the last call."""
        if not self._path.exists():
            return
        with self._path.open("rb") as file:
            file.seek(self._offset)
            fresh = file.read()
        self._offset += len(fresh)
        *lines, self._rest = (self._rest + fresh).split(b"\n")
        for line in lines:
            yield from_line(line.decode())
