"""deploy/nginx.conf, with the real nginx and TLS: only ports, paths and addresses are replaced."""

from __future__ import annotations

import asyncio
import json
import os
import re
import shutil
import ssl
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.faults.lines import heard
from tests.installation import CONFIG, Installation, free_port
from tests.people import Reply, until

if TYPE_CHECKING:
    from gateway.store.line import Line
    from tests.installation import Site

CONF = Path(__file__).parents[2] / "deploy" / "nginx.conf"
HAVE = shutil.which("nginx") and shutil.which("openssl")
if not HAVE and os.environ.get("ANTREAN_REQUIRE_NGINX"):
    raise RuntimeError("nginx and openssl are required here and were not found")
pytestmark = pytest.mark.skipif(not HAVE, reason="needs nginx and openssl: apt install nginx-light openssl")


@dataclass
class Front:
    """The nginx, and a visitor of it with a cookie jar for each name."""

    port: int
    cookies: dict[str, str] = field(default_factory=dict)

    async def ask(self, host: str, path: str, method: str = "GET", **headers: str) -> Reply:
        context = ssl.create_default_context()
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        sent = {"Host": host, "Connection": "close", "Accept": "text/html"} | {
            name.replace("_", "-"): value for name, value in headers.items()
        }
        if self.cookies:
            sent["Cookie"] = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
        lines = "".join(f"{name}: {value}\r\n" for name, value in sent.items())
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port, ssl=context, server_hostname=host)
        writer.write(f"{method} {path} HTTP/1.1\r\n{lines}Content-Length: 0\r\n\r\n".encode())
        async with asyncio.timeout(20):
            answer = await reader.read()
        writer.close()
        start, _, body = answer.partition(b"\r\n\r\n")
        first, *rest = start.decode("latin-1").split("\r\n")
        reply = Reply(
            int(first.split(" ")[1]), [(n, v) for n, _, v in (line.partition(": ") for line in rest)], body
        )
        for name, value in reply.headers:
            if name.lower() == "set-cookie":
                cookie, _, token = value.split("; ")[0].partition("=")
                self.cookies[cookie] = token
        return reply


@pytest.fixture
def front(installation: Installation, site: Site, tmp_path: Path) -> Iterator[Front]:
    """nginx with the shipped configuration, before a gateway that trusts it."""
    config = tmp_path / "antrean.toml"
    text = CONFIG.format(port=site.server_address[1])
    config.write_text(
        text.replace("daftar.example", "daftar.example.go.id").replace("vaksin.example", "ujian.example.go.id")
    )
    environ = installation.environ | {
        "ANTREAN_CONFIG": str(config),
        "ANTREAN_PORT": str(free_port()),
        "ANTREAN_PUBLIC_URL": "https://daftar.example.go.id",
        "ANTREAN_TRUSTED_PROXIES": "127.0.0.1",
        "ANTREAN_WORKERS": "1",
    }
    gateway = Installation(installation.settings, environ, tmp_path)
    gateway.start("gateway", "serve")
    port, plain = free_port(), free_port()
    files = ["-keyout", str(tmp_path / "privkey.pem"), "-out", str(tmp_path / "fullchain.pem")]
    certificate = [
        "openssl",
        "req",
        "-x509",
        "-newkey",
        "rsa:2048",
        "-nodes",
        "-days",
        "2",
        "-subj",
        "/CN=daftar.example.go.id",
    ]
    subprocess.run([*certificate, *files], check=True, capture_output=True)
    conf = CONF.read_text()
    for was, now in (
        ("127.0.0.1:8080", f"127.0.0.1:{environ['ANTREAN_PORT']}"),
        ("127.0.0.1:8081", f"127.0.0.1:{site.server_address[1]}"),
        ("/var/cache/nginx/antrean", str(tmp_path / "cache")),
        ("/etc/antrean/tls", str(tmp_path)),
        ("listen 443 ssl", f"listen 127.0.0.1:{port} ssl"),
        ("listen 80", f"listen 127.0.0.1:{plain}"),
        (
            "worker_processes auto;",
            f"worker_processes 1; daemon off; pid {tmp_path}/pid; error_log {tmp_path}/error.log;",
        ),
        (
            "server_tokens off;",
            "server_tokens off; access_log off;"
            + "".join(
                f"{kind}_temp_path {tmp_path}/{kind};"
                for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
            ),
        ),
        ("worker_connections 16384", "worker_connections 512"),
    ):
        assert was in conf, was
        conf = conf.replace(was, now)
    (tmp_path / "nginx.conf").write_text(conf)
    nginx = subprocess.Popen(["nginx", "-c", str(tmp_path / "nginx.conf"), "-e", str(tmp_path / "error.log")])
    try:
        yield Front(port)
    finally:
        nginx.terminate()
        nginx.wait(20)
        gateway.stop("gateway")


async def _ready(front: Front) -> None:
    async def answers() -> bool:
        try:
            replies = [
                await front.ask(host, "/_queue/health") for host in ("daftar.example.go.id", "ujian.example.go.id")
            ]
        except OSError:
            return False
        return all(reply.status == 200 and b"reachable" in reply.body for reply in replies)

    await until(answers, "nginx and the gateway answer", 30)
    front.cookies.clear()


async def test_the_plain_proxy_gives_secure_cookies_and_tells_the_site_who_asks(
    front: Front, installation: Installation, line: Line, wait_until: Callable[..., Any]
) -> None:
    await _ready(front)
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
    await _ready(front)
    path = "/_queue/registration/pulse"
    bodies = {
        (await front.ask("daftar.example.go.id", f"{path}?{n}", X_Forwarded_Host=f"evil{n}.example")).body
        for n in range(30)
    }
    assert len(bodies) < 20, "thirty askers within moments: most of them get the same bytes"
    assert not any(b"evil" in body for body in bodies)


async def test_with_auth_request_the_site_is_reached_with_a_pass_only(front: Front, site: Site) -> None:
    await _ready(front)
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
