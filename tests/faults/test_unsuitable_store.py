"""A store that may forget is refused when the gateway starts, in one line, and not after the first visitors."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import redis

from gateway.store.keys import room_key
from tests.installation import free_port


def started(store_socket: Path, folder: Path) -> subprocess.CompletedProcess[str]:
    """A gateway that ends by itself."""
    told = {
        "ANTREAN_STORE_URL": f"unix://{store_socket}",
        "ANTREAN_STATE_DIR": str(folder),
        "ANTREAN_PORT": str(free_port()),
    }
    return subprocess.run(
        [sys.executable, "-m", "gateway", "serve"],
        env=os.environ | told,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_the_gateway_does_not_start_on_a_store_that_may_evict_keys(
    store_client: redis.Redis, store_socket: Path, tmp_path: Path
) -> None:
    store_client.config_set("maxmemory", "1gb")
    store_client.config_set("maxmemory-policy", "allkeys-lru")
    try:
        ended = started(store_socket, tmp_path)
    finally:
        store_client.config_set("maxmemory-policy", "noeviction")
        store_client.config_set("maxmemory", "0")
    assert ended.returncode != 0
    said = ended.stdout + ended.stderr
    assert "set it to noeviction" in said
    assert "Traceback" not in said


def test_the_gateway_does_not_start_on_a_line_that_another_version_wrote(
    store_client: redis.Redis, store_socket: Path, tmp_path: Path
) -> None:
    """As a hash, which an earlier one kept it in: nothing of it is taken for a missing room and begun anew."""
    key = room_key("registration", "line")
    store_client.hset(key, mapping={"schema": 1, "issued": 500})
    try:
        ended = started(store_socket, tmp_path)
        kept = store_client.hget(key, "issued")
    finally:
        store_client.delete(key)
    assert ended.returncode != 0
    assert "written by another version" in ended.stdout + ended.stderr
    assert "Traceback" not in ended.stdout + ended.stderr
    assert int(kept) == 500
