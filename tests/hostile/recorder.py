"""An origin that keeps every byte it was sent, and answers whatever looks like the head of a request."""

from __future__ import annotations

import base64
import hashlib
import re
import socketserver
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

_LENGTH = re.compile(rb"\r\ncontent-length: (\d+)\r\n", re.IGNORECASE)
_KEY = re.compile(rb"\r\nsec-websocket-key: ([^\r]+)\r\n", re.IGNORECASE)
_GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
_ANSWER = b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 6\r\n\r\norigin"


@dataclass(frozen=True)
class Received:
    """One request as it came. ``whole``: its body came to the end that its head promised."""

    head: bytes
    body: bytes
    whole: bool

    @property
    def line(self) -> str:
        """Method and target."""
        return self.head.partition(b" HTTP/1.1\r\n")[0].decode("latin-1")

    def values(self, name: str) -> list[str]:
        fields = (line.partition(b":") for line in self.head.split(b"\r\n")[1:])
        return [value.strip().decode("latin-1") for key, _, value in fields if key.lower() == name.encode()]


class Recorder(socketserver.ThreadingTCPServer):
    """``received`` is filled as requests end, or break off."""

    daemon_threads = True
    allow_reuse_address = True
    request_queue_size = 256

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Connection)
        self.received: list[Received] = []

    @property
    def port(self) -> int:
        return int(self.server_address[1])


class _Connection(socketserver.StreamRequestHandler):
    def handle(self) -> None:
        while (head := self._head()) is not None:
            body, whole = self._body(head)
            self.server.received.append(Received(head, body, whole))  # type: ignore[attr-defined]
            if not whole:
                return
            if key := _KEY.search(head):
                self._websocket(key[1])
                return
            self.wfile.write(_ANSWER)

    def _websocket(self, key: bytes) -> None:
        """Says back the first short message that comes (RFC 6455)."""
        accept = base64.b64encode(hashlib.sha1(key + _GUID).digest())
        self.wfile.write(
            b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            b"Sec-WebSocket-Accept: %b\r\n\r\n" % accept
        )
        first, length = self.rfile.read(2)
        mask = self.rfile.read(4)
        said = bytes(byte ^ mask[at % 4] for at, byte in enumerate(self.rfile.read(length & 127)))
        self.wfile.write(bytes([first, len(said)]) + said)
        self.rfile.read(100)

    def _head(self) -> bytes | None:
        head = b""
        while not head.endswith(b"\r\n\r\n"):
            line = self.rfile.readline(70_000)
            if not line:
                return None
            head += line
        return head

    def _body(self, head: bytes) -> tuple[bytes, bool]:
        if b"\r\ntransfer-encoding: chunked\r\n" in head.lower():
            return self._chunks()
        length = _LENGTH.search(head)
        body = self.rfile.read(int(length[1])) if length else b""
        return body, length is None or len(body) == int(length[1])

    def _chunks(self) -> tuple[bytes, bool]:
        body = b""
        while size := self.rfile.readline(100):
            if not re.fullmatch(rb"[0-9a-fA-F]+\r\n", size):
                return body + size, False
            if (length := int(size, 16)) == 0:
                return body, self.rfile.readline(10) == b"\r\n"
            body += self.rfile.read(length)
            if self.rfile.read(2) != b"\r\n":
                return body, False
        return body, False


@contextmanager
def recording() -> Iterator[Recorder]:
    server = Recorder()
    thread = threading.Thread(target=server.serve_forever, args=(0.05,))
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
