"""How many told waits held, from what the workers counted between two moments."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Outcomes:
    """Admissions by how the range came out that was told them. Those who were told none are not among them."""

    right: float = 0.0
    too_short: float = 0.0  # they waited longer
    too_long: float = 0.0

    @property
    def judged(self) -> float:
        return self.right + self.too_short + self.too_long

    def percent(self, outcome: float) -> float | None:
        """``outcome`` of those judged; None while nobody was."""
        return 100 * outcome / self.judged if self.judged else None

    def since(self, before: Outcomes) -> Outcomes:
        return Outcomes(
            self.right - before.right, self.too_short - before.too_short, self.too_long - before.too_long
        )


@dataclass(frozen=True, slots=True)
class Tally:
    """What was counted up to a moment, over all lines of a room; it only grows."""

    at_ms: int
    instance: str  # of the line that was served then
    join: Outcomes = Outcomes()
    halfway: Outcomes = Outcomes()
    late: float = 0.0  # by the late lane, or silent at their turn: not judged

    def since(self, before: Tally | None) -> Tally:
        """What came after ``before``; nothing if that is not of the same line, or the counters began anew.

        ``at_ms`` is then when the counting began.
        """
        if before is None or before.instance != self.instance or before.join.judged > self.join.judged:
            return Tally(self.at_ms, self.instance)
        return Tally(
            before.at_ms,
            self.instance,
            self.join.since(before.join),
            self.halfway.since(before.halfway),
            self.late - before.late,
        )


def tally_of(stored: Mapping[str, Any]) -> Tally:
    """The tally that ``dataclasses.asdict`` made this of."""
    return Tally(**{**stored, "join": Outcomes(**stored["join"]), "halfway": Outcomes(**stored["halfway"])})
