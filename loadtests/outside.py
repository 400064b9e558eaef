"""What a run reads for itself, before and after: the pulse, the origin's count, the desk's figures."""

from __future__ import annotations

import json
import os
import re
import urllib.error
import urllib.request
from typing import Any
from urllib.parse import urlsplit

from loadtests.verdict import Figures

TIMEOUT_S = 5.0
MARK = "ANTREAN_REHEARSAL_MARK"  # an environment variable: options are written into reports, this is a secret


def rehearsal_mark() -> dict[str, str]:
    """The header of those who rehearse on a live system; none for an ordinary run."""
    mark = os.environ.get(MARK)
    return {"Antrean-Rehearsal": mark} if mark else {}


class UnreachableError(Exception):
    """Nothing answered, or not with what was asked for; the message says where and why."""


def get(url: str) -> str:
    """The body of a plain GET. Raises UnreachableError."""
    if urlsplit(url).scheme not in ("http", "https"):
        raise UnreachableError(f"{url} is not an http address")
    request = urllib.request.Request(url, headers={"Accept": "application/json, text/plain"})  # noqa: S310
    try:
        with urllib.request.urlopen(request, timeout=TIMEOUT_S) as response:  # noqa: S310
            body: bytes = response.read()
    except (OSError, ValueError, urllib.error.HTTPError) as exc:
        raise UnreachableError(f"{url} does not answer as it should: {exc}") from exc
    return body.decode(errors="replace")


def get_json(url: str) -> dict[str, Any]:
    """The object in the body of a plain GET. Raises UnreachableError."""
    try:
        body = json.loads(get(url))
    except ValueError as exc:
        raise UnreachableError(f"{url} does not answer with JSON") from exc
    if not isinstance(body, dict):
        raise UnreachableError(f"{url} does not answer with a JSON object")
    return body


def rate_per_minute(host: str, room: str) -> float:
    """The admission rate as the room's pulse tells everyone. Raises UnreachableError."""
    body = get_json(f"{host}/_queue/{room}/pulse")
    try:
        return float(body["rate_per_minute"])
    except (KeyError, TypeError, ValueError) as exc:
        raise UnreachableError(f"the pulse of room {room!r} at {host} has no rate_per_minute") from exc


def figures(host: str, desk: str, room: str) -> Figures:
    """What the server side counts; None for what cannot be read from here (a remote desk, another origin)."""
    registrations = _optional_count(f"{host}/health", "rehearsed" if rehearsal_mark() else "registrations")
    try:
        metrics = get(f"{desk}/metrics") if desk else ""
    except UnreachableError:
        metrics = ""
    return Figures(
        registrations,
        issued=metric(metrics, "antrean_issued", room),
        claimed=metric(metrics, "antrean_admissions_total", room),
    )


def metric(text: str, name: str, room: str) -> int | None:
    """One whole-numbered value of a room in Prometheus' text format; None if it is not there."""
    found = re.search(rf'^{name}\{{room="{re.escape(room)}"\}} (\S+)$', text, re.MULTILINE)
    return int(float(found.group(1))) if found else None


def _optional_count(url: str, key: str) -> int | None:
    try:
        value = get_json(url).get(key)
    except UnreachableError:
        return None
    return value if isinstance(value, int) else None
