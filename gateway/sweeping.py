"""Connections that wait to be accepted, while a worker has too much to do: taken in at once, and most turned away.

The event loop accepts one connection a turn, so what cannot be served waits in the system's queue, where its
lateness does not show, and those who are inside wait among the newcomers. Here a whole queue is looked through: a
newcomer costs four system calls, and no protocol is made for one.
"""

from __future__ import annotations

import asyncio
import socket
import struct
import sys
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from gateway.domain.overload import Who
    from gateway.overload import Overload

_READ_BYTES = 65_536
_QUEUED_AT = 24  # of struct tcp_info, whose field tcpi_unacked a listening socket uses for its queue

HandOver = Callable[[socket.socket, bytes], Awaitable[object]]


class Queue:
    """The connections that wait at ``listener``. ``hand_over`` serves one, of which ``data`` was read already."""

    def __init__(self, listener: socket.socket, who_asks: Callable[[bytes], Who], hand_over: HandOver) -> None:
        self._listener = listener
        self._who_asks = who_asks
        self._hand_over = hand_over
        self._running: set[asyncio.Future[object]] = set()

    def length(self) -> int:
        """How many wait; 0 where the system does not tell."""
        if sys.platform != "linux":
            return 0
        try:
            told = self._listener.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 64)
        except OSError:  # closed: this worker is stopping
            return 0
        (queued,) = struct.unpack_from("I", told, _QUEUED_AT)
        return int(queued)

    def sweep(self, overload: Overload, most_s: float) -> None:
        """Look through those who wait now, for so long at most: whom it does not reach, the system turns away."""
        until_s = time.perf_counter() + most_s
        while time.perf_counter() < until_s:
            try:
                connection, _ = self._listener.accept()
            except OSError:  # nobody waits, or no file is left for one more
                return
            connection.setblocking(False)
            self._judge(overload, connection)

    def _judge(self, overload: Overload, connection: socket.socket) -> None:
        data = b""
        try:
            data = connection.recv(_READ_BYTES)
            if not data:
                connection.close()
                return
        except BlockingIOError:
            pass
        except OSError:
            connection.close()
            return
        # Anything but one whole head is for the protocol.
        whole = data.startswith((b"GET /", b"HEAD /")) and data.find(b"\r\n\r\n") == len(data) - 4
        if whole and overload.turns_away(self._who_asks(data)):
            self._send(connection, overload.answer(data))
        else:
            self._start(self._hand_over(connection, data))

    def _send(self, connection: socket.socket, answer: bytes) -> None:
        try:
            sent = connection.send(answer)
        except OSError:
            sent = len(answer)  # it has gone
        if sent == len(answer):
            connection.close()
        else:
            self._start(_send_rest(connection, answer[sent:]))

    def _start(self, work: Awaitable[object]) -> None:
        task = asyncio.ensure_future(work)
        self._running.add(task)
        task.add_done_callback(self._running.discard)


async def _send_rest(connection: socket.socket, rest: bytes) -> None:
    with connection, suppress(OSError, TimeoutError):
        async with asyncio.timeout(5):
            await asyncio.get_running_loop().sock_sendall(connection, rest)
