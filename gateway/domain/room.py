"""A room: its phases, its live knobs, and the snapshot of its line that every worker holds."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from enum import StrEnum

from gateway.domain import draw as fair
from gateway.errors import InvalidKnob

LEAST_RATE_PER_MINUTE = 0.1  # a slower line is a list of appointments
MAX_RATE_PER_MINUTE = 1_000_000
MAX_CEILING = 10_000_000
MAX_QUOTA = 1_000_000_000
MAX_MESSAGE_CHARACTERS = 500
MAX_JOINS_PER_NETWORK = 1_000_000


class Phase(StrEnum):
    """What a room does with those who come and those who wait."""

    SCHEDULED = "scheduled"  # countdown; the pre-queue gathers
    DRAWN = "drawn"  # the pre-queue is frozen and drawn; doors still shut
    OPEN = "open"
    PAUSED = "paused"  # the line is kept, nothing is released
    LAST_CALL = "last-call"  # no new tickets; everyone in line is still served
    CLOSED = "closed"
    BYPASS = "bypass"  # everyone passes, and gets a pass

    @property
    def issues_tickets(self) -> bool:
        """Whether a newcomer may take a number."""
        return self in (Phase.SCHEDULED, Phase.DRAWN, Phase.OPEN, Phase.PAUSED)

    @property
    def releases(self) -> bool:
        """Whether those in line are let in."""
        return self in (Phase.OPEN, Phase.LAST_CALL)


class Ending(StrEnum):
    """What closing time means for those in line. Chosen before the opening, so that they know."""

    SERVE = "serve"  # last call: everyone in line is still served
    CUT = "cut"  # the line ends


@dataclass(frozen=True, slots=True)
class Draw:
    """The public facts of a draw; empty strings and zero until each is known."""

    commitment: str = ""  # hex SHA-256 of the secret, published before the first ticket exists
    announced_entropy: str = ""  # what public value will be used, said in advance; none: a draw without
    freeze_s: int = 120  # before the opening
    frozen_ms: int = 0  # wall time at which N was fixed
    size: int = 0  # N, fixed at the freeze
    secret: str = ""  # hex, published at the draw
    entropy: str = ""  # entered after the freeze

    @property
    def is_due(self) -> bool:
        """Whether everything is known but the secret, which may be published now."""
        return bool(self.frozen_ms and not self.secret and (self.entropy or not self.announced_entropy))

    @property
    def step(self) -> str:
        """How far it is: committed, frozen (the announced value is waited for), due or drawn."""
        if self.secret:
            return "drawn"
        if not self.frozen_ms:
            return "committed"
        return "due" if self.is_due else "frozen"

    def position(self, number: int) -> int:
        """Place in line of ``number``: the number itself until the draw, and for who came after the freeze."""
        if not self.secret:
            return number
        return fair.position_of(fair.seed_of(self.secret, self.entropy), self.size, number)


@dataclass(frozen=True, slots=True)
class Planned:
    """An opening that waits until those before it are over. Times are wall time in ms."""

    instance: str  # of the line that it will have; also names the opening
    opens_at_ms: int
    closes_at_ms: int  # 0: none
    ending: Ending
    challenge: bool | None  # newcomers solve a riddle first; None: as the room has it then
    draw: Draw | None  # its commitment stands from the moment it was announced; None: first come, first served
    reason: dict[str, str]  # language code to text


@dataclass(frozen=True, slots=True)
class Knobs:
    """What an operator may change while the room runs. Each change has a revision and an audit entry."""

    rate_per_minute: float = 60.0  # admissions (claims) a minute
    ceiling: int = 500  # most visitors inside at once
    phase: Phase = Phase.OPEN
    opens_at_ms: int = 0  # wall time, 0: none
    closes_at_ms: int = 0
    message: dict[str, str] = field(default_factory=dict)  # language code to text
    ending: Ending = Ending.SERVE
    daily_quota: int = 0  # visitors let in a calendar day of the room's zone; 0: none
    total_quota: int = 0  # the same by this line altogether
    joins_per_network: int = 3000  # numbers a minute for one client network (domain/networks.py), 0: no limit
    challenge: bool = False  # newcomers solve a riddle first (domain/challenge.py)

    def __post_init__(self) -> None:
        check_rate(self.rate_per_minute)
        check_ceiling(self.ceiling)
        check_quota(self.daily_quota)
        check_quota(self.total_quota)
        check_joins_per_network(self.joins_per_network)


@dataclass(frozen=True, slots=True, eq=False)
class Snapshot:
    """One consistent view of a room's line, as the store's function saw it at ``now_ms``.

    Each is equal to itself only, so that what follows from one can be remembered by it (``lru_cache``).

    ``serving <= ready <= called <= issued`` always. Times named ``vt`` are room time: it stands
    still while nobody ticks, so that nobody is passed over for an outage of ours.
    """

    room: str
    instance: str  # random id of this line
    generation: int  # grows when the store lost something and the line was restored
    revision: int  # of the knobs
    knobs: Knobs
    now_ms: int  # wall time at the store
    vt_ms: int
    issued: int  # the last number given out
    called: int
    ready: int
    serving: int
    late: int  # returned visitors waiting in the late lane
    offers: int  # live offers, both lanes
    leases: int  # visitors inside: pass signed, lease alive
    ghosts: int  # leases that a store may have lost and that can still be alive
    density: float  # share of the tickets ahead that enter, as lately: present, and come when offered; 0 to 1
    delivered_per_minute: float  # claims over the last half minute or so
    present: int  # waiting visitors seen in the last two presence windows
    since_release_ms: int  # room time since the last offer or claim while somebody present waited
    claimed: int  # admissions of this line so far
    finished: int
    lapsed: int  # offers that were not claimed in time
    passed: int  # positions passed over because they were absent
    late_returns: int
    workers: int  # gateway workers heard in the last seconds
    poll_max_s: int
    unused: int = 0  # of the leases, those whose pass was not used yet
    used: int = 0  # visitors of this line who have used their pass, each once
    day: int = 0  # days since 1970 in the room's zone
    day_used: int = 0  # visitors who first used their pass on that day
    day_offset_ms: int = 0  # of the room's zone, east of UTC
    tick_ms: int = 0  # the store's wall time at the last tick
    registered: int = 0  # workers heard in the last minutes and not stopped since
    started_ms: int = 0  # wall time at which this line began
    late_share: float = 0.0  # share of the latest offers that went to late returns
    gap: int = 1000  # numbers skipped when a store lost its last moments: ten seconds of peak joins
    generation_starts: tuple[int, ...] = ()  # first number of each generation after the first
    skipped: tuple[tuple[int, int], ...] = ()  # first and last number of each gap that a loss left
    draw: Draw | None = None
    reason: dict[str, str] = field(default_factory=dict)  # why this opening is drawn or not; language code to text
    openings: tuple[Planned, ...] = ()  # to come after this one, in the order of their times
    queueing_since_ms: int = 0  # wall time since when somebody has waited; 0: standby, everyone passes through

    @property
    def phase(self) -> Phase:
        return self.knobs.phase

    @property
    def waiting(self) -> int:
        """Tickets not yet called to the door, present or not, both lanes."""
        return self.between(self.serving, self.issued) + self.late

    def between(self, after: int, last: int) -> int:
        """How many tickets have a number above ``after`` and up to ``last``, without those never given out."""
        gaps = 0
        if self.skipped:
            gaps = sum(max(0, min(last, to) - max(after, first - 1)) for first, to in self.skipped_places)
        return max(0, last - after - gaps)

    @property
    def inside(self) -> int:
        """What counts against the ceiling."""
        return self.leases + self.offers + self.ghosts

    def position(self, number: int) -> int:
        """Place in line of ``number``: the number itself in a line that was not drawn."""
        return number if self.draw is None else self.draw.position(number)

    def awaits_draw(self, number: int) -> bool:
        """Whether the place of ``number`` is still to be drawn."""
        draw = self.draw
        return draw is not None and not draw.secret and (not draw.frozen_ms or number <= draw.size)

    @property
    def order(self) -> str:
        """Names the order by which ``position`` counts: the store refuses a place of any other."""
        if self.draw is None or not self.draw.secret or not self.draw.size:
            return self.instance
        return f"{self.instance}:{self.draw.size}"

    @property
    def skipped_places(self) -> tuple[tuple[int, int], ...]:
        """The gaps as places in line: the draw scattered those before the freeze."""
        if self.draw is None or not self.draw.secret:
            return self.skipped
        return tuple(gap for gap in self.skipped if gap[0] > self.draw.size)


def check_rate(rate_per_minute: float) -> float:
    """Return the rate, or raise InvalidKnob: 0 stops releases, else 0.1 to a million a minute."""
    if not math.isfinite(rate_per_minute) or not 0 <= rate_per_minute <= MAX_RATE_PER_MINUTE:
        raise InvalidKnob(
            f"rate {rate_per_minute:,.10g} a minute is not usable: "
            f"give 0 to {MAX_RATE_PER_MINUTE:,} (0 stops releases)"
        )
    if 0 < rate_per_minute < LEAST_RATE_PER_MINUTE:
        raise InvalidKnob(
            f"rate {rate_per_minute:g} a minute is less than one visitor in ten minutes: "
            f"give at least {LEAST_RATE_PER_MINUTE}, or 0 to stop releases"
        )
    return rate_per_minute


def check_ceiling(ceiling: int) -> int:
    """Return the ceiling, or raise InvalidKnob. Below the number inside is allowed: it drains."""
    if not 0 <= ceiling <= MAX_CEILING:
        raise InvalidKnob(f"ceiling {ceiling} is not usable: give 0 to {MAX_CEILING:,} visitors")
    return ceiling


def check_quota(quota: int) -> int:
    """Return the quota, or raise InvalidKnob. 0 is none; below what was used is allowed: nobody more comes in."""
    if not 0 <= quota <= MAX_QUOTA:
        raise InvalidKnob(f"quota {quota} is not usable: give 1 to {MAX_QUOTA:,} visitors, or none")
    return quota


def check_joins_per_network(joins_per_network: int) -> int:
    """Return the limit, or raise InvalidKnob: 0 is none, else 1 to a million a minute."""
    if not 0 <= joins_per_network <= MAX_JOINS_PER_NETWORK:
        raise InvalidKnob(
            f"{joins_per_network} joins a minute from one network is not usable: "
            f"give 1 to {MAX_JOINS_PER_NETWORK:,}, or 0 for no limit"
        )
    return joins_per_network
