"""Registering over a real socket: one registration a person, whatever is sent twice or at once."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest

from registration_app.settings import Settings
from tests.registration_app.serving import Service, Visitor, number_on, serve

OTHER_PASSWORD = "bukan-kata-sandi-itu"


async def resend(visitor: Visitor, fields: dict[str, str], **changed: str) -> dict[str, str]:
    """The same data in a new form: a key of its own, as if opened again."""
    new = await visitor.example()
    return {**fields, "csrf": new["csrf"], "key": new["key"], **changed}


async def test_the_example_sent_as_it_is_becomes_a_card(service: Service) -> None:
    visitor = service.visitor()
    fields = await visitor.example()
    sent = await visitor.send(fields)
    assert sent.status_code == 303
    card = await visitor.client.get(sent.headers["location"])
    assert card.status_code == 200
    assert card.headers["antrean-finished"] == "1"
    assert fields["name"] in card.text
    assert fields["nik"] not in card.text
    assert fields["nik"][:4] in card.text
    assert await service.count() == 1


async def test_the_card_needs_nothing_more_once_the_pass_has_ended(service: Service) -> None:
    visitor = service.visitor()
    sent = await visitor.send(await visitor.example())
    card = await visitor.client.get(sent.headers["location"])
    assert "<svg" in card.text
    assert "<style nonce=" in card.text
    for reference in ("src=", "href="):
        targets = [part.split('"')[1] for part in card.text.split(reference)[1:]]
        assert [target for target in targets if not target.startswith(("#", "data:"))] == []


async def test_only_the_card_ends_the_visit(service: Service) -> None:
    visitor = service.visitor()
    form = await visitor.client.get("/")
    sent = await visitor.send(await visitor.example())
    looked_at = await visitor.client.head(sent.headers["location"])
    health = await visitor.client.get("/health")
    for answer in (form, sent, looked_at, health):
        assert "antrean-finished" not in answer.headers


async def test_a_double_submit_gives_the_same_number(service: Service) -> None:
    visitor = service.visitor()
    fields = await visitor.example()
    first = await visitor.register(fields)
    assert await visitor.register(fields) == first
    assert await service.count() == 1


async def test_twenty_submits_of_one_form_at_once_give_one_row_and_one_number(service: Service) -> None:
    visitor = service.visitor()
    fields = await visitor.example()
    numbers = await asyncio.gather(*(visitor.register(fields) for _ in range(20)))
    assert len(set(numbers)) == 1
    assert await service.count() == 1


async def test_twenty_browsers_with_one_persons_data_at_once_give_one_row_and_one_number(
    service: Service,
) -> None:
    visitors = [service.visitor() for _ in range(20)]
    person = await visitors[0].example()
    forms = [await resend(visitor, person) for visitor in visitors]
    numbers = await asyncio.gather(
        *(visitor.register(form) for visitor, form in zip(visitors, forms, strict=True))
    )
    assert len(set(numbers)) == 1
    assert await service.count() == 1


async def test_twenty_strangers_with_one_nik_at_once_give_one_row_and_nineteen_refusals(
    service: Service,
) -> None:
    visitors = [service.visitor() for _ in range(20)]
    person = await visitors[0].example()
    forms = [
        await resend(visitor, person, email=f"stranger{index}@example.com")
        for index, visitor in enumerate(visitors)
    ]
    answers = await asyncio.gather(
        *(visitor.send(form) for visitor, form in zip(visitors, forms, strict=True))
    )
    assert sorted(answer.status_code for answer in answers) == [303] + [409] * 19
    assert await service.count() == 1


@pytest.mark.parametrize(
    "changed",
    [
        {"password": OTHER_PASSWORD},
        {"name": "Orang Lain"},
        {"email": "other@example.com"},
        {"phone": "081122223333"},
    ],
    ids=lambda changed: next(iter(changed)),
)
async def test_a_taken_nik_is_refused_without_a_word_about_its_holder(
    service: Service, changed: dict[str, str]
) -> None:
    holder, stranger = service.visitor(), service.visitor()
    fields = await holder.example()
    number = await holder.register(fields)
    answer = await stranger.send(await resend(stranger, fields, **changed))
    assert answer.status_code == 409
    assert "sudah terdaftar" in answer.text
    assert number not in answer.text
    assert "/card/" not in answer.text
    # What the stranger typed comes back, and nothing else that the holder wrote.
    for name, value in changed.items():
        assert (value in answer.text) == (name != "password")
        assert fields[name] not in answer.text


async def test_the_same_form_with_changes_leads_to_the_card_and_says_that_nothing_changed(
    service: Service,
) -> None:
    visitor = service.visitor()
    fields = await visitor.example()
    number = await visitor.register(fields)
    sent = await visitor.send({**fields, "email": "new@example.com"})
    card = await visitor.client.get(sent.headers["location"])
    assert number_on(card.text) == number
    assert "tidak disimpan" in card.text


async def test_a_form_used_again_for_a_second_person_registers_that_person(service: Service) -> None:
    visitor = service.visitor()
    first = await visitor.example()
    second = {**await visitor.example(), "key": first["key"]}
    assert await visitor.register(first) != await visitor.register(second)
    assert await service.count() == 2


async def test_one_form_sent_for_many_people_at_once_registers_each_of_them(service: Service) -> None:
    visitor = service.visitor()
    people = [await visitor.example() for _ in range(8)]
    key = people[0]["key"]
    numbers = await asyncio.gather(*(visitor.register({**person, "key": key}) for person in people))
    assert len(set(numbers)) == 8


async def test_a_form_with_problems_comes_back_as_it_was_typed_but_for_the_password(service: Service) -> None:
    visitor = service.visitor()
    fields = {**await visitor.example(), "name": 'Siti "R2" <b>', "password": "rahasia-sekali-ini"}
    answer = await visitor.send(fields)
    assert answer.status_code == 422
    assert "Siti &#34;R2&#34; &lt;b&gt;" in answer.text
    assert f'value="{fields["nik"]}"' in answer.text
    assert f'value="{fields["formation"]}" selected' in answer.text
    assert 'aria-invalid="true"' in answer.text
    assert fields["password"] not in answer.text
    assert await service.count() == 0


async def test_registrations_and_numbers_survive_a_restart(configured: Callable[..., Settings]) -> None:
    async with serve(configured()) as first:
        visitor = first.visitor()
        fields = await visitor.example()
        number = await visitor.register(fields)
    async with serve(configured()) as second:
        visitor = second.visitor()
        assert await second.count() == 1
        assert await visitor.register(await resend(visitor, fields)) == number


async def test_when_too_many_wait_for_a_hash_the_form_comes_back_with_what_was_typed(
    configured: Callable[..., Settings],
) -> None:
    settings = configured(REGISTRATION_HASH_THREADS="1", REGISTRATION_HASH_QUEUE="1")
    async with serve(settings, hasher=None) as service:  # at the honest cost, so that a queue forms
        visitors = [service.visitor() for _ in range(6)]
        forms = [await visitor.example() for visitor in visitors]
        answers = await asyncio.gather(
            *(visitor.send(form) for visitor, form in zip(visitors, forms, strict=True))
        )
        refused = [answer for answer in answers if answer.status_code == 503]
        accepted = [answer for answer in answers if answer.status_code == 303]
        assert len(accepted) >= 2
        assert len(accepted) + len(refused) == 6
        assert refused, "six at once fit into a pool for two"
        for answer in refused:
            assert int(answer.headers["retry-after"]) >= 1
            assert "banyak yang sedang mendaftar" in answer.text
        assert await service.count() == len(accepted)


async def test_the_event_loop_answers_while_passwords_are_hashed(configured: Callable[..., Settings]) -> None:
    async with serve(configured(REGISTRATION_HASH_THREADS="1"), hasher=None) as service:
        visitor = service.visitor()
        forms = [await visitor.example() for _ in range(3)]
        sending = [asyncio.create_task(visitor.send(form)) for form in forms]
        answered = 0
        while not all(task.done() for task in sending):
            assert (await visitor.client.get("/health")).status_code == 200
            answered += 1
        assert {task.result().status_code for task in sending} == {303}
        assert answered >= 5


async def test_a_lost_database_loses_nothing_that_was_typed(configured: Callable[..., Settings]) -> None:
    settings = configured()
    async with serve(settings) as service:
        visitor = service.visitor()
        fields = await visitor.example()
        broken_by(settings)
        answer = await visitor.send(fields)
        assert answer.status_code == 503
        assert f'value="{fields["nik"]}"' in answer.text
        assert fields["password"] not in answer.text
        assert (await visitor.client.get("/health")).status_code == 503
        assert (await visitor.client.get("/")).status_code == 200
        card = await visitor.client.get("/card/anything")
        assert card.status_code == 503
        assert "retry-after" in card.headers


def broken_by(settings: Settings) -> None:
    """The database's file is no database any more."""
    for file in settings.state_dir.glob("registration.sqlite3*"):
        file.write_bytes(b"no database at all" * 1000)
