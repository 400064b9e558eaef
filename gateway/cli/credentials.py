"""`antrean pass` and `antrean keys`: passes for staff, and new signing keys. Neither needs the store."""

from __future__ import annotations

import sys
import time
from typing import Annotated

import typer

from gateway.cli import exits
from gateway.cli.acting import NoSuchRoom, choose_room, fail, print_json, settings_or_exit
from gateway.cli.options import Json, clock
from gateway.domain.credentials import Keyring, Mark, Pass, new_nonce
from gateway.errors import SettingsError
from gateway.secrets import add_key, load_keys
from gateway.settings.room import REHEARSAL

LONGEST_HOURS = 24 * 31

pass_app = typer.Typer(no_args_is_help=True, help="Passes that do not come from the line.", epilog=exits.EPILOG)
keys_app = typer.Typer(no_args_is_help=True, help="The keys that sign tickets and passes.", epilog=exits.EPILOG)


@pass_app.callback()
def _passes() -> None:
    """Keeps `issue` a command of its own; typer would make a lone one the group itself."""


@keys_app.callback()
def _keys() -> None:
    """As above."""


@pass_app.command()
def issue(
    room: Annotated[str | None, typer.Argument(help="The room's id; not needed where there is only one.")] = None,
    staff: Annotated[
        bool, typer.Option("--staff", help="For staff and monitoring: in at once, in any line.")
    ] = False,
    rehearsal: Annotated[
        bool, typer.Option("--rehearsal", help="Instead of a pass, the mark of those who rehearse.")
    ] = False,
    hours: Annotated[
        float, typer.Option("--hours", min=0.01, max=LONGEST_HOURS, help="How long it holds.")
    ] = 12.0,
    json: Json = False,
) -> None:
    """Make a pass for staff or monitoring. It cannot be taken back before it ends: keep it short."""
    if staff == rehearsal:
        raise typer.BadParameter("say --staff or --rehearsal: visitors get their passes from the line")
    settings = settings_or_exit()
    try:
        chosen = choose_room(settings, room).id
        if rehearsal and chosen + REHEARSAL not in {each.id for each in settings.rooms}:
            raise SettingsError([f"{chosen} has no rehearsal: set rehearsal = true for it, and start again"])
        keyring = Keyring(load_keys(settings))
    except (NoSuchRoom, SettingsError) as error:
        fail(error)
    ends_s = int(time.time() + hours * 3600)
    if rehearsal:
        _tell_mark(chosen, keyring.sign_mark(Mark(chosen, ends_s, new_nonce())), ends_s, json)
        return
    text = keyring.sign_pass(Pass(chosen, "", 0, 0, new_nonce(), ends_s, ends_s, "staff"))
    if json:
        print_json({"room": chosen, "pass": text, "header": "Antrean-Pass", "expires_at_s": ends_s})
        return
    sys.stdout.write(
        f"A staff pass for {chosen}, good until {clock(ends_s * 1000)}. "
        "Whoever holds it walks in: keep it secret.\n"
        f"Send it as a header:\n\n  Antrean-Pass: {text}\n"
    )


def _tell_mark(room: str, text: str, ends_s: int, json: bool) -> None:
    begin = f"/_queue/{room}{REHEARSAL}/begin?mark={text}"
    if json:
        print_json(
            {"room": room, "mark": text, "header": "Antrean-Rehearsal", "begin": begin, "expires_at_s": ends_s}
        )
        return
    sys.stdout.write(
        f"A mark for rehearsals of {room}, good until {clock(ends_s * 1000)}. It leads into the room "
        f"{room}{REHEARSAL}, never into the real line.\nFor programs, a header:\n\n  Antrean-Rehearsal: {text}\n\n"
        f"In a browser (a private window: it is kept as a cookie), open:\n\n  {begin}\n"
    )


@keys_app.command()
def rotate(json: Json = False) -> None:
    """Add a key that signs from now on; the older ones stay believed, so nobody loses a place."""
    settings = settings_or_exit()
    try:
        keys = add_key(settings)
    except SettingsError as error:
        fail(error)
    if json:
        print_json({"keys": len(keys)})
        return
    sys.stdout.write(
        f"A new key was added to {settings.state_dir / 'keys'}: {len(keys)} keys are believed, the new one signs "
        f"in each process from its next start. Tickets and passes given out before stay good.\n"
    )
