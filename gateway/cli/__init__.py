"""The command `antrean`. Every command is imported only when it is called: see ``LazyGroup``."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from gateway.cli.lazy import LazyGroup
from gateway.errors import AntreanError, SettingsError

LazyGroup.groups = {
    "room": "gateway.cli.room:app",
    "ticket": "gateway.cli.ticket:app",
    "draw": "gateway.cli.draw:app",
    "pass": "gateway.cli.credentials:pass_app",
    "keys": "gateway.cli.credentials:keys_app",
    "desk": "gateway.cli.desk:app",
}

app = typer.Typer(
    name="antrean",
    cls=LazyGroup,
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    help="A virtual waiting room in front of a registration site.",
)


@app.command()
def up() -> None:
    """Start everything in the Procfile, in order, and keep it running until Ctrl-C."""
    from gateway.cli.up import run
    from gateway.settings import load_settings

    raise typer.Exit(run(load_settings()))


@app.command()
def store() -> None:
    """Run the embedded store (one owner for each state folder)."""
    from gateway.logs import configure_logs
    from gateway.settings import load_settings
    from gateway.store.embedded import run

    settings = load_settings()
    configure_logs(settings, "store")
    raise typer.Exit(run(settings))


@app.command()
def serve() -> None:
    """Run the public listener: the gate, the waiting page and the way to the site behind."""
    from gateway.logs import configure_logs
    from gateway.server import serve as serve_until_stopped
    from gateway.settings import load_settings

    settings = load_settings()
    configure_logs(settings, "gateway")
    serve_until_stopped("gateway.app:create_app", settings)


@app.command()
def check(
    settings: Annotated[bool, typer.Option("--settings", help="List every setting and what it does.")] = False,
    json: Annotated[bool, typer.Option("--json", help="What was found, as one JSON document.")] = False,
) -> None:
    """Check the configuration, the keys and the store, without starting anything."""
    from gateway.cli.check import check_everything, print_settings

    if settings:
        print_settings()
        return
    raise typer.Exit(check_everything(as_json=json))


def main() -> None:
    """Run the command line. What goes wrong on purpose is one clear line and an exit code, never a trace."""
    try:
        app()
    except SettingsError as exc:
        for problem in exc.problems:
            print(f"antrean: {problem}", file=sys.stderr)
        sys.exit(2)
    except AntreanError as exc:
        print(f"antrean: {exc}", file=sys.stderr)
        sys.exit(1)
