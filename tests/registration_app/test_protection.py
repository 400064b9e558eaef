"""Forms of other sites, visitors who did not come through the gate, and the headers on every answer."""

from __future__ import annotations

import hashlib
import os
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from itsdangerous import URLSafeSerializer
from sqlalchemy import select

from registration_app.database import Database
from registration_app.errors import NotThroughGate
from registration_app.gate import Verifier
from registration_app.keys import GatewayKeys
from registration_app.models import Registration
from registration_app.settings import Settings
from tests.registration_app.serving import Service, serve

KEY = "k" * 43
OLD_KEY = "o" * 43
NOW_S = 1_800_000_000.0
CLAIMS: dict[str, object] = {"room": "registration", "instance": "3f9a", "number": 7, "exp": NOW_S + 300}


def signed(claims: object, *keys: str, salt: str = "antrean.visitor") -> str:
    """A visitor's header as the gateway makes it."""
    how = {"key_derivation": "hmac", "digest_method": hashlib.sha256}
    value = URLSafeSerializer(list(keys or (KEY,)), salt=salt, signer_kwargs=how).dumps(claims)
    return value if isinstance(value, str) else value.decode()


def visitor_now(number: int = 7) -> str:
    return signed({**CLAIMS, "number": number, "exp": int(time.time()) + 300})


# Forms of other sites.


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Origin": "http://127.0.0.1.evil.example"},
        {"Referer": "https://evil.example/page"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
    ],
    ids=str,
)
async def test_a_form_from_another_site_is_refused_and_not_repeated(
    service: Service, headers: dict[str, str]
) -> None:
    visitor = service.visitor()
    fields = await visitor.example()
    answer = await visitor.send(fields, **headers)
    assert answer.status_code == 403
    assert fields["nik"] not in answer.text
    assert await service.count() == 0


@pytest.mark.parametrize("own", ["Origin", "Referer", "X-Forwarded-Host"])
async def test_a_form_from_our_own_page_is_accepted(service: Service, own: str) -> None:
    visitor = service.visitor()
    headers = {
        "Origin": {"Origin": service.url},
        "Referer": {"Referer": f"{service.url}/?example=1", "Sec-Fetch-Site": "same-origin"},
        "X-Forwarded-Host": {"X-Forwarded-Host": "daftar.example", "Origin": "https://daftar.example"},
    }[own]
    assert (await visitor.send(await visitor.example(), **headers)).status_code == 303


async def test_a_form_without_its_cookie_comes_back_filled_in(service: Service) -> None:
    visitor, other = service.visitor(), service.visitor()
    fields = await visitor.example()
    answer = await other.send(fields)
    assert answer.status_code == 403
    assert f'value="{fields["nik"]}"' in answer.text
    assert "kuki" in answer.text
    assert await service.count() == 0


async def test_a_form_with_somebody_elses_cookie_is_refused(service: Service) -> None:
    visitor, other = service.visitor(), service.visitor()
    fields = await visitor.example()
    await other.example()
    assert (await other.send(fields)).status_code == 403


@pytest.mark.parametrize("field", ["", "made-up", "a.b", "ÿ"])
async def test_a_made_up_form_signature_is_refused(service: Service, field: str) -> None:
    visitor = service.visitor()
    assert (await visitor.send({**await visitor.example(), "csrf": field})).status_code == 403


async def test_the_cookie_is_no_form_signature(service: Service) -> None:
    visitor = service.visitor()
    fields = await visitor.example()
    cookie = visitor.client.cookies["registration-form"]
    assert (await visitor.send({**fields, "csrf": cookie})).status_code == 403


async def test_forms_in_two_tabs_are_both_good(service: Service) -> None:
    visitor = service.visitor()
    first, second = await visitor.example(), await visitor.example()
    assert (await visitor.send(first)).status_code == 303
    assert (await visitor.send(second)).status_code == 303


async def test_on_https_the_cookie_is_bound_to_the_host(configured: Callable[..., Settings]) -> None:
    async with serve(configured(ANTREAN_PUBLIC_URL="https://daftar.example")) as service:
        page = await service.visitor().client.get("/")
        cookie = page.headers["set-cookie"]
        assert cookie.startswith("__Host-registration-form=")
        for attribute in ("Secure", "HttpOnly", "SameSite=lax", "Path=/"):
            assert attribute in cookie
        assert "Domain" not in cookie


# The gate.


def verifier(tmp_path: Path, room: str = "", keys: tuple[str, ...] = (KEY,)) -> Verifier:
    return Verifier(GatewayKeys(keys, tmp_path / "keys"), room, now_s=lambda: NOW_S)


def test_a_signed_visitor_is_believed(tmp_path: Path) -> None:
    assert verifier(tmp_path).read(signed(CLAIMS)).id == "3f9a:7"
    assert verifier(tmp_path, keys=(OLD_KEY, KEY)).read(signed(CLAIMS, OLD_KEY)).id == "3f9a:7"
    assert verifier(tmp_path, room="registration").read(signed(CLAIMS)).id == "3f9a:7"
    assert verifier(tmp_path).read(signed({**CLAIMS, "exp": NOW_S - 30})).id == "3f9a:7"  # within clock skew


NOT_BELIEVED = [
    "",
    "3f9a:7",
    signed(CLAIMS)[:-1],
    signed(CLAIMS).replace(".", "", 1),
    signed(CLAIMS, "x" * 43),
    signed(CLAIMS, salt="antrean.ticket"),
    signed({**CLAIMS, "exp": NOW_S - 61}),
    signed({**CLAIMS, "exp": None}),
    signed({**CLAIMS, "number": "seven"}),
    signed({"room": "registration"}),
    signed([1, 2, 3]),
    signed("registration"),
    "x" * 100_000,
    "ÿ.ÿ",
]


@pytest.mark.parametrize("value", NOT_BELIEVED, ids=range(len(NOT_BELIEVED)))
def test_nothing_else_is_believed(tmp_path: Path, value: str) -> None:
    with pytest.raises(NotThroughGate):
        verifier(tmp_path).read(value)


def test_a_visitor_of_another_room_is_not_believed_when_a_room_is_set(tmp_path: Path) -> None:
    with pytest.raises(NotThroughGate):
        verifier(tmp_path, room="other").read(signed(CLAIMS))


def test_keys_in_the_file_are_followed_as_it_comes_rotates_and_goes(tmp_path: Path) -> None:
    file = tmp_path / "keys"
    reader = Verifier(GatewayKeys((), file), now_s=lambda: NOW_S)
    with pytest.raises(NotThroughGate):
        reader.read(signed(CLAIMS))
    file.write_text(f"# the gateway's\n{KEY}\n")
    assert reader.read(signed(CLAIMS)).number == 7
    replacement = tmp_path / "new"
    replacement.write_text(f"{KEY}\n{OLD_KEY}\n")
    os.replace(replacement, file)
    assert reader.read(signed(CLAIMS, OLD_KEY)).number == 7
    assert reader.read(signed(CLAIMS)).number == 7
    file.unlink()
    with pytest.raises(NotThroughGate):
        reader.read(signed(CLAIMS))


async def test_when_the_gate_is_required_others_are_sent_to_the_waiting_room(
    configured: Callable[..., Settings],
) -> None:
    settings = configured(
        REGISTRATION_REQUIRE_GATE="1", ANTREAN_SECRET_KEYS=KEY, ANTREAN_PUBLIC_URL="http://queue.example"
    )
    async with serve(settings) as service:
        stranger = service.visitor()
        for path in ("/", "/card/x", "/check/x", "/still-here", "/nothing"):
            answer = await stranger.client.get(path)
            assert answer.status_code == 403
            assert 'href="http://queue.example"' in answer.text
        assert (await stranger.client.post("/", data={})).status_code == 403
        assert (await stranger.client.get("/health")).status_code == 200
        assert (await stranger.client.get("/static/registration.css")).status_code == 200
        for value in ("made-up", signed({**CLAIMS, "exp": 1})):
            assert (await stranger.client.get("/", headers={"Antrean-Visitor": value})).status_code == 403
        twice = [("Antrean-Visitor", visitor_now()), ("Antrean-Visitor", visitor_now(8))]
        assert (await stranger.client.get("/", headers=twice)).status_code == 403
        admitted = service.visitor(**{"Antrean-Visitor": visitor_now()})
        assert await admitted.register(await admitted.example())


async def test_the_visitor_is_kept_with_the_registration_when_the_gate_vouches(
    configured: Callable[..., Settings],
) -> None:
    settings = configured(ANTREAN_SECRET_KEYS=f"{OLD_KEY},{KEY}")
    async with serve(settings) as service:
        for header, kept in ((visitor_now(12), "3f9a:12"), ("made-up", None)):
            visitor = service.visitor(**{"Antrean-Visitor": header})
            fields = await visitor.example()
            await visitor.register(fields)
            assert await visitor_kept_with(settings, fields["nik"]) == kept


async def visitor_kept_with(settings: Settings, nik: str) -> str | None:
    database = Database(settings.engine_url)
    try:
        async with database.session() as session:
            kept: str | None = await session.scalar(
                select(Registration.visitor).where(Registration.nik == nik)
            )
            return kept
    finally:
        await database.close()


# Every answer.


@pytest.mark.parametrize(
    "path", ["/", "/nothing", "/health", "/card/x", "/static/registration.css", "/static/x"]
)
async def test_every_answer_carries_the_protective_headers(service: Service, path: str) -> None:
    answer = await service.visitor().client.get(path)
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["x-frame-options"] == "DENY"
    assert answer.headers["referrer-policy"] == "same-origin"
    policy = answer.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert "server" not in answer.headers


async def test_each_page_has_a_nonce_of_its_own(service: Service) -> None:
    client = service.visitor().client
    policies = {(await client.get("/")).headers["content-security-policy"] for _ in range(3)}
    assert len(policies) == 3


async def test_pages_are_kept_by_nobody_and_files_for_ever(service: Service) -> None:
    client = service.visitor().client
    page = await client.get("/")
    assert page.headers["cache-control"] == "private, no-store"
    style = page.text.split('rel="stylesheet" href="', 1)[1].split('"', 1)[0]
    assert "immutable" in (await client.get(style)).headers["cache-control"]


async def test_files_outside_the_folder_are_not_given(service: Service) -> None:
    for path in ("/static/../app.py", "/static/%2e%2e/app.py", "/static/..%2fapp.py"):
        assert (await service.visitor().client.get(path)).status_code == 404
