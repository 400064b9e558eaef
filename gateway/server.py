"""Runs an ASGI app in several worker processes on one listening socket."""

from __future__ import annotations

import errno
import resource
import socket
import sys
from contextlib import suppress
from typing import Any, Protocol

from uvicorn import Config

from gateway.errors import AntreanError
from gateway.replies import GatewayWebSocketProtocol
from gateway.shedding import SheddingProtocol
from gateway.workers import STOP_S, Workers

# Longer than a page takes to come back for its next file, shorter than what connections cost.
KEEP_ALIVE_S = 20
_BACKLOG = 2048
_MAX_OPEN_FILES = 1_048_576


class PortUnavailable(AntreanError):
    """The address cannot be listened on; the message says what to do."""


class ListenerSettings(Protocol):
    """What ``serve`` needs of the settings."""

    @property
    def host(self) -> str: ...
    @property
    def port(self) -> int: ...
    @property
    def workers(self) -> int: ...


def serve(app_factory: str, settings: ListenerSettings, *, log_config: dict[str, Any] | None = None) -> None:
    """Serve the app that ``app_factory`` ("package.module:function") makes, until SIGTERM or SIGINT.

    A worker that dies is replaced; SIGHUP replaces all, one after another. ``log_config`` is applied in
    every process (logging.config.dictConfig). Exits with one line and a code other than zero when the
    port cannot be had or no worker can start.
    """
    try:
        listener = listen(settings.host, settings.port)
    except PortUnavailable as exc:
        sys.exit(str(exc))
    _allow_many_connections()
    served = Workers(worker_config(app_factory, settings, log_config), listener).run()
    listener.close()
    if not served:
        sys.exit(1)


def listen(host: str, port: int, setting: str = "ANTREAN_PORT") -> socket.socket:
    """A socket bound to ``host`` and ``port``. Raises PortUnavailable, whose message names ``setting``."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
        # Bound is not yet taken: only listening shows that another program listens already.
        listener.listen(_BACKLOG)
    except OSError as exc:
        listener.close()
        raise PortUnavailable(_why_not(exc, host, port, setting)) from exc
    listener.set_inheritable(True)
    return listener


def _why_not(exc: OSError, host: str, port: int, setting: str) -> str:
    if exc.errno == errno.EADDRINUSE:
        return f"port {port} is taken: set {setting} or stop the other program"
    if exc.errno == errno.EACCES:
        return f"port {port} is not allowed to this user: set {setting} to 1024 or higher"
    return f"cannot listen on {host} port {port}: {exc.strerror or exc}"


def worker_config(
    app_factory: str, settings: ListenerSettings, log_config: dict[str, Any] | None = None
) -> Config:
    """uvicorn's configuration of one worker."""
    return Config(
        app_factory,
        factory=True,
        host=settings.host,
        port=settings.port,
        workers=settings.workers,
        http=SheddingProtocol,
        ws=GatewayWebSocketProtocol,
        lifespan="on",
        log_config=log_config,
        access_log=False,
        # Trusted proxies are judged by gateway.forwarding; uvicorn's way costs a tenth of the rate.
        proxy_headers=False,
        server_header=False,
        timeout_keep_alive=KEEP_ALIVE_S,
        timeout_graceful_shutdown=STOP_S,
        backlog=_BACKLOG,
    )


def _allow_many_connections() -> None:
    """Raise the soft limit of open files, often 1024, towards the hard one. Workers inherit it."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = _MAX_OPEN_FILES if hard == resource.RLIM_INFINITY else min(hard, _MAX_OPEN_FILES)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        with suppress(ValueError, OSError):  # macOS has a further limit of its own
            resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
