"""What the desk shows, from a snapshot."""

from __future__ import annotations

from dataclasses import replace

import pytest

from gateway.desk.actions import Ticket
from gateway.desk.views import ticket_view
from gateway.domain.room import Draw
from gateway.store.line import State
from tests.desk.test_metrics import SNAPSHOT


@pytest.mark.parametrize(
    ("draw", "place"),
    [(None, (7, 1)), (Draw("c"), (None, None)), (Draw("c", frozen_ms=1, size=3), (7, 1))],
    ids=["no draw", "to be drawn", "behind the drawn"],
)
def test_the_help_desk_tells_no_place_before_its_draw(
    draw: Draw | None, place: tuple[int | None, int | None]
) -> None:
    view = ticket_view(Ticket(replace(SNAPSHOT, draw=draw), 7, State.WAITING, ()))
    assert (view["position"], view["ahead"]) == place
