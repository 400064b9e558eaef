"""What the fault tests share: names, and changes that every worker has heard of."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from gateway.errors import StoreError

if TYPE_CHECKING:
    from gateway.store.line import Line
    from tests.installation import Installation

BASE = "/_queue/registration/"
TICKET, PASS = "antrean-ticket-registration", "antrean-pass-registration"


async def heard(installation: Installation, line: Line, wait_until: Callable[..., Any], **knobs: object) -> None:
    """Change knobs as an operator does, and wait until every worker has heard of it."""

    async def changed() -> bool:
        try:
            await line.set_knobs(knobs, actor="test")
        except StoreError:
            return False
        return True

    async def known() -> bool:
        replies = [await installation.visitor().fetch("GET", BASE + "pulse") for _ in range(8)]
        return all(
            reply.status == 200
            and all(reply.json()[name] == value for name, value in knobs.items() if name != "ceiling")
            for reply in replies
        )

    await wait_until(changed, "the change is made")
    await wait_until(known, f"every worker has heard of {knobs}")


async def check_in(visitor: Any) -> dict[str, Any]:
    """The ticket's state, or {} while it cannot be said."""
    reply = await visitor.fetch("POST", BASE + "check-in")
    state: dict[str, Any] = reply.json() if reply.status == 200 else {}
    return state


async def gone_for(seconds: float, installation: Installation, wait_until: Callable[..., Any]) -> None:
    """Until the gateway has said for so long that the store is away."""
    began = time.monotonic()

    async def long_enough() -> bool:
        health = await installation.visitor().fetch("GET", "/_queue/health")
        return health.status == 200 and time.monotonic() - began >= seconds

    await wait_until(long_enough, f"{seconds} seconds without a store")
