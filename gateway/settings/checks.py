"""How each setting is read: from the environment's text, or from what TOML gave.

Each function returns the value as it is used, or raises ValueError, whose message says what is wrong
with it (nothing when the value alone says so).
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from gateway.domain.room import check_ceiling, check_rate
from gateway.errors import InvalidKnob

SHORTEST_KEY = 32
PORTS = {"port": "gateway", "desk_port": "desk", "registration_port": "registration app"}

_ROOM_ID = re.compile(r"[a-z0-9](-?[a-z0-9]){0,31}")
_HOST = re.compile(r"(?=.{1,253}$)[a-z0-9]([a-z0-9-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)*")
_DATABASE = re.compile(r"(sqlite|postgresql|postgres)(\+\w+)?://.*")


class CompleteError(ValueError):
    """A problem whose message already says the value and what is allowed."""


def text(shortest: int, longest: int) -> Callable[[Any], str]:
    """A text of so many characters."""

    def parse(value: Any) -> str:
        if not isinstance(value, str) or not shortest <= len(value) <= longest:
            raise ValueError
        return value

    return parse


def one_of(*allowed: Any) -> Callable[[Any], Any]:
    """One of these, of the same type too: ``true`` is not 1."""

    def parse(value: Any) -> Any:
        if not any(value == each and type(value) is type(each) for each in allowed):
            raise ValueError
        return value

    return parse


def whole(least: int, most: int) -> Callable[[Any], int]:
    """A whole number in this range; the environment gives it as text."""

    def parse(value: Any) -> int:
        number = _whole(int(value) if isinstance(value, str) and value.strip().isdecimal() else value)
        if not least <= number <= most:
            raise ValueError
        return number

    return parse


def none_or_whole(least: int, most: int) -> Callable[[Any], int]:
    """0, or a whole number in this range."""
    known = whole(0, most)

    def parse(value: Any) -> int:
        number = known(value)
        if 0 < number < least:
            raise ValueError
        return number

    return parse


port = whole(1, 65535)


def _whole(value: Any) -> int:
    if not isinstance(value, int) or isinstance(value, bool):
        raise ValueError
    return value


def rate(value: Any) -> float:
    """A rate a minute that the room accepts."""
    if not isinstance(value, (int, float)) or isinstance(value, bool):
        raise ValueError
    try:
        return check_rate(float(value))
    except InvalidKnob as exc:
        raise CompleteError(str(exc)) from exc
    except OverflowError:
        raise ValueError from None


def ceiling(value: Any) -> int:
    """A ceiling that the room accepts."""
    try:
        return check_ceiling(_whole(value))
    except InvalidKnob as exc:
        raise CompleteError(str(exc)) from exc


def room_id(value: Any) -> str:
    """A name that fits in addresses, cookies and keys of the store."""
    if not isinstance(value, str) or len(value) > 32 or not _ROOM_ID.fullmatch(value):
        raise ValueError
    return value


def texts(value: Any) -> tuple[str, ...]:
    """A list of texts; the environment separates them by commas."""
    if isinstance(value, str):
        return tuple(part.strip() for part in value.split(",") if part.strip())
    if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
        raise ValueError("it is not a list of texts")
    return tuple(value)


def paths(value: Any) -> tuple[str, ...]:
    """Path prefixes, without a closing slash."""
    given = _list(value)
    if not given:
        raise ValueError('it is empty: a room protects at least one path ("/" is everything)')
    for path in given:
        _check_path(path)
        if re.search(r"[*\[\]]", path):
            raise ValueError(f'"{path}" has a wildcard: a path is a prefix, and covers everything below it')
    return tuple(path.rstrip("/") or "/" for path in given)


def patterns(value: Any) -> tuple[str, ...]:
    """Path patterns in which * stands for anything."""
    given = _list(value)
    for pattern in given:
        _check_path(pattern)
    return given


def _list(value: Any) -> tuple[str, ...]:
    if isinstance(value, str):
        raise ValueError(f'it is not a list: write ["{value}"]')
    return texts(value)


def _check_path(path: str) -> None:
    if not path.startswith("/"):
        raise ValueError(f'"{path}" does not begin with /')
    if "//" in path or any(part in (".", "..") for part in path.split("/")):
        raise ValueError(f'"{path}" is not in plain form: no //, no . and no .. between slashes')
    if re.search(r"[?#\s\\]", path):
        raise ValueError(f'"{path}" has a character that no path has (?, #, \\ or a space)')


def hosts(value: Any) -> tuple[str, ...]:
    """Host names, in lower case."""
    lowered = tuple(host.lower().rstrip(".") for host in _list(value))
    for host in lowered:
        if not _HOST.fullmatch(host):
            raise ValueError(f'"{host}" is not a host name: leave out scheme, port and path')
    return lowered


def address(value: Any) -> str:
    """``http(s)://host[:port]`` and nothing else, without a closing slash."""
    try:
        parts = urlsplit(value)
        usable = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except (ValueError, AttributeError, TypeError):
        usable = False
    if not usable:
        raise ValueError("it is not an http:// or https:// address with a host")
    if parts.path not in ("", "/") or parts.query or parts.fragment or parts.username is not None:
        raise ValueError("it has more than scheme, host and port")
    return f"{parts.scheme}://{parts.netloc}"


def hook_url(value: Any) -> str:
    """``http(s)://host…`` with whatever path and query the other side wants."""
    try:
        parts = urlsplit(text(1, 2000)(value))
        usable = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        usable = False
    if not usable:
        raise ValueError("it is not an http:// or https:// address with a host")
    return str(value)


def store_url(value: Any) -> str:
    """A URL that redis-py understands."""
    parts = urlsplit(text(1, 2000)(value))
    if parts.scheme == "unix" and parts.path:
        return str(value)
    if parts.scheme == "sentinel" and parts.netloc and parts.path.strip("/"):
        return str(value)
    if parts.scheme not in ("redis", "rediss", "cluster") or not parts.netloc:
        raise ValueError("it does not name a store")
    return str(value)


def database_url(value: Any) -> str:
    """A URL of a database that the registration app knows."""
    if not isinstance(value, str) or not _DATABASE.fullmatch(value):
        raise ValueError("it does not name a database that the app knows")
    return value


def networks(value: Any) -> tuple[str, ...]:
    """Addresses and networks."""
    given = texts(value)
    for network in given:
        try:
            ipaddress.ip_network(network, strict=False)
        except ValueError:
            raise ValueError(f'"{network}" is neither an address nor a network') from None
    return given


def keys(value: Any) -> tuple[str, ...]:
    """Secret keys that are long enough not to be guessed."""
    given = texts(value)
    for place, key in enumerate(given, start=1):
        if len(key) < SHORTEST_KEY:
            raise ValueError(f"key {place} has {len(key)} characters")
    return given


def folder(value: Any) -> Path:
    """A folder, as an absolute path: a process started elsewhere must mean the same one."""
    return Path(text(1, 4000)(value)).expanduser().absolute()


def rooms(value: Any) -> list[dict[str, Any]]:
    """The tables of the rooms, unread."""
    if not isinstance(value, list) or not all(isinstance(table, dict) for table in value):
        raise ValueError("it is not a list of tables")
    if not value:
        raise ValueError("there is none")
    return value


def shared_ports(values: Mapping[str, Any], where: Callable[[str], str]) -> list[str]:
    """One line for each listener that has the port of an earlier one."""
    names = list(PORTS)
    return [
        f"{where(name)}: {values[name]} is the {PORTS[other]}'s port: give each listener its own"
        for place, name in enumerate(names)
        for other in names[:place]
        if name in values and values[name] == values.get(other)
    ]


def rooms_apart(rooms: Sequence[tuple[str, tuple[str, ...], tuple[str, ...]]]) -> list[str]:
    """One line for each two rooms (id, hosts, paths) that claim the same request."""
    clashes = []
    for index, (one, one_hosts, one_paths) in enumerate(rooms):
        for other, other_hosts, other_paths in rooms[index + 1 :]:
            if one == other:
                clashes.append(f'two rooms are named "{one}": give each its own id')
            elif _share_hosts(one_hosts, other_hosts) and (both := _shared_path(one_paths, other_paths)):
                clashes.append(f'rooms "{one}" and "{other}" both protect {both}: give it to one of them')
    return clashes


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
