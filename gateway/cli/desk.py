"""`antrean desk`: run the operator's desk; make its password and the tokens of scripts."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from gateway.cli import exits
from gateway.cli.acting import fail, settings_or_exit
from gateway.errors import SettingsError

app = typer.Typer(invoke_without_command=True, epilog=exits.EPILOG)


@app.callback()
def desk(context: typer.Context) -> None:
    """Run the operator's desk, with the API and the metrics; or manage who may use it."""
    if context.invoked_subcommand is not None:
        return
    from gateway.desk import serve
    from gateway.logs import configure_logs

    settings = settings_or_exit()
    configure_logs(settings, "desk")
    try:
        serve(settings)
    except SettingsError as error:
        fail(error)


@app.command()
def password() -> None:
    """Make a new password, shown once. Everybody is signed out."""
    from gateway.desk.password import Password

    settings = settings_or_exit()
    try:
        made = Password(settings.state_dir).make_new()
    except OSError as error:
        fail(SettingsError([f"the password cannot be kept in {settings.state_dir}: {error}"]))
    sys.stdout.write(f"The desk's new password, shown only now: {made}\n")


@app.command()
def token(
    name: Annotated[str | None, typer.Argument(help="Who uses it, such as 'prometheus'. None: list them.")] = None,
    revoke: Annotated[bool, typer.Option("--revoke", help="Take this token back.")] = False,
) -> None:
    """Make a token for a script, shown once: `Authorization: Bearer TOKEN`."""
    from gateway.desk.tokens import TokenError, Tokens

    settings = settings_or_exit()
    tokens = Tokens(settings.state_dir)
    try:
        if name is None:
            sys.stdout.write("".join(f"{known}\n" for known in tokens.names()))
        elif revoke:
            tokens.revoke(name)
            sys.stdout.write(f"The token '{name}' is no longer accepted.\n")
        else:
            sys.stdout.write(f"The token of '{name}', shown only now: {tokens.make(name)}\n")
    except TokenError as error:
        fail(SettingsError([str(error)]))
    except OSError as error:
        fail(SettingsError([f"tokens cannot be kept in {settings.state_dir}: {error}"]))
