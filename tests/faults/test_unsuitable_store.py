"""A store that may forget is refused when the gateway starts, in one line, and not after the first visitors."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import redis

from tests.installation import free_port


def test_the_gateway_does_not_start_on_a_store_that_may_evict_keys(
    store_client: redis.Redis, store_socket: Path, tmp_path: Path
) -> None:
    store_client.config_set("maxmemory", "1gb")
    store_client.config_set("maxmemory-policy", "allkeys-lru")
    try:
        told = {
            "ANTREAN_STORE_URL": f"unix://{store_socket}",
            "ANTREAN_STATE_DIR": str(tmp_path),
            "ANTREAN_PORT": str(free_port()),
        }
        ended = subprocess.run(
            [sys.executable, "-m", "gateway", "serve"],
            env=os.environ | told,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
    finally:
        store_client.config_set("maxmemory-policy", "noeviction")
        store_client.config_set("maxmemory", "0")
    assert ended.returncode != 0
    said = ended.stdout + ended.stderr
    assert "set it to noeviction" in said
    assert "Traceback" not in said
