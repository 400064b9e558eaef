"""Moving a place to another device, page by page; both devices are browsers with a cookie jar of their own."""

from __future__ import annotations

import html
import re

import pytest

from gateway.domain.numbers import format_number
from gateway.domain.room import Phase
from tests.visitor.conftest import House, Reply, Visitor

MOVE = "/_queue/registration/move"
TICKET = "antrean-ticket-registration"


async def in_line(queue: House, path: str = "/") -> Visitor:
    visitor = queue.visitor()
    await visitor.get(path)
    return visitor


def text(reply: Reply) -> str:
    return html.unescape(reply.body.decode())


async def link_of(visitor: Visitor) -> str:
    """The link on the page of the device that has the place, without scheme and host."""
    shown = text(await visitor.get(MOVE)).replace("<wbr>", "")
    found = re.search(r'class="link">http://daftar\.example(/[^<]+)<', shown)
    assert found is not None, shown
    return found.group(1)


def heading(reply: Reply) -> str:
    found = re.search("<h1>(.*?)</h1>", text(reply))
    return found.group(1) if found else ""


async def test_the_other_device_takes_the_place_and_this_one_says_so_and_stops(queue: House) -> None:
    phone, laptop = await in_line(queue), queue.visitor()
    link = await link_of(phone)
    asked = await laptop.get(link)
    assert (asked.status, heading(asked)) == (200, "Lanjutkan mengantre di sini?")
    assert format_number(11) in text(asked)
    assert (await phone.fetch("/_queue/registration/ticket")).json()["state"] == "waiting", "nothing has moved yet"

    taken = await laptop.post(link)
    assert (taken.status, taken.header("location")) == (303, "/")
    assert (await laptop.fetch("/_queue/registration/check-in", "POST")).json()["number"] == 11
    assert (await phone.fetch("/_queue/registration/check-in", "POST")).json()["state"] == "moved"
    gone = await phone.get("/")
    assert (gone.status, gone.header("location")) == (303, MOVE)
    assert heading(await phone.get(MOVE)) == "Tempat Anda sudah pindah"
    assert queue.line.issued == 11


async def test_only_the_device_that_has_the_place_is_let_in(queue: House) -> None:
    phone, laptop = await in_line(queue), queue.visitor()
    link = await link_of(phone)
    await laptop.get(link)
    await laptop.post(link)
    queue.line.offer(11)
    assert (await phone.get("/")).status == 303
    assert (await laptop.get("/")).body == b"the form"
    assert "antrean-pass-registration" not in phone.cookies


async def test_a_link_is_good_for_one_device(queue: House) -> None:
    phone, laptop, thief = await in_line(queue), queue.visitor(), queue.visitor()
    link = await link_of(phone)
    await laptop.get(link)
    await thief.get(link)
    first, second = await laptop.post(link), await thief.post(link)
    assert (first.status, second.status, heading(second)) == (303, 410, "Kode ini sudah dipakai")
    assert TICKET not in thief.cookies
    again = await laptop.ask(
        "POST", link, {"cookie": f"antrean-move-registration={laptop.cookies['antrean-move-registration']}"}
    )
    assert again.status == 303, "a reply that was lost is asked for again"


async def test_it_moves_back_and_the_last_device_counts(queue: House) -> None:
    phone, laptop = await in_line(queue), queue.visitor()
    for giver, taker in ((phone, laptop), (laptop, phone), (phone, laptop)):
        link = await link_of(giver)
        await taker.get(link)
        assert (await taker.post(link)).status == 303
    assert (await laptop.fetch("/_queue/registration/ticket")).json()["state"] == "waiting"
    assert (await phone.fetch("/_queue/registration/ticket")).json()["state"] == "moved"


async def test_a_programs_preview_of_the_link_moves_nothing(queue: House) -> None:
    phone = await in_line(queue)
    link = await link_of(phone)
    for _ in range(3):
        await queue.visitor().get(link)
    assert queue.line.moves == {}


async def test_a_browser_that_keeps_no_cookies_takes_nothing(queue: House) -> None:
    phone, other = await in_line(queue), queue.visitor()
    link = await link_of(phone)
    reply = await other.post(link)
    assert (reply.status, heading(reply)) == (400, "Mohon izinkan kuki untuk situs ini")
    assert queue.line.moves == {}


async def test_another_site_cannot_make_a_browser_take_a_place(queue: House) -> None:
    phone, victim = await in_line(queue), queue.visitor()
    link = await link_of(phone)
    await victim.get(link)
    await victim.post(link, sec_fetch_site="cross-site")
    assert queue.line.moves == {}


async def test_the_address_that_the_visitor_came_for_goes_along(queue: House) -> None:
    phone, laptop = await in_line(queue, "/daftar?jalur=2"), queue.visitor()
    link = await link_of(phone)
    asked = text(await laptop.get(link))
    action = re.search('method="post" action="([^"]+)"', asked)
    assert action is not None
    assert (await laptop.post(action.group(1))).header("location") == "/daftar?jalur=2"


@pytest.mark.parametrize("to", ["//evil.example", "https://evil.example", "/\\evil.example"])
async def test_no_link_leads_to_another_site(queue: House, to: str) -> None:
    phone, laptop = await in_line(queue), queue.visitor()
    link = f"{await link_of(phone)}&to={to}"
    await laptop.get(link)
    assert (await laptop.post(link)).header("location") == "/"


@pytest.mark.parametrize("code", ["AAAA-BBBB-CCCC-DDDD", "x", "%22%3E%3Cscript%3E", "A" * 3000])
async def test_a_code_that_is_not_ours_is_told_plainly(queue: House, code: str) -> None:
    for ask in (queue.visitor().get, queue.visitor().post):
        reply = await ask(f"{MOVE}?{code}")
        assert (reply.status, heading(reply)) == (404, "Kode ini tidak dikenal")
        assert "<script>" not in text(reply)


async def test_an_old_code_is_refused_with_a_clear_page(queue: House) -> None:
    phone, laptop = await in_line(queue), queue.visitor()
    ticket = queue.keyring.read_ticket(phone.cookies[TICKET], room="registration", instance=None, now_s=2e9)
    code = queue.keyring.move_code(ticket, ticket.issued_at_s - 311)
    for ask in (laptop.get, laptop.post):
        reply = await ask(f"{MOVE}?{code}")
        assert (reply.status, heading(reply)) == (410, "Kode ini sudah lewat waktunya")
    assert queue.line.moves == {}


async def test_who_has_no_place_or_is_let_in_is_told(queue: House) -> None:
    assert heading(await queue.visitor().get(MOVE)) == "Tidak ada tempat di perangkat ini"
    phone, laptop = await in_line(queue), queue.visitor()
    link = await link_of(phone)
    await laptop.get(link)
    queue.line.offer(11)
    assert (await phone.get("/")).body == b"the form"
    assert (await laptop.post(link)).status == 409
    assert (await phone.get(MOVE)).status == 303


async def test_the_open_link_on_the_same_device_shows_the_code_again(queue: House) -> None:
    phone = await in_line(queue)
    assert (await phone.get(await link_of(phone))).header("location") == MOVE


async def test_a_device_with_a_number_of_its_own_is_told_that_it_is_replaced(queue: House) -> None:
    phone, laptop = await in_line(queue), await in_line(queue)
    asked = text(await laptop.get(await link_of(phone)))
    assert f"Perangkat ini sudah punya nomor {format_number(12)}" in asked


async def test_the_device_before_cannot_give_the_place_up_but_may_join_anew(queue: House) -> None:
    phone, laptop = await in_line(queue), queue.visitor()
    link = await link_of(phone)
    await laptop.get(link)
    await laptop.post(link)
    assert (await phone.post("/_queue/registration/leave")).status == 303
    assert queue.line.gone == {}
    assert (await phone.post("/_queue/registration/join")).status == 303
    assert (await phone.fetch("/_queue/registration/ticket")).json()["number"] == 12


async def test_our_trouble_is_told_as_ours(queue: House) -> None:
    phone = await in_line(queue)
    link = await link_of(phone)
    queue.line.cut_off = True
    for reply in (await phone.get(MOVE), await queue.visitor().get(link)):
        assert (reply.status, reply.header("retry-after")) == (503, "5")


async def test_the_policy_allows_this_script_and_nothing_else(queue: House) -> None:
    phone = await in_line(queue)
    shown, asked = await phone.get(MOVE), await queue.visitor().get(await link_of(phone))
    assert "script-src 'sha256-" in shown.header("content-security-policy")
    assert asked.header("content-security-policy").endswith("script-src 'none'")
    assert "style=" not in text(shown)
    assert shown.header("cache-control") == "no-store"


async def test_in_a_bypass_nobody_needs_to_move(queue: House) -> None:
    phone = await in_line(queue)
    queue.set_phase(Phase.BYPASS)
    assert (await phone.get(MOVE)).status == 303


async def test_a_language_that_is_chosen_there_is_kept(queue: House) -> None:
    phone = await in_line(queue, "/daftar")
    assert heading(await phone.get(f"{MOVE}?antrean-lang=en")) == "Carry on with another device"
    shown = await phone.get(MOVE)
    assert heading(shown) == "Carry on with another device"
    assert '<a href="/daftar">Back to the line</a>' in text(shown)


async def test_a_code_may_be_typed_with_spaces_and_in_small_letters(queue: House) -> None:
    phone, laptop = await in_line(queue), queue.visitor()
    link = (await link_of(phone)).replace("-", "%20").lower()
    assert heading(await laptop.get(link)) == "Lanjutkan mengantre di sini?"
    assert (await laptop.post(link.replace("%20", "+"))).status == 303
    assert queue.line.moves[11][0] == 1


async def test_a_late_return_moves_too(queue: House) -> None:
    phone, laptop = await in_line(queue), queue.visitor()
    queue.line.serving = 11  # passed over, never let in
    link = await link_of(phone)
    await laptop.get(link)
    assert (await laptop.post(link)).status == 303
    assert (await phone.fetch("/_queue/registration/check-in", "POST")).json()["state"] == "moved"
    assert (await laptop.fetch("/_queue/registration/check-in", "POST")).json()["state"] == "late"


async def test_a_late_return_of_a_restored_line_stays_where_it_is(queue: House) -> None:
    phone = await in_line(queue)
    queue.line.serving, queue.line.generation = 11, 2
    assert heading(await phone.get(MOVE)) == "Tempat ini tidak bisa dipindah lagi"
