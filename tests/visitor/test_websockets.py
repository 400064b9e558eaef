"""A websocket goes on with a pass, or from a free path; else it is refused before it opens."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from starlette.types import Message, Scope

if TYPE_CHECKING:
    from tests.visitor.conftest import House


async def connect(house: House, path: str, cookie: str = "") -> Message:
    """What the visitor's side gets first."""
    headers = [(b"host", b"daftar.example"), (b"antrean-visitor", b"forged"), (b"accept", b"text/html")]
    if cookie:
        headers.append((b"cookie", cookie.encode()))
    scope: Scope = {
        "type": "websocket", "scheme": "ws", "path": path, "raw_path": path.encode(), "query_string": b"",
        "headers": headers, "client": ("127.0.0.1", 5), "subprotocols": [],
    }  # fmt: skip
    sent: list[Message] = []

    async def receive() -> Message:
        return {"type": "websocket.connect"}

    async def send(message: Message) -> None:
        sent.append(message)

    await house.gate(scope, receive, send)
    return sent[0]


async def test_with_a_pass_it_reaches_the_site_as_that_visitor(queue: House) -> None:
    cookie = f"antrean-pass-registration={queue.pass_(3)}"
    assert (await connect(queue, "/ws", cookie))["type"] == "websocket.accept"
    (visitor,) = queue.site.header(b"antrean-visitor")
    assert queue.keyring.read_visitor(visitor.decode(), 0)["number"] == 3
    assert queue.site.header(b"cookie") == []


async def test_a_free_path_needs_none(queue: House) -> None:
    assert (await connect(queue, "/static/live"))["type"] == "websocket.accept"
    assert queue.site.header(b"antrean-visitor") == []


@pytest.mark.parametrize("path", ["/ws", "/static/../ws", "/_queue/registration/pulse"])
@pytest.mark.parametrize("carried", ["nothing", "a made-up pass", "an idle pass", "a ticket"])
async def test_without_a_good_pass_it_is_refused_and_takes_no_number(
    queue: House, path: str, carried: str
) -> None:
    cookie = {
        "nothing": "",
        "a made-up pass": "antrean-pass-registration=1",
        "an idle pass": f"antrean-pass-registration={queue.pass_(3, expires_in_s=-600, left_s=900)}",
        "a ticket": f"antrean-ticket-registration={queue.ticket(3)}",
    }[carried]
    assert await connect(queue, path, cookie) == {"type": "websocket.close", "code": 1008, "reason": "no pass"}
    assert queue.site.requests == []
    assert queue.line.issued == 10
