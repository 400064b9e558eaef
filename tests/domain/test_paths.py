"""Protected by default; free only when no origin could read the path as a protected one."""

from __future__ import annotations

import pytest

from gateway.domain.paths import (
    LONGEST_RETURN_TO,
    PathRules,
    Place,
    Protection,
    safe_return,
    safe_return_text,
)
from gateway.errors import AmbiguousPath

SITE = PathRules([Protection("registration", ("/",), ("/static/*", "/health"))])


@pytest.mark.parametrize(
    "path",
    [
        b"/static/app.css",
        b"/static/a/b/c.js",
        b"/health",
        b"/%68ealth",
        b"/static/a%20b.css",
        b"/static/caf%C3%A9.css",
        b"/static//app.css",
        b"/static/x/../app.css",
        b"/static/./app.css",
    ],
)
def test_an_excepted_path_is_free(path: bytes) -> None:
    assert SITE.place(path, b"any.example") == Place("registration", protected=False)


@pytest.mark.parametrize(
    "path",
    [
        b"/",
        b"",
        b"*",
        b"/daftar",
        b"/healthy",
        b"/health/",
        b"/HEALTH",
        b"/static",
        b"/staticky/app.css",
        b"/static/../daftar",
        b"/static/..//daftar",
        b"/static/%2e%2e/daftar",
        b"/static/%2E%2E/daftar",
        b"/static/.%2e/daftar",
        b"/static/..%2fdaftar",
        b"/static/..%2Fdaftar",
        b"/static%2f..%2fdaftar",
        b"/static/..%5cdaftar",
        b"/static/..\\daftar",
        b"/static/%252e%252e/daftar",
        b"/static/%25252e%25252e%25252fdaftar",
        b"/static/..;/daftar",
        b"/static/..;a=b/daftar",
        b"/static/x/../../daftar",
        b"/daftar/../static/app.css",
        b"/daftar/..%2fstatic/app.css",
        b"/a/..//static/app.css",
        b"//static/app.css",
        b"//evil.example/static/app.css",
        b"/%73tatic/../daftar",
        b"/static/\xff/../../daftar",
        b"/daftar?/static/app.css",
        b"/daftar%3f/static/app.css",
    ],
)
def test_everything_else_is_protected_however_it_is_written(path: bytes) -> None:
    assert SITE.place(path, b"any.example") == Place("registration", protected=True)


def test_the_longest_prefix_wins_at_a_segment_border() -> None:
    rules = PathRules([Protection("all", ("/",)), Protection("vaccination", ("/vaksin", "/vaksin/anak/"))])
    assert rules.place(b"/vaksin", b"x") == Place("vaccination", protected=True)
    assert rules.place(b"/vaksin/anak/1", b"x") == Place("vaccination", protected=True)
    assert rules.place(b"/vaksinasi", b"x") == Place("all", protected=True)


@pytest.mark.parametrize(
    "path",
    [b"/a/../vaksin", b"/vaksin/../a", b"/vaksin%2f..%2fa", b"/vaksin;x=1", b"//vaksin", b"/%2576aksin"],
)
def test_a_path_that_can_be_read_as_two_rooms_is_refused(path: bytes) -> None:
    rules = PathRules([Protection("all", ("/",)), Protection("vaccination", ("/vaksin",))])
    with pytest.raises(AmbiguousPath):
        rules.place(path, b"x")


def test_a_path_of_no_room_has_no_place_and_a_hidden_way_into_a_room_is_found() -> None:
    rules = PathRules([Protection("registration", ("/daftar",), ("/daftar/static/*",))])
    assert rules.place(b"/", b"x") is None
    assert rules.place(b"/daftarulang", b"x") is None
    assert rules.place(b"/x/..%2fdaftar", b"x") == Place("registration", protected=True)


def test_rooms_are_told_apart_by_host_in_any_case_and_with_any_port() -> None:
    rules = PathRules(
        [
            Protection("general", ("/",)),
            Protection("one", ("/",), hosts=("one.example",)),
            Protection("six", ("/",), hosts=("::1",)),
        ]
    )
    for host, room in {
        b"one.example": "one",
        b"ONE.example:8080": "one",
        b"one.example.": "one",
        b"[::1]:8080": "six",
        b"two.example": "general",
        b"": "general",
        b"one.example.evil": "general",
    }.items():
        place = rules.place(b"/x", host)
        assert place is not None
        assert place.room == room


@pytest.mark.parametrize(
    ("path", "query", "address"),
    [
        (b"/daftar", b"", "/daftar"),
        (b"/daftar", b"a=1&b=2", "/daftar?a=1&b=2"),
        (b"//evil.example", b"", "/evil.example"),
        (b"///evil.example/x", b"", "/evil.example/x"),
        (b"/\\evil.example", b"", "/evil.example"),
        (b"\\\\evil.example", b"", "/evil.example"),
        (b"/%5cevil.example", b"", "/evil.example"),
        (b"https://evil.example/", b"", "/https://evil.example/"),
        (b"/a\r\nSet-Cookie: x", b"a\r\nb", "/a%0D%0ASet-Cookie:%20x?a%0D%0Ab"),
        (b"/a;b,c", b'q="x"', "/a%3Bb%2Cc?q=%22x%22"),
        (b"/a#b?c", b"d#e", "/a%23b%3Fc?d%23e"),
        (b"/\xc3\xa9", b"", "/%C3%A9"),
        (b"/%C3%A9", b"", "/%C3%A9"),
        (b"/_queue/registration/join", b"", "/"),
        (b"", b"", "/"),
        (b"/x", b"y" * 2000, "/x"),
        (b"/" + b"x" * 2000, b"", "/"),
    ],
)
def test_a_return_address_is_always_a_path_of_this_site(path: bytes, query: bytes, address: str) -> None:
    assert safe_return(path, query) == address
    assert len(address) <= LONGEST_RETURN_TO


@pytest.mark.parametrize(
    ("named", "address"),
    [
        ("/daftar?x=1#top", "/daftar?x=1"),
        ("https://evil.example/", None),
        ("//evil.example/", None),
        ("/\\evil.example/", None),
        ("javascript:alert(1)", None),
        ("", None),
        ("/\t/evil.example", None),
        ("/a\nb", None),
    ],
)
def test_an_address_that_a_client_names_is_on_this_site_or_refused(named: str, address: str | None) -> None:
    assert safe_return_text(named) == address
