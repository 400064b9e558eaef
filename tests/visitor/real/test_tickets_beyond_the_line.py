"""Genuine tickets that the store knows nothing of, and two of them at once, over real sockets."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from gateway.domain.credentials import Keyring, Ticket
from tests.faults.lines import BASE, TICKET, check_in, heard

if TYPE_CHECKING:
    from gateway.store.line import Line
    from tests.installation import Installation

Wait = Callable[..., Any]


async def signed(keyring: Keyring, line: Line, number: int) -> str:
    snapshot = await line.refresh()
    ticket = Ticket("registration", snapshot.instance, snapshot.generation, number, int(time.time()), "n")
    return keyring.sign_ticket(ticket)


async def test_a_ticket_a_little_above_what_was_issued_is_believed_and_nobody_else_gets_its_number(
    installation: Installation, line: Line, wait_until: Wait, keyring: Keyring
) -> None:
    await heard(installation, line, wait_until, phase="paused")
    visitor, newcomer = installation.visitor(), installation.visitor()
    visitor.cookies = {TICKET: await signed(keyring, line, 17)}
    assert (await check_in(visitor))["number"] == 17
    await newcomer.get("/")
    assert (await check_in(newcomer))["number"] == 18


async def test_a_ticket_far_above_what_was_issued_raises_nothing_and_its_bearer_joins_anew(
    installation: Installation, line: Line, wait_until: Wait, keyring: Keyring
) -> None:
    await heard(installation, line, wait_until, phase="paused")
    visitor = installation.visitor()
    visitor.cookies = {TICKET: await signed(keyring, line, 10**9)}
    assert (await check_in(visitor))["state"] == "expired"
    assert (await line.refresh()).issued == 0
    await visitor.get("/")
    assert (await check_in(visitor))["number"] == 1


async def test_of_two_tickets_the_one_further_ahead_is_kept_and_no_number_is_taken(
    installation: Installation, line: Line, wait_until: Wait, keyring: Keyring
) -> None:
    await heard(installation, line, wait_until, phase="paused")
    one, other = installation.visitor(), installation.visitor()
    await one.get("/")
    await other.get("/")
    both = f"{TICKET}={other.cookies[TICKET]}; {TICKET}={one.cookies[TICKET]}"
    assert (await one.ask("POST", BASE + "check-in", {"Cookie": both})).json()["number"] == 1
    assert (await line.refresh()).issued == 2
