"""`antrean ticket`: the help desk on the command line."""

from __future__ import annotations

import sys
from collections.abc import Awaitable, Callable
from functools import partial
from typing import TYPE_CHECKING, Annotated

import typer

from gateway.cli import exits
from gateway.cli.acting import actor, on_line, print_json
from gateway.cli.options import Json, clock
from gateway.desk import actions
from gateway.desk.views import ticket_view
from gateway.domain.help_desk import EVENTS, TIMELINE, read_number
from gateway.domain.numbers import format_number

if TYPE_CHECKING:
    from gateway.store.line import Line

app = typer.Typer(no_args_is_help=True, help="Where a ticket is; withdraw it, give it back.", epilog=exits.EPILOG)

Number = Annotated[str, typer.Argument(metavar="NUMBER", help="As people read it out (A-0001-2340), or #1234.")]
Room = Annotated[str | None, typer.Option("--room", help="The room's id; not needed where there is only one.")]
Action = Callable[["Line", int], Awaitable[actions.Ticket]]


@app.command()
def show(number: Number, room: Room = None, json: Json = False) -> None:
    """Where a ticket is, what happened to it, and what to tell the visitor."""
    ticket = _act(number, room, actions.look)
    view = ticket_view(ticket)
    if json:
        print_json(view)
        return
    ahead = "" if view["ahead"] is None else f", {view['ahead']:,} tickets ahead"
    place = "no place before the draw" if view["position"] is None else f"place {view['position']:,}"
    lines = [
        f"{view['shown']} in {view['room']}: {view['state']}",
        f"number {ticket.number:,}, {place}{ahead}",
        view["advice"],
        *(f"{clock(at_ms)}  {EVENTS.get(what, what)}" for at_ms, what in ticket.events),
        *(f"{clock(at_ms)}  {TIMELINE[what]}" for at_ms, what in reversed(ticket.timeline)),
    ]
    sys.stdout.write("\n".join(lines) + "\n")


@app.command()
def withdraw(number: Number, room: Room = None, json: Json = False) -> None:
    """Give up a place on the visitor's behalf."""
    _tell_change(number, room, partial(actions.withdraw, actor=actor()), json, "reinstate")


@app.command()
def reinstate(number: Number, room: Room = None, json: Json = False) -> None:
    """Give a place back that was withdrawn, or finished by mistake."""
    _tell_change(number, room, partial(actions.reinstate, actor=actor()), json, "withdraw")


def _tell_change(number: str, room: str | None, action: Action, json: bool, way_back: str) -> None:
    ticket = _act(number, room, action)
    view = ticket_view(ticket)
    if json:
        print_json(view)
        return
    if ticket.before is ticket.state:
        sys.stdout.write(f"{view['shown']} in {view['room']}: nothing to change, it is {view['state']} already.\n")
        return
    sys.stdout.write(
        f"{view['shown']} in {view['room']}: {ticket.before} → {view['state']}. "
        f"Undo: antrean ticket {way_back} {format_number(ticket.number)} --room {view['room']}\n"
    )


def _act(number: str, room: str | None, action: Action) -> actions.Ticket:
    async def act(line: Line) -> actions.Ticket:
        return await action(line, read_number(number))

    return on_line(room, act)
