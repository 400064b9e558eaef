"""`antrean room preview` as people start it: every state with sample data, and nothing needs to run beside it."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import urllib.error
import urllib.request
from pathlib import Path

import pytest

CONFIG = """
[[rooms]]
id = "vaksin"
name = "Vaksinasi"
origin = "http://127.0.0.1:1"
logo = "logo.svg"
"""
COMMAND = (sys.executable, "-m", "gateway", "room", "preview", "--port")


def a_folder(tmp_path: Path) -> dict[str, str]:
    """Settings with a logo; returns the environment in which they are found."""
    (tmp_path / "antrean.toml").write_text(CONFIG)
    (tmp_path / "logo.svg").write_text("<svg xmlns='http://www.w3.org/2000/svg'/>")
    own = {name: value for name, value in os.environ.items() if not name.startswith("ANTREAN_")}
    return own | {"PYTHONPATH": str(Path(__file__).parents[2])}


def test_every_state_is_a_link_away_and_the_logo_is_served(tmp_path: Path) -> None:
    environment = a_folder(tmp_path)
    with subprocess.Popen(
        [*COMMAND, "0"], cwd=tmp_path, env=environment, stdout=subprocess.PIPE, text=True
    ) as preview:
        assert preview.stdout is not None
        url = next(word for word in preview.stdout.readline().split() if word.startswith("http://"))
        try:
            with urllib.request.urlopen(url, timeout=20) as listing:
                listed = listing.read().decode()
            assert 'href="/en/last-call"' in listed
            with urllib.request.urlopen(f"{url}id/waiting", timeout=20) as state:
                page = state.read().decode()
                assert state.headers["content-security-policy"].endswith("script-src 'none'")
            assert "<title>8–12 menit · Vaksinasi</title>" in page
            assert 'href="/en/move-show"' in listed
            with urllib.request.urlopen(f"{url}en/move-show", timeout=20) as state:
                assert '<svg role="img" aria-label="QR code of the link below"' in state.read().decode()
                assert state.headers["content-security-policy"].endswith("script-src 'none'")
            logo = page.partition('<img src="/')[2].partition('"')[0]
            with urllib.request.urlopen(url + logo, timeout=20) as picture:
                assert picture.headers["content-type"] == "image/svg+xml"
                assert "sandbox" in picture.headers["content-security-policy"]
            for nothing in ("nothing", "move-nothing"):
                with pytest.raises(urllib.error.HTTPError) as caught:
                    urllib.request.urlopen(f"{url}id/{nothing}", timeout=20)
                caught.value.close()
                assert caught.value.code == 404
        finally:
            preview.send_signal(signal.SIGINT)
        preview.wait(20)


def test_a_port_that_is_taken_is_told_in_one_line(tmp_path: Path) -> None:
    environment = a_folder(tmp_path)
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        ran = subprocess.run(
            [*COMMAND, port],
            cwd=tmp_path,
            env=environment,
            capture_output=True,
            text=True,
            timeout=30,
            check=False,
        )
    assert ran.returncode == 1
    assert ran.stderr.startswith(f"port {port} cannot be used")
    assert len(ran.stderr.splitlines()) == 1
