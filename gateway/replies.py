"""How replies are written: in one piece where possible, unframed for HTTP/1.0, cut off when incomplete."""

from __future__ import annotations

import asyncio
import socket
import struct
from typing import Any

from starlette.types import ASGIApp, Message, Receive, Scope, Send
from uvicorn.protocols.http.httptools_impl import RequestResponseCycle
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol


class Cork:
    """A transport that holds a first write back until the next one, at most to the end of the loop's turn.

    uvicorn writes the head and the body of a reply apart, and uvloop gives each write to the system at
    once: two calls and two packets where one would do, about a sixth of what a small reply costs.
    """

    __slots__ = ("_flushing", "_held", "_loop", "_transport")

    def __init__(self, transport: asyncio.Transport, loop: asyncio.AbstractEventLoop) -> None:
        self._transport = transport
        self._loop = loop
        self._held = b""
        self._flushing: asyncio.Handle | None = None

    def write(self, data: bytes) -> None:
        """Send ``data`` now if something was held back, else hold it back."""
        if self._flushing is None:
            self._held = data
            self._flushing = self._loop.call_soon(self._flush)
        else:
            self._flushing.cancel()
            self._flushing = None
            self._transport.writelines((self._held, data))
            self._held = b""

    def write_whole(self, data: bytes) -> None:
        """Send a whole reply at once, behind what is held back."""
        self._flush()
        self._transport.write(data)

    def _flush(self) -> None:
        if self._flushing is not None:
            self._flushing.cancel()
            self._flushing = None
            self._transport.write(self._held)
            self._held = b""

    def close(self) -> None:
        """Send what is held back, and close."""
        self._flush()
        self._transport.close()

    def abort(self) -> None:
        """Close at once."""
        if self._flushing is not None:
            self._flushing.cancel()
            self._flushing = None
        self._transport.abort()

    def write_eof(self) -> None:
        """Send what is held back, and say that nothing follows."""
        self._flush()
        self._transport.write_eof()

    def is_closing(self) -> bool:
        """See asyncio."""
        return self._transport.is_closing()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._transport, name)


class UnframedReplies:
    """ASGI middleware for an HTTP/1.0 request: a reply of unknown length ends with the connection.

    uvicorn would send it chunked, which HTTP/1.0 does not know.
    """

    def __init__(self, app: ASGIApp, cycle: RequestResponseCycle) -> None:
        self._app = app
        self._cycle = cycle
        self._unframed = False

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self._app(scope, receive, self._send)
        if self._unframed and not self._cycle.response_complete:
            _reset(self._cycle.transport)

    async def _send(self, message: Message) -> None:
        cycle = self._cycle
        if message["type"] == "http.response.start":
            framed = any(name.lower() == b"content-length" for name, _ in message.get("headers", ()))
            self._unframed = not framed and cycle.scope["method"] != "HEAD"
            if self._unframed:
                cycle.chunked_encoding = False
        elif self._unframed:
            cycle.expected_content_length = len(message.get("body", b""))
        await cycle.send(message)  # type: ignore[arg-type]


def _reset(transport: asyncio.Transport) -> None:
    """End the connection by a reset: after an orderly end, what was sent would look complete."""
    connection = transport.get_extra_info("socket")
    if connection is not None:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    transport.abort()


class GatewayWebSocketProtocol(WebSocketsSansIOProtocol):
    """uvicorn's, which would log an error after a handshake that the app answered with an HTTP reply."""

    async def send(self, message: Any) -> None:
        """See uvicorn."""
        await super().send(message)
        if message["type"] == "websocket.http.response.body" and not message.get("more_body", False):
            self.handshake_complete = True
