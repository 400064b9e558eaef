"""A small origin, quick enough not to be what is measured: one answer to everything."""

from __future__ import annotations

import asyncio
import sys
from typing import cast

import uvloop

_BODY = b"<!doctype html><title>Form</title>" + b"<p>a page of two kilobytes</p>" * 66
_REPLY = (
    b"HTTP/1.1 200 OK\r\ncontent-type: text/html; charset=utf-8\r\ncache-control: no-store\r\n"
    b"content-length: %d\r\n\r\n%b" % (len(_BODY), _BODY)
)


class OneAnswer(asyncio.Protocol):
    """Answers each head that has arrived. For requests without a body only."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """See asyncio."""
        self._transport = cast("asyncio.Transport", transport)  # uvloop's does not inherit from asyncio's
        self._data = b""

    def data_received(self, data: bytes) -> None:
        """See asyncio."""
        self._data += data
        heads = self._data.count(b"\r\n\r\n")
        if heads:
            self._data = self._data.rpartition(b"\r\n\r\n")[2]
            self._transport.write(_REPLY * heads)


async def serve(port: int) -> None:
    """Answer on ``port`` until cancelled."""
    server = await asyncio.get_running_loop().create_server(OneAnswer, "127.0.0.1", port)
    await server.serve_forever()


if __name__ == "__main__":
    uvloop.run(serve(int(sys.argv[1])))
