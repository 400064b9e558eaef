"""``python -m registration_app``: the service on REGISTRATION_PORT, one worker."""

from __future__ import annotations

import asyncio
import logging
import socket
import sys

import structlog
import uvicorn

from registration_app.app import create_app
from registration_app.database import Database
from registration_app.errors import DatabaseUnreachable, SettingsError
from registration_app.settings import Settings, load_settings

KEEP_ALIVE_S = 65
"""Longer than any proxy in front keeps its connections, so that it never sends into one we are closing."""


def main() -> int:
    """Serve until told to stop. Returns the exit code: 1 with one clear line when it cannot start."""
    logging.basicConfig(format="%(message)s", level=logging.INFO)
    _configure_logs()
    try:
        settings = load_settings()
        app = create_app(settings)
        listener = _listen(settings)
        asyncio.run(_try_database(settings))
    except SettingsError as exc:
        return _refuse(exc.problems)
    except DatabaseUnreachable as exc:
        return _refuse([f"{exc}; see DATABASE_URL"])
    config = uvicorn.Config(
        app,
        # Addresses of cards are secrets: no access log.
        access_log=False,
        server_header=False,
        timeout_keep_alive=KEEP_ALIVE_S,
        timeout_graceful_shutdown=10,
    )
    with listener:
        server = uvicorn.Server(config)
        try:
            server.run(sockets=[listener])
        except KeyboardInterrupt:
            return 0
    return 0 if server.started else 1


async def _try_database(settings: Settings) -> None:
    """Before the server starts, which would wrap the reason in its own traceback."""
    database = Database(settings.engine_url)
    try:
        await database.start()
    finally:
        await database.close()


def _refuse(problems: list[str]) -> int:
    sys.stderr.write("".join(f"registration: {problem}\n" for problem in problems))
    return 1


def _listen(settings: Settings) -> socket.socket:
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((settings.host, settings.port))
    except OSError as exc:
        listener.close()
        place = f"{settings.host}:{settings.port}"
        raise SettingsError([f"cannot listen on {place}: {exc.strerror}; set REGISTRATION_PORT"]) from exc
    return listener


def _configure_logs() -> None:
    """For people on a terminal, JSON otherwise."""
    renderer = structlog.dev.ConsoleRenderer() if sys.stderr.isatty() else structlog.processors.JSONRenderer()
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            renderer,
        ],
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
    )


if __name__ == "__main__":
    sys.exit(main())
