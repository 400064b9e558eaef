"""`antrean up`: everything in the Procfile, from nothing to a banner, until Ctrl-C."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import Sequence
from pathlib import Path

from gateway.cli.banner import banner
from gateway.cli.output import Output
from gateway.cli.ports import listeners, port_problems
from gateway.cli.procfile import Entry, find_procfile, read_procfile
from gateway.cli.readiness import probes
from gateway.cli.supervisor import Child, NotReadyError, Supervisor
from gateway.errors import SettingsError
from gateway.secrets import load_keys
from gateway.settings import Settings, config_file
from gateway.store.embedded import owner_is_running


def run(settings: Settings) -> int:
    """Start, watch and stop; returns the exit code. Raises SettingsError before anything is started."""
    entries = [
        entry
        for entry in read_procfile(find_procfile())
        if not (entry.name == "store" and settings.store_url)
    ]
    check_beforehand(settings, entries)
    kept = has_run_before(settings)
    load_keys(settings)  # made before the first process asks for them
    output = Output([entry.name for entry in entries])
    return asyncio.run(_run(settings, entries, output, kept=kept))


def check_beforehand(settings: Settings, entries: Sequence[Entry]) -> None:
    """Raise SettingsError with all that would stop a process from starting."""
    names = {entry.name for entry in entries}
    problems = []
    if "store" in names and owner_is_running(settings):
        problems.append(
            f"another copy runs with the state folder {settings.state_dir}: "
            "give this one its own, such as ANTREAN_STATE_DIR=.state2"
        )
    problems += port_problems(listener for listener in listeners(settings) if listener.process in names)
    if problems:
        raise SettingsError(problems)


def has_run_before(settings: Settings) -> bool:
    """Whether there may be a line or registrations from an earlier run."""
    return settings.state_dir.is_dir() and any(settings.state_dir.iterdir())


def child_environment(settings: Settings, output: Output) -> dict[str, str]:
    """Ours, with what we resolved said outright: the registration app reads no antrean.toml."""
    environ = dict(os.environ)
    environ |= {
        "ANTREAN_STATE_DIR": str(settings.state_dir),
        "REGISTRATION_PORT": str(settings.registration_port),
        "PATH": os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", os.defpath)]),
        "PYTHONUNBUFFERED": "1",
    }
    if file := config_file(None, os.environ):
        environ["ANTREAN_CONFIG"] = str(file)
    if settings.database_url:
        environ["DATABASE_URL"] = settings.database_url
    if output.on_terminal and settings.log_format == "auto":
        environ["ANTREAN_LOG_FORMAT"] = "human"
    return environ


async def _run(settings: Settings, entries: Sequence[Entry], output: Output, *, kept: bool) -> int:
    environ = child_environment(settings, output)
    ready = probes(settings)
    stopping = asyncio.Event()
    children = [Child(entry, ready.get(entry.name), environ, output) for entry in entries]
    supervisor = Supervisor(children, output, stopping)
    _stop_on_signals(supervisor, stopping)
    try:
        if await supervisor.start():
            output.plain(banner(settings, {entry.name for entry in entries}, kept=kept))
            await stopping.wait()
    except NotReadyError as exc:
        output.say(str(exc))
        return 1
    output.say("stopping")
    await supervisor.stop()
    output.say("stopped")
    return 0


def _stop_on_signals(supervisor: Supervisor, stopping: asyncio.Event) -> None:
    """The first signal stops in order; a second one, from somebody who cannot wait, at once."""

    def stop() -> None:
        if stopping.is_set():
            supervisor.kill()
        stopping.set()

    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        loop.add_signal_handler(number, stop)
