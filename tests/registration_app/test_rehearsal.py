"""What a rehearsal writes goes into a table of its own."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import pytest

from registration_app.errors import NotThroughGate
from registration_app.settings import Settings
from tests.registration_app.serving import serve
from tests.registration_app.test_protection import CLAIMS, KEY, NOW_S, signed, verifier

ROOM = "registration-rehearsal"


def rehearsing(**claims: object) -> str:
    return signed({**CLAIMS, "room": ROOM, "exp": int(time.time()) + 300, "rehearsal": True, **claims})


async def test_the_same_person_can_rehearse_and_register(configured: Callable[..., Settings]) -> None:
    async with serve(configured(ANTREAN_SECRET_KEYS=KEY, REGISTRATION_GATE_ROOM="registration")) as service:
        rehearsal = service.visitor(**{"Antrean-Visitor": rehearsing()})
        fields = await rehearsal.example()
        await rehearsal.register(fields)
        assert await service.count() == 0
        real = service.visitor(**{"Antrean-Visitor": signed({**CLAIMS, "exp": int(time.time()) + 300})})
        form = await real.example()
        await real.register({**fields, "csrf": form["csrf"], "key": form["key"]})
        health = (await real.client.get("/health")).json()
    assert (health["registrations"], health["rehearsed"]) == (1, 1)


async def test_a_rehearsals_card_is_no_real_visitors_to_see(configured: Callable[..., Settings]) -> None:
    async with serve(configured(ANTREAN_SECRET_KEYS=KEY)) as service:
        rehearsal, real = service.visitor(**{"Antrean-Visitor": rehearsing()}), service.visitor()
        card = (await rehearsal.send(await rehearsal.example())).headers["location"]
        assert (await rehearsal.client.get(card)).status_code == 200
        assert (await real.client.get(card)).status_code == 404


@pytest.mark.parametrize("claim", ["yes", 1, None, "false"])
async def test_a_claim_in_another_form_is_still_no_real_visitors(
    configured: Callable[..., Settings], claim: object
) -> None:
    async with serve(configured(ANTREAN_SECRET_KEYS=KEY)) as service:
        visitor = service.visitor(**{"Antrean-Visitor": rehearsing(rehearsal=claim)})
        await visitor.register(await visitor.example())
        assert await service.count() == 0


def test_where_a_room_is_set_only_its_own_rehearsal_is_believed(tmp_path: Path) -> None:
    claims = {**CLAIMS, "room": ROOM, "exp": NOW_S + 300}
    assert verifier(tmp_path, "registration").read(signed({**claims, "rehearsal": True})).rehearsal
    for other in (
        claims,
        {**CLAIMS, "rehearsal": True},
        {**claims, "room": "results-rehearsal", "rehearsal": True},
    ):
        with pytest.raises(NotThroughGate):
            verifier(tmp_path, "registration").read(signed(other))
