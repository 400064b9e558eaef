"""`antrean draw`: the public facts of a fair draw, and checking them."""

from __future__ import annotations

import json
import sys
import urllib.error
import urllib.request
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Never

import typer

from gateway.cli import exits
from gateway.cli.acting import actor, on_line, settings_or_exit
from gateway.cli.options import Room
from gateway.domain import commitment
from gateway.domain import draw as fair
from gateway.domain.changes import read_why
from gateway.domain.help_desk import read_number
from gateway.errors import DrawRefuted, InvalidKnob, MistypedNumber, SigningMissing
from gateway.secrets import load_keys
from gateway.store.openings import enter_entropy, published

if TYPE_CHECKING:
    from gateway.domain.room import Snapshot
    from gateway.store.line import Line

app = typer.Typer(
    no_args_is_help=True,
    help="The fair draw of an opening: publish it, complete it, check it. To announce one: antrean room schedule.",
    epilog=exits.EPILOG,
)

LONGEST_ANSWER = 1_000_000  # bytes


@app.command()
def commit(
    room: Room = None,
    out: Annotated[
        Path | None, typer.Option("--out", help="Write it to a file, to be published anywhere.")
    ] = None,
    unsigned: Annotated[bool, typer.Option("--unsigned", help="Without a signature.")] = False,
) -> None:
    """The commitment, signed. It exists before the first number: publish it where you cannot change it."""
    document = _published(room)
    if unsigned:
        sys.stderr.write("Not signed: anyone could have written this file.\n")
    else:
        document = commitment.sign(document, load_keys(settings_or_exit())[-1])
        sys.stderr.write(f"Signed. The key to check it with: {document['signature']['public_key']}\n")
    text = _json(document)
    if out is None:
        sys.stdout.write(text)
        return
    try:
        out.write_text(text, "utf-8")
    except OSError as error:
        _refuse(f"{out} cannot be written: {error.strerror}", exits.TROUBLE)


@app.command()
def key() -> None:
    """The public key with which anyone checks signed commitments: publish it before the first of them."""
    sys.stdout.write(commitment.public_key(load_keys(settings_or_exit())[-1]) + "\n")


@app.command()
def freeze(
    room: Room = None,
    entropy: Annotated[str, typer.Option("--entropy", help="The public value that was announced.")] = "",
    why: Annotated[str, typer.Option("--why", help="Kept in the audit.")] = "",
) -> None:
    """Complete the draw: enter the announced value once the pre-queue is frozen. It never changes afterwards."""

    async def act(line: Line) -> Snapshot:
        return await enter_entropy(line, entropy, actor=actor(), why=read_why(why))

    after = on_line(room, act)
    assert after.draw is not None
    sys.stdout.write(
        f"{after.room}: N is {after.draw.size:,}, the entropy is “{after.draw.entropy}”. The gateway "
        f"publishes the secret within a second; check it with: antrean draw verify URL --number NUMBER\n"
    )


@app.command()
def verify(
    source: Annotated[
        str, typer.Argument(metavar="FILE|URL", help="What a room publishes: /_queue/ROOM/draw.json")
    ],
    number: Annotated[str, typer.Option("--number", help="As people read it (A-0001-2340), or #1234.")] = "",
    order: Annotated[bool, typer.Option("--order", help="The whole draw: number, position, one a line.")] = False,
    against: Annotated[
        str, typer.Option("--against", metavar="FILE|URL", help="The commitment as it was published before.")
    ] = "",
    signed_by: Annotated[
        str, typer.Option("--key", help="The public key that must have signed it (antrean draw key).")
    ] = "",
) -> None:
    """Check a published draw against its commitment, and recompute positions. Asks nothing of the store."""
    try:
        document = _read(source)
        committed = _read(against) if against else document
        signer = commitment.signer(committed)
        if signed_by and signer != signed_by.strip().lower():
            raise DrawRefuted(f"it is signed by {signer or 'nobody'}, not by the key that was given")
        if against:
            commitment.check_against(committed, document)
        if signer:
            sys.stderr.write(f"The commitment was signed by {signer}: compare it with the key published before.\n")
        seed, size = fair.verified(document)
        wanted = read_number(number) if number else 0
    except DrawRefuted as error:
        _refuse(str(error), exits.CONFLICT)
    except (MistypedNumber, InvalidKnob) as error:
        _refuse(str(error), exits.USAGE)
    except SigningMissing as error:
        _refuse(str(error), exits.TROUBLE)
    if order:
        for each in range(1, size + 1):
            sys.stdout.write(f"{each},{fair.position_of(seed, size, each)}\n")
        return
    facts: dict[str, Any] = document["draw"] if isinstance(document.get("draw"), dict) else document
    sys.stdout.write(f"The secret is the one that was committed to. {size:,} were drawn.\n")
    sys.stdout.write(_about_entropy(str(facts.get("announced_entropy", "")), str(facts["entropy"])) + "\n")
    if wanted > size:
        sys.stdout.write(
            f"Number {wanted:,} came after the freeze: position {wanted:,}, behind all of the drawn.\n"
        )
    elif wanted:
        sys.stdout.write(f"Number {wanted:,} was drawn to position {fair.position_of(seed, size, wanted):,}.\n")


def _published(room: str | None) -> dict[str, Any]:
    async def read(line: Line) -> Snapshot:
        snapshot = await line.refresh()
        if snapshot.draw is None and not any(each.draw for each in snapshot.openings):
            raise InvalidKnob(f"{line.room} has no draw: schedule one with antrean room schedule --draw")
        return snapshot

    return published(on_line(room, read))


def _about_entropy(announced: str, entropy: str) -> str:
    if not announced:
        return "No public value went into it: who had the secret could have chosen it (see docs/draw.md)."
    return f"Entropy: “{entropy}”, announced as “{announced}”: compare it with that source yourself."


def _read(source: str) -> dict[str, Any]:
    """The document behind a file name or an address. Raises InvalidKnob, DrawRefuted."""
    try:
        if source.startswith(("http://", "https://")):
            with urllib.request.urlopen(source, timeout=10) as answer:  # noqa: S310 (http or https, as asked)
                text = answer.read(LONGEST_ANSWER)
        else:
            text = Path(source).read_bytes()[:LONGEST_ANSWER]
    except (OSError, ValueError, urllib.error.URLError) as error:
        raise InvalidKnob(f"{source} cannot be read: {error}") from error
    try:
        document = json.loads(text)
    except ValueError:
        raise DrawRefuted(f"{source} is not a published draw: it is no JSON") from None
    if not isinstance(document, dict):
        raise DrawRefuted(f"{source} is not a published draw")
    return document


def _json(document: dict[str, Any]) -> str:
    return json.dumps(document, ensure_ascii=False, indent=2) + "\n"


def _refuse(problem: str, code: int) -> Never:
    sys.stderr.write(f"antrean: {problem}\n")
    raise typer.Exit(code)
