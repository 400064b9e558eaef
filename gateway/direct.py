"""Replies without ASGI's machinery: for requests without a body, which are nearly all that a surge is made of.

A Starlette app costs a task, an event, two messages that are checked header by header, and two writes for
each request. An app that has ``direct(scope)`` is asked through that instead: a coroutine whose result is either
a whole reply, which goes out as it is in one write, or an ASGI app to carry on with. The coroutine is run
on the spot, and if it waits, by the future that it waits for; ``asyncio.eager_task_factory`` does the same
from Python 3.12 on.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Coroutine
from typing import Any, Protocol

from starlette.types import ASGIApp, Scope
from uvicorn.protocols.http.httptools_impl import STATUS_LINE

log = logging.getLogger("antrean.server")


class Reply(Protocol):
    """A whole reply."""

    @property
    def status(self) -> int: ...
    @property
    def lines(self) -> bytes:
        """Its header fields as they are sent, each with its line end."""

    @property
    def body(self) -> bytes: ...


Direct = Callable[[Scope], Coroutine[Any, Any, "Reply | ASGIApp"]]


class DirectCycle:
    """One request answered directly, in the place where uvicorn keeps its ``RequestResponseCycle``.

    The coroutine may wait for plain futures only: it runs in no task, so ``asyncio.timeout`` and the like
    do not work in it.
    """

    __slots__ = ("_coroutine", "_finish", "disconnected", "keep_alive", "response_complete", "scope")

    # What uvicorn reads and sets of a cycle while a request without a body waits for its reply.
    response_started = False
    more_body = False
    message_event = asyncio.Event()

    def __init__(self, scope: Scope, finish: Callable[[DirectCycle, Reply | ASGIApp | None], None]) -> None:
        """``finish`` is given the result; None when the app failed."""
        self.scope = scope
        self.keep_alive = True
        self.disconnected = False
        self.response_complete = False
        self._finish = finish

    def start(self, direct: Direct) -> None:
        """Run the app as far as it goes."""
        self._coroutine = direct(self.scope)
        self._step()

    def _step(self, _done: asyncio.Future[Any] | None = None) -> None:
        try:
            future = self._coroutine.send(None)
        except StopIteration as stop:
            self._finish(self, stop.value)
        except Exception:
            log.exception("Exception in the application")
            self._finish(self, None)
        else:
            future._asyncio_future_blocking = False  # as a task tells a future that it has been noticed
            future.add_done_callback(self._step)


class Heads:
    """The beginnings of replies, with what the server adds to each of them; its date changes every second."""

    def __init__(self) -> None:
        self._of: list[tuple[bytes, bytes]] | None = None
        self._by_status: dict[int, bytes] = {}

    def beginning(self, status: int, default_headers: list[tuple[bytes, bytes]]) -> bytes:
        """Status line and the server's own fields."""
        if default_headers is not self._of:
            self._of = default_headers
            self._by_status.clear()
        head = self._by_status.get(status)
        if head is None:
            lines = b"".join(b"%b: %b\r\n" % header for header in default_headers)
            head = self._by_status[status] = STATUS_LINE[status] + lines
        return head
