"""Visitors at the gate: straight in, in line, let in, inside, and away again."""

from __future__ import annotations

import hashlib
import time
from typing import TYPE_CHECKING, Any

import pytest
from itsdangerous import URLSafeSerializer

from gateway.domain.credentials import HARD_LIMIT_S, SKEW_S, VISITOR_SALT
from gateway.domain.passes import IDLE_S
from gateway.domain.room import Phase

if TYPE_CHECKING:
    from tests.visitor.conftest import House

TICKET, PASS = "antrean-ticket-registration", "antrean-pass-registration"


def visitor_of(house: House) -> dict[str, Any]:
    """What the origin reads from Antrean-Visitor, with plain itsdangerous."""
    from_header = house.site.header(b"antrean-visitor")
    assert len(from_header) == 1
    plain = URLSafeSerializer(
        ["an older key of sufficient length!!", "the key that signs, long enough!!!"],
        salt=VISITOR_SALT,
        signer_kwargs={"key_derivation": "hmac", "digest_method": hashlib.sha256},
    )
    read: dict[str, Any] = plain.loads(from_header[0].decode())
    return read


async def test_with_nobody_waiting_a_visitor_lands_on_the_site_and_never_sees_a_page(house: House) -> None:
    visitor = house.visitor()
    reply = await visitor.get("/daftar")
    assert (reply.status, reply.body) == (200, b"the form")
    assert set(visitor.cookies) == {TICKET, PASS}
    assert visitor_of(house)["number"] == 1
    assert house.line.called_for == [("join", 0)]


async def test_who_lands_on_the_site_has_twenty_minutes_and_what_follows_is_told_to_the_store(
    house: House,
) -> None:
    visitor = house.visitor()
    await visitor.get("/daftar")
    found = house.room.keyring.read_pass(
        visitor.cookies[PASS], room="registration", instance=None, now_s=time.time()
    )
    assert found.expires_at_s - time.time() > IDLE_S - 60
    await visitor.get("/daftar/2")
    await house.room.uses.settle()
    assert house.line.called_for == [("join", 0), ("touch", 1)]
    for _ in range(5):
        reply = await visitor.fetch("/api")
        assert reply.body == b"the form"
        assert reply.header("set-cookie") == ""
    await house.room.uses.settle()
    assert house.line.called_for == [("join", 0), ("touch", 1)]


async def test_in_a_line_a_newcomer_gets_the_page_and_a_number(queue: House) -> None:
    visitor = queue.visitor()
    reply = await visitor.get("/daftar?formasi=7")
    assert reply.status == 200
    assert reply.header("cache-control") == "no-store"
    assert b"/_queue/registration/" in reply.body
    assert set(visitor.cookies) == {TICKET}
    assert queue.site.requests == []
    assert "HttpOnly" in reply.header("set-cookie")
    assert "SameSite=Lax" in reply.header("set-cookie")


async def test_coming_again_with_a_ticket_is_a_check_in_and_takes_no_second_number(queue: House) -> None:
    visitor = queue.visitor()
    await visitor.get("/daftar")
    reply = await visitor.get("/daftar")
    assert b"A-0000-011" in reply.body
    assert [call for call, _ in queue.line.called_for].count("join") == 1
    assert ("check_in", 11) in queue.line.called_for


async def test_who_holds_an_offer_goes_in_by_just_loading_the_page(queue: House) -> None:
    visitor = queue.visitor()
    await visitor.get("/daftar")
    queue.line.offer(11)
    reply = await visitor.get("/daftar")
    assert reply.body == b"the form"
    assert set(visitor.cookies) == {TICKET, PASS}
    assert visitor_of(queue)["number"] == 11


async def test_on_https_the_cookies_are_bound_to_the_host(queue: House) -> None:
    visitor = queue.visitor()
    visitor.scheme = "https"
    reply = await visitor.get("/daftar")
    assert set(visitor.cookies) == {"__Host-antrean-ticket-registration"}
    assert "; Secure" in reply.header("set-cookie")
    visitor.cookies = {TICKET: queue.ticket(3)}
    await visitor.get("/daftar")
    assert ("check_in", 3) not in queue.line.called_for


@pytest.mark.parametrize(
    ("method", "headers"),
    [
        ("HEAD", {}),
        ("OPTIONS", {}),
        ("PUT", {}),
        ("GET", {"sec_fetch_mode": "no-cors", "sec_fetch_dest": "image"}),
        ("GET", {"sec_fetch_mode": "cors", "sec_fetch_dest": "empty"}),
        ("GET", {"sec_fetch_dest": "iframe"}),
        ("GET", {"sec_purpose": "prefetch"}),
        ("GET", {"sec_purpose": "prefetch;prerender"}),
        ("GET", {"purpose": "prefetch"}),
        ("GET", {"x_moz": "prefetch"}),
        ("GET", {"sec_fetch_mode": "", "accept": "image/avif,*/*"}),
        ("GET", {"sec_fetch_mode": "", "accept": ""}),
        ("POST", {"sec_fetch_mode": "cors", "sec_fetch_dest": "empty"}),
    ],
)
@pytest.mark.parametrize("free", [0, 100])
async def test_only_a_person_opening_a_page_takes_a_number(
    house: House, method: str, headers: dict[str, str], free: int
) -> None:
    house.line.free = free
    reply = await house.visitor().ask(method, "/daftar", headers)
    assert reply.status == 429
    assert reply.header("content-type") == "application/problem+json"
    assert int(reply.header("retry-after")) > 0
    assert house.line.issued == 0
    assert house.site.requests == []


@pytest.mark.parametrize("headers", [{"sec_fetch_mode": "no-cors", "sec_fetch_dest": "image"}, {}])
async def test_the_icon_that_browsers_ask_for_takes_no_number_and_is_kept(
    queue: House, headers: dict[str, str]
) -> None:
    visitor = queue.visitor()
    reply = await visitor.ask("GET", "/favicon.ico", headers)
    assert (reply.status, reply.body, reply.header("cache-control")) == (204, b"", "private, max-age=3600")
    assert (queue.line.issued, visitor.cookies) == (10, {})


async def test_inside_the_icon_is_the_sites(house: House) -> None:
    visitor = house.visitor()
    await visitor.get("/")
    assert (await visitor.get("/favicon.ico")).body == b"the form"


async def test_an_old_browser_is_known_by_what_it_accepts(queue: House) -> None:
    visitor = queue.visitor()
    await visitor.get("/daftar", sec_fetch_mode="", sec_fetch_dest="", sec_fetch_site="")
    assert TICKET in visitor.cookies


async def test_a_form_posted_by_a_newcomer_takes_a_number_too(queue: House) -> None:
    visitor = queue.visitor()
    await visitor.post("/daftar", b"nama=Budi")
    assert TICKET in visitor.cookies


async def test_a_crawler_is_sent_away_while_there_is_a_line(queue: House) -> None:
    reply = await queue.visitor().get("/", user_agent="Mozilla/5.0 (compatible; Googlebot/2.1)")
    assert (reply.status, reply.header("retry-after")) == (503, "120")
    assert queue.line.issued == 10


async def test_a_person_whose_phone_is_called_bot_is_a_person(queue: House) -> None:
    visitor = queue.visitor()
    await visitor.get("/", user_agent="Mozilla/5.0 (Linux; Android 9; CUBOT_X19) AppleWebKit/537.36 Chrome/96")
    assert TICKET in visitor.cookies


async def test_a_free_path_needs_no_pass_and_costs_the_line_nothing(queue: House) -> None:
    reply = await queue.visitor().fetch("/static/app.css")
    assert reply.body == b"the form"
    assert queue.line.called_for == []
    assert queue.site.header(b"antrean-visitor") == []


async def test_names_that_we_set_are_stripped_from_what_comes_in(house: House) -> None:
    forged = {"antrean_visitor": "forged", "antrean_pass_expires": "9", "antrean_finished": "1", "antrean_x": "y"}
    visitor = house.visitor()
    await visitor.get("/", **forged)
    assert visitor_of(house)["number"] == 1
    assert len(house.site.header(b"antrean-pass-expires")) == 1
    assert house.site.header(b"antrean-finished") == house.site.header(b"antrean-x") == []
    await visitor.get("/static/x", **forged)
    assert [name for name, _ in house.site.requests[-1]["headers"] if b"antrean" in name] == []


async def test_our_cookies_do_not_reach_the_origin_and_its_own_do(house: House) -> None:
    visitor = house.visitor()
    await visitor.get("/")
    visitor.cookies = {"session": "abc", **visitor.cookies, "lang": "id"}
    await visitor.get("/")
    assert house.site.header(b"cookie") == [b"session=abc; lang=id"]
    visitor.cookies = {name: value for name, value in visitor.cookies.items() if "antrean" in name}
    await visitor.get("/")
    assert house.site.header(b"cookie") == []


async def test_a_finished_visitor_frees_the_place_and_may_come_again(house: House) -> None:
    visitor = house.visitor()
    await visitor.get("/")
    old_pass = visitor.cookies[PASS]
    house.site.reply_headers = [(b"Antrean-Finished", b"1"), (b"x-own", b"kept")]
    reply = await visitor.post("/kirim", b"x")
    assert reply.header("antrean-finished") == ""
    assert reply.header("x-own") == "kept"
    assert visitor.cookies == {}
    await house.room.uses.settle()
    assert house.line.called_for[-1] == ("finish", 1)

    house.site.reply_headers = []
    visitor.cookies = {PASS: old_pass}
    reply = await visitor.fetch("/kirim", "POST")
    assert (reply.status, reply.json()["reason"]) == (429, "finished")
    await visitor.get("/")
    assert visitor_of(house)["number"] == 2


async def test_a_pass_that_the_store_calls_gone_is_refused_from_the_next_request_on(house: House) -> None:
    visitor = house.visitor()
    await visitor.get("/")
    await house.line.leave(1)
    assert (await visitor.fetch("/api")).status == 200
    await house.room.uses.settle()
    assert (await visitor.fetch("/api")).status == 429


async def test_a_place_that_an_operator_gave_back_is_good_again(house: House) -> None:
    visitor = house.visitor()
    await visitor.get("/")
    await house.line.leave(1)
    await visitor.fetch("/api")
    await house.room.uses.settle()
    assert (await visitor.fetch("/api")).status == 429
    house.line.gone.clear()
    house.line.inside.add(1)
    assert (await visitor.get("/")).body == b"the form"
    assert (await visitor.fetch("/api")).status == 200


async def test_the_cookie_of_a_pass_outlives_it_so_that_the_end_of_the_visit_is_seen(house: House) -> None:
    reply = await house.visitor().get("/")
    (cookie,) = [value.decode() for name, value in reply.headers if name == b"set-cookie" and b"-pass-" in value]
    assert int(cookie.split("Max-Age=")[1].split(";")[0]) > HARD_LIMIT_S + SKEW_S


async def test_a_form_with_an_idle_pass_goes_through_and_so_does_its_redirect(queue: House) -> None:
    visitor = queue.visitor(antrean_pass_registration=queue.pass_(5, expires_in_s=-600, left_s=3000))
    assert (await visitor.get("/kartu")).body != b"the form"
    reply = await visitor.post("/kirim", b"nama=Budi")
    assert (reply.body, queue.site.bodies[-1]) == (b"the form", b"nama=Budi")
    assert (await visitor.get("/kartu")).body == b"the form"


async def test_an_idle_visitor_returns_by_the_late_lane_with_the_old_hard_limit(queue: House) -> None:
    queue.line.serving = 10
    queue.line.spent.add(5)
    visitor = queue.visitor(antrean_pass_registration=queue.pass_(5, expires_in_s=-600, left_s=300))
    await visitor.get("/")
    assert ("look", 5) in queue.line.called_for
    assert TICKET in visitor.cookies
    queue.line.offer(5)
    reply = await visitor.get("/")
    assert reply.body == b"the form"
    held = queue.keyring.read_pass(visitor.cookies[PASS], room="registration", instance="k3xq", now_s=time.time())
    assert held.hard_limit_s <= time.time() + 300


async def test_a_reply_that_carries_a_pass_is_kept_by_no_shared_cache(house: House) -> None:
    house.site.reply_headers = [(b"cache-control", b"public, max-age=60")]
    visitor = house.visitor()
    assert (await visitor.get("/")).header("cache-control") == "private"
    await visitor.get("/")
    assert (await visitor.get("/")).header("cache-control") == "public, max-age=60"


async def test_an_origin_that_keeps_a_reply_from_others_is_not_told_twice(house: House) -> None:
    house.site.reply_headers = [(b"cache-control", b"private, no-store")]
    assert (await house.visitor().get("/")).header("cache-control") == "private, no-store"


async def test_the_first_form_is_told_the_time_that_its_use_gives(house: House) -> None:
    """A pass unused lapses in three minutes, but the page that comes with it is its first use."""
    await house.visitor().get("/")
    (expires_at_s,) = house.site.header(b"antrean-pass-expires")
    assert int(expires_at_s) - time.time() > IDLE_S - 60


async def test_in_a_bypass_everyone_passes_and_its_end_interrupts_nobody(queue: House) -> None:
    queue.set_phase(Phase.BYPASS)
    one, other = queue.visitor(), queue.visitor()
    seen = set()
    for visitor in (one, other):
        assert (await visitor.fetch("/api")).body == b"the form"
        seen.add(visitor_of(queue)["instance"])
    assert len(seen) == 2
    assert queue.line.called_for == []
    queue.set_phase(Phase.OPEN)
    assert (await one.get("/")).body == b"the form"
    assert (await queue.visitor().get("/")).body != b"the form"


@pytest.mark.parametrize("phase", [Phase.CLOSED, Phase.LAST_CALL])
async def test_nobody_new_gets_in_after_closing_but_those_inside_finish(house: House, phase: Phase) -> None:
    inside = house.visitor()
    await inside.get("/")
    house.set_phase(phase)
    newcomer = house.visitor()
    reply = await newcomer.get("/")
    assert reply.status == 200
    assert newcomer.cookies == {}
    assert house.line.issued == 1
    assert (await inside.post("/kirim", b"x")).body == b"the form"


async def test_while_the_store_is_away_those_inside_go_on_and_the_others_are_told(house: House) -> None:
    inside, waiting, newcomer = house.visitor(), house.visitor(), house.visitor()
    await inside.get("/")
    house.line.free = 0
    await waiting.get("/")
    house.line.cut_off = True
    for _ in range(3):
        assert (await inside.post("/kirim", b"x")).body == b"the form"
    page = await waiting.get("/")
    assert page.status == 200
    assert b"A-0000-002" in page.body
    assert TICKET in waiting.cookies
    assert (await newcomer.get("/")).status == 503
    refused = await newcomer.fetch("/api")
    assert (refused.status, refused.json()["reason"]) == (503, "store-unreachable")


async def test_a_copied_ticket_is_one_visitor_at_the_origin(queue: House) -> None:
    first = queue.visitor()
    await first.get("/")
    copy = queue.visitor(**first.cookies)
    queue.line.offer(11)
    ids = set()
    for visitor in (first, copy):
        assert (await visitor.get("/")).body == b"the form"
        visitor_id = visitor_of(queue)
        ids.add((visitor_id["instance"], visitor_id["number"]))
    assert len(ids) == 1


async def test_choosing_a_language_is_remembered_and_leaves_the_address(queue: House) -> None:
    visitor = queue.visitor()
    reply = await visitor.get("/daftar?antrean-lang=en&x=1")
    assert reply.header("content-language") == "en"
    assert visitor.cookies["antrean-lang"] == "en"
    assert (await visitor.get("/daftar")).header("content-language") == "en"
    queue.line.offer(11)
    reply = await visitor.fetch("/_queue/registration/check-in", "POST")
    assert reply.json()["location"] == "/daftar"
