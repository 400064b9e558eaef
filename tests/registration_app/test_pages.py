"""The pages over a real socket: languages, errors with a friendly face, the check of a card."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator

import httpx2
import pytest
from sqlalchemy import select

from registration_app.database import Database
from registration_app.forms import MOST_BYTES
from registration_app.models import Registration
from tests.registration_app.serving import Service, fields_of

FORM = {"content-type": "application/x-www-form-urlencoded"}


@pytest.mark.parametrize(
    ("accepted", "language", "text"),
    [("id-ID", "id", "Nama lengkap"), ("en-GB", "en", "Full name"), ("fr", "id", "Nama lengkap")],
)
async def test_the_form_speaks_the_browsers_language(
    service: Service, accepted: str, language: str, text: str
) -> None:
    page = await service.visitor(**{"Accept-Language": accepted}).client.get("/")
    assert page.headers["content-language"] == language
    assert f'<html lang="{language}">' in page.text
    assert text in page.text


async def test_a_language_asked_for_is_remembered_up_to_the_card(service: Service) -> None:
    visitor = service.visitor(**{"Accept-Language": "id"})
    assert "Full name" in (await visitor.client.get("/?lang=en")).text
    sent = await visitor.send(await visitor.example())
    assert "You are registered" in (await visitor.client.get(sent.headers["location"])).text


async def test_a_change_of_language_registers_nobody_and_keeps_the_form(service: Service) -> None:
    visitor = service.visitor()
    fields = await visitor.example()
    page = await visitor.send({**fields, "name": "R2D2", "language": "en"})
    assert page.status_code == 200
    kept = fields_of(page.text)
    assert kept["name"] == "R2D2"
    assert kept["key"] == fields["key"]
    assert kept["password"] == ""
    assert page.text.count('role="alert"') == 1
    assert "type your password again" in page.text
    nothing_typed = await visitor.send({**fields, "password": "", "language": "id"})
    assert 'role="alert"' not in nothing_typed.text
    assert await service.count() == 0


async def test_every_form_has_a_key_of_its_own(service: Service) -> None:
    visitor = service.visitor()
    assert len({(await visitor.example())["key"] for _ in range(5)}) == 5


@pytest.mark.parametrize("language", ["id", "en"])
@pytest.mark.parametrize(
    ("method", "path", "body", "headers", "status"),
    [
        ("GET", "/nothing", b"", {}, 404),
        ("GET", "/card/made-up", b"", {}, 404),
        ("GET", "/check/made-up", b"", {}, 404),
        ("DELETE", "/", b"", {}, 405),
        ("POST", "/", b"{}", {"content-type": "application/json"}, 415),
        ("POST", "/", b"", {}, 415),
        ("POST", "/", b"--x", {"content-type": "multipart/form-data; boundary=x"}, 415),
        ("POST", "/", b"name=" + b"x" * MOST_BYTES, FORM, 413),
        ("POST", "/", b"&".join(b"a%d=b" % number for number in range(100)), FORM, 400),
        ("POST", "/", b"name=%ff%fe", FORM, 400),
        ("POST", "/", "name=Zoë".encode(), FORM, 400),
        ("POST", "/", b"", FORM, 403),  # readable, but not a form of ours
    ],
)
async def test_what_cannot_be_used_gets_a_friendly_page_and_its_status(
    service: Service, language: str, method: str, path: str, body: bytes, headers: dict[str, str], status: int
) -> None:
    client = service.visitor(**{"Accept-Language": language}).client
    answer = await client.request(method, path, content=body, headers=headers)
    assert answer.status_code == status
    assert f'<html lang="{language}">' in answer.text
    assert 'href="/' in answer.text
    if status == 405:
        assert "GET" in answer.headers["allow"]


async def test_a_body_of_unknown_length_is_not_read_beyond_the_limit(service: Service) -> None:
    sent = 0

    async def endless() -> AsyncIterator[bytes]:
        nonlocal sent
        for _ in range(10_000):
            sent += 1024
            yield b"a" * 1024
            await asyncio.sleep(0)

    try:
        answer = await service.visitor().client.post("/", content=endless(), headers=FORM)
        assert answer.status_code == 413
    except httpx2.TransportError:
        pass  # the server hung up while we were still sending
    assert sent < 10_000 * 1024


async def test_the_code_on_the_card_shows_that_it_is_genuine_and_little_more(service: Service) -> None:
    visitor, staff = service.visitor(), service.visitor()
    fields = await visitor.example()
    number = await visitor.register(fields)
    code = await check_code(service, number)
    page = await staff.client.get(f"/check/{code}")
    assert page.status_code == 200
    assert number in page.text
    assert fields["name"] not in page.text
    assert fields["name"][0] + "•" in page.text
    for hidden in (fields["nik"], fields["email"], fields["birth_date"], "/card/"):
        assert hidden not in page.text
    assert "antrean-finished" not in page.headers


async def check_code(service: Service, number: str) -> str:
    """The code in the QR of a card, from the database: nobody reads QR codes here."""
    database = Database(service.settings.engine_url)
    try:
        async with database.session() as session:
            found = await session.scalars(select(Registration))
            return next(row.check_code for row in found if row.number == number)
    finally:
        await database.close()


@pytest.mark.parametrize(
    ("ends", "is_shown"),  # a number: seconds from now
    [
        (900, True),
        (-900, False),
        (10**7, False),
        ("soon", False),
        ("", False),
        ("9" * 5000, False),
    ],
    ids=["15 minutes", "over", "years", "text", "empty", "huge"],
)
async def test_the_end_of_the_pass_is_shown_when_it_makes_sense(
    service: Service, ends: int | str, is_shown: bool
) -> None:
    header = str(int(time.time()) + ends) if isinstance(ends, int) else ends
    client = service.visitor(**{"Antrean-Pass-Expires": header}).client
    assert ("pass-note" in (await client.get("/")).text) == is_shown
    still = (await client.get("/still-here")).json()
    assert still["pass_expires_at_s"] == (int(header) if is_shown else None)
