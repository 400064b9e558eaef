"""The gateway's protocol with a worker's limits: who cannot be served is turned away before the request is parsed.

An app that has ``overload`` (``gateway.overload``) is protected by it; another is served as ever.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

from gateway.domain.overload import Who
from gateway.overload import Overload
from gateway.protocol import Expecting, GatewayProtocol

_HEADS_MOST_BYTES = 32 * 1024 * 1024  # of unfinished heads, over all connections of a worker


class _Held:
    """Bytes of unfinished heads that this worker keeps."""

    total = 0


class SheddingProtocol(GatewayProtocol):
    """One connection of a worker that has limits."""

    heads_most_bytes = _HEADS_MOST_BYTES
    begun_with = b""  # what was read already when the connection was handed over

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        self._held_bytes = 0
        super().__init__(*args, **kwargs)
        self._overload: Overload | None = getattr(self.app, "overload", None)
        self._who: Callable[[bytes], Who] | None = getattr(self.app, "who_asks", None)

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        overload = self._overload
        if overload is None:
            return
        if overload.is_full:
            overload.note("connection")
            self._refused = True
            self.transport.write(overload.answer(b""))
            self.transport.close()
        elif self.begun_with:
            super().data_received(self.begun_with)

    def connection_lost(self, exc: Exception | None) -> None:
        self._hold(0)
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        overload = self._overload
        if (
            overload is not None
            and overload.is_counting
            and not self._unframed_bytes
            and self._expecting in (Expecting.HEAD, Expecting.NOTHING)
            and not self._answering()
            and not self._refused
            and self._is_turned_away(overload, data)
        ):
            return
        super().data_received(data)
        if self._unframed_bytes or self._held_bytes:  # neither, once a request was read whole
            self._hold(self._unframed_bytes if self._expecting is Expecting.HEAD and not self._refused else 0)

    def _is_turned_away(self, overload: Overload, data: bytes) -> bool:
        end = data.find(b"\r\n\r\n")
        # Half a head tells too little; what is not one of these is for the parser to refuse.
        if end < 0 or self._who is None or not data.startswith((b"GET /", b"POST /", b"HEAD /")):
            return False
        head = data[:end]
        if not overload.turns_away(self._who(head)):
            return False
        self._refused = True
        self.transport.write(overload.answer(head))
        if end + 4 == len(data) and not data.startswith(b"POST"):
            self.transport.close()
        else:
            # With bytes unread, closing at once would reset the connection and the answer would be lost.
            self.transport.write_eof()
            self.loop.call_later(self.closing_s, self.transport.close)
        return True

    def _hold(self, size: int) -> None:
        """Unfinished heads are kept by the parser: together they may not fill the memory."""
        _Held.total += size - self._held_bytes
        self._held_bytes = size
        if size and _Held.total > self.heads_most_bytes:
            if self._overload is not None:
                self._overload.note("connection")
            self.transport.abort()

    def _look_at_idle(self) -> None:
        """Where connections are scarce, one that does nothing is given back at the first look."""
        if self._overload is not None and self._overload.is_crowded and not self._answering():
            self.transport.close()
        else:
            super()._look_at_idle()

    def _patience_s(self) -> float:
        patience_s = super()._patience_s()
        return patience_s / 4 if self._overload is not None and self._overload.is_crowded else patience_s
