"""The settings of the whole installation."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path
from typing import Annotated, Literal
from urllib.parse import quote

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationInfo, field_validator

from gateway.settings import checks
from gateway.settings.documented import Setting
from gateway.settings.room import RoomSettings, sample_room

LONGEST_SOCKET_PATH = 100
"""Bytes. The kernel's limit is 107 on Linux and 103 on macOS, with the closing zero byte."""

Number = Annotated[int, BeforeValidator(checks.not_a_boolean)]
Port = Annotated[Number, Field(ge=1, le=65535)]


class Settings(BaseModel):
    """The whole configuration, immutable. Every field's environment name, effect and reason are beside it."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    store_url: Annotated[
        str | None,
        Setting(
            env="ANTREAN_STORE_URL",
            allowed="redis://…, rediss://… or unix://…",
            effect="The Redis (7.0 or later) or Valkey that holds the lines.",
            reason="`antrean store` runs an embedded Valkey in the state folder.",
        ),
    ] = None
    host: Annotated[
        str,
        Field(min_length=1),
        Setting(
            env="ANTREAN_HOST",
            allowed="an address of this machine, or 0.0.0.0 for all of them",
            effect="Where the public listener listens.",
            reason="Nothing is public until somebody decides so.",
        ),
    ] = "127.0.0.1"
    port: Annotated[
        Port,
        Setting(env="ANTREAN_PORT", allowed="a port, 1 to 65535", effect="The public listener's port."),
    ] = 8080
    desk_host: Annotated[
        str,
        Field(min_length=1),
        Setting(
            env="ANTREAN_DESK_HOST",
            allowed="an address of this machine",
            effect="Where the operator's desk listens.",
            reason="The desk can stop the event; reach it through a tunnel or your own proxy.",
        ),
    ] = "127.0.0.1"
    desk_port: Annotated[
        Port,
        Setting(env="ANTREAN_DESK_PORT", allowed="a port, 1 to 65535", effect="The desk's port."),
    ] = 8082
    registration_port: Annotated[
        Port,
        Setting(
            env="REGISTRATION_PORT",
            allowed="a port, 1 to 65535",
            effect="The sample registration app's port on 127.0.0.1, and the sample room's origin.",
        ),
    ] = 8081
    workers: Annotated[
        Number,
        Field(ge=1, le=256),
        Setting(
            env="ANTREAN_WORKERS",
            allowed="1 to 256 processes",
            effect="Processes of the public listener.",
            reason="Cores − 1, at least 1: one core is left for the store.",
        ),
    ] = Field(default_factory=lambda: max(1, (os.cpu_count() or 1) - 1))
    public_url: Annotated[
        str | None,
        Setting(
            env="ANTREAN_PUBLIC_URL",
            allowed="an address such as https://daftar.example.go.id, without path",
            effect="How visitors reach us: decides secure cookies, the Origin check and links.",
            reason="Taken from each request.",
        ),
    ] = None
    trusted_proxies: Annotated[
        tuple[str, ...],
        Setting(
            env="ANTREAN_TRUSTED_PROXIES",
            allowed="addresses or networks such as 10.0.0.0/8, separated by commas",
            effect="Whose X-Forwarded-* headers are believed.",
            reason="Otherwise every visitor could choose an address for themselves.",
        ),
    ] = ()
    secret_keys: Annotated[
        tuple[str, ...],
        Field(repr=False),
        Setting(
            env="ANTREAN_SECRET_KEYS",
            allowed="keys of at least 32 characters, separated by commas; the last one signs",
            effect="Sign tickets and passes. All machines need the same ones. Never written in antrean.toml.",
            reason="Made on first run and kept in the state folder (file `keys`, mode 0600).",
            secret=True,
        ),
    ] = ()
    state_dir: Annotated[
        Path,
        Setting(
            env="ANTREAN_STATE_DIR",
            allowed="a folder that this process may write",
            effect="Everything kept on this machine: keys, the embedded store, the sample registrations.",
            reason=".state in the current folder: deleting it forgets everything, and nothing else is touched.",
        ),
    ] = Field(default_factory=lambda: Path(".state").absolute())
    database_url: Annotated[
        str | None,
        Field(repr=False),
        Setting(
            env="DATABASE_URL",
            allowed="sqlite:///… or postgresql://…",
            effect="The sample registration app's database.",
            reason="A SQLite file in the state folder.",
            secret=True,
        ),
    ] = None
    log_format: Annotated[
        Literal["auto", "human", "json"],
        Setting(
            env="ANTREAN_LOG_FORMAT",
            allowed="auto, human or json",
            effect="The form of log lines.",
            reason="For people on a terminal, JSON otherwise.",
        ),
    ] = "auto"
    log_level: Annotated[
        Literal["debug", "info", "warning", "error"],
        Setting(
            env="ANTREAN_LOG_LEVEL",
            allowed="debug, info, warning or error",
            effect="The least that is logged.",
        ),
    ] = "info"
    rooms: Annotated[
        tuple[RoomSettings, ...],
        Setting(
            allowed="one [[rooms]] table for each room",
            effect="The rooms.",
            reason="Without any: `registration`, the sample app but its static files and health check.",
        ),
    ] = Field(default_factory=lambda data: (sample_room(data.get("registration_port", 8081)),))

    check_store_url = field_validator("store_url", mode="after")(checks.store_url)
    check_public_url = field_validator("public_url", mode="after")(checks.public_url)
    check_proxies = field_validator("trusted_proxies", mode="before")(checks.split_list)
    check_networks = field_validator("trusted_proxies", mode="after")(checks.networks)
    split_keys = field_validator("secret_keys", mode="before")(checks.split_list)
    check_keys = field_validator("secret_keys", mode="after")(checks.keys)
    check_database = field_validator("database_url", mode="after")(checks.database_url)

    @field_validator("state_dir", mode="after")
    @classmethod
    def _absolute(cls, value: Path) -> Path:
        return value.expanduser().absolute()

    @field_validator("desk_port", "registration_port", mode="after")
    @classmethod
    def _ports_differ(cls, value: int, info: ValidationInfo) -> int:
        return checks.port_is_free_of(value, info.data)

    @field_validator("rooms", mode="after")
    @classmethod
    def _rooms_apart(cls, value: tuple[RoomSettings, ...]) -> tuple[RoomSettings, ...]:
        checks.rooms_apart([(room.id, room.hosts, room.paths) for room in value])
        return value

    @property
    def socket_path(self) -> Path:
        """The embedded store's unix socket: in the state folder, or short in /tmp when that is too long.

        /tmp and not $TMPDIR: a command from cron or another shell must find the same socket.
        """
        path = self.state_dir / "store" / "antrean.sock"
        if len(os.fsencode(path)) < LONGEST_SOCKET_PATH:
            return path
        digest = hashlib.sha256(os.fsencode(self.state_dir)).hexdigest()[:16]
        return Path("/tmp") / f"antrean-{digest}" / "antrean.sock"  # noqa: S108  (0700, owner checked)

    def store_address(self) -> str:
        """The URL to connect to: the configured store, or the embedded one's socket."""
        return self.store_url or f"unix://{quote(str(self.socket_path))}"
