"""`antrean store`, as a process: one owner, a file that is kept, and nothing left behind."""

from __future__ import annotations

import os
import signal
import stat
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import redis

from gateway.errors import StoreUnsuitable
from gateway.settings import load_settings
from gateway.store import binary
from gateway.store.embedded import owner_is_running

ROOT = Path(__file__).parent.parent.parent


def wait_until(predicate: Callable[[], object], description: str, timeout_s: float = 20) -> None:
    until = time.monotonic() + timeout_s
    while not predicate():
        assert time.monotonic() < until, f"never happened: {description}"
        time.sleep(0.02)


class Owner:
    """One `antrean store`."""

    def __init__(self, state_dir: Path, **environ: str) -> None:
        self.settings = load_settings(environ={"ANTREAN_STATE_DIR": str(state_dir)})
        self.process = subprocess.Popen(
            [sys.executable, "-m", "gateway", "store"],
            cwd=ROOT,
            env={**os.environ, "ANTREAN_STATE_DIR": str(state_dir), **environ},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def client(self) -> redis.Redis:
        return redis.Redis.from_url(self.settings.store_address(), decode_responses=True)

    def answers(self) -> bool:
        try:
            with self.client() as client:
                return bool(client.ping())
        except redis.RedisError:
            return False

    def ready(self) -> Owner:
        wait_until(lambda: self.answers() or self.process.poll() is not None, "the store answers")
        assert self.process.poll() is None, self.process.communicate()[0]
        return self

    def stop(self, number: int = signal.SIGTERM) -> tuple[int, str]:
        self.process.send_signal(number)
        said, _ = self.process.communicate(timeout=20)
        return self.process.returncode, said

    def server_pid(self) -> int:
        return int((self.settings.state_dir / "store" / "server.pid").read_text())


@pytest.fixture
def own(tmp_path: Path) -> Iterator[Callable[..., Owner]]:
    """Starts owners of one state folder, with a space in its name; stops those a failing test leaves."""
    owners: list[Owner] = []

    def start(folder: Path = tmp_path / "the state", **environ: str) -> Owner:
        owners.append(Owner(folder, **environ))
        return owners[-1]

    yield start
    for owner in owners:
        if owner.process.poll() is None:
            owner.stop()
        assert owner.process.stdout is not None
        owner.process.stdout.close()


def test_what_was_written_is_there_after_a_stop_and_a_start(own: Callable[..., Owner]) -> None:
    first = own().ready()
    with first.client() as client:
        client.set("issued", 7)
    code, said = first.stop()
    assert code == 0
    assert "warning" not in said
    with own().ready().client() as client:
        assert client.get("issued") == "7"


def test_it_never_evicts_keeps_a_file_and_opens_no_port(own: Callable[..., Owner]) -> None:
    with own().ready().client() as client:
        config = client.config_get("maxmemory-policy", "appendonly", "appendfsync", "port")
    assert config == {
        "maxmemory-policy": "noeviction",
        "appendonly": "yes",
        "appendfsync": "everysec",
        "port": "0",
    }


def test_only_its_owner_may_open_the_socket_and_the_folder(own: Callable[..., Owner]) -> None:
    socket_path = own().ready().settings.socket_path
    assert stat.S_IMODE(socket_path.stat().st_mode) == 0o700
    assert stat.S_IMODE(socket_path.parent.stat().st_mode) == 0o700


def test_a_second_owner_is_refused_in_one_line_that_names_the_first(own: Callable[..., Owner]) -> None:
    first = own().ready()
    second = own()
    said, _ = second.process.communicate(timeout=20)
    assert second.process.returncode == 1
    [line] = said.splitlines()
    assert f"another store (process {first.server_pid()}) owns" in line
    assert first.answers()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_stopped_store_leaves_no_process_socket_or_lock(own: Callable[..., Owner], number: int) -> None:
    owner = own().ready()
    server = owner.server_pid()
    assert owner_is_running(owner.settings)
    owner.stop(number)
    with pytest.raises(ProcessLookupError):
        os.kill(server, 0)
    assert not owner_is_running(owner.settings)
    assert [path.name for path in (owner.settings.state_dir / "store").iterdir()] == ["appendonlydir"]


def test_the_server_does_not_outlive_an_owner_that_was_killed(own: Callable[..., Owner]) -> None:
    owner = own().ready()
    owner.stop(signal.SIGKILL)
    wait_until(lambda: not owner.answers(), "the server is gone")
    wait_until(lambda: not owner_is_running(owner.settings), "the lock is free")
    wait_until(lambda: not owner.settings.socket_path.exists(), "the socket is gone")


def test_a_new_owner_waits_for_the_server_of_one_that_was_killed(own: Callable[..., Owner]) -> None:
    first = own().ready()
    with first.client() as client:
        client.set("issued", 7)
    first.stop(signal.SIGKILL)
    with own().ready().client() as client:
        assert client.get("issued") == "7"


def test_a_killed_server_ends_its_owner_with_one_clear_line(own: Callable[..., Owner]) -> None:
    owner = own().ready()
    os.kill(owner.server_pid(), signal.SIGKILL)
    said, _ = owner.process.communicate(timeout=20)
    assert owner.process.returncode == 1
    assert "the store ended by itself (exit code -9)" in said
    assert "Traceback" not in said
    assert not owner.settings.socket_path.exists()


def test_a_path_too_long_for_a_socket_gets_a_short_one_that_everybody_finds(
    own: Callable[..., Owner], tmp_path: Path
) -> None:
    owner = own(tmp_path / ("long " * 30).strip()).ready()
    address = owner.settings.socket_path
    assert len(os.fsencode(address)) < 100
    assert address.parent.stat().st_mode & 0o777 == 0o700
    owner.stop()
    assert not address.parent.exists()


def test_a_short_folder_that_others_may_write_is_not_believed(
    own: Callable[..., Owner], tmp_path: Path
) -> None:
    state_dir = tmp_path / ("long " * 30).strip()
    folder = load_settings(environ={"ANTREAN_STATE_DIR": str(state_dir)}).socket_path.parent
    folder.mkdir(mode=0o777)
    try:
        folder.chmod(0o777)
        owner = own(state_dir)
        said, _ = owner.process.communicate(timeout=20)
        assert owner.process.returncode == 1
        assert f"{folder} is not ours alone" in said
    finally:
        folder.rmdir()


def test_a_broken_file_is_told_in_one_line_with_what_the_server_said(own: Callable[..., Owner]) -> None:
    owner = own().ready()
    owner.stop()
    [manifest] = (owner.settings.state_dir / "store" / "appendonlydir").glob("*.manifest")
    manifest.write_text("not a manifest\n")
    owner = own()
    said, _ = owner.process.communicate(timeout=20)
    assert owner.process.returncode == 1
    assert "the store ended by itself" in said.splitlines()[-1]
    assert "manifest" in said.splitlines()[-1]


def test_a_store_of_your_own_leaves_nothing_to_run(own: Callable[..., Owner]) -> None:
    said, _ = own(ANTREAN_STORE_URL="redis://127.0.0.1:6379/0").process.communicate(timeout=20)
    assert said == "antrean: ANTREAN_STORE_URL names a store: there is none of our own to run\n"


def _program(folder: Path, name: str, says: str) -> None:
    folder.mkdir(exist_ok=True)
    (folder / name).write_text(f"#!/bin/sh\necho '{says}'\n")
    (folder / name).chmod(0o755)


def test_without_the_wheel_an_installed_server_is_used(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _program(tmp_path / "bin", "redis-server", "Redis server v=7.2.4 sha=00000000:0 malloc=jemalloc bits=64")
    monkeypatch.setattr(binary, "_in_wheel", lambda: iter(()))
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    assert binary.find_server() == tmp_path / "bin" / "redis-server"


def test_a_server_that_is_too_old_is_named_with_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _program(tmp_path / "bin", "redis-server", "Redis server v=6.2.7 sha=00000000:0 malloc=jemalloc bits=64")
    _program(tmp_path / "bin", "valkey-server", "Illegal instruction")
    monkeypatch.setattr(binary, "_in_wheel", lambda: iter(()))
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    with pytest.raises(StoreUnsuitable) as caught:
        binary.find_server()
    assert "redis-server is 6.2" in str(caught.value)
    assert "valkey-server does not start" in str(caught.value)
    assert "Install one" in str(caught.value)


def test_a_folder_that_cannot_be_made_is_one_clear_line(own: Callable[..., Owner], tmp_path: Path) -> None:
    (tmp_path / "a file").write_text("")
    owner = own(tmp_path / "a file" / "state")
    said, _ = owner.process.communicate(timeout=20)
    assert owner.process.returncode == 2
    assert "cannot be used: Not a directory" in said
    assert len(said.splitlines()) == 1


def test_asking_for_an_owner_does_not_make_one(tmp_path: Path) -> None:
    settings = load_settings(environ={"ANTREAN_STATE_DIR": str(tmp_path / "none")})
    assert not owner_is_running(settings)
    assert not (tmp_path / "none").exists()
