"""Another proxy asks: may this request go on?"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from gateway.domain.room import Phase

if TYPE_CHECKING:
    from tests.visitor.conftest import House

CALL = "/_queue/authorize"


async def test_a_good_pass_may_go_on_with_what_the_origin_wants(queue: House) -> None:
    visitor = queue.visitor(antrean_pass_registration=queue.pass_(3))
    reply = await visitor.get(CALL, x_original_uri="/daftar")
    assert reply.status == 204
    assert queue.keyring.read_visitor(reply.header("antrean-visitor"), 0)["number"] == 3
    assert int(reply.header("antrean-pass-expires")) > 0
    assert reply.header("set-cookie") == ""
    await queue.room.uses.settle()
    assert queue.line.called_for == [("touch", 3)]


async def test_a_pass_that_is_due_is_renewed_here_too(queue: House) -> None:
    visitor = queue.visitor(antrean_pass_registration=queue.pass_(3, expires_in_s=100))
    assert "antrean-pass-registration=" in (await visitor.get(CALL, x_original_uri="/")).header("set-cookie")


async def test_without_a_pass_the_answer_says_where_the_line_is(queue: House) -> None:
    reply = await queue.visitor().get(CALL, x_forwarded_uri="/daftar?a=1&b=2")
    assert reply.status == 401
    assert reply.header("www-authenticate") == "Antrean"
    assert reply.header("location") == "/_queue/registration/wait?to=/daftar%3Fa%3D1%26b%3D2"
    assert reply.json()["location"] == reply.header("location")
    assert queue.line.called_for == []


async def test_the_way_through_the_line_comes_back_to_where_it_began(house: House) -> None:
    visitor = house.visitor()
    to_the_line = await visitor.get(CALL, x_forwarded_uri="/daftar?a=1&b=2")
    back = await visitor.get(to_the_line.header("location"))
    assert (back.status, back.header("location")) == (303, "/daftar?a=1&b=2")
    assert (await visitor.get(CALL, x_forwarded_uri="/daftar?a=1&b=2")).status == 204


async def test_a_free_path_may_go_on(queue: House) -> None:
    assert (await queue.visitor().get(CALL, x_original_uri="/static/app.css")).status == 204


async def test_headers_that_contradict_each_other_are_taken_at_their_strictest(queue: House) -> None:
    """The asking proxy sends on what the visitor sent: it may hold the other proxy's kind of header."""
    for one, other in (("/static/x", "/daftar"), ("/daftar", "/static/x")):
        reply = await queue.visitor().get(CALL, x_original_uri=one, x_forwarded_uri=other)
        assert reply.status == 401
    idle = queue.visitor(antrean_pass_registration=queue.pass_(3, expires_in_s=-600, left_s=900))
    methods = {"x_original_method": "POST", "x_forwarded_method": "GET"}
    assert (await idle.get(CALL, x_original_uri="/", **methods)).status == 401
    assert (await idle.get(CALL, x_original_uri="/", x_original_method="POST")).status == 204


@pytest.mark.parametrize("reachable", [True, False])
async def test_those_inside_go_on_whatever_the_store_does(queue: House, reachable: bool) -> None:
    queue.line.cut_off = not reachable
    visitor = queue.visitor(antrean_pass_registration=queue.pass_(3))
    assert (await visitor.get(CALL)).status == 204
    assert (await queue.visitor().get(CALL)).status == 401


async def test_in_a_bypass_everyone_may_go_on_and_gets_a_pass(queue: House) -> None:
    queue.set_phase(Phase.BYPASS)
    visitor = queue.visitor()
    assert (await visitor.get(CALL)).status == 204
    queue.set_phase(Phase.OPEN)
    assert (await visitor.get(CALL)).status == 204


async def test_the_wrong_method_is_told_the_right_one(queue: House) -> None:
    assert (await queue.visitor().post(CALL)).status == 405


async def test_the_line_itself_takes_the_methods_that_it_names(queue: House) -> None:
    """A proxy that sends a visitor here may keep the method of the form that was refused."""
    wait = "/_queue/registration/wait?to=/daftar"
    refused = await queue.visitor().ask("DELETE", wait, {})
    assert (refused.status, refused.header("allow")) == (405, "GET, POST")
    for method in refused.header("allow").split(", "):
        assert (await queue.visitor().ask(method, wait, {})).status == 200


PAGE = {"accept": "text/html", "sec_fetch_mode": "navigate", "sec_fetch_dest": "document"}


async def test_envoy_puts_the_path_behind_the_call_and_wants_a_200(queue: House) -> None:
    inside = queue.visitor(antrean_pass_registration=queue.pass_(3))
    reply = await inside.get("/_queue/authorize/form?a=1", **PAGE)
    assert (reply.status, bool(reply.header("antrean-visitor"))) == (200, True)
    assert (await queue.visitor().get("/_queue/authorize/static/x", **PAGE)).status == 200
    stranger = queue.visitor()
    led = await stranger.get("/_queue/authorize/form?a=1", **PAGE)
    assert (led.status, led.header("location")) == (303, "/_queue/registration/wait?to=/form%3Fa%3D1")
    assert (await stranger.post("/_queue/authorize/form")).status == 401
    assert (await stranger.fetch("/_queue/authorize/form")).status == 401
    for detour in ("/static/../form", "/static/%2e%2e/form", "//form", "/_queue/health"):
        assert (await stranger.fetch("/_queue/authorize" + detour)).status in (400, 401), detour
    spoofed = await stranger.fetch("/_queue/authorize/form", body=b"")
    assert spoofed.status == 401
    claimed = await stranger.ask("GET", "/_queue/authorize/form", {"x-original-uri": "/static/x", "accept": "*/*"})
    assert claimed.status in (303, 401), "the strictest of what is asked about"


async def test_traefik_hands_our_answer_to_the_browser_which_is_led_to_the_line(queue: House) -> None:
    led = await queue.visitor().get("/_queue/authorize?redirect", x_forwarded_uri="/form", **PAGE)
    assert (led.status, led.header("location")) == (303, "/_queue/registration/wait?to=/form")
    inside = queue.visitor(antrean_pass_registration=queue.pass_(3))
    assert (await inside.get("/_queue/authorize?redirect", x_forwarded_uri="/form")).status == 200
