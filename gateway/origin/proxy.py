"""The way to the protected site: every admitted request goes through here, streamed both ways.

A pure ASGI app that knows nothing of tickets and passes. It expects the scope to be judged already
(gateway.forwarding) and the headers to be rewritten by the gate.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping

from aiohttp import ClientPayloadError, ServerTimeoutError
from aiohttp.http import RawResponseMessage
from aiohttp.streams import StreamReader
from starlette.types import Receive, Scope, Send
from yarl import URL

from gateway.origin.connection import Exchange, Pool, Timeouts
from gateway.origin.errors import OriginError, OriginTimeout, StaleConnection, VisitorGone
from gateway.origin.heads import CHUNKED, reply_headers, request_head
from gateway.origin.pages import DEFAULT_PAGES, ErrorPage
from gateway.origin.visitor_side import VisitorSide, first_piece, whole_body
from gateway.origin.websocket import WebSocketRelay

# Asking again changes nothing at the origin (RFC 9110, section 9.2.2).
_IDEMPOTENT = frozenset({"GET", "HEAD", "OPTIONS", "PUT", "DELETE", "TRACE"})
# Bodies up to here are awaited before the origin is bothered: a slow phone sending a form then holds
# no connection of the origin's.
_SMALL_BODY_BYTES = 65_536

log = logging.getLogger("antrean.origin")


class Origin:
    """ASGI app that forwards HTTP requests and websockets to the site at ``base_url``.

    ``pages`` replaces the 502 and 504 replies. Call ``start`` in the event loop that will serve, and
    ``close`` at its end; run alone under a server, the app does both by the lifespan protocol.
    """

    def __init__(
        self,
        base_url: str,
        *,
        timeouts: Timeouts | None = None,
        pages: Mapping[int, ErrorPage] = DEFAULT_PAGES,
    ) -> None:
        url = URL(base_url)
        if url.scheme not in ("http", "https") or not url.raw_host or url.raw_user or url.raw_query_string:
            raise ValueError(f"{base_url!r} is not the address of a site: give http://host:port")
        self.base_url = base_url
        self._timeouts = timeouts or Timeouts()
        self._pages = pages
        self._pool = Pool(url, self._timeouts)
        self._websockets = WebSocketRelay(url, self._timeouts)
        self._authority = (url.host_port_subcomponent or "").encode("ascii")
        self._prefix = url.raw_path.rstrip("/").encode("ascii")

    async def start(self) -> None:
        """Make the connection pool. Nothing is connected yet: the origin may come up later."""
        await self._pool.start()
        await self._websockets.start(self._pool.fresh)

    async def close(self) -> None:
        """Close all connections to the origin."""
        await self._websockets.close()
        await self._pool.close()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            await self._http(scope, receive, send)
        elif scope["type"] == "websocket":
            head, _ = request_head(scope, self._authority, self._prefix)
            await self._websockets(head, scope, receive, send)
        elif scope["type"] == "lifespan":
            await self._lifespan(receive, send)

    async def _http(self, scope: Scope, receive: Receive, send: Send) -> None:
        visitor = VisitorSide(receive)
        exchange: Exchange | None = None
        try:
            exchange, message, body = await self._ask(scope, receive, visitor)
            await self._relay(exchange, message, body, visitor, send)
        except VisitorGone:
            pass
        except OriginError as exc:
            if not visitor.gone:
                await self._excuse(scope, send, exc)
        finally:
            visitor.stop()
            if exchange is not None:
                exchange.discard()

    async def _ask(
        self, scope: Scope, receive: Receive, visitor: VisitorSide
    ) -> tuple[Exchange, RawResponseMessage, StreamReader]:
        """Send the request; return when the head of the reply is here."""
        head, length = request_head(scope, self._authority, self._prefix)
        bodiless = scope["method"] == "HEAD"
        if not length and scope["method"] in _IDEMPOTENT:
            try:
                return await self._attempt(head, visitor, fresh=False, bodiless=bodiless)
            except StaleConnection:
                # The origin closed it while our request was on its way: it has not seen it, and even if
                # it had, asking again would change nothing.
                return await self._attempt(head, visitor, fresh=True, bodiless=bodiless)
        # What may not be repeated never risks a connection from the pool.
        if 0 <= length <= _SMALL_BODY_BYTES:
            if length:
                head += await whole_body(receive)
            return await self._attempt(head, visitor, fresh=True, bodiless=False)
        first = await first_piece(receive)
        exchange = await self._pool.connect(fresh=True, bodiless=bodiless)
        exchange.write(head)
        visitor.upload(exchange, first, chunked=length == CHUNKED, idle_s=self._timeouts.idle_s)
        return await self._reply(exchange, visitor)

    async def _attempt(
        self, request: bytes, visitor: VisitorSide, *, fresh: bool, bodiless: bool
    ) -> tuple[Exchange, RawResponseMessage, StreamReader]:
        exchange = await self._pool.connect(fresh=fresh, bodiless=bodiless)
        exchange.write(request)
        exchange.sent()
        visitor.watch(exchange)
        return await self._reply(exchange, visitor)

    async def _reply(
        self, exchange: Exchange, visitor: VisitorSide
    ) -> tuple[Exchange, RawResponseMessage, StreamReader]:
        try:
            message, body = await exchange.reply()
        except BaseException as exc:
            exchange.discard()
            if visitor.gone:
                raise VisitorGone("the visitor left before the reply") from exc
            if visitor.stalled:
                raise OriginTimeout("the request's body was not taken in time") from exc
            raise
        return exchange, message, body

    async def _relay(
        self,
        exchange: Exchange,
        message: RawResponseMessage,
        body: StreamReader,
        visitor: VisitorSide,
        send: Send,
    ) -> None:
        """Pass the reply on. A reply that breaks off is left incomplete, and the server cuts it too."""
        status = message.code
        headers = reply_headers(message.raw_headers, status)
        await send({"type": "http.response.start", "status": status, "headers": headers})
        more = True
        while more:
            try:
                piece = await body.readany()
            except (ClientPayloadError, ServerTimeoutError, OSError) as exc:
                if not visitor.gone:
                    log.warning("%s broke off in the middle of a reply: %s", self.base_url, exc)
                return
            more = not body.at_eof()
            if not more:
                # A slow visitor takes the rest from us; the origin is free for the next.
                self._end(exchange, visitor)
            await send({"type": "http.response.body", "body": piece, "more_body": more})

    def _end(self, exchange: Exchange, visitor: VisitorSide) -> None:
        if visitor.sending:
            exchange.discard()
        visitor.stop()
        exchange.release()

    async def _excuse(self, scope: Scope, send: Send, error: OriginError) -> None:
        log.warning("%s gave no reply: %s", self.base_url, error)
        for message in self._pages[error.status].messages(scope["headers"]):
            await send(message)

    async def _lifespan(self, receive: Receive, send: Send) -> None:
        await receive()
        await self.start()
        await send({"type": "lifespan.startup.complete"})
        await receive()
        await self.close()
        await send({"type": "lifespan.shutdown.complete"})
