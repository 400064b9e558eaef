"""A few thousand cases of the fuzzer; and what a good credential may not do twice."""

from __future__ import annotations

import pytest

from gateway.visitor.waiting_page import WaitingPage
from tests.hostile.fuzz import run
from tests.visitor.conftest import SETTINGS

CASES = 2000


@pytest.fixture(scope="module")
def page() -> WaitingPage:
    return WaitingPage(SETTINGS)


@pytest.mark.parametrize("seed", [1, 2, 3])
async def test_thousands_of_damaged_credentials_bring_nobody_anything(page: WaitingPage, seed: int) -> None:
    statuses = await run(CASES, seed, page)
    assert sum(statuses.values()) == CASES
    assert {200, 201, 400, 401, 403, 404, 405, 413, 429} & set(statuses) >= {200, 201, 401, 429}
