"""Connections to one origin: aiohttp's pool, parser and flow control, one layer below its ClientSession.

This is the only module that knows that layer. ClientSession decodes and re-encodes headers (bytes that
are not UTF-8 vanish), repeats requests by its own rule, and costs about twice the time.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from weakref import WeakSet

from aiohttp import ClientConnectionError, ClientRequest, ClientTimeout, ServerTimeoutError, TCPConnector
from aiohttp.client_proto import ResponseHandler
from aiohttp.connector import Connection
from aiohttp.http import HttpProcessingError, RawResponseMessage, StreamWriter
from aiohttp.streams import StreamReader
from yarl import URL

from gateway.origin.errors import OriginBroken, OriginTimeout, OriginUnreachable, StaleConnection

# Common servers (uvicorn, Node) close a connection that was idle for 5 s.
POOL_IDLE_S = 4.0
# Per worker. Beyond it requests wait for a connection, at most Timeouts.connect_s.
MAX_CONNECTIONS = 1024
# An origin may send long policies and many cookies.
_MAX_REPLY_LINE_BYTES = 16_384
_MAX_REPLY_FIELD_BYTES = 65_536
_MAX_REPLY_HEADERS = 256


@dataclass(frozen=True, slots=True)
class Timeouts:
    """How long the origin may take, in seconds."""

    connect_s: float = 5.0  # to connect, waiting for a free connection included
    reply_s: float = 60.0  # from the end of the request to the head of the reply
    idle_s: float = 60.0  # between two pieces of a body, either way


class Pool:
    """Connections to the origin at ``url``. Use it inside the event loop that called ``start``."""

    def __init__(self, url: URL, timeouts: Timeouts) -> None:
        self._url = url
        self._timeouts = timeouts
        self._used: WeakSet[ResponseHandler] = WeakSet()

    async def start(self) -> None:
        """Make the pool ready; connections are opened as requests need them."""
        self._kept = TCPConnector(limit=MAX_CONNECTIONS, keepalive_timeout=POOL_IDLE_S)
        self.fresh = TCPConnector(limit=MAX_CONNECTIONS, force_close=True)
        self._connect_timeout = ClientTimeout(
            total=None, connect=self._timeouts.connect_s, sock_connect=self._timeouts.connect_s
        )
        # The connectors read from it where to connect to, and nothing else.
        self._where = ClientRequest("GET", self._url, loop=asyncio.get_running_loop())

    async def close(self) -> None:
        """Close every connection, those in use included."""
        await self._kept.close()
        await self.fresh.close()

    async def connect(self, *, fresh: bool, bodiless: bool) -> Exchange:
        """A connection for one request, new when ``fresh``; ``bodiless`` for a HEAD.

        Raises OriginUnreachable, OriginTimeout.
        """
        connection = await self._connection(self.fresh if fresh else self._kept)
        protocol = connection.protocol
        assert protocol is not None
        # Bytes that came unasked (a 408 before closing, say) would be taken for our reply.
        while protocol.should_close:
            connection.close()
            connection = await self._connection(self.fresh if fresh else self._kept)
            protocol = connection.protocol
            assert protocol is not None
        reused = protocol in self._used
        if not reused and not fresh:
            self._used.add(protocol)
        protocol.set_response_params(
            skip_payload=bodiless,
            read_until_eof=True,
            auto_decompress=False,
            read_timeout=self._timeouts.reply_s,
            max_line_size=_MAX_REPLY_LINE_BYTES,
            max_field_size=_MAX_REPLY_FIELD_BYTES,
            max_headers=_MAX_REPLY_HEADERS,
        )
        return Exchange(connection, protocol, reused, self._timeouts)

    async def _connection(self, connector: TCPConnector) -> Connection:
        try:
            return await connector.connect(self._where, traces=[], timeout=self._connect_timeout)
        except TimeoutError as exc:
            raise OriginTimeout(f"no connection within {self._timeouts.connect_s:g} s") from exc
        except (ClientConnectionError, OSError) as exc:
            raise OriginUnreachable(str(exc)) from exc


class Exchange:
    """One request and its reply on a connection. Call ``release`` at the end, whatever happened."""

    __slots__ = ("_connection", "_protocol", "_reused", "_timeouts")

    def __init__(
        self, connection: Connection, protocol: ResponseHandler, reused: bool, timeouts: Timeouts
    ) -> None:
        self._connection: Connection | None = connection
        self._protocol = protocol
        self._reused = reused
        self._timeouts = timeouts

    def write(self, data: bytes) -> None:
        """Send ``data`` without waiting. A connection lost meanwhile shows when the reply is awaited."""
        transport = self._protocol.transport
        if transport is not None:
            transport.write(data)

    def body_writer(self, *, chunked: bool) -> StreamWriter:
        """A writer for the body after the head was written; its ``write`` waits for a slow origin."""
        writer = StreamWriter(self._protocol, asyncio.get_running_loop())
        writer.chunked = chunked
        return writer

    def sent(self) -> None:
        """The request is complete: from now on the origin's time to reply counts."""
        self._protocol.start_timeout()

    async def reply(self) -> tuple[RawResponseMessage, StreamReader]:
        """The head of the final reply, and its body to read.

        Raises StaleConnection, OriginBroken, OriginTimeout.
        """
        protocol = self._protocol
        try:
            message, body = await protocol.read()
            while 100 <= message.code < 200 and message.code != 101:
                message, body = await protocol.read()
        except ServerTimeoutError as exc:
            raise OriginTimeout(f"no reply within {self._timeouts.reply_s:g} s") from exc
        except (ClientConnectionError, OSError) as exc:
            # aiohttp puts the begun reply there when the connection ended within its head.
            begun = isinstance(getattr(exc, "message", None), RawResponseMessage)
            stale = self._reused and not begun
            raise (StaleConnection if stale else OriginBroken)(str(exc) or "connection lost") from exc
        except HttpProcessingError as exc:
            reason = exc.message.partition("\n")[0]
            raise OriginBroken(f"not an HTTP reply: {reason}") from exc
        if not 200 <= message.code < 600:
            raise OriginBroken(f"unusable status {message.code}")
        protocol.read_timeout = self._timeouts.idle_s
        return message, body

    def abort(self) -> None:
        """Cut the connection. Whoever awaits its reply or body gets an error."""
        if self._connection is not None and self._protocol.transport is not None:
            self._protocol.transport.abort()

    def release(self) -> None:
        """Give the connection back: to the pool if the reply was read to its end, else it is closed."""
        if self._connection is not None:
            self._connection.release()
            self._connection = None

    def discard(self) -> None:
        """Close the connection: something of the request or the reply may still be on its way."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None
