"""Passes in use: the store hears of them now and then, and what it says counts from the next request on."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import pytest

from gateway.domain.credentials import Pass
from gateway.visitor import uses
from gateway.visitor.uses import TOUCH_AGAIN_S, TOUCH_EVERY_S, PassUses

if TYPE_CHECKING:
    from tests.visitor.conftest import House

NOW = int(time.time())


def a_pass(number: int, instance: str = "k3xq") -> Pass:
    return Pass("registration", instance, 1, number, "n", NOW + 1200, NOW + 7200)


class Clock:
    """Stands in for the monotonic clock of the module."""

    def __init__(self) -> None:
        self.now_s = 1000.0

    def monotonic(self) -> float:
        return self.now_s


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(uses, "time", clock)
    return clock


async def test_a_pass_in_use_is_touched_at_once_and_again_after_a_few_seconds(house: House, clock: Clock) -> None:
    in_use = PassUses(house.line)
    touched = []
    for after_s in (0.0, 1.0, TOUCH_EVERY_S - 1.1, 0.2, TOUCH_EVERY_S):
        clock.now_s += after_s
        in_use.use(a_pass(1))
        await in_use.settle()
        touched.append(len(house.line.called_for))
    assert touched == [1, 1, 1, 2, 3]
    assert TOUCH_EVERY_S <= 5, "what was finished at another worker is refused within seconds"


async def test_staff_and_bypass_passes_have_no_lease_to_extend(house: House) -> None:
    in_use = PassUses(house.line)
    for kind in ("staff", "bypass"):
        in_use.use(Pass("registration", "", 1, 0, "n", NOW + 1200, NOW + 7200, kind))
    await in_use.settle()
    assert house.line.called_for == []


async def test_a_touch_that_the_store_did_not_take_is_tried_again_but_not_at_every_request(
    house: House, clock: Clock
) -> None:
    in_use = PassUses(house.line)
    house.line.cut_off = True
    in_use.use(a_pass(1))
    await in_use.settle()
    house.line.cut_off = False
    in_use.use(a_pass(1))
    await in_use.settle()
    assert house.line.called_for == []
    clock.now_s += TOUCH_AGAIN_S
    in_use.use(a_pass(1))
    await in_use.settle()
    assert house.line.called_for == [("touch", 1)]
    assert not in_use.is_spent(a_pass(1))


async def test_what_is_gone_in_one_line_is_another_visitor_in_the_next(house: House) -> None:
    in_use = PassUses(house.line)
    in_use.finish(a_pass(1))
    await in_use.settle()
    assert in_use.is_spent(a_pass(1))
    assert not in_use.is_spent(a_pass(1, instance="next"))
    assert not in_use.is_spent(a_pass(2))


async def test_what_is_remembered_of_passes_is_bounded(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(uses, "_MOST_SPENT", 3)
    monkeypatch.setattr(uses, "_MOST_REMEMBERED", 3)
    in_use = PassUses(house.line)
    for number in range(1, 11):
        in_use.use(a_pass(number))
        in_use.finish(a_pass(number))
    await in_use.settle()
    assert [number for number in range(1, 11) if in_use.is_spent(a_pass(number))] == [8, 9, 10]
    assert len(in_use._due_s) <= 3


async def test_a_store_that_fails_while_finishing_does_not_bring_the_pass_back(house: House) -> None:
    in_use = PassUses(house.line)
    house.line.cut_off = True
    in_use.finish(a_pass(1))
    await in_use.settle()
    assert in_use.is_spent(a_pass(1))
