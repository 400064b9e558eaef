"""The signing keys: made once, kept, closed to others."""

from __future__ import annotations

import stat
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import pytest

from gateway.domain.credentials import Keyring, Ticket
from gateway.errors import ForgedCredential, SettingsError
from gateway.secrets import add_key, keys_path, load_keys, newer_keys
from gateway.settings import Settings


def made_by_a_process(state_dir: Path) -> list[str]:
    return load_keys(Settings(state_dir=state_dir))


def test_the_first_run_makes_a_key_that_only_we_can_read(tmp_path: Path) -> None:
    settings = Settings(state_dir=tmp_path / "new" / "state")
    keys = load_keys(settings)
    assert len(keys) == 1
    assert len(keys[0]) >= 32
    assert stat.S_IMODE(keys_path(settings).stat().st_mode) == 0o600
    assert load_keys(settings) == keys


def test_processes_that_start_together_agree_on_the_key(tmp_path: Path) -> None:
    with ProcessPoolExecutor(4) as processes:
        made = list(processes.map(made_by_a_process, [tmp_path] * 8))
    assert made == [made[0]] * 8
    assert [path.name for path in tmp_path.iterdir()] == ["keys"]


def test_the_environments_keys_come_first_and_no_file_is_made(tmp_path: Path) -> None:
    settings = Settings(state_dir=tmp_path, secret_keys=("a" * 32, "b" * 32))
    assert load_keys(settings) == ["a" * 32, "b" * 32]
    assert list(tmp_path.iterdir()) == []
    with pytest.raises(SettingsError, match="append a key there"):
        add_key(settings)


def test_a_new_key_signs_and_the_old_one_stays_believed(tmp_path: Path) -> None:
    settings = Settings(state_dir=tmp_path)
    [old] = load_keys(settings)
    assert add_key(settings)[0] == old
    assert len(load_keys(settings)) == 2
    assert stat.S_IMODE(keys_path(settings).stat().st_mode) == 0o600


@pytest.mark.parametrize("text", ["", "\n\n", "short\n", f"{'a' * 40}\nshort\n"])
def test_a_file_that_is_no_list_of_keys_is_refused_and_left_alone(tmp_path: Path, text: str) -> None:
    settings = Settings(state_dir=tmp_path)
    keys_path(settings).write_text(text)
    keys_path(settings).chmod(0o600)
    with pytest.raises(SettingsError, match="not a list of keys"):
        load_keys(settings)
    assert keys_path(settings).read_text() == text


def test_a_file_that_others_can_read_is_refused_with_the_command_that_closes_it(tmp_path: Path) -> None:
    settings = Settings(state_dir=tmp_path)
    load_keys(settings)
    keys_path(settings).chmod(0o644)
    with pytest.raises(SettingsError, match="chmod 600"):
        load_keys(settings)


def test_a_folder_that_cannot_be_used_is_one_clear_line(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(SettingsError, match="cannot be kept there: Not a directory"):
        load_keys(Settings(state_dir=tmp_path / "file" / "state"))


def test_a_worker_believes_a_key_that_was_added_while_it_runs(tmp_path: Path) -> None:
    """Safeguard: during a rolling restart, the new workers sign with a key that the old ones have not read."""
    settings = Settings(state_dir=tmp_path)
    old = Keyring(load_keys(settings), newer_keys(settings))
    ticket = Ticket("registration", "k3xq", 1, 7, 1_764_000_000, "nonce")
    before = old.sign_ticket(ticket)
    new = Keyring(add_key(settings))
    for token in (new.sign_ticket(ticket), before):
        assert old.read_ticket(token, room="registration", instance="k3xq", now_s=1_764_000_000) == ticket
    with pytest.raises(ForgedCredential):
        old.read_ticket(token[:-1], room="registration", instance="k3xq", now_s=1_764_000_000)


def test_the_key_file_is_looked_at_once_a_second_at_most(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    now_s = 100.0
    monkeypatch.setattr("gateway.secrets.time.monotonic", lambda: now_s)
    settings = Settings(state_dir=tmp_path)
    load_keys(settings)
    newer = newer_keys(settings)
    assert newer() is None, "nothing was added"
    keys = add_key(settings)
    assert newer() is None, "looked at just now"
    now_s += 1.1
    assert newer() == keys
