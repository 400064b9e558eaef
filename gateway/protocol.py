"""uvicorn's HTTP protocol with what a server that faces the public needs besides.

Deadlines for connections that are silent or send half a head or half a body, limits of the head, exactly
one Host, and none of the forms of a request that two servers could read differently. Each refusal is one
short line of plain text, after which the connection closes.
"""

from __future__ import annotations

import asyncio
from enum import Enum, auto
from typing import Any

import httptools
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, RequestResponseCycle

from gateway.direct import DirectProtocol
from gateway.replies import Cork, UnframedReplies
from gateway.request_rules import Refused, check_head, expects_continue, path_of, the_framing, the_host


class Expecting(Enum):
    """What the next bytes of a connection have to be."""

    NOTHING = auto()  # between requests, or a complete one is being answered
    HEAD = auto()
    BODY = auto()
    LEFTOVERS = auto()  # of a body whose request was answered already


_HEAD = Expecting.HEAD  # a name of its own is found faster, and it is asked for with each header
# Names of headers that nothing is to be done about but to write them small. Browsers send the same few dozen.
_plain: dict[bytes, bytes] = {}
_MOST_PLAIN, _LONGEST_PLAIN = 500, 40


class GatewayProtocol(DirectProtocol):
    """One connection. The limits are class attributes: a subclass sets others."""

    head_bytes = 32 * 1024
    head_fields = 100
    target_bytes = 8 * 1024
    head_s = 10.0  # from the first byte (or the connection) to the end of the head
    body_s = 30.0  # in which at least body_least_bytes have to arrive, while we are reading
    body_least_bytes = 1024
    leftovers_s = 10.0  # for a body that nobody wants any more
    closing_s = 2.0  # to read a refusal before the connection is cut
    farewell_s = 0.5  # for the first request of a connection that was just made when the server stops

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._expecting = Expecting.NOTHING
        self._refused = False
        self._stopping = False
        self._silent_s = 0.0
        self._unframed_bytes = 0  # since the last byte that was part of a body
        self._body_bytes = 0  # since the last look of the watch
        self._watch: asyncio.TimerHandle | None = None
        self._begin_head()

    def _begin_head(self) -> None:
        self._expecting = Expecting.HEAD
        self._silent_s = 0.0
        self._host: bytes | None = None
        self._framing = b""
        self._bodiless = True
        self._trailer_bytes = 0

    # The connection

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._uncorked = transport
        self.transport = Cork(transport, self.loop)  # type: ignore[assignment]
        self._look_every_s = min(self.head_s, self.body_s, self.timeout_keep_alive) / 4
        self._watch = self.loop.call_later(self._look_every_s, self._look)

    def connection_lost(self, exc: Exception | None) -> None:
        self._stop_watching()
        super().connection_lost(exc)

    def handle_websocket_upgrade(self) -> None:
        self._stop_watching()
        self.transport = self._uncorked
        super().handle_websocket_upgrade()

    def shutdown(self) -> None:
        """Called when the server stops."""
        if self._expecting is Expecting.HEAD and not self._answering():
            # A request may be on its way, and was promised an answer when the connection was accepted.
            self._stopping = True
            self.loop.call_later(self.farewell_s, self._close_unless_answering)
        else:
            super().shutdown()

    def _close_unless_answering(self) -> None:
        if not self._answering():
            self.transport.close()

    def _stop_watching(self) -> None:
        if self._watch is not None:
            self._watch.cancel()
            self._watch = None

    def data_received(self, data: bytes) -> None:
        if self._refused:
            return
        if self._expecting is Expecting.NOTHING and not self._answering():
            self._begin_head()
        self._unframed_bytes += len(data)
        self._long = self._unframed_bytes > self.head_bytes or len(data) > self.head_bytes
        try:
            self.parser.feed_data(data)
        except httptools.HttpParserUpgrade:
            if self._should_upgrade():
                self.handle_websocket_upgrade()
        except httptools.HttpParserError as exc:
            self._refuse(exc.__context__)
        else:
            # A field that never ends is kept by the parser until it does.
            if self._unframed_bytes > 2 * self.head_bytes and self._expecting is not Expecting.NOTHING:
                self._refuse(Refused(431, "the head of this request is too long"))

    def _answering(self) -> bool:
        return self.cycle is not None and not self.cycle.response_complete

    # The parser's callbacks

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self._begin_head()

    def on_url(self, url: bytes) -> None:
        self.url += url
        if len(self.url) > self.target_bytes:
            raise Refused(414, f"the address is longer than {self.target_bytes} bytes")

    def on_header(self, name: bytes, value: bytes) -> None:
        if self._expecting is not _HEAD:
            self._pass_over_trailer(name, value)
            return
        plain = _plain.get(name)
        if plain is None:
            plain = name.lower()
            if plain in _JUDGED:
                self._judge(plain, value)
            elif b"_" in plain:
                raise Refused(400, "a header's name may not contain an underscore")
            elif len(_plain) < _MOST_PLAIN and len(name) <= _LONGEST_PLAIN:
                _plain[name] = plain
        self.headers.append((plain, value))

    def _pass_over_trailer(self, name: bytes, value: bytes) -> None:
        """Whoever reads headers has read them already."""
        self._trailer_bytes += len(name) + len(value) + 4
        if self._trailer_bytes > self.head_bytes:
            raise Refused(431, f"the trailers are longer than {self.head_bytes} bytes")

    def _check_size(self) -> None:
        """Raise Refused for too many headers, or too long ones: counted only when so much arrived at all."""
        if len(self.headers) > self.head_fields:
            raise Refused(431, f"there are more than {self.head_fields} headers")
        if self._long and sum(len(name) + len(value) + 4 for name, value in self.headers) > self.head_bytes:
            raise Refused(431, f"the headers are longer than {self.head_bytes} bytes")

    def _judge(self, name: bytes, value: bytes) -> None:
        if name == b"host":
            self._host = the_host(value, self._host)
        elif name == b"expect":
            self.expect_100_continue = expects_continue(value)
        else:
            self._framing = the_framing(name, value, self._framing)
            self._bodiless = value == b"0"

    def on_headers_complete(self) -> None:
        self._check_size()
        method, version = self.parser.get_method(), self.parser.get_http_version()
        check_head(method, version, self._host, self._framing)
        self.url = path_of(self.url, self._host)
        self._expecting = Expecting.BODY
        self._silent_s = 0.0
        self._unframed_bytes = self._body_bytes = 0
        if self._bodiless and not self._stopping and version == "1.1" and self._goes_directly(method):
            self._begin_directly(method)
            return
        super().on_headers_complete()
        if self._stopping and self.cycle is not None:
            self.cycle.keep_alive = False

    def on_body(self, body: bytes) -> None:
        self._unframed_bytes = 0
        self._body_bytes += len(body)
        super().on_body(body)

    def on_message_complete(self) -> None:
        self._expecting = Expecting.NOTHING
        super().on_message_complete()

    def _start_asgi_task(self, cycle: RequestResponseCycle, app: Any) -> None:
        if cycle.scope["http_version"] == "1.0":
            app = UnframedReplies(app, cycle)
        super()._start_asgi_task(cycle, app)

    def on_response_complete(self) -> None:
        self.server_state.total_requests += 1
        if self.transport.is_closing():
            return
        self.flow.resume_reading()
        self._silent_s = 0.0
        if self.pipeline:
            self._start_asgi_task(*self.pipeline.pop())
        if self._expecting is Expecting.BODY and not self.pipeline:
            self._expecting = Expecting.LEFTOVERS
            self._silent_s = 0.0
            if self.expect_100_continue and not self._body_bytes:
                # Whether the body still comes is the client's choice: what follows could be either.
                self.transport.close()

    # Deadlines: one timer a connection and no clock read per request

    def _look(self) -> None:
        self._watch = self.loop.call_later(self._look_every_s, self._look)
        if self._refused:
            return
        if self._expecting is Expecting.NOTHING:
            self._look_at_idle()
            return
        if self._expecting is Expecting.HEAD and self._answering():
            return  # the beginning of the next request waits while this one is answered
        if self._expecting is Expecting.BODY and (
            self.flow.read_paused or self._body_bytes >= self.body_least_bytes
        ):
            self._silent_s = 0.0
            self._body_bytes = 0
            return
        self._silent_s += self._look_every_s
        if self._silent_s >= self._patience_s():
            self._give_up()

    def _look_at_idle(self) -> None:
        """Between requests. uvicorn's way is a timer that is made and cancelled for each of them."""
        if self._answering():
            self._silent_s = 0.0
            return
        self._silent_s += self._look_every_s
        if self._silent_s >= self.timeout_keep_alive:
            self.transport.close()

    def _patience_s(self) -> float:
        if self._expecting is Expecting.HEAD:
            return self.head_s
        return self.body_s if self._expecting is Expecting.BODY else self.leftovers_s

    def _give_up(self) -> None:
        begun = self._expecting is Expecting.BODY or self._unframed_bytes
        if begun and self._expecting is not Expecting.LEFTOVERS:
            self._refuse(Refused(408, "the request did not arrive in time"))
        else:
            self.transport.close()

    def _refuse(self, cause: BaseException | None) -> None:
        refused = cause if isinstance(cause, Refused) else Refused(400, "this is not an HTTP request")
        self._refused = True
        if self._answering():
            body_broken = self.cycle.more_body
            if not body_broken or self.cycle.response_started:
                # A refusal would be taken for the reply that is due, or stand in the middle of it.
                self.cycle.keep_alive = False
                self._abandon_body(body_broken)
                return
            self._abandon_body(body_broken)
        why = str(refused).encode("ascii") + b"\n"
        self.transport.write(
            STATUS_LINE[refused.status] + b"content-type: text/plain; charset=utf-8\r\n"
            b"content-length: %d\r\nconnection: close\r\n\r\n%b" % (len(why), why)
        )
        # With bytes unread, closing at once would reset the connection and the refusal would be lost.
        if self.transport.can_write_eof():
            self.transport.write_eof()
        self.flow.resume_reading()
        self.loop.call_later(self.closing_s, self.transport.close)

    def _abandon_body(self, broken: bool) -> None:
        """The rest of the body will not come: tell the app as if the client had left."""
        if broken:
            self.cycle.disconnected = True
            self.cycle.message_event.set()
            if self.cycle.response_started:
                self.transport.close()


_JUDGED = frozenset({b"host", b"expect", b"transfer-encoding", b"content-length"})
