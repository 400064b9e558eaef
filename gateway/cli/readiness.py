"""When each process of the Procfile is ready: the store answers PING, the others their health address."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path

from gateway.settings import Settings

Probe = Callable[[], Awaitable[bool]]

_ANSWER_S = 2.0
"""How long one question may take; the next one follows at once."""

EVERYWHERE = {"0.0.0.0": "127.0.0.1", "::": "::1", "": "127.0.0.1"}
"""An address to listen on that is none to connect to, and where to connect instead."""


def probes(settings: Settings) -> dict[str, Probe]:
    """By process name. A process that is not here counts as ready when it runs."""
    return {
        "store": lambda: answers_ping(settings.socket_path),
        "registration": lambda: answers_http("127.0.0.1", settings.registration_port, "/health"),
        "gateway": lambda: answers_http(settings.host, settings.port, "/_queue/health"),
        "desk": lambda: answers_http(settings.desk_host, settings.desk_port, "/ready"),
    }


async def answers_ping(socket_path: Path) -> bool:
    """Whether the store behind this socket has read its file and serves."""
    return await _ask(asyncio.open_unix_connection(str(socket_path)), b"PING\r\n") == b"+PONG\r\n"


async def answers_http(host: str, port: int, path: str) -> bool:
    """Whether GET ``path`` is answered with 200."""
    host = EVERYWHERE.get(host, host)
    shown = f"[{host}]" if ":" in host else host
    request = f"GET {path} HTTP/1.1\r\nHost: {shown}:{port}\r\nConnection: close\r\n\r\n"
    answer = await _ask(asyncio.open_connection(host, port), request.encode())
    return answer.startswith(b"HTTP/") and answer.split()[1:2] == [b"200"]


async def _ask(
    connecting: Awaitable[tuple[asyncio.StreamReader, asyncio.StreamWriter]], question: bytes
) -> bytes:
    """The first line of the answer, or nothing."""
    try:
        async with asyncio.timeout(_ANSWER_S):
            reader, writer = await connecting
            try:
                writer.write(question)
                return await reader.readline()
            finally:
                writer.close()
    except (OSError, TimeoutError, ValueError):
        return b""
