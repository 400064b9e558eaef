"""The corpus over raw sockets, against a running gateway: what is answered, and what reached the origin."""

from __future__ import annotations

import re

import pytest

from tests.hostile import corpus
from tests.hostile.conftest import Fortress
from tests.hostile.corpus import Case

STATUS = re.compile(rb"HTTP/1\.1 (\d{3}) ")


def statuses(answer: bytes) -> tuple[int, ...]:
    """Of the answers, without what is said on the way to one."""
    return tuple(status for found in STATUS.findall(answer) if (status := int(found)) != 100)


async def sent(fortress: Fortress, wire: bytes) -> bytes:
    fortress.origin.received.clear()
    return await fortress.send(wire.replace(corpus.PASS, fortress.pass_()))


@pytest.mark.parametrize("case", corpus.SMUGGLING + corpus.HEADS, ids=lambda case: case.name)
async def test_the_answer_is_the_expected_one_and_nothing_else_arrives(fortress: Fortress, case: Case) -> None:
    answer = await sent(fortress, case.wire)
    assert statuses(answer) == case.statuses
    arrived = fortress.origin.received
    if case.whole:
        assert tuple(request.line for request in arrived) == case.reaches
        assert all(request.whole for request in arrived)
    else:  # it may have begun on its way before it broke; it never looks complete
        assert {request.line for request in arrived if not request.whole} <= set(case.reaches)
        assert [request for request in arrived if request.whole] == []
    assert not any(b"smuggled" in request.head for request in arrived)
    assert statuses(await sent(fortress, corpus.get(corpus.CLOSE))) == (200,), "others are served as before"


@pytest.mark.parametrize("field", corpus.SPOOFS, ids=lambda field: field.decode())
async def test_what_a_visitor_claims_is_not_what_the_origin_is_told(fortress: Fortress, field: bytes) -> None:
    close = () if b"Connection: close" in field else (corpus.CLOSE,)
    assert statuses(await sent(fortress, corpus.get(field, *close))) == (200,)
    (request,) = fortress.origin.received
    (visitor,) = request.values("antrean-visitor")
    (expires,) = request.values("antrean-pass-expires")
    assert "." in visitor
    assert 1_700_000_000 < int(expires) < 9_000_000_000
    assert request.values("host") == request.values("x-forwarded-host") == ["daftar.example"]
    assert request.values("x-forwarded-for") == ["127.0.0.1"]
    assert request.values("x-forwarded-proto") == ["http"]
    told = request.head.lower()
    assert b"smuggled" not in told
    assert b"6.6.6.6" not in told
    assert b"evil" not in told
    assert b"antrean-pass-registration" not in told


@pytest.mark.parametrize("path", corpus.DETOURS, ids=lambda path: path.decode())
async def test_no_detour_leads_around_the_line(fortress: Fortress, path: bytes) -> None:
    wire = corpus.request(b"GET %b HTTP/1.1" % path, corpus.HOST, corpus.PROGRAM, corpus.CLOSE)
    (status,) = statuses(await sent(fortress, wire))
    assert status in (400, 404, 429)
    assert fortress.origin.received == []


@pytest.mark.parametrize("path", corpus.FREE, ids=lambda path: path.decode())
async def test_what_is_free_goes_on_as_it_came_and_as_nobody(fortress: Fortress, path: bytes) -> None:
    wire = corpus.request(b"GET %b HTTP/1.1" % path, corpus.HOST, corpus.CLOSE, b"Antrean-Visitor: smuggled")
    assert statuses(await sent(fortress, wire)) == (200,)
    (request,) = fortress.origin.received
    assert request.line == f"GET {path.decode()}"
    assert request.values("antrean-visitor") == []


def test_the_log_has_no_secret_and_no_stack_trace(fortress: Fortress) -> None:
    log = fortress.log
    assert "Traceback" not in log
    for secret in (*_keys(fortress), fortress.pass_().decode().rpartition(".")[2]):
        assert secret not in log
    assert not re.search(r"~visitor\.[A-Za-z0-9_-]{20}", log), "a pass"


def _keys(fortress: Fortress) -> list[str]:
    from gateway.secrets import load_keys

    return list(load_keys(fortress.installation.settings))
