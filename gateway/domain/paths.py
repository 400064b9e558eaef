"""Which room a request belongs to, whether its path is protected, and where a visitor may be sent back.

A path can be read in several ways: origins differ in whether they decode, collapse ``//``, resolve
``..`` or cut ``;parameters``. We do not know which reading an origin takes, so a path is free of the
line only when every reading of it is, and two readings in two rooms are refused.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fnmatch import translate
from urllib.parse import quote, unquote

from gateway.errors import AmbiguousPath

OURS = "/_queue/"
LONGEST_RETURN_TO = 1024  # characters: a ticket must fit into a cookie

_PLAIN = re.compile(rb"(?!.*(?://|/\.))/[A-Za-z0-9/._~!$&'()*+,=:@-]*", re.ASCII)
_FIT = re.compile(rb"/(?!/)[A-Za-z0-9/._~-]*", re.ASCII)  # a return address as it is
_MOST_DECODINGS = 4
_LEGAL_IN_URL = "/%:?#[]@!$&'()*+=~"  # what stays as it is; "," and ";" do not fit into a cookie
_SLASH_INSIDE = re.compile(r"%(?=2[fF]|5[cC])")
_PARAMETERS = re.compile(r";[^/]*")
# Too long UTF-8, %uFFFF and wide dots and slashes: some servers read "../" in them, and we do not know how.
_UNKNOWABLE = re.compile(r"%(?:c[01]|e0%[89]|f0%8|u[0-9a-f]{4})|[\uff0e\uff0f\uff3c]", re.IGNORECASE)
_READ_BY_NOBODY = "/\ufffd"


@dataclass(frozen=True)
class Protection:
    """What one room protects."""

    room: str
    paths: tuple[str, ...]  # prefixes, at segment borders
    excepted: tuple[str, ...] = ()  # glob patterns; "*" also matches "/"
    hosts: tuple[str, ...] = ()  # lower case, without port; empty: any


@dataclass(frozen=True, slots=True)
class Place:
    """Where a request belongs."""

    room: str
    protected: bool


class PathRules:
    """All rooms' protections, compiled once."""

    def __init__(self, protections: Sequence[Protection]) -> None:
        self._prefixes = _longest_first(protections)
        self._by_host = any(protection.hosts for protection in protections)
        self._excepted = {
            protection.room: _any_of(protection.excepted) for protection in protections if protection.excepted
        }

    def place(self, raw_path: bytes, host: bytes) -> Place | None:
        """The room of ``raw_path`` (as it came, still encoded) at ``host``, or None when no room has it.

        Raises AmbiguousPath when one origin could read it as one room's and another as another's.
        """
        name = _bare_host(host) if self._by_host else ""
        paths = readings(raw_path)
        if len(paths) == 1:
            return self._placed(self._room(paths[0], name), paths)
        rooms = {room for path in paths if (room := self._room(path, name))}
        if len(rooms) > 1:
            raise AmbiguousPath("the path can be read as belonging to two rooms: ask for it in plain form")
        return self._placed(rooms.pop() if rooms else None, paths)

    def _placed(self, room: str | None, paths: Sequence[str]) -> Place | None:
        if room is None:
            return None
        is_free = self._excepted.get(room)
        return Place(room, is_free is None or not all(is_free(path) for path in paths))

    def _room(self, path: str, host: str) -> str | None:
        for prefix, below, hosts, room in self._prefixes:
            if (not hosts or host in hosts) and (path == prefix or path.startswith(below)):
                return room
        return None


def readings(raw_path: bytes) -> tuple[str, ...]:
    """Every path that an origin may take ``raw_path`` for, each beginning with one slash or as it came."""
    if _PLAIN.fullmatch(raw_path):
        return (raw_path.decode("ascii"),)
    raw = raw_path.decode("utf-8", "replace")
    by_segment = unquote(_SLASH_INSIDE.sub("%25", raw))  # an encoded slash stays inside its segment
    decoded = unquote(raw)
    found = [decoded, by_segment]
    for path in (by_segment, decoded):
        found += _resolve(path, slashes=False), _resolve(path)
    if _UNKNOWABLE.search(raw) or _UNKNOWABLE.search(decoded):
        found.append(_READ_BY_NOBODY)
    for _ in range(_MOST_DECODINGS):
        decoded, before = unquote(decoded), decoded
        if decoded == before:
            break
        found.append(_resolve(decoded))
        if _UNKNOWABLE.search(decoded):
            found.append(_READ_BY_NOBODY)
    return tuple(dict.fromkeys(found))


def _resolve(path: str, *, slashes: bool = True) -> str:
    """``path`` without dot segments and parameters, and with ``slashes``, also without double slashes."""
    kept: list[str] = []
    for segment in _PARAMETERS.sub("", path.replace("\\", "/")).split("/")[1:]:
        if segment == "..":
            del kept[-1:]
        elif segment != "." and (segment or not slashes):
            kept.append(segment)
    closing = "/" if slashes and kept and path.endswith(("/", "/.", "/..")) else ""
    return "/" + "/".join(kept) + closing


def safe_return(raw_path: bytes, query: bytes = b"") -> str:
    """The address to come back to: a path of this site, encoded so that it fits into a cookie.

    A browser takes ``//evil`` and ``/\\evil`` for another site, so only one slash is left in front.
    A path of ours, or one that is too long, becomes the shortest sensible one.
    """
    path = raw_path.decode("ascii") if _FIT.fullmatch(raw_path) else _encoded(raw_path)
    if path.startswith(OURS):
        return "/"
    whole = f"{path}?{_encoded_query(query)}" if query else path
    if len(whole) <= LONGEST_RETURN_TO:
        return whole
    return path if len(path) <= LONGEST_RETURN_TO else "/"


def safe_return_text(address: str) -> str | None:
    """The same for an address that a client names; None when it is not a path of this site."""
    if not address.startswith("/") or address.startswith(("//", "/\\")) or not address.isprintable():
        return None
    path, _, query = address.partition("#")[0].partition("?")
    return safe_return(path.encode("utf-8", "replace"), query.encode("utf-8", "replace"))


def _encoded(raw_path: bytes) -> str:
    text = quote(raw_path, safe=_LEGAL_IN_URL).replace("?", "%3F").replace("#", "%23")
    return "/" + re.sub(r"^(?:/|%5[cC])+", "", text)


def _encoded_query(query: bytes) -> str:
    return quote(query, safe=_LEGAL_IN_URL).replace("#", "%23")


def _bare_host(host: bytes) -> str:
    name = host.decode("latin-1").lower()
    if name.startswith("["):
        return name[1 : name.find("]")]
    return name.partition(":")[0].rstrip(".")


def _longest_first(protections: Sequence[Protection]) -> list[tuple[str, str, frozenset[str], str]]:
    """(prefix, what paths below it start with, hosts, room); a room with hosts goes before one without."""
    prefixes = [
        (path.rstrip("/") or "/", path.rstrip("/") + "/", frozenset(protection.hosts), protection.room)
        for protection in protections
        for path in protection.paths
    ]
    return sorted(prefixes, key=lambda prefix: (not prefix[2], -len(prefix[0])))


def _any_of(patterns: Sequence[str]) -> Callable[[str], object]:
    return re.compile("|".join(translate(pattern) for pattern in patterns)).match
