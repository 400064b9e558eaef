"""What is said when everything runs: where to go, how to see a line, how to stop."""

from __future__ import annotations

import os
import shlex
import shutil
import sys
from pathlib import Path

from gateway.cli.readiness import EVERYWHERE
from gateway.settings import Settings

_THIS_COPY = ("ANTREAN_CONFIG", "ANTREAN_STATE_DIR", "ANTREAN_STORE_URL")
_PORTS = ("ANTREAN_PORT", "ANTREAN_DESK_PORT")


def banner(settings: Settings, started: set[str], *, kept: bool) -> str:
    """``started``: names of the processes; ``kept``: the line and the registrations are from before."""
    room = settings.rooms[0]
    antrean = command_line()
    rows = [("applicants", applicants_address(settings))]
    if "desk" in started:
        rows.append(("the desk", _address(settings.desk_host, settings.desk_port)))
    lines = ["", "Antrean is running.", "", *(f"  {label:<12} {address}" for label, address in rows)]
    lines += ["", "To see a line: lower the rate, then send 200 visitors.", ""]
    lines.append(f"  {antrean} room set {room.id} --rate 30")
    if Path("Makefile").exists() and Path("loadtests").is_dir():
        lines.append(f"  {_environment(*_THIS_COPY, *_PORTS)}make load")
    lines.append("")
    if kept:
        lines += [
            "The line and the registrations of the last run were kept. To start a new line:",
            "",
            f"  {antrean} room new-line {room.id}",
            "",
        ]
    return "\n".join([*lines, "Ctrl-C stops everything.", ""])


def applicants_address(settings: Settings) -> str:
    """Where the first room's visitors go."""
    base = settings.public_url or _address(settings.host, settings.port)
    return base.rstrip("/") + settings.rooms[0].paths[0]


def command_line() -> str:
    """How to call `antrean` from another terminal in this folder, for this copy."""
    return _environment(*_THIS_COPY) + _program()


def _program() -> str:
    script = Path(sys.prefix) / "bin" / "antrean"
    if not script.exists():
        return f"{shlex.quote(sys.executable)} -m gateway"
    found = shutil.which("antrean")
    if found and Path(found) == script:
        return "antrean"
    if script.is_relative_to(Path.cwd()):
        script = script.relative_to(Path.cwd())
    return shlex.quote(str(script))


def _environment(*names: str) -> str:
    """Of these variables the ones that are set here: another terminal lacks them."""
    given = [name for name in names if os.environ.get(name)]
    return "".join(f"{name}={shlex.quote(os.environ[name])} " for name in given)


def _address(host: str, port: int) -> str:
    host = EVERYWHERE.get(host, host)
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
