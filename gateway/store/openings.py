"""Openings: scheduled with a line of their own, and drawn when everything for it is known."""

from __future__ import annotations

import json
import math
import secrets
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from gateway.domain import draw as fair
from gateway.domain.room import Draw, Ending, Snapshot
from gateway.errors import InvalidKnob
from gateway.store.functions import Command, Functions
from gateway.store.line import Line

ALGORITHM = "antrean-draw-1: Feistel, 4 rounds, HMAC-SHA256; Fisher-Yates below 64"
FREEZE_LEAST_S, FREEZE_MOST_S = 60, 120
HEARD_AFTER_S = 20  # of the time to hear and to answer: until the draw is made and the calling has begun


@dataclass(frozen=True, slots=True)
class Opening:
    """What is said in advance. Times are wall time in ms."""

    opens_at_ms: int
    closes_at_ms: int = 0  # none
    ending: Ending = Ending.SERVE
    draw: bool = False  # else first come, first served
    announced_entropy: str = ""  # what public value decides, known only after the freeze
    freeze_s: int = 120
    challenge: bool | None = None  # newcomers solve a riddle first; None: in a draw, else as it was

    @property
    def challenges(self) -> int | str:
        """As the store's function takes it."""
        if self.challenge is None:
            return 1 if self.draw else ""
        return int(self.challenge)


async def schedule(line: Line, opening: Opening, keys: Sequence[str], *, actor: str, why: str = "") -> Snapshot:
    """Begin the line of an opening; of a draw, the commitment is published with it.

    The newest of ``keys`` makes the secret. Raises InvalidKnob, RoomMissing, StoreUnreachable.
    """
    before = await line.refresh()
    instance = secrets.token_hex(8)
    draw = ""
    if opening.draw:
        check_freeze(opening.freeze_s, before.poll_max_s)
        if opening.announced_entropy and (problem := fair.entropy_problem(opening.announced_entropy)):
            raise InvalidKnob(problem)
        commitment = fair.commitment_of(fair.draw_secret(keys[-1], line.room, instance))
        draw = json.dumps(asdict(Draw(commitment, opening.announced_entropy, opening.freeze_s)))
    elif opening.announced_entropy:
        raise InvalidKnob("entropy is for a draw: this opening is first come, first served")
    command = line.functions.schedule(
        0,
        actor,
        why,
        instance,
        opening.opens_at_ms,
        opening.closes_at_ms,
        opening.ending.value,
        draw,
        opening.challenges,
    )
    return await line.act(command)


async def enter_entropy(line: Line, entropy: str, *, actor: str, why: str = "") -> Snapshot:
    """The public value that was announced. Raises InvalidKnob, RoomMissing, StoreUnreachable."""
    if problem := fair.entropy_problem(entropy):
        raise InvalidKnob(problem)
    before = await line.refresh()
    return await line.act(line.functions.enter_entropy(0, actor, why, before.order, entropy))


def reveal_command(functions: Functions, snapshot: Snapshot, run_id: str, keys: Sequence[str]) -> Command | None:
    """Publishes the secret when the draw is due; None when it is not.

    Raises InvalidKnob when none of ``keys`` made the commitment: the room stays shut.
    """
    draw = snapshot.draw
    if draw is None or not draw.is_due or not keys:
        return None
    secret = fair.secret_behind(draw.commitment, keys, snapshot.room, snapshot.instance)
    if secret is None:
        raise InvalidKnob(
            "the key that the draw was committed with is gone: put it back into the secret keys (any place)"
        )
    return functions.reveal(0, run_id, snapshot.instance, secret.hex())


def published(snapshot: Snapshot) -> dict[str, Any]:
    """Everything about a draw that anyone may know, as it is exported; positions follow from it."""
    draw = snapshot.draw
    return {
        "room": snapshot.room,
        "instance": snapshot.instance,
        "opens_at_ms": snapshot.knobs.opens_at_ms,
        "algorithm": ALGORITHM,
        "draw": None if draw is None else asdict(draw),
    }


def check_freeze(freeze_s: int, poll_max_s: int) -> None:
    """Raises InvalidKnob when the front of the line could not hear of the draw before the doors open."""
    least = max(FREEZE_LEAST_S, math.ceil(1.2 * poll_max_s) + 10 + HEARD_AFTER_S)
    if least > FREEZE_MOST_S:
        raise InvalidKnob(
            f"poll_max_s {poll_max_s} leaves no time to hear of a draw: set it to 75 or less for this room"
        )
    if not least <= freeze_s <= FREEZE_MOST_S:
        raise InvalidKnob(f"a freeze {freeze_s} s before the opening does not do: give {least} to {FREEZE_MOST_S}")
