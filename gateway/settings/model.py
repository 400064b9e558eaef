"""The settings of the whole installation."""

from __future__ import annotations

import hashlib
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Literal
from urllib.parse import quote

from gateway.settings import checks
from gateway.settings.documented import setting
from gateway.settings.room import RoomSettings, sample_room

LONGEST_SOCKET_PATH = 100
"""Bytes. The kernel's limit is 107 on Linux and 103 on macOS, with the closing zero byte."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """The whole configuration, immutable. Every field's environment name, effect and reason are beside it."""

    store_url: str | None = setting(
        env="ANTREAN_STORE_URL",
        allowed="redis://…, rediss://…, unix://…, sentinel://HOST:PORT,HOST:PORT/NAME or cluster://HOST:PORT,HOST:PORT",
        effect="The Redis (7.0 or later) or Valkey that holds the lines.",
        reason="`antrean store` runs an embedded Valkey in the state folder.",
        parse=checks.store_url,
        default=None,
    )
    host: str = setting(
        env="ANTREAN_HOST",
        allowed="an address of this machine, or 0.0.0.0 for all of them",
        effect="Where the public listener listens.",
        reason="Nothing is public until somebody decides so.",
        parse=checks.text(1, 253),
        default="127.0.0.1",
    )
    port: int = setting(
        env="ANTREAN_PORT",
        allowed="a port, 1 to 65535",
        effect="The public listener's port.",
        parse=checks.port,
        default=8080,
    )
    desk_host: str = setting(
        env="ANTREAN_DESK_HOST",
        allowed="an address of this machine",
        effect="Where the operator's desk listens.",
        reason="The desk can stop the event; reach it through a tunnel or your own proxy.",
        parse=checks.text(1, 253),
        default="127.0.0.1",
    )
    desk_port: int = setting(
        env="ANTREAN_DESK_PORT",
        allowed="a port, 1 to 65535",
        effect="The desk's port.",
        parse=checks.port,
        default=8082,
    )
    registration_port: int = setting(
        env="REGISTRATION_PORT",
        allowed="a port, 1 to 65535",
        effect="The sample registration app's port on 127.0.0.1, and the sample room's origin.",
        parse=checks.port,
        default=8081,
    )
    workers: int = setting(
        env="ANTREAN_WORKERS",
        allowed="1 to 256 processes",
        effect="Processes of the public listener.",
        reason="Cores − 1, at least 1: one core is left for the store.",
        parse=checks.whole(1, 256),
        default_factory=lambda: max(1, (os.cpu_count() or 1) - 1),
    )
    most_connections: int = setting(
        env="ANTREAN_MOST_CONNECTIONS",
        allowed="16 to 500000, or 0 to let the limit of open files decide",
        effect="Open connections of one worker; from four fifths of it on, newcomers are asked to come again.",
        reason="Half of the files that a worker may open, at most 20,000: about 300 MB when all are in use.",
        parse=checks.none_or_whole(16, 500_000),
        default=0,
    )
    most_lag_ms: int = setting(
        env="ANTREAN_MOST_LAG_MS",
        allowed="20 to 10000 milliseconds",
        effect="A worker whose answers are late by more than this asks newcomers to come again.",
        reason="A second: hardly anybody minds, and a surge that a worker bears is no reason to send people away.",
        parse=checks.whole(20, 10_000),
        default=1000,
    )
    public_url: str | None = setting(
        env="ANTREAN_PUBLIC_URL",
        allowed="an address such as https://daftar.example.go.id, without path",
        effect="How visitors reach us: decides secure cookies, the Origin check and links.",
        reason="Taken from each request.",
        parse=checks.address,
        default=None,
    )
    trusted_proxies: tuple[str, ...] = setting(
        env="ANTREAN_TRUSTED_PROXIES",
        allowed="addresses or networks such as 10.0.0.0/8, separated by commas",
        effect="Whose X-Forwarded-* headers are believed.",
        reason="Nobody: otherwise every visitor could choose an address for themselves.",
        parse=checks.networks,
        default=(),
    )
    secret_keys: tuple[str, ...] = setting(
        env="ANTREAN_SECRET_KEYS",
        allowed="keys of at least 32 characters, separated by commas; the last one signs",
        effect="Sign tickets and passes. All machines need the same ones. Never written in antrean.toml.",
        reason="Made on first run and kept in the state folder (file `keys`, mode 0600).",
        secret=True,
        parse=checks.keys,
        default=(),
    )
    state_dir: Path = setting(  # noqa: RUF009  (it makes a field)
        env="ANTREAN_STATE_DIR",
        allowed="a folder that this process may write",
        effect="Everything kept on this machine: keys, the embedded store, the sample registrations.",
        reason=".state in the current folder. Deleting it forgets everything and touches nothing else.",
        parse=checks.folder,
        default_factory=lambda: Path(".state").absolute(),
    )
    database_url: str | None = setting(
        env="DATABASE_URL",
        allowed="sqlite:///… or postgresql://…",
        effect="The sample registration app's database.",
        reason="A SQLite file in the state folder.",
        secret=True,
        parse=checks.database_url,
        default=None,
    )
    webhook_url: str | None = setting(
        env="ANTREAN_WEBHOOK_URL",
        allowed="an http:// or https:// address",
        effect="Is told by POST when an alarm begins or ends: no release, slow origin, store away, clocks apart.",
        reason="Nobody is told; Prometheus can watch the same (docs/operations.md).",
        secret=True,
        parse=checks.hook_url,
        default=None,
    )
    alarm_p95_ms: int = setting(
        env="ANTREAN_ALARM_P95_MS",
        allowed="10 to 60000 milliseconds",
        effect="The webhook is told when 5 of 100 answers of the origin begin later than this.",
        parse=checks.whole(10, 60_000),
        default=2000,
    )
    log_format: Literal["auto", "human", "json"] = setting(
        env="ANTREAN_LOG_FORMAT",
        allowed="auto, human or json",
        effect="The form of log lines.",
        reason="For people on a terminal, JSON otherwise.",
        parse=checks.one_of("auto", "human", "json"),
        default="auto",
    )
    log_level: Literal["debug", "info", "warning", "error"] = setting(
        env="ANTREAN_LOG_LEVEL",
        allowed="debug, info, warning or error",
        effect="The least that is logged.",
        parse=checks.one_of("debug", "info", "warning", "error"),
        default="info",
    )
    rooms: tuple[RoomSettings, ...] = setting(
        allowed="one [[rooms]] table for each room",
        effect="The rooms.",
        reason="Without any: `registration`, the sample app but its static files and health check.",
        parse=checks.rooms,
        default=(),
    )

    def __post_init__(self) -> None:
        if not self.rooms:
            object.__setattr__(self, "rooms", (sample_room(self.registration_port),))
        known = {room.id for room in self.rooms}
        twins = (room.rehearsed() for room in self.rooms if room.rehearsal)
        object.__setattr__(self, "rooms", (*self.rooms, *(twin for twin in twins if twin.id not in known)))

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
