"""The visitor's end of an exchange: sends the body on, and notices when the visitor leaves."""

from __future__ import annotations

import asyncio

from aiohttp import ClientConnectionError
from starlette.types import Message, Receive

from gateway.origin.connection import Exchange
from gateway.origin.errors import VisitorGone

# Replies faster than this cost no task that watches the visitor.
_WATCH_AFTER_S = 0.5


async def whole_body(receive: Receive) -> bytes:
    """The complete body of a request that is known to be small. Raises VisitorGone."""
    message = await first_piece(receive)
    if not message.get("more_body", False):
        body: bytes = message["body"]
        return body
    pieces = [message["body"]]
    while message.get("more_body", False):
        message = await first_piece(receive)
        pieces.append(message.get("body", b""))
    return b"".join(pieces)


async def first_piece(receive: Receive) -> Message:
    """The next piece of the body. Raises VisitorGone."""
    message = await receive()
    if message["type"] == "http.disconnect":
        raise VisitorGone("the visitor left while sending")
    return message


class VisitorSide:
    """Watches one visitor during one exchange. ``stop`` it before the exchange is released."""

    __slots__ = ("_exchange", "_receive", "_task", "_timer", "gone", "stalled")

    def __init__(self, receive: Receive) -> None:
        self._receive = receive
        self._exchange: Exchange | None = None
        self._task: asyncio.Task[None] | None = None
        self._timer: asyncio.TimerHandle | None = None
        self.gone = False
        self.stalled = False  # the origin did not take the body in time

    @property
    def sending(self) -> bool:
        """Whether a body is still on its way to the origin."""
        return self._task is not None and self._exchange is not None and not self._task.done()

    def watch(self, exchange: Exchange) -> None:
        """Cut ``exchange`` when the visitor leaves before it ends."""
        self._exchange = exchange
        if self._timer is None and self._task is None:
            self._timer = asyncio.get_running_loop().call_later(_WATCH_AFTER_S, self._begin_watching)

    def upload(self, exchange: Exchange, first: Message, *, chunked: bool, idle_s: float) -> None:
        """Send the body on from its ``first`` piece, in the background; then watch."""
        self._exchange = exchange
        self._task = asyncio.create_task(self._upload(exchange, first, chunked, idle_s))

    def stop(self) -> None:
        """The exchange is over: nothing of the visitor's matters to it any more."""
        if self._timer is not None:
            self._timer.cancel()
        if self._task is not None:
            self._task.cancel()
        self._exchange = None

    def _begin_watching(self) -> None:
        self._task = asyncio.create_task(self._until_gone())

    async def _until_gone(self) -> None:
        while (await self._receive())["type"] != "http.disconnect":
            pass
        self._leave()

    def _leave(self) -> None:
        self.gone = True
        if self._exchange is not None:
            self._exchange.abort()

    async def _upload(self, exchange: Exchange, message: Message, chunked: bool, idle_s: float) -> None:
        writer = exchange.body_writer(chunked=chunked)
        try:
            while True:
                if body := message.get("body", b""):
                    async with asyncio.timeout(idle_s):
                        await writer.write(body)
                if not message.get("more_body", False):
                    break
                message = await first_piece(self._receive)
            async with asyncio.timeout(idle_s):
                await writer.write_eof()
        except VisitorGone:
            self._leave()
            return
        except TimeoutError:
            self.stalled = True
            exchange.abort()
            return
        except (ClientConnectionError, OSError):
            # The origin stopped listening; it may have said why, which is for reply() to find out.
            pass
        else:
            exchange.sent()
        await self._until_gone()
