"""Waiting no longer than allowed, with one timer for all."""

from __future__ import annotations

import asyncio

import pytest

from gateway.errors import StoreUnreachable
from gateway.store.patience import Patience


async def test_only_what_is_not_answered_in_time_fails() -> None:
    patience = Patience(0.02, StoreUnreachable("too late"))
    futures = [asyncio.get_running_loop().create_future() for _ in range(3)]
    for future in futures:
        patience.watch(future)
    futures[1].set_result("in time")
    for future in (futures[0], futures[2]):
        with pytest.raises(StoreUnreachable, match="too late"):
            await future
    assert futures[1].result() == "in time"


async def test_it_waits_anew_for_those_who_come_later() -> None:
    patience = Patience(0.02, StoreUnreachable("too late"))
    for _ in range(2):
        future = asyncio.get_running_loop().create_future()
        patience.watch(future)
        with pytest.raises(StoreUnreachable):
            await future
