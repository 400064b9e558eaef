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
from typing import Any, Protocol, cast
from urllib.parse import unquote

from starlette.types import ASGIApp, Scope
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol, RequestResponseCycle

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


class DirectProtocol(HttpToolsProtocol):
    """uvicorn's protocol, with direct replies where the app has them."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._direct: Direct | None = getattr(self.app, "direct", None)
        self._begun: DirectCycle | None = None  # of a request that is not here to its end

    def _goes_directly(self, method: bytes) -> bool:
        """Whether nothing is special about the request: its reply can be written as soon as it is there."""
        parser = self.parser
        return (
            self._direct is not None
            and (self.cycle is None or self.cycle.response_complete)
            and not self.expect_100_continue
            and not self.flow.write_paused
            and parser.should_keep_alive()
            and not parser.should_upgrade()
            and method != b"HEAD"
        )

    def _begin_directly(self, method: bytes) -> None:
        """What uvicorn does when a head is complete."""
        raw_path, _, query = self.url.partition(b"?")
        scope = self.scope
        scope["method"] = method.decode("ascii")
        scope["raw_path"] = raw_path
        scope["query_string"] = query
        path = raw_path.decode("ascii")
        scope["path"] = unquote(path) if "%" in path else path
        self._begun = DirectCycle(scope, self._finish_directly)  # type: ignore[arg-type]
        self.cycle = self._begun  # type: ignore[assignment]

    def on_message_complete(self) -> None:
        """See uvicorn."""
        begun = self._begun
        if begun is None or self._direct is None:
            super().on_message_complete()
        else:
            self._begun = None
            begun.start(self._direct)

    def _finish_directly(self, cycle: DirectCycle, outcome: Reply | ASGIApp | None) -> None:
        if cycle.disconnected:
            return
        if outcome is None:
            self.transport.close()
        elif callable(outcome):
            self._carry_on(cycle, outcome)
        else:
            self._write_directly(cycle, outcome)

    def _write_directly(self, cycle: DirectCycle, reply: Reply) -> None:
        beginning = _heads.beginning(reply.status, self.server_state.default_headers)
        end = b"\r\n" if cycle.keep_alive else b"connection: close\r\n\r\n"
        self.transport.write_whole(b"".join((beginning, reply.lines, end, reply.body)))  # type: ignore[attr-defined]
        cycle.response_complete = True
        if not cycle.keep_alive:
            self.transport.close()
        self.on_response_complete()

    def _carry_on(self, direct: DirectCycle, app: ASGIApp) -> None:
        """The request is one for ASGI after all: as uvicorn would have begun it."""
        cycle = RequestResponseCycle(
            scope=direct.scope,  # type: ignore[arg-type]
            transport=self.transport,
            flow=self.flow,
            logger=self.logger,
            access_logger=self.access_logger,
            access_log=self.access_log,
            default_headers=self.server_state.default_headers,
            message_event=asyncio.Event(),
            expect_100_continue=False,
            keep_alive=direct.keep_alive,
            on_response=self.on_response_complete,
        )
        cycle.more_body = False
        cycle.message_event.set()
        direct.response_complete = True
        if self.cycle is cast("object", direct):
            self.cycle = cycle
        self._start_asgi_task(cycle, app)  # type: ignore[arg-type]  # uvicorn's own names for the same


_heads = Heads()
