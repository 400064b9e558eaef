"""What each setting may be. A ValueError's message says what is wrong with the value."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any
from urllib.parse import urlsplit

from gateway.domain.room import check_ceiling, check_rate
from gateway.errors import InvalidKnob

SHORTEST_KEY = 32
_HOST = re.compile(r"^(?=.{1,253}$)[a-z0-9]([a-z0-9-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)*$")


class CompleteError(ValueError):
    """A problem whose message already says the value and what is allowed."""


def not_a_boolean(value: Any) -> Any:
    """``port = true`` would otherwise be port 1."""
    if isinstance(value, bool):
        raise ValueError("it is not a number")
    return value


def split_list(value: Any) -> Any:
    """The environment's form of a list: separated by commas."""
    if isinstance(value, str):
        return tuple(part.strip() for part in value.split(",") if part.strip())
    return value


def paths(value: tuple[str, ...]) -> tuple[str, ...]:
    if not value:
        raise ValueError('it is empty: a room protects at least one path ("/" is everything)')
    return tuple(_path(path) for path in value)


def _path(path: str) -> str:
    _check_path(path)
    if re.search(r"[*\[\]]", path):
        raise ValueError(f'"{path}" has a wildcard: a path is a prefix, and covers everything below it')
    return path.rstrip("/") or "/"


def patterns(value: tuple[str, ...]) -> tuple[str, ...]:
    for pattern in value:
        _check_path(pattern)
    return value


def _check_path(path: str) -> None:
    if not path.startswith("/"):
        raise ValueError(f'"{path}" does not begin with /')
    if "//" in path or any(part in (".", "..") for part in path.split("/")):
        raise ValueError(f'"{path}" is not in plain form: no //, no . and no .. between slashes')
    if re.search(r"[?#\s\\]", path):
        raise ValueError(f'"{path}" has a character that no path has (?, #, \\ or a space)')


def hosts(value: tuple[str, ...]) -> tuple[str, ...]:
    lowered = tuple(host.lower().rstrip(".") for host in value)
    for host in lowered:
        if not _HOST.match(host):
            raise ValueError(f'"{host}" is not a host name: leave out scheme, port and path')
    return lowered


def origin(value: str) -> str:
    return _bare_address(value)


def public_url(value: str | None) -> str | None:
    return None if value is None else _bare_address(value)


def _bare_address(value: str) -> str:
    """``http(s)://host[:port]`` and nothing else, without a closing slash."""
    try:
        parts = urlsplit(value)
        usable = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        usable = False
    if not usable:
        raise ValueError("it is not an http:// or https:// address with a host")
    if parts.path not in ("", "/") or parts.query or parts.fragment or parts.username is not None:
        raise ValueError("it has more than scheme, host and port")
    return f"{parts.scheme}://{parts.netloc}"


def store_url(value: str | None) -> str | None:
    if value is None:
        return None
    parts = urlsplit(value)
    if parts.scheme == "unix" and parts.path:
        return value
    if parts.scheme not in ("redis", "rediss") or not parts.hostname:
        raise ValueError("it does not name a store")
    return value


def database_url(value: str | None) -> str | None:
    if value is None or re.match(r"^(sqlite|postgresql|postgres)(\+\w+)?://", value):
        return value
    raise ValueError("it does not name a database that the app knows")


def networks(value: tuple[str, ...]) -> tuple[str, ...]:
    for network in value:
        try:
            ipaddress.ip_network(network, strict=False)
        except ValueError:
            raise ValueError(f'"{network}" is neither an address nor a network') from None
    return value


def keys(value: tuple[str, ...]) -> tuple[str, ...]:
    for place, key in enumerate(value, start=1):
        if len(key) < SHORTEST_KEY:
            raise ValueError(f"key {place} has {len(key)} characters")
    return value


def rate(value: float) -> float:
    try:
        return check_rate(value)
    except InvalidKnob as exc:
        raise CompleteError(str(exc)) from exc


def ceiling(value: int) -> int:
    try:
        return check_ceiling(value)
    except InvalidKnob as exc:
        raise CompleteError(str(exc)) from exc


def port_is_free_of(value: int, earlier: Mapping[str, Any]) -> int:
    """Refuse a port that an earlier listener of this configuration has."""
    for other in ("port", "desk_port"):
        if earlier.get(other) == value:
            raise ValueError(f"it is the same as {other}: each listener needs its own")
    return value


def rooms_apart(rooms: Sequence[tuple[str, tuple[str, ...], tuple[str, ...]]]) -> None:
    """Refuse two rooms (id, hosts, paths) that claim the same request: a visitor waits in one line only."""
    if not rooms:
        raise ValueError("there is none")
    clashes = []
    for index, (one, one_hosts, one_paths) in enumerate(rooms):
        for other, other_hosts, other_paths in rooms[index + 1 :]:
            if one == other:
                clashes.append(f'two rooms are named "{one}"')
            elif _share_hosts(one_hosts, other_hosts) and (both := _shared_path(one_paths, other_paths)):
                clashes.append(
                    f'rooms "{one}" and "{other}" both protect {both}: one path belongs to one room'
                )
    if clashes:
        raise ValueError("; ".join(clashes))


def _share_hosts(one: tuple[str, ...], other: tuple[str, ...]) -> bool:
    return not one or not other or not set(one).isdisjoint(other)


def _shared_path(one: Iterable[str], other: Iterable[str]) -> str:
    """The narrower of the first two prefixes of which one contains the other, or nothing."""
    others = list(other)
    for a in one:
        for b in others:
            longer, shorter = (a, b) if len(a) >= len(b) else (b, a)
            if f"{longer}/".startswith(f"{shorter.rstrip('/')}/"):
                return longer
    return ""
