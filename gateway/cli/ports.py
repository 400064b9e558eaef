"""Whether the ports we need are free, asked before anything is started."""

from __future__ import annotations

import errno
import socket
import time
from collections.abc import Iterable
from dataclasses import dataclass

from gateway.settings import Settings

PATIENCE_S = 3.0
"""A copy that was killed a moment ago may still hold its ports."""


@dataclass(frozen=True, slots=True)
class Listener:
    """An address that a process of ours will listen on, and the setting that says so."""

    process: str
    host: str
    port: int
    host_setting: str
    port_setting: str


def listeners(settings: Settings) -> list[Listener]:
    """By process, in the order of the Procfile."""
    return [
        Listener("registration", "127.0.0.1", settings.registration_port, "", "REGISTRATION_PORT"),
        Listener("gateway", settings.host, settings.port, "ANTREAN_HOST", "ANTREAN_PORT"),
        Listener("desk", settings.desk_host, settings.desk_port, "ANTREAN_DESK_HOST", "ANTREAN_DESK_PORT"),
    ]


def port_problems(wanted: Iterable[Listener]) -> list[str]:
    """One line for each listener that could not be opened now."""
    until = time.monotonic() + PATIENCE_S
    problems = [(listener, _problem(listener)) for listener in wanted]
    while any(problem for _, problem in problems) and time.monotonic() < until:
        time.sleep(0.2)
        problems = [(listener, problem and _problem(listener)) for listener, problem in problems]
    return [problem for _, problem in problems if problem]


def _problem(listener: Listener) -> str:
    """Nothing when the listener can be opened."""
    family = socket.AF_INET6 if ":" in listener.host else socket.AF_INET
    try:
        with socket.socket(family, socket.SOCK_STREAM) as trial:
            trial.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            trial.bind((listener.host, listener.port))
    except OSError as exc:
        return _explain(listener, exc)
    return ""


def _explain(listener: Listener, exc: OSError) -> str:
    setting, port = listener.port_setting, listener.port
    if exc.errno == errno.EADDRINUSE:
        return (
            f"port {port} ({listener.process}) is taken by another program: "
            f"stop that, or choose another, such as {setting}={port + 10 if port < 65_000 else port - 10}"
        )
    if exc.errno == errno.EACCES:
        return f"{setting}: port {port} may not be opened by this account: choose one from 1024 up"
    return f"{listener.host_setting or setting}: {listener.host}:{port} cannot be opened: {exc.strerror}"
