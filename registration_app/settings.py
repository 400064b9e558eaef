"""Settings of the registration service, from the environment; every problem is reported at once."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, field_validator
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError

from registration_app.errors import SettingsError

DRIVERS = {
    "postgres": "postgresql+asyncpg",
    "postgresql": "postgresql+asyncpg",
    "postgresql+asyncpg": "postgresql+asyncpg",
    "sqlite": "sqlite+aiosqlite",
    "sqlite+aiosqlite": "sqlite+aiosqlite",
}


def _split(value: object) -> object:
    """Keys in one variable are separated by commas or white space."""
    return tuple(key for key in re.split(r"[,\s]+", value) if key) if isinstance(value, str) else value


class Settings(BaseModel):
    """One field per environment variable (its alias); an empty variable counts as not set."""

    model_config = ConfigDict(frozen=True, validate_by_name=True, hide_input_in_errors=True)

    # Where to listen. Loopback, because visitors come through the gateway.
    host: str = Field("127.0.0.1", alias="REGISTRATION_HOST")
    port: int = Field(8081, alias="REGISTRATION_PORT", ge=1, le=65535)
    # Holds the SQLite file, this service's own key, and the gateway's keys when they are in a file.
    state_dir: Path = Field(Path(".state"), alias="ANTREAN_STATE_DIR")
    # Empty: SQLite in state_dir.
    database_url: str | None = Field(None, alias="DATABASE_URL")
    # Where visitors see this service; decides links on cards, secure cookies and the Origin check.
    public_url: str | None = Field(None, alias="ANTREAN_PUBLIC_URL", pattern=r"^https?://[^/\s]+/?$")
    # Shared with the gateway; empty: the file ``keys`` in state_dir, read when it is needed.
    secret_keys: Annotated[tuple[str, ...], BeforeValidator(_split)] = Field((), alias="ANTREAN_SECRET_KEYS")
    # Refuse whoever did not come through the gate. Off, so that a developer can look directly.
    require_gate: bool = Field(False, alias="REGISTRATION_REQUIRE_GATE")
    # Believe only the passes of this room; empty: of any room of the gateway that shares our keys.
    gate_room: str = Field("", alias="REGISTRATION_GATE_ROOM")
    # Threads that hash passwords, each busy with one core and 64 MiB; the service's real limit.
    hash_threads: int = Field(
        default_factory=lambda: os.cpu_count() or 1, alias="REGISTRATION_HASH_THREADS", ge=1, le=64
    )
    # Registrations that may wait for such a thread; more are asked to send again (503).
    hash_queue: int = Field(200, alias="REGISTRATION_HASH_QUEUE", ge=1, le=100_000)

    @field_validator("database_url")
    @classmethod
    def _usable_database(cls, value: str | None) -> str | None:
        if value is not None:
            _engine_url(value)
        return value

    @property
    def engine_url(self) -> URL:
        """The database for SQLAlchemy, with an asynchronous driver."""
        if self.database_url is None:
            return URL.create("sqlite+aiosqlite", database=str(self.state_dir / "registration.sqlite3"))
        return _engine_url(self.database_url)


def load_settings(environ: Mapping[str, str] | None = None) -> Settings:
    """Settings from the environment. Raises SettingsError with every problem at once."""
    given = os.environ if environ is None else environ
    aliases = [str(field.alias) for field in Settings.model_fields.values()]
    try:
        return Settings.model_validate({name: given[name] for name in aliases if given.get(name)})
    except ValidationError as exc:
        raise SettingsError([_described(error, given) for error in exc.errors()]) from exc


def _described(error: Any, given: Mapping[str, str]) -> str:
    name = str(error["loc"][0])
    # The value of a URL or a key may hold a secret, so it is not repeated.
    shown = "" if name in ("DATABASE_URL", "ANTREAN_SECRET_KEYS") else f"{given.get(name)!r}: "
    return f"{name}: {shown}{error['msg']}"


def _engine_url(text: str) -> URL:
    try:
        url = make_url(text)
    except ArgumentError as exc:
        raise ValueError("not a database URL; give postgresql://name:password@host/database") from exc
    if url.drivername not in DRIVERS:
        raise ValueError(f"{url.drivername} is not supported; give postgresql://… or sqlite:///file")
    url = url.set(drivername=DRIVERS[url.drivername])
    if "sslmode" in url.query:  # libpq's name for what asyncpg calls ssl
        url = url.difference_update_query(["sslmode"]).update_query_dict({"ssl": url.query["sslmode"]})
    return url
