"""Openings: scheduled with a line of their own, and drawn when everything for it is known."""

from __future__ import annotations

import json
import math
import secrets
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from gateway.domain import draw as fair
from gateway.domain.openings import FREEZE_LEAST_S, FREEZE_MOST_S, Opening
from gateway.domain.room import Draw, Planned, Snapshot
from gateway.errors import InvalidKnob, NoSuchOpening
from gateway.store.functions import Command, Functions
from gateway.store.line import Line
from gateway.store.snapshots import challenge_field, reason_json

ALGORITHM = "antrean-draw-1: Feistel, 4 rounds, HMAC-SHA256; Fisher-Yates below 64"
HEARD_AFTER_S = 20  # of the time to hear and to answer: until the draw is made and the calling has begun


async def schedule(
    line: Line, opening: Opening, keys: Sequence[str], *, actor: str, why: str = ""
) -> tuple[Snapshot, str]:
    """Announce an opening; of a draw, the commitment is published with it. Returns the id of its line, too.

    Its line begins at once, or when the openings before it are over. The newest of ``keys`` makes the secret.
    Raises InvalidKnob, RoomMissing, StoreUnreachable.
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
    times = (opening.opens_at_ms, opening.closes_at_ms, opening.ending.value)
    command = line.functions.schedule(
        0, actor, why, instance, *times, draw, reason_json(opening.reason), challenge_field(opening.challenges)
    )
    return await line.act(command), instance


async def unschedule(line: Line, instance: str, *, actor: str, why: str = "") -> Planned:
    """Call a planned opening off. Raises NoSuchOpening, RoomMissing, StoreUnreachable."""
    before = await line.refresh()
    found = next((each for each in before.openings if each.instance == instance), None)
    if found is None:
        raise NoSuchOpening(f"no opening {instance[:40]} is planned: there are {_named(before) or 'none'}")
    await line.act(line.functions.unschedule(0, actor, why, instance))
    return found


def _named(snapshot: Snapshot) -> str:
    return ", ".join(each.instance for each in snapshot.openings)


async def enter_entropy(line: Line, entropy: str, *, actor: str, why: str = "") -> Snapshot:
    """The public value that was announced. Raises InvalidKnob, RoomMissing, StoreUnreachable."""
    before = await line.refresh()
    if before.draw is None:
        raise InvalidKnob(f"{line.room} has no draw: nothing is to be entered. See antrean room schedule --draw")
    if problem := fair.entropy_problem(entropy):
        raise InvalidKnob(problem)
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
        "planned": [planned_view(each) for each in snapshot.openings],
    }


def planned_view(opening: Planned) -> dict[str, Any]:
    """An opening to come, as anyone may know it: its commitment is public from the moment it is announced."""
    return {
        "instance": opening.instance,
        "opens_at_ms": opening.opens_at_ms,
        "closes_at_ms": opening.closes_at_ms or None,
        "ending": str(opening.ending),
        "order": "fifo" if opening.draw is None else "draw",
        "challenge": opening.challenge,
        "draw": None if opening.draw is None else asdict(opening.draw),
        "reason": opening.reason,
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
