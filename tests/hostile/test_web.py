"""What other sites, neighbour domains and caches may try, against the running gateway."""

from __future__ import annotations

import re
from urllib.parse import quote

import pytest

from tests.hostile.conftest import Fortress
from tests.people import Browser, Reply

BASE = "/_queue/registration/"
ELSEWHERE = (
    "//evil.example", "///evil.example", "/\\evil.example", "\\\\evil.example",
    "https://evil.example", "//evil",
    "javascript:alert(1)", "/%5cevil.example", "/\tevil.example", "/\r\nSet-Cookie: a=b",
    "/%0d%0aSet-Cookie:%20a=b",
    "data:text/html,x", "/..//evil.example", "/.//evil.example", " //evil.example", "/;@evil.example", "?//evil",
)  # fmt: skip


@pytest.fixture
def visitor(fortress: Fortress) -> Browser:
    fortress.origin.received.clear()
    return Browser(fortress.port, "daftar.example")


def stays_here(location: str) -> bool:
    return bool(re.fullmatch(r"/(?![/\\])[!-~]*", location))


@pytest.mark.parametrize("to", ELSEWHERE)
async def test_no_address_in_a_query_or_a_body_leads_to_another_site(visitor: Browser, to: str) -> None:
    visitor.cookies.clear()
    let_in = await visitor.get(BASE + "wait?to=" + quote(to, safe=""))
    assert let_in.status == 303
    assert stays_here(let_in.header("location"))
    assert all(name.startswith("antrean-") for name in visitor.cookies)
    program = {"Accept": "*/*", "Sec-Fetch-Mode": "cors"}
    body = b'{"return_to": "%b"}' % to.replace("\\", "\\\\").encode("unicode_escape")
    visitor.cookies.clear()
    joined = await visitor.ask("POST", BASE + "join", program, body)
    assert joined.status == 400 or stays_here(joined.json()["location"])


@pytest.mark.parametrize("call", ["join", "check-in", "leave", "move"])
@pytest.mark.parametrize(
    "said",
    [
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Origin": "http://daftar.example.evil.example"},
        {"Origin": "http://daftar.example@evil.example"},
    ],
)
async def test_another_site_cannot_act_for_a_visitor(
    fortress: Fortress, visitor: Browser, call: str, said: dict[str, str]
) -> None:
    """Even if its cookies went along."""
    ticket = fortress.ticket()
    cookie = f"antrean-ticket-registration={ticket.decode()}; antrean-move-registration=claim"
    code = "?" + fortress.move_code() if call == "move" else ""
    headers = {"Accept": "text/html", "Cookie": cookie} | said
    reply = await visitor.ask("POST", BASE + call + code, headers)
    assert reply.status == (400 if call == "move" else 403)
    assert reply.header("set-cookie") == ""


@pytest.mark.parametrize("path", ["/form", BASE + "draw", BASE + "move", BASE + "wait?to=/", BASE + "leave"])
async def test_no_page_of_ours_stands_in_a_frame_or_runs_what_is_not_ours(visitor: Browser, path: str) -> None:
    method = "POST" if path.endswith("leave") else "GET"
    page = await visitor.ask(method, path, {"Accept": "text/html", "Cookie": "antrean-pass-registration=x"})
    if page.is_page:
        assert page.header("x-frame-options") == "DENY"
        assert page.header("x-content-type-options") == "nosniff"
        policy = page.header("content-security-policy")
        assert "frame-ancestors 'none'" in policy
        assert "default-src 'none'" in policy
        assert "unsafe" not in policy


async def test_what_a_cache_may_keep_is_the_same_for_everybody_whatever_is_sent(visitor: Browser) -> None:
    spoofs = {
        "X-Forwarded-Host": "evil.example", "X-Forwarded-Proto": "https", "X-Forwarded-Scheme": "nothttps",
        "X-Original-URL": "/admin", "X-Rewrite-URL": "/admin", "X-Host": "evil.example",
        "Forwarded": "host=evil.example",
        "X-Forwarded-Prefix": "/evil", "Accept-Language": "evil",
        "Cookie": "antrean-lang=<script>", "Origin": "https://evil",
    }  # fmt: skip
    for name in ("pulse", "draw.json", "draw-script", "alert-script", "chance-script"):
        plain, spoofed = [await visitor.ask("GET", BASE + name, headers) for headers in ({}, spoofs)]
        assert plain.status == spoofed.status == 200
        assert "evil" not in str(spoofed)
        assert _without_clock(plain) == _without_clock(spoofed)
        assert spoofed.header("set-cookie") == ""
        assert "public" in spoofed.header("cache-control")


async def test_what_is_one_visitors_is_kept_by_no_cache(fortress: Fortress, visitor: Browser) -> None:
    paths = ["/form", BASE + "wait?to=/", BASE + "ticket", BASE + "move", "/_queue/authorize"]
    cookie = f"antrean-ticket-registration={fortress.ticket().decode()}"
    for headers in ({"Accept": "text/html"}, {"Accept": "text/html", "Cookie": cookie}):
        for path in paths:
            reply = await visitor.ask("GET", path, headers)
            assert re.search(r"no-store|private", reply.header("cache-control")), path
            assert "*" not in reply.header("access-control-allow-origin")


async def test_a_tossed_cookie_takes_nobody_anything(fortress: Fortress, visitor: Browser) -> None:
    """A neighbour domain plants credentials before and behind the visitor's: the visitor's count."""
    own = fortress.pass_(3).decode()
    for planted in ("x", "a" * 3000, own[:-1], fortress.ticket().decode(), '"', ""):
        for cookie in (
            f"{planted}; antrean-pass-registration={own}",
            f"{own}; antrean-pass-registration={planted}",
        ):
            reply = await visitor.ask("GET", "/form", {"Cookie": f"antrean-pass-registration={cookie}"})
            assert reply.status == 200, planted
            assert fortress.origin.received[-1].line == "GET /form"
            assert fortress.origin.received[-1].values("cookie") == []


async def test_our_cookies_are_read_by_no_script_and_sent_by_no_other_site(visitor: Browser) -> None:
    reply = await visitor.get("/form")
    cookies = [value for name, value in reply.headers if name.lower() == "set-cookie"]
    assert len(cookies) == 2
    assert all("; Path=/; HttpOnly; SameSite=Lax" in cookie and "Domain" not in cookie for cookie in cookies)


def _without_clock(reply: Reply) -> tuple[list[tuple[str, str]], bytes]:
    headers = [header for header in reply.headers if header[0] not in ("date", "content-length")]
    return headers, re.sub(rb'"(now_ms|issued|called|serving|rate_per_minute|density)":[0-9.]+', b"", reply.body)
