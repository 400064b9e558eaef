"""Settings from the environment: defaults, and every problem at once."""

from __future__ import annotations

import stat
from collections.abc import Callable
from pathlib import Path

import pytest

from registration_app.errors import SettingsError
from registration_app.keys import own_keys
from registration_app.settings import Settings, load_settings
from tests.registration_app.serving import serve


def test_nothing_set_is_a_service_for_a_developer() -> None:
    settings = load_settings({"DATABASE_URL": "", "REGISTRATION_PORT": ""})
    assert (settings.host, settings.port) == ("127.0.0.1", 8081)
    assert not settings.require_gate
    assert settings.engine_url.render_as_string() == "sqlite+aiosqlite:///.state/registration.sqlite3"


URLS = [
    ("postgresql://a:b@db/r", "postgresql+asyncpg://a:b@db/r"),
    ("postgres://a@db:5433/r", "postgresql+asyncpg://a@db:5433/r"),
    ("postgresql://a@db/r?sslmode=require", "postgresql+asyncpg://a@db/r?ssl=require"),
    ("sqlite:///here.db", "sqlite+aiosqlite:///here.db"),
    ("sqlite+aiosqlite:////srv/a b.db", "sqlite+aiosqlite:////srv/a b.db"),
]


@pytest.mark.parametrize(("given", "used"), URLS)
def test_a_database_url_gets_its_asynchronous_driver(given: str, used: str) -> None:
    url = load_settings({"DATABASE_URL": given}).engine_url
    assert url.render_as_string(hide_password=False) == used


def test_every_problem_is_told_at_once_and_secrets_are_not() -> None:
    with pytest.raises(SettingsError) as refused:
        load_settings(
            {
                "REGISTRATION_PORT": "80808",
                "REGISTRATION_REQUIRE_GATE": "perhaps",
                "REGISTRATION_HASH_THREADS": "0",
                "ANTREAN_PUBLIC_URL": "daftar.example",
                "DATABASE_URL": "mysql://root:geheim@db/x",
            }
        )
    text = str(refused.value)
    assert len(refused.value.problems) == 5
    for name in ("REGISTRATION_PORT", "'80808'", "REQUIRE_GATE", "HASH_THREADS", "PUBLIC_URL", "mysql"):
        assert name in text
    assert "geheim" not in text


def test_keys_are_separated_by_commas_or_white_space() -> None:
    assert load_settings({"ANTREAN_SECRET_KEYS": "one, two\nthree"}).secret_keys == ("one", "two", "three")


def test_the_key_of_the_forms_is_made_once_for_its_owner_alone(tmp_path: Path) -> None:
    file = tmp_path / "new" / "registration.key"
    keys = own_keys((), file)
    assert own_keys((), file) == keys
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert own_keys(("given",), file) == ["given"]
    assert [entry.name for entry in file.parent.iterdir()] == ["registration.key"]


@pytest.mark.parametrize("content", ["", "short\n"])
def test_a_key_that_is_none_is_refused_with_what_to_do(tmp_path: Path, content: str) -> None:
    file = tmp_path / "registration.key"
    file.write_text(content)
    with pytest.raises(SettingsError, match="delete the file"):
        own_keys((), file)


async def test_the_database_of_the_service_is_for_its_owner_alone(
    configured: Callable[..., Settings],
) -> None:
    settings = configured()
    async with serve(settings) as service:
        visitor = service.visitor()
        await visitor.register(await visitor.example())
        files = list(settings.state_dir.glob("registration.sqlite3*"))
        assert len(files) == 3  # the file, its write-ahead log, and the log's index
        assert {stat.S_IMODE(file.stat().st_mode) for file in files} == {0o600}
