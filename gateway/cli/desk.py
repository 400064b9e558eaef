"""`antrean desk`: run the operator's desk; make its password, let people in, make the tokens of scripts."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from typing import Annotated

import typer

from gateway.cli import exits
from gateway.cli.acting import fail, settings_or_exit
from gateway.errors import SettingsError


def _known_role(role: str) -> str:
    if role not in ("viewer", "operator"):
        raise typer.BadParameter("use viewer or operator")
    return role


app = typer.Typer(invoke_without_command=True, epilog=exits.EPILOG)

RoleOption = Annotated[
    str,
    typer.Option(
        "--role", help="viewer: may look at everything. operator: may change it too.", callback=_known_role
    ),
]


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
    role: RoleOption = "viewer",
    revoke: Annotated[bool, typer.Option("--revoke", help="Take this token back.")] = False,
) -> None:
    """Make a token for a script, shown once: `Authorization: Bearer TOKEN`."""
    from gateway.desk.roles import Role
    from gateway.desk.tokens import TokenError, Tokens

    settings = settings_or_exit()
    tokens = Tokens(settings.state_dir)
    try:
        if name is None:
            _list(tokens.roles())
        elif revoke:
            tokens.revoke(name)
            sys.stdout.write(f"The token '{name}' is no longer accepted.\n")
        else:
            made = tokens.make(name, Role(role))
            sys.stdout.write(f"The token of '{name}' ({role}), shown only now: {made}\n")
    except TokenError as error:
        fail(SettingsError([str(error)]))
    except OSError as error:
        fail(SettingsError([f"tokens cannot be kept in {settings.state_dir}: {error}"]))


@app.command()
def person(
    name: Annotated[str | None, typer.Argument(help="Who signs in, such as 'siti'. None: list them.")] = None,
    role: RoleOption = "viewer",
    remove: Annotated[bool, typer.Option("--remove", help="They are signed out at once.")] = False,
) -> None:
    """Let somebody sign in at the desk with a name and a password of their own, shown once."""
    from gateway.desk.people import People, PersonError
    from gateway.desk.roles import Role

    settings = settings_or_exit()
    people = People(settings.state_dir)
    try:
        if name is None:
            _list(people.roles())
        elif remove:
            people.remove(name)
            sys.stdout.write(f"'{name}' can no longer sign in.\n")
        else:
            made = people.add(name, Role(role))
            sys.stdout.write(f"The password of '{name}' ({role}), shown only now: {made}\n")
    except PersonError as error:
        fail(SettingsError([str(error)]))
    except OSError as error:
        fail(SettingsError([f"people cannot be kept in {settings.state_dir}: {error}"]))


def _list(roles: Mapping[str, str]) -> None:
    sys.stdout.write("".join(f"{name}  {role}\n" for name, role in roles.items()) or "There are none.\n")
