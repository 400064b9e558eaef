"""Websockets to the origin: messages both ways, subprotocols, close codes and reasons."""

from __future__ import annotations

import asyncio
import logging

from aiohttp import (
    ClientConnectionError,
    ClientError,
    ClientHandlerType,
    ClientRequest,
    ClientResponse,
    ClientSession,
    ClientTimeout,
    ClientWebSocketResponse,
    DummyCookieJar,
    ServerTimeoutError,
    TCPConnector,
    WSMsgType,
)
from starlette.types import Message, Receive, Scope, Send
from yarl import URL

from gateway.origin.connection import Timeouts
from gateway.origin.heads import Headers, reply_headers

MAX_MESSAGE_BYTES = 16 * 1024 * 1024
_MAX_REFUSAL_BYTES = 64 * 1024

_NORMAL, _GOING_AWAY, _BAD_GATEWAY = 1000, 1001, 1014
# Reported when a connection ended without a close frame, or with an empty one; never sent (RFC 6455, 7.4.1).
_NO_CODE, _LOST = 1005, 1006
# Each side of the proxy agrees on its own keys, extensions and subprotocol.
_OF_ONE_HANDSHAKE = "sec-websocket-"
_AUTOMATIC = ("Accept", "Accept-Encoding", "Content-Type", "User-Agent")

log = logging.getLogger("antrean.origin")


class HandshakeRefused(ClientError):
    """The origin answered the handshake with an ordinary reply."""

    def __init__(self, status: int, headers: Headers, body: bytes) -> None:
        super().__init__(f"handshake answered with {status}")
        self.status = status
        self.headers = headers
        self.body = body


class HandshakeBroken(ClientError):
    """The connection ended within the handshake."""


class WebSocketRelay:
    """Forwards websockets to the origin at ``url``."""

    def __init__(self, url: URL, timeouts: Timeouts) -> None:
        self._base = str(url.origin())
        self._timeouts = timeouts

    async def start(self, connector: TCPConnector) -> None:
        """Use ``connector``, which stays its owner's to close."""
        self._session = ClientSession(
            connector=connector,
            connector_owner=False,
            cookie_jar=DummyCookieJar(),
            skip_auto_headers=_AUTOMATIC,
            auto_decompress=False,
            trust_env=False,
            middlewares=(_ask_once,),
            timeout=ClientTimeout(total=None, connect=self._timeouts.connect_s, sock_read=self._timeouts.reply_s),
        )

    async def close(self) -> None:
        """Forget the session."""
        await self._session.close()

    async def __call__(self, head: bytes, scope: Scope, receive: Receive, send: Send) -> None:
        """Open the origin's websocket as ``head`` asks for it, and relay until either side closes."""
        await receive()
        try:
            origin = await self._open(head, scope["subprotocols"])
        except HandshakeRefused as exc:
            await _refuse(scope, send, exc.status, exc.headers, exc.body)
        except TimeoutError as exc:
            log.warning("%s gave no reply to a websocket: %s", self._base, exc)
            await _refuse(scope, send, 504)
        except (ClientError, OSError) as exc:
            log.warning("%s gave no reply to a websocket: %s", self._base, exc)
            await _refuse(scope, send, 502)
        else:
            await _relay(origin, receive, send)

    async def _open(self, head: bytes, subprotocols: list[str]) -> ClientWebSocketResponse:
        request_line, *lines = head[:-4].split(b"\r\n")
        fields = [_text(line).split(": ", 1) for line in lines]
        return await self._session.ws_connect(
            URL(self._base + request_line.split(b" ")[1].decode("ascii"), encoded=True),
            headers=[(name, value) for name, value in fields if not name.startswith(_OF_ONE_HANDSHAKE)],
            protocols=subprotocols,
            max_msg_size=MAX_MESSAGE_BYTES,
        )


async def _ask_once(request: ClientRequest, handler: ClientHandlerType) -> ClientResponse:
    """aiohttp middleware: neither follow a redirect nor repeat a handshake; both are the visitor's to do."""
    try:
        response = await handler(request)
    except ServerTimeoutError:
        raise
    except ClientConnectionError as exc:
        raise HandshakeBroken(str(exc)) from exc
    if response.status == 101:
        return response
    try:
        body = await response.content.read(_MAX_REFUSAL_BYTES)
    finally:
        response.close()
    if not 300 <= response.status < 600:
        raise HandshakeBroken(f"handshake answered with {response.status}")
    raise HandshakeRefused(response.status, list(response.raw_headers), body)


async def _refuse(
    scope: Scope, send: Send, status: int, headers: Headers | None = None, body: bytes = b""
) -> None:
    if "websocket.http.response" not in (scope.get("extensions") or {}):
        await send({"type": "websocket.close"})
        return
    # Its length may have changed: the server states it.
    kept = [header for header in reply_headers(headers or [], status) if header[0] != b"content-length"]
    await send({"type": "websocket.http.response.start", "status": status, "headers": kept})
    await send({"type": "websocket.http.response.body", "body": body, "more_body": False})


async def _relay(origin: ClientWebSocketResponse, receive: Receive, send: Send) -> None:
    raw = origin._response.raw_headers  # cookies set in the handshake; there is no public way to them
    headers = [header for header in reply_headers(raw, 101) if not header[0].startswith(b"sec-websocket-")]
    await send({"type": "websocket.accept", "subprotocol": origin.protocol, "headers": headers})
    to_origin = asyncio.create_task(_to_origin(origin, receive))
    try:
        await _to_visitor(origin, send, to_origin)
    except OSError:
        pass  # the visitor is gone: what the server raises then is one
    finally:
        to_origin.cancel()
        await origin.close(code=_GOING_AWAY)


async def _to_origin(origin: ClientWebSocketResponse, receive: Receive) -> None:
    """Send on what the visitor sends, until the visitor closes; then close the origin's side alike."""
    try:
        while (message := await receive())["type"] == "websocket.receive":
            if (text := message.get("text")) is not None:
                await origin.send_str(text)
            else:
                await origin.send_bytes(message["bytes"])
    except (ClientError, OSError):
        return  # the origin's side is gone: _to_visitor sees it too and tells the visitor
    await origin.close(code=_code_for_origin(message), message=(message.get("reason") or "").encode())


def _code_for_origin(message: Message) -> int:
    code: int = message.get("code") or _NORMAL
    if code in (_NO_CODE, _LOST):
        # uvicorn gives a reason, be it empty, only when there was a close frame.
        return _NORMAL if "reason" in message else _GOING_AWAY
    return code


async def _to_visitor(origin: ClientWebSocketResponse, send: Send, to_origin: asyncio.Task[None]) -> None:
    """Send on what the origin sends, until either side closes."""
    while True:
        message = await origin.receive()
        if message.type is WSMsgType.TEXT:
            await send({"type": "websocket.send", "text": message.data})
        elif message.type is WSMsgType.BINARY:
            await send({"type": "websocket.send", "bytes": message.data})
        elif message.type is WSMsgType.CLOSE:
            code = message.data or _NORMAL
            await send({"type": "websocket.close", "code": code, "reason": message.extra or ""})
            return
        else:
            break
    if origin.close_code == _LOST or message.type is WSMsgType.ERROR:
        await send({"type": "websocket.close", "code": _BAD_GATEWAY, "reason": ""})
    else:
        await to_origin  # the visitor closed first


def _text(line: bytes) -> str:
    """Header text as aiohttp wants it: it will encode it as UTF-8 again."""
    try:
        return line.decode()
    except UnicodeDecodeError:
        return line.decode("latin-1")
