"""nginx with deploy/nginx.conf and TLS: only ports, paths and addresses are replaced."""

from __future__ import annotations

import asyncio
import os
import shutil
import ssl
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from tests.installation import CONFIG, Installation, Site, free_port
from tests.people import Reply, until

CONF = Path(__file__).parents[2] / "deploy" / "nginx.conf"
SERVER = "        server 127.0.0.1:8080 max_fails=1 fail_timeout=5s;"
HAVE = shutil.which("nginx") and shutil.which("openssl")
if not HAVE and os.environ.get("ANTREAN_REQUIRE_NGINX"):
    raise RuntimeError("nginx and openssl are required here and were not found")
needs_nginx = pytest.mark.skipif(not HAVE, reason="needs nginx and openssl: apt install nginx-light openssl")


# Without the system's authorities, which take longer to read than a request.
TRUSTING = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
TRUSTING.check_hostname, TRUSTING.verify_mode = False, ssl.CERT_NONE


@contextmanager
def gateway_behind_a_proxy(installation: Installation, site: Site, folder: Path) -> Iterator[str]:
    """A gateway of one worker that trusts a proxy on this machine, with the rooms at https names: its port."""
    config = folder / "antrean.toml"
    text = CONFIG.format(port=site.server_address[1]).replace("daftar.example", "daftar.example.go.id")
    config.write_text(text.replace("vaksin.example", "ujian.example.go.id"))
    environ = installation.environ | {
        "ANTREAN_CONFIG": str(config),
        "ANTREAN_PORT": str(free_port()),
        "ANTREAN_PUBLIC_URL": "https://daftar.example.go.id",
        "ANTREAN_TRUSTED_PROXIES": "127.0.0.1",
        "ANTREAN_WORKERS": "1",
    }
    gateway = Installation(installation.settings, environ, folder)
    gateway.start("gateway", "serve")
    try:
        yield environ["ANTREAN_PORT"]
    finally:
        gateway.stop("gateway")


@dataclass
class Front:
    """The nginx, and a visitor of it with a cookie jar for each name."""

    port: int
    cookies: dict[str, str] = field(default_factory=dict)
    tls: bool = True

    async def ask(self, host: str, path: str, method: str = "GET", **headers: str) -> Reply:
        sent = {"Host": host, "Connection": "close", "Accept": "text/html"} | {
            name.replace("_", "-"): value for name, value in headers.items()
        }
        if self.cookies:
            sent["Cookie"] = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
        lines = "".join(f"{name}: {value}\r\n" for name, value in sent.items())
        over = {"ssl": TRUSTING, "server_hostname": host} if self.tls else {}
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port, **over)  # type: ignore[arg-type]
        writer.write(f"{method} {path} HTTP/1.1\r\n{lines}Content-Length: 0\r\n\r\n".encode())
        async with asyncio.timeout(20):
            answer = await reader.read()
        writer.close()
        with suppress(OSError):
            await writer.wait_closed()
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


@contextmanager
def nginx(folder: Path, gateways: Sequence[str], site_port: int) -> Iterator[Front]:
    """The shipped configuration before these gateways' ports and the site."""
    port, plain = free_port(), free_port()
    files = ["-keyout", str(folder / "privkey.pem"), "-out", str(folder / "fullchain.pem")]
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
        (SERVER, "\n".join(SERVER.replace("8080", gateway) for gateway in gateways)),
        ("127.0.0.1:8081", f"127.0.0.1:{site_port}"),
        ("/var/cache/nginx/antrean", str(folder / "cache")),
        ("/etc/antrean/tls", str(folder)),
        ("listen 443 ssl", f"listen 127.0.0.1:{port} ssl"),
        ("listen 80", f"listen 127.0.0.1:{plain}"),
        (
            "worker_processes auto;",
            f"worker_processes 1; daemon off; pid {folder}/pid; error_log {folder}/error.log;",
        ),
        (
            "server_tokens off;",
            "server_tokens off; access_log off;"
            + "".join(
                f"{kind}_temp_path {folder}/{kind};"
                for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
            ),
        ),
        ("worker_connections 16384", "worker_connections 512"),
    ):
        assert was in conf, was
        conf = conf.replace(was, now)
    (folder / "nginx.conf").write_text(conf)
    running = subprocess.Popen(["nginx", "-c", str(folder / "nginx.conf"), "-e", str(folder / "error.log")])
    try:
        yield Front(port)
    finally:
        running.terminate()
        running.wait(20)


async def ready(front: Front) -> None:
    async def answers() -> bool:
        try:
            replies = [
                await front.ask(host, "/_queue/health") for host in ("daftar.example.go.id", "ujian.example.go.id")
            ]
        except OSError:
            return False
        return all(reply.status == 200 and b"reachable" in reply.body for reply in replies)

    await until(answers, "nginx and the gateway answer", 120)
    front.cookies.clear()
