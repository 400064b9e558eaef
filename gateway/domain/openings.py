"""What is said of an opening in advance: checked before it goes to the store. Pure.

The desk's form, its API and the command line share these rules: they refuse the same things in the same words.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from gateway.domain.changes import InvalidChanges, read_ending, read_message, read_switch, read_text, read_time
from gateway.domain.draw import MAX_ENTROPY_CHARACTERS, entropy_problem
from gateway.domain.room import Ending
from gateway.errors import InvalidKnob

ORDERS = ("fifo", "draw")
FREEZE_LEAST_S, FREEZE_MOST_S = 60, 120


@dataclass(frozen=True, slots=True)
class Opening:
    """What is said in advance. Times are wall time in ms."""

    opens_at_ms: int
    closes_at_ms: int = 0  # none
    ending: Ending = Ending.SERVE
    draw: bool = False  # else first come, first served
    announced_entropy: str = ""  # what public value decides, known only after the freeze
    freeze_s: int = FREEZE_MOST_S
    challenge: bool | None = None  # newcomers solve a riddle first; None: in a draw, else as it was
    reason: Mapping[str, str] = field(default_factory=dict)  # why drawn or not, by language; visitors read it

    @property
    def challenges(self) -> bool | None:
        """Whether newcomers solve a riddle first; None: as the room has it then."""
        return (self.draw or None) if self.challenge is None else self.challenge


def read_opening(asked: Mapping[str, object]) -> Opening:
    """The opening that is asked for, by the API's names. Raises InvalidChanges naming every problem at once."""
    problems: dict[str, str] = {}
    read: dict[str, Any] = {}
    for name, value in asked.items():
        try:
            read[name] = READERS[name](value)
        except KeyError:
            problems[name] = f"is not known here: use {', '.join(READERS)}"
        except InvalidKnob as error:
            problems[name] = str(error)
    if not problems and not read.get("opens_at_ms"):
        problems["opens_at_ms"] = 'give the time of the opening with its zone, like "2026-08-20 09:00 WIB"'
    draw = read.pop("order", "fifo") == "draw"
    if read.get("announced_entropy") and not draw and not problems:
        problems["announced_entropy"] = "entropy is for a draw: this opening is first come, first served"
    if problems:
        raise InvalidChanges(problems)
    return Opening(draw=draw, **read)


def _order(value: object) -> str:
    if isinstance(value, str) and value in ORDERS:
        return value
    raise InvalidKnob(f"{str(value)[:40]!r} is not an order: use {', '.join(ORDERS)}")


def _announced(value: object) -> str:
    text = read_text(value, MAX_ENTROPY_CHARACTERS)
    if text and (problem := entropy_problem(text)):
        raise InvalidKnob(problem)
    return text


def _freeze(value: object) -> int:
    if isinstance(value, float) and value.is_integer():  # JSON has one kind of number
        value = int(value)
    if isinstance(value, str) and value.isascii() and value.isdigit():
        value = int(value[:6])
    if isinstance(value, bool) or not isinstance(value, int) or not FREEZE_LEAST_S <= value <= FREEZE_MOST_S:
        raise InvalidKnob(f"the freeze does not do: give {FREEZE_LEAST_S} to {FREEZE_MOST_S} whole seconds")
    return value


READERS: dict[str, Callable[[object], object]] = {
    "opens_at_ms": read_time,
    "closes_at_ms": read_time,
    "ending": read_ending,
    "order": _order,
    "announced_entropy": _announced,
    "freeze_s": _freeze,
    "challenge": read_switch,
    "reason": read_message,
}
