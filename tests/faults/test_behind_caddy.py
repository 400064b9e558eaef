"""deploy/Caddyfile in the real Caddy, with TLS of its own making: only ports are replaced."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.faults.nginx import Front, gateway_behind_a_proxy, ready
from tests.installation import Installation, free_port

if TYPE_CHECKING:
    from gateway.store.line import Line
    from tests.installation import Site

CONF = Path(__file__).parents[2] / "deploy" / "Caddyfile"
CADDY = os.environ.get("ANTREAN_CADDY") or shutil.which("caddy")
pytestmark = pytest.mark.skipif(
    not CADDY, reason="needs Caddy: apt install caddy, or set ANTREAN_CADDY to its program"
)


@pytest.fixture
def front(installation: Installation, site: Site, tmp_path: Path) -> Iterator[Front]:
    port = free_port()
    options = f"{{\nadmin off\nskip_install_trust\nhttp_port {free_port()}\nhttps_port {port}\n}}\n"
    home = {"HOME": str(tmp_path), "XDG_DATA_HOME": str(tmp_path), "XDG_CONFIG_HOME": str(tmp_path)}
    with gateway_behind_a_proxy(installation, site, tmp_path) as gateway:
        conf = CONF.read_text().replace("127.0.0.1:8080", f"127.0.0.1:{gateway}")
        conf = conf.replace("127.0.0.1:8081", f"127.0.0.1:{site.server_address[1]}")
        (tmp_path / "Caddyfile").write_text(options + conf.replace(".go.id {", ".go.id {\n\ttls internal"))
        command = [str(CADDY), "run", "--config", str(tmp_path / "Caddyfile")]
        with (tmp_path / "caddy.log").open("wb") as log:
            caddy = subprocess.Popen(command, env=home, stdout=log, stderr=log)
        try:
            yield Front(port)
        finally:
            caddy.terminate()
            caddy.wait(20)


async def test_the_plain_proxy_gives_secure_cookies_and_tells_the_site_who_asks(front: Front, line: Line) -> None:
    await ready(front)
    host = "daftar.example.go.id"
    reply = await front.ask(host, "/form", X_Forwarded_For="6.6.6.6", X_Forwarded_Proto="http")
    cookies = [value for name, value in reply.headers if name.lower() == "set-cookie"]
    assert len(cookies) == 2
    assert all(value.startswith("__Host-antrean-") and "; Secure" in value for value in cookies)
    seen = {name.lower(): value for name, value in json.loads(reply.body)["headers"]}
    assert (seen["host"], seen["x-forwarded-for"], seen["x-forwarded-proto"]) == (host, "127.0.0.1", "https")
    assert "6.6.6.6" not in str(seen)


async def test_with_forward_auth_the_site_is_reached_with_a_pass_only(front: Front, site: Site) -> None:
    await ready(front)
    host, before = "ujian.example.go.id", len(site.asked)
    spoofs = {"Antrean_Visitor": "forged", "X_Original_URI": "/_queue/health", "X_Forwarded_Uri": "/_queue/health"}
    spoofs = {name.replace("_", "-"): value for name, value in spoofs.items()}
    refused = await front.ask(host, "/soal?no=1", **spoofs)
    assert refused.status == 302
    assert site.asked[before:] == [], "without a pass nothing reaches the site"
    where = re.sub(r"^https?://[^/]+", "", refused.header("location"))
    assert where.startswith("/_queue/vaksin/wait?to=/")
    assert (await front.ask(host, where)).status == 303
    reply = await front.ask(host, "/soal?no=1", Antrean_Visitor="forged")
    seen = {name.lower(): value for name, value in json.loads(reply.body)["headers"]}
    assert seen["antrean-visitor"] not in ("", "forged")
    assert "antrean-pass-expires" in seen
    assert "antrean-pass-vaksin=" in reply.header("set-cookie"), "the pass is renewed at its first use"
    front.cookies.clear()
    assert (await front.ask(host, "/soal?no=1")).status == 302, "the answer for another is not kept"
