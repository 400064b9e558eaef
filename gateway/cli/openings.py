"""`antrean room schedule` and `antrean room openings`: what opens when, and in which order people enter."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Annotated

import typer

from gateway.cli.acting import actor, on_line, print_json, settings_or_exit
from gateway.cli.options import Json, Room, Why, clock
from gateway.cli.tables import table
from gateway.domain.changes import LANGUAGES, read_why
from gateway.domain.openings import FREEZE_MOST_S, read_opening
from gateway.secrets import load_keys
from gateway.store.openings import schedule as announce
from gateway.store.openings import unschedule as call_off

if TYPE_CHECKING:
    from gateway.domain.room import Draw, Planned, Snapshot
    from gateway.store.line import Line


def schedule(
    room: Room = None,
    opens_at: Annotated[str, typer.Option("--opens-at", help="With its zone: '2026-08-20 09:00 WIB'.")] = "",
    closes_at: Annotated[str, typer.Option("--closes-at", help="The same; none by default.")] = "none",
    draw: Annotated[
        bool,
        typer.Option("--draw/--fifo", help="Draw the order of all who come before, or first come, first served."),
    ] = False,
    entropy_from: Annotated[
        str, typer.Option("--entropy-from", help="The public value that will go into the draw, said in advance.")
    ] = "",
    freeze_s: Annotated[
        str, typer.Option("--freeze", help="Seconds before the opening: the draw.")
    ] = f"{FREEZE_MOST_S}",
    ending: Annotated[str, typer.Option("--ending", help="At closing, those in line: serve or cut.")] = "serve",
    challenge: Annotated[
        bool | None,
        typer.Option("--challenge/--no-challenge", help="Newcomers solve a riddle first; in a draw by default."),
    ] = None,
    reason_id: Annotated[
        str, typer.Option("--reason-id", help="Why drawn or not, for visitors; Indonesian.")
    ] = "",
    reason_en: Annotated[str, typer.Option("--reason-en", help="The same in English.")] = "",
    why: Why = "",
) -> None:
    """Announce an opening, with a line of its own from number 1; of a draw, with its commitment.

    While another opening is announced or on, it waits: its line begins by itself when that one is over.
    """

    async def act(line: Line) -> tuple[Snapshot, str]:
        asked: dict[str, object] = {
            "opens_at_ms": opens_at,
            "closes_at_ms": closes_at,
            "ending": ending,
            "order": "draw" if draw else "fifo",
            "announced_entropy": entropy_from,
            "freeze_s": freeze_s,
            "reason": dict(zip(LANGUAGES, (reason_id, reason_en), strict=True)),
        }
        if challenge is not None:
            asked["challenge"] = challenge
        opening, reason = read_opening(asked), read_why(why)
        return await announce(line, opening, load_keys(settings), actor=actor(), why=reason)

    settings = settings_or_exit()
    after, instance = on_line(room, act)
    planned = [each for each in after.openings if each.instance == instance]
    if planned:
        sys.stdout.write(
            f"{after.room}: opening {instance} is planned: opens {clock(planned[0].opens_at_ms)}, "
            f"{_order(planned[0].draw, after.room)} Its line begins when the openings before it are over.\n"
        )
    else:
        sys.stdout.write(
            f"{after.room}: opens {clock(after.knobs.opens_at_ms)}, {_order(after.draw, after.room)}\n"
        )


def show(
    room: Room = None,
    remove: Annotated[str, typer.Option("--remove", metavar="ID", help="Call one off that has not begun.")] = "",
    why: Why = "",
    json: Json = False,
) -> None:
    """The opening under way and those to come, in their order."""
    if remove:
        removed = on_line(room, lambda line: call_off(line, remove, actor=actor(), why=read_why(why)))
        sys.stdout.write(f"The opening {remove} of {clock(removed.opens_at_ms)} is called off.\n")
        return
    snapshot = on_line(room, lambda line: line.refresh())
    if json:
        from gateway.desk.opening_api import openings_view

        print_json(openings_view(snapshot))
    else:
        sys.stdout.write(table(COLUMNS, [_under_way(snapshot), *map(_row, snapshot.openings)]) + "\n")


COLUMNS = ("opening", "state", "opens", "closes", "in line then", "order", "commitment")


def _under_way(snapshot: Snapshot) -> list[str]:
    knobs, draw = snapshot.knobs, snapshot.draw
    times = [clock(at_ms) for at_ms in (knobs.opens_at_ms, knobs.closes_at_ms)]
    return [snapshot.instance, str(snapshot.phase), *times, str(knobs.ending), *_drawn(draw)]


def _row(opening: Planned) -> list[str]:
    times = [clock(at_ms) for at_ms in (opening.opens_at_ms, opening.closes_at_ms)]
    return [opening.instance, "planned", *times, str(opening.ending), *_drawn(opening.draw)]


def _drawn(draw: Draw | None) -> list[str]:
    return ["fifo", "–"] if draw is None else ["draw", draw.commitment]


def _order(draw: Draw | None, room: str) -> str:
    if draw is None:
        return "first come, first served."
    return (
        f"drawn {draw.freeze_s} s before. Commitment {draw.commitment}. "
        f"Publish it: antrean draw commit {room} --out FILE"
    )
