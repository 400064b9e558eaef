"""`antrean check`: whether this installation could start, and what every setting means."""

from __future__ import annotations

import dataclasses
import json
import os

from gateway.errors import StoreError
from gateway.secrets import keys_path, load_keys
from gateway.settings import RoomSettings, Settings, config_file, load_settings
from gateway.settings.documented import settings_of
from gateway.store.binary import find_server


def check_everything(*, as_json: bool = False) -> int:
    """Print what was found; 0 when nothing stands in the way. Raises SettingsError for the configuration."""
    settings = load_settings()
    file = config_file(None, os.environ)
    found: dict[str, object] = {
        "configuration": str(file or "the environment and the defaults; there is no antrean.toml"),
        "rooms": {room.id: _room(room) for room in settings.rooms},
        "keys": _keys(settings),
    }
    try:
        found |= {"store": _store(settings), "ok": True}
    except StoreError as exc:
        found |= {"store": str(exc), "ok": False}
    if as_json:
        print(json.dumps(found, ensure_ascii=False))
    else:
        _print_found(found, settings)
    return 0 if found["ok"] else 1


def _print_found(found: dict[str, object], settings: Settings) -> None:
    print(f"configuration  {found['configuration']}")
    for room in settings.rooms:
        print(f"room           {room.id}: {_room(room)}")
    print(f"keys           {found['keys']}")
    print(f"store          {found['store']}")


def _room(room: RoomSettings) -> str:
    paths = ", ".join(room.paths) + (f" but {', '.join(room.except_)}" if room.except_ else "")
    hosts = f" on {', '.join(room.hosts)}" if room.hosts else ""
    return f"{paths}{hosts} → {room.origin}"


def print_settings() -> None:
    """Every setting: its name, what it does, what it may be, its default and the reason for it."""
    print("In the environment; in antrean.toml by the name in parentheses:\n")
    _print_fields(Settings, environment=True)
    print("In antrean.toml, in a [[rooms]] table for each room:\n")
    _print_fields(RoomSettings, environment=False)


def _print_fields(model: type, *, environment: bool) -> None:
    defaults = {field.name: field.default for field in dataclasses.fields(model)}
    for name, setting in settings_of(model).items():
        if bool(setting.env) != environment:
            continue
        in_file = "" if name == "secret_keys" else f" ({name})"
        print(f"{setting.env}{in_file}" if environment else name.rstrip("_"))
        print(f"  {setting.effect}\n  May be: {setting.allowed}.")
        if about_default := f"{_shown(defaults[name])} {setting.reason}".strip():
            print(f"  Default: {about_default}")
        print()


def _shown(default: object) -> str:
    if default is dataclasses.MISSING or default == "":
        return ""
    if default is None or default == ():
        return "none."
    return f"{default}."


def _keys(settings: Settings) -> str:
    if settings.secret_keys:
        return f"{len(settings.secret_keys)} from ANTREAN_SECRET_KEYS"
    path = keys_path(settings)
    return f"{len(load_keys(settings))} in {path}" if path.exists() else f"will be made in {path}"


def _store(settings: Settings) -> str:
    if settings.store_url is None:
        return f"embedded, run by {find_server()}"
    return _outside_store(settings.store_url)


def _outside_store(url: str) -> str:
    import redis

    client = redis.Redis.from_url(url, socket_timeout=2, socket_connect_timeout=2)
    try:
        info = client.info()
        policy = info.get("maxmemory_policy", "noeviction")
    except redis.RedisError as exc:
        raise StoreError(f"ANTREAN_STORE_URL does not answer: {exc}") from exc
    finally:
        client.close()
    if policy != "noeviction":
        raise StoreError(f"ANTREAN_STORE_URL may evict keys (maxmemory-policy {policy}): set it to noeviction")
    return f"{info.get('server_name', 'redis')} {info.get('valkey_version') or info.get('redis_version')}"
