"""What a request's head says about who is asking."""

from __future__ import annotations

import pytest

from gateway.visitor.cookies import without_ours
from gateway.visitor.requests import Request, cookie_values, is_crawler


def request(*headers: tuple[str, str], method: str = "GET") -> Request:
    raw = [(name.encode(), value.encode()) for name, value in headers]
    return Request({"type": "http", "method": method, "scheme": "http", "path": "/", "headers": raw})


@pytest.mark.parametrize(
    ("header", "values"),
    [
        (b"", []),
        (b"a=1", [b"1"]),
        (b"b=2; a=1; c=3", [b"1"]),
        (b"b=2;a=1;c=3", [b"1"]),
        (b"a=1; a=2", [b"1", b"2"]),
        (b'a="1"', [b"1"]),
        (b"aa=1; ba=2; xa=3", []),
        (b"b=a=1", []),
        (b"a=1=2", [b"1=2"]),
        (b"a=", [b""]),
        (b"a", []),
        (b"a =1", []),
        (b"A=1", []),
        (b"a=1; a=2; a=3; a=4; a=5; a=6", [b"1", b"2", b"3", b"4"]),
    ],
)
def test_one_cookie_is_found_among_others(header: bytes, values: list[bytes]) -> None:
    assert list(cookie_values(header, b"a")) == values


def test_cookies_in_several_headers_are_one_list() -> None:
    several = request(("cookie", "a=1"), ("accept", "x"), ("cookie", "b=2; a=3"))
    assert several.cookies(b"a") == [b"1", b"3"]
    assert several.cookies(b"b") == [b"2"]


@pytest.mark.parametrize(
    ("cookie", "left"),
    [
        (b"antrean-ticket-x=1", b""),
        (b"a=1; antrean-ticket-x=1; b=2", b"a=1; b=2"),
        (b"antrean-pass-x=1;a=1", b"a=1"),
        (b"a=1; __Host-antrean-pass-other-room=y=z", b"a=1"),
        (b"a=1; __HOST-Antrean-Pass-x=1", b"a=1"),
        (b"a=antrean-pass-x=1; b=2", b"a=antrean-pass-x=1; b=2"),
        (b"antrean-lang=id; antrean-ticket-x", b"antrean-lang=id"),
        (b"xantrean-pass-x=1", b"xantrean-pass-x=1"),
    ],
)
def test_our_cookies_are_taken_out_and_the_others_left_as_they_are(cookie: bytes, left: bytes) -> None:
    assert without_ours(cookie) == left


@pytest.mark.parametrize(
    "user_agent",
    [
        b"Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)",
        b"Mozilla/5.0 (compatible; bingbot/2.0)",
        b"facebookexternalhit/1.1",
        b"TelegramBot (like TwitterBot)",
    ],
)
def test_known_crawlers_are_known(user_agent: bytes) -> None:
    assert is_crawler(user_agent)


@pytest.mark.parametrize(
    "user_agent",
    [
        b"",
        b"Mozilla/5.0 (Linux; Android 9; CUBOT_X19) AppleWebKit/537.36 Chrome/96.0 Mobile Safari/537.36",
        b"Mozilla/5.0 (Linux; Android 10) Chrome/120 Mobile Safari/537.36 WhatsApp/2.23",
        b"Mozilla/5.0 (iPhone; CPU iPhone OS 17_0 like Mac OS X) Instagram 300.0 [FBAN/FBIOS]",
        b"Opera/9.80 (J2ME/MIDP; Opera Mini/7.1; U; id) Presto/2.12.423 Version/12.16",
        b"curl/8.5",
    ],
)
def test_people_are_not_taken_for_crawlers(user_agent: bytes) -> None:
    assert not is_crawler(user_agent)


@pytest.mark.parametrize(
    ("headers", "cross_site"),
    [
        ([("host", "a.example")], False),
        ([("host", "a.example"), ("origin", "https://a.example")], False),
        ([("host", "A.example:8080"), ("origin", "http://a.example:8080")], False),
        ([("host", "inner:8080"), ("origin", "https://queue.example")], False),
        ([("host", "a.example"), ("origin", "http://a.example:8080")], True),
        ([("host", "a.example"), ("origin", "https://evil.example")], True),
        ([("host", "a.example"), ("origin", "null")], True),
        ([("host", "a.example"), ("origin", "https://a.example"), ("sec-fetch-site", "cross-site")], True),
        ([("host", "a.example"), ("sec-fetch-site", "same-origin")], False),
        ([("host", "a.example"), ("sec-fetch-site", "none")], False),
    ],
)
def test_another_site_is_told_from_our_own(headers: list[tuple[str, str]], cross_site: bool) -> None:
    assert request(*headers, method="POST").is_cross_site(b"https://queue.example") is cross_site
