"""deploy/nginx.conf, with the real nginx and TLS: only ports, paths and addresses are replaced."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.faults.lines import heard
from tests.faults.nginx import Front, gateway_behind_a_proxy, needs_nginx, nginx, ready
from tests.installation import Installation

if TYPE_CHECKING:
    from gateway.store.line import Line
    from tests.installation import Site

pytestmark = needs_nginx


@pytest.fixture
def front(installation: Installation, site: Site, tmp_path: Path) -> Iterator[Front]:
    """nginx with the shipped configuration, before a gateway that trusts it."""
    with (
        gateway_behind_a_proxy(installation, site, tmp_path) as gateway,
        nginx(tmp_path, [gateway], site.server_address[1]) as made,
    ):
        yield made


async def test_the_plain_proxy_gives_secure_cookies_and_tells_the_site_who_asks(
    front: Front, installation: Installation, line: Line, wait_until: Callable[..., Any]
) -> None:
    await ready(front)
    host = "daftar.example.go.id"
    reply = await front.ask(host, "/form", X_Forwarded_For="6.6.6.6", X_Forwarded_Proto="http")
    cookies = [value for name, value in reply.headers if name.lower() == "set-cookie"]
    assert len(cookies) == 2
    assert all(value.startswith("__Host-antrean-") and "; Secure" in value for value in cookies)
    seen = {name.lower(): value for name, value in json.loads(reply.body)["headers"]}
    assert seen["host"] == host
    assert seen["x-forwarded-for"] == "127.0.0.1"
    assert "6.6.6.6" not in str(seen)
    assert seen["x-forwarded-proto"] == "https"
    assert "antrean-visitor" in seen
    await heard(installation, line, wait_until, phase="paused")
    stranger = Front(front.port)

    async def waits() -> bool:
        stranger.cookies.clear()
        return (await stranger.ask(host, "/form")).is_page

    await wait_until(waits, "a newcomer sees the page")


async def test_the_pulse_comes_from_the_cache_and_its_query_makes_no_second_one(front: Front, line: Line) -> None:
    await ready(front)
    path = "/_queue/registration/pulse"
    bodies = {
        (await front.ask("daftar.example.go.id", f"{path}?{n}", X_Forwarded_Host=f"evil{n}.example")).body
        for n in range(30)
    }
    assert len(bodies) < 20, "thirty askers within moments: most of them get the same bytes"
    assert not any(b"evil" in body for body in bodies)


async def test_with_auth_request_the_site_is_reached_with_a_pass_only(front: Front, site: Site) -> None:
    await ready(front)
    host, before = "ujian.example.go.id", len(site.asked)
    refused = await front.ask(host, "/soal?no=1", Antrean_Visitor="forged", X_Forwarded_Uri="/_queue/health")
    assert refused.status == 302
    assert site.asked[before:] == [], "without a pass nothing reaches the site"
    where = re.sub(r"^https?://[^/]+", "", refused.header("location"))
    assert where == "/_queue/vaksin/wait?to=/soal%3Fno%3D1"
    let_in = await front.ask(host, where)
    assert let_in.status == 303, "nobody waits: the line sends the visitor back with a pass"
    reply = await front.ask(host, "/soal?no=1", Antrean_Visitor="forged")
    seen = {name.lower(): value for name, value in json.loads(reply.body)["headers"]}
    assert seen["antrean-visitor"] not in ("", "forged")
    assert "antrean-pass-expires" in seen
