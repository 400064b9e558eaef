"""`antrean room`: see and change rooms from the command line, on the store itself."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Annotated, Any

import typer

from gateway.cli import exits, openings
from gateway.cli.acting import actor, choose_room, on_line, on_lines, print_json, settings_or_exit
from gateway.cli.options import Json, Room, Why, clock
from gateway.cli.tables import pairs, table
from gateway.desk import actions
from gateway.desk.views import binding_view, entry_view, room_view, told_view
from gateway.domain import estimate
from gateway.domain.changes import (
    LABELS,
    LANGUAGES,
    describe,
    read_changes,
    read_why,
    tell,
)
from gateway.domain.room import Phase

if TYPE_CHECKING:
    from gateway.domain.changes import Entry
    from gateway.domain.room import Snapshot
    from gateway.store.line import Line
    from gateway.store.watch import Vitals

app = typer.Typer(
    no_args_is_help=True, help="See and change rooms. Works while gateway and desk are down.", epilog=exits.EPILOG
)

COLUMNS = {
    "room": "room",
    "phase": "phase",
    "rate": "rate_per_minute",
    "delivered": "delivered_per_minute",
    "inside": "inside",
    "ceiling": "ceiling",
    "waiting": "waiting",
    "present": "present",
    "last number": "issued",
    "workers": "workers",
}

Expect = Annotated[
    int | None,
    typer.Option("--expect", metavar="REVISION", help="Refuse (exit code 4) if the room has another revision."),
]


@app.command("list")
def list_rooms(json: Json = False) -> None:
    """Every room in one line."""
    settings = settings_or_exit()

    async def read(lines: list[Line]) -> list[Snapshot]:
        return [await line.refresh() for line in lines]

    snapshots = on_lines(list(settings.rooms), settings, read)
    names = {room.id: room.name for room in settings.rooms}
    views = [room_view(snapshot, name=names[snapshot.room]) for snapshot in snapshots]
    if json:
        print_json({"rooms": views})
        return
    rows = [[tell(view[field]) for field in COLUMNS.values()] for view in views]
    _print(table(list(COLUMNS), rows))


@app.command()
def show(room: Room = None, json: Json = False) -> None:
    """One room, everything."""
    settings = settings_or_exit()

    async def read(line: Line) -> tuple[Snapshot, Vitals]:
        return await line.refresh(), await line.watch.vitals()

    snapshot, vitals = on_line(room, read)
    view = room_view(snapshot, name=choose_room(settings, snapshot.room).name)
    view["told"] = told_view(snapshot, vitals)
    view["binding"] = binding_view(snapshot, vitals)
    if json:
        print_json(view)
    else:
        _print(pairs(_story(view, snapshot)))


@app.command()
def preview(
    room: Room = None,
    port: Annotated[
        int, typer.Option("--port", min=0, max=65535, help="On 127.0.0.1; 0 takes a free one.")
    ] = 8085,
) -> None:
    """Open every state of the waiting page and of moving a place, with sample data. Ctrl-C ends it."""
    from gateway.cli.preview import serve  # a server that no other command needs

    serve(choose_room(settings_or_exit(), room), port)


@app.command("set")
def set_knobs(
    room: Room = None,
    rate: Annotated[str | None, typer.Option("--rate", help="Visitors a minute; 0 stops releases.")] = None,
    ceiling: Annotated[str | None, typer.Option("--ceiling", help="Most visitors inside at once.")] = None,
    phase: Annotated[
        str | None, typer.Option("--phase", help="open, paused, last-call, closed or bypass.")
    ] = None,
    opens_at: Annotated[str | None, typer.Option("--opens-at", help="Move the scheduled opening.")] = None,
    closes_at: Annotated[str | None, typer.Option("--closes-at", help="When it closes, or none.")] = None,
    ending: Annotated[
        str | None, typer.Option("--ending", help="At closing, those in line: serve or cut.")
    ] = None,
    daily_quota: Annotated[
        str | None, typer.Option("--daily-quota", help="Most visitors let in a calendar day, or none.")
    ] = None,
    total_quota: Annotated[
        str | None, typer.Option("--total-quota", help="Most visitors let in by this line, or none.")
    ] = None,
    joins_per_network: Annotated[
        str | None,
        typer.Option("--joins-per-network", help="About so many numbers a minute for one network; 0: no limit."),
    ] = None,
    challenge: Annotated[
        str | None, typer.Option("--challenge", help="Newcomers solve a riddle first: on or off.")
    ] = None,
    why: Why = "",
    expect: Expect = None,
    json: Json = False,
) -> None:
    """Change rate, ceiling, quotas, phase, times or what newcomers meet, on every worker within a second."""
    asked = {
        "rate_per_minute": rate,
        "ceiling": ceiling,
        "phase": phase,
        "opens_at_ms": opens_at,
        "closes_at_ms": closes_at,
        "ending": ending,
        "daily_quota": daily_quota,
        "total_quota": total_quota,
        "joins_per_network": joins_per_network,
        "challenge": challenge,
    }
    given = {name: value for name, value in asked.items() if value is not None}
    if not given:
        raise typer.BadParameter(
            "nothing to change: give --rate, --ceiling, --phase, --opens-at, --closes-at, --ending, "
            "--daily-quota, --total-quota, --joins-per-network or --challenge"
        )
    _change(room, given, why, expect, json)


app.command()(openings.schedule)
app.command("openings")(openings.show)


@app.command()
def pause(room: Room = None, why: Why = "", json: Json = False) -> None:
    """Keep the line, let nobody in."""
    _change(room, {"phase": Phase.PAUSED}, why, None, json)


@app.command()
def resume(room: Room = None, why: Why = "", json: Json = False) -> None:
    """Let people in again, at the rate."""
    _change(room, {"phase": Phase.OPEN}, why, None, json)


@app.command("open")
def open_room(room: Room = None, why: Why = "", json: Json = False) -> None:
    """Give out numbers and let people in, at the rate."""
    _change(room, {"phase": Phase.OPEN}, why, None, json)


@app.command("last-call")
def last_call(room: Room = None, why: Why = "", json: Json = False) -> None:
    """No new numbers; everyone in line is still served."""
    _change(room, {"phase": Phase.LAST_CALL}, why, None, json)


@app.command()
def close(room: Room = None, why: Why = "", json: Json = False) -> None:
    """Nobody joins, nobody is let in. To serve everyone in line first: last-call."""
    _change(room, {"phase": Phase.CLOSED}, why, None, json)


@app.command()
def bypass(room: Room = None, why: Why = "", json: Json = False) -> None:
    """Everyone passes at once, without limit."""
    _change(room, {"phase": Phase.BYPASS}, why, None, json)


@app.command()
def announce(
    room: Room = None,
    indonesian: Annotated[str, typer.Option("--id", help="The text in Indonesian.")] = "",
    english: Annotated[str, typer.Option("--en", help="The text in English.")] = "",
    clear: Annotated[bool, typer.Option("--clear", help="Take the message away.")] = False,
    why: Why = "",
    json: Json = False,
) -> None:
    """Put a message on the waiting page in place of the one before; given in one language, all read that."""
    texts = dict(zip(LANGUAGES, (indonesian, english), strict=True))
    if clear == any(texts.values()):
        raise typer.BadParameter("give the message with --id and --en, or take it away with --clear")
    _change(room, {"message": texts}, why, None, json)


@app.command()
def audit(
    room: Room = None,
    most: Annotated[int, typer.Option("--most", min=1, max=actions.AUDIT_KEPT, help="How many.")] = 20,
    json: Json = False,
) -> None:
    """The latest changes, newest first."""
    entries = on_line(room, lambda line: actions.entries(line, most))
    if json:
        print_json({"entries": [entry_view(entry) for entry in entries]})
        return
    rows = [[str(entry.revision), clock(entry.at_ms), entry.actor, _what(entry), entry.why] for entry in entries]
    _print(table(("revision", "when", "who", "what", "why"), rows))


@app.command()
def undo(
    room: Room = None,
    revision: Annotated[
        int | None, typer.Argument(help="Of the change, as `room audit` lists it; the latest by default.")
    ] = None,
    why: Why = "",
    json: Json = False,
) -> None:
    """Take one change back, if nobody has changed the same knob since."""
    if revision is None and room is not None and room.isdecimal():
        revision, room = int(room), None  # `room undo 12`, where there is only one room

    async def take_back(line: Line) -> tuple[str, Entry]:
        which = revision if revision is not None else (await actions.latest(line)).revision
        _, after = await actions.undo(line, which, actor=actor(), why=why)
        return line.room, await actions.entry(line, after.revision)

    name, entry = on_line(room, take_back)
    _tell(name, entry, json)


@app.command("new-line")
def new_line(
    room: Room = None,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    why: Why = "",
    json: Json = False,
) -> None:
    """Begin again with number 1. Everyone in line loses their place; this cannot be undone."""
    before = on_line(room, lambda line: line.refresh())
    if not yes:
        _ask(
            f"{before.room}: {before.waiting:,} in line ({before.present:,} present) lose their place, "
            f"{before.inside:,} inside stay. This cannot be undone. Begin a new line?"
        )
    after = on_line(before.room, lambda line: line.new_line(actor=actor(), why=read_why(why)))
    if json:
        print_json({"room": after.room, "instance": after.instance, "revision": after.revision})
    else:
        _print(
            f"{after.room}: new line {after.instance}, the next number is 1 (before: {before.issued:,} numbers, "
            f"{before.waiting:,} in line). It cannot be undone."
        )


def _change(room: str | None, asked: dict[str, Any], why: str, expect: int | None, json: bool) -> None:
    async def change(line: Line) -> tuple[str, Entry | None]:
        changes = read_changes(asked)
        reason = read_why(why)
        now = await line.refresh()
        after = await actions.change(line, changes, actor=actor(), why=reason, expected_revision=expect)
        if after.revision == now.revision:
            return line.room, None
        return line.room, await actions.entry(line, after.revision)

    name, entry = on_line(room, change)
    if entry is None:
        _tell_unchanged(name, read_changes(asked), json)
    else:
        _tell(name, entry, json)


def _entry(room: str, revision: int) -> Entry:
    return on_line(room, lambda line: actions.entry(line, revision))


def _tell(room: str, entry: Entry, json: bool) -> None:
    """One sentence: what changed from what to what, and how to take it back."""
    way_back = f"antrean room undo {room} {entry.revision}"
    if json:
        print_json({"room": room, **entry_view(entry), "undo": way_back})
    else:
        _print(f"{room}: {_what(entry)} (revision {entry.revision}). Undo: {way_back}")


def _tell_unchanged(room: str, changes: dict[str, object], json: bool) -> None:
    if json:
        print_json({"room": room, "unchanged": changes})
    else:
        already = ", ".join(f"{LABELS[name]} {tell(value)}" for name, value in changes.items())
        _print(f"{room}: nothing to change, it is so already ({already}).")


def _what(entry: Entry) -> str:
    if entry.action == "set":
        return describe(entry.before, entry.after)
    if "ticket" in entry.after:
        return f"{entry.action} {entry.after['ticket']}: {entry.before['state']} → {entry.after['state']}"
    if entry.opening_ms:
        order = f", {entry.after['order']}" if "order" in entry.after else ""
        return f"{OPENINGS[entry.action]} the opening of {clock(entry.opening_ms)}{order}"
    return entry.action


OPENINGS = {"schedule": "began", "plan": "planned", "unplan": "called off"}


def _last_release(view: dict[str, Any], number: dict[str, str]) -> str:
    if view["waiting"] == 0:
        return "nobody waits for one"
    return f"{number['seconds_since_last_release']} s ago"


def _told(told: dict[str, Any]) -> str:
    """How many told waits held, over this line and lately."""
    parts = [
        f"{name} {_percent(part['join'])} held at joining, {_percent(part['halfway'])} half-way"
        for name, part in (("this line:", told["event"]), ("last 10 min:", told["recent"]))
        if part["join"]["judged"] or part["halfway"]["judged"]
    ]
    return "; ".join(parts) or "nobody entered yet who was told one"


def _percent(outcomes: dict[str, Any]) -> str:
    share = outcomes["right_percent"]
    return "–" if share is None else f"{share:g} % of {outcomes['judged']:,}"


def _story(view: dict[str, Any], snapshot: Snapshot) -> list[tuple[str, str]]:
    """A room as a person reads it."""
    number = {name: tell(value) for name, value in view.items()}
    return [
        ("room", f"{view['room']} ({view['name']}), revision {view['revision']}"),
        ("phase", number["phase"]),
        ("rate", f"{number['rate_per_minute']} a minute configured, {number['delivered_per_minute']} delivered"),
        ("binding now", f"{BINDS[view['binding']['limit']]}: {tell(view['binding']['per_minute'])} a minute"),
        ("quotas", _quotas(view)),
        ("inside", f"{number['inside']} of at most {number['ceiling']} ({number['offers']} of them offers)"),
        ("waiting", f"{number['waiting']}, present {number['present']}, late returns {number['late']}"),
        ("queueing", _standby(snapshot)),
        ("line", " ≤ ".join(f"{name} {number[name]}" for name in ("serving", "ready", "called", "issued"))),
        ("so far", f"{number['claimed']} admitted, {number['finished']} finished, {number['passed']} passed over"),
        ("told waits", _told(view["told"])),
        ("last release", _last_release(view, number)),
        ("newcomers", _newcomers(snapshot)),
        ("workers", f"{number['workers']} heard"),
        ("opening", _opening(snapshot)),
        ("message", number["message"]),
        ("this line", f"{view['instance']}, generation {number['generation']}"),
        ("look into", ", ".join(view["alerts"]) or "nothing"),
    ]


BINDS = {
    "phase": "the phase",
    "site-away": "the site, which answers with errors alone",
    "total-quota": "the total quota",
    "daily-quota": "the daily quota",
    "ceiling": "the ceiling, by how long visitors stay",
    "rate": "the rate",
    "ramp": "the ramp",
    "autopilot": "the autopilot",
}


def _quotas(view: dict[str, Any]) -> str:
    parts = [
        f"{tell(view[used])} of {tell(view[quota])} {what}"
        for quota, used, what in (("daily_quota", "used_today", "today"), ("total_quota", "used", "by this line"))
        if view[quota]
    ]
    return "; ".join([*parts, f"{tell(view['quota_left'])} places left to offer"]) if parts else "none"


def _newcomers(snapshot: Snapshot) -> str:
    """What somebody meets before a number is given."""
    most = snapshot.knobs.joins_per_network
    limit = f"at most {most:,} a minute from one network" if most else "no limit a network"
    return limit + f", challenge {tell(snapshot.knobs.challenge)}"


def _opening(snapshot: Snapshot) -> str:
    """What the schedule says, and when those in line will all be in."""
    knobs, draw = snapshot.knobs, snapshot.draw
    parts = ["first come, first served" if draw is None else f"drawn, N {draw.size:,}"]
    if knobs.opens_at_ms:
        parts.append(f"opens {clock(knobs.opens_at_ms)}")
    if knobs.closes_at_ms:
        parts.append(f"closes {clock(knobs.closes_at_ms)}, those in line then: {knobs.ending}")
    if draw is not None and draw.frozen_ms and draw.announced_entropy and not draw.entropy:
        parts.append("WAITS for the announced value: antrean draw freeze --entropy VALUE")
    if snapshot.waiting and (over := estimate.over(snapshot)) is not None:
        parts.append(f"everyone in line is in within {over.low_s // 60} to {over.high_s // 60 + 1} min")
    if snapshot.openings:
        parts.append(f"{len(snapshot.openings)} more to come (antrean room openings)")
    return ", ".join(parts)


def _standby(snapshot: Snapshot) -> str:
    """Whether people wait at all."""
    if snapshot.queueing_since_ms:
        return f"since {clock(snapshot.queueing_since_ms)}"
    return "nobody waits: everyone passes straight through" if snapshot.phase.releases else "nobody waits"


def _ask(question: str) -> None:
    if not sys.stdin.isatty():
        raise typer.BadParameter(f"{question} Say --yes where nobody can be asked.")
    if not typer.confirm(question):
        raise typer.Exit(exits.TROUBLE)


def _print(text: str) -> None:
    sys.stdout.write(text + "\n")
