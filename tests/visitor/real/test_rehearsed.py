"""A rehearsal on the real store and the real gateway: it runs, and the real line beside it stands still."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from gateway.domain.credentials import Keyring, Mark
from gateway.domain.room import Snapshot
from gateway.store.rooms import open_store

if TYPE_CHECKING:
    from tests.installation import Installation

VISITORS = 5


def moved(snapshot: Snapshot) -> tuple[int, ...]:
    """What only a visitor's coming changes: offers and leases of earlier tests may end at any moment."""
    return snapshot.issued, snapshot.serving, snapshot.claimed, snapshot.finished


async def test_a_rehearsal_moves_nothing_of_the_real_line(
    installation: Installation, keyring: Keyring, wait_until: Callable[..., Any]
) -> None:
    mark = keyring.sign_mark(Mark("vaksin", int(time.time()) + 600, "nonce"))
    store = await open_store(installation.settings.store_address())
    try:
        real, rehearsal = store.line("vaksin"), store.line("vaksin-rehearsal")
        before, issued = moved(await real.refresh()), (await rehearsal.refresh()).issued
        for _ in range(VISITORS):
            visitor = installation.visitor("vaksin.example")
            visitor.cookies["antrean-rehearsal-vaksin"] = mark
            await visitor.get("/")
            assert "antrean-ticket-vaksin-rehearsal" in visitor.cookies
            assert "antrean-ticket-vaksin" not in visitor.cookies

        async def all_are_inside() -> bool:
            return (await rehearsal.refresh()).issued == issued + VISITORS

        await wait_until(all_are_inside, "the rehearsal's line has them all")
        refused = installation.visitor("vaksin.example")
        refused.cookies["antrean-rehearsal-vaksin"] = mark[:-1]
        assert (await refused.get("/")).status == 403
        assert moved(await real.refresh()) == before
    finally:
        await store.close()
