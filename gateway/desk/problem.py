"""Answers that are not what was asked for, as ``application/problem+json`` (RFC 9457)."""

from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus

from starlette.responses import JSONResponse, Response

from gateway.desk.actions import NoSuchEntry, NumberUnknown
from gateway.domain.changes import CannotUndo, InvalidChanges
from gateway.errors import (
    AntreanError,
    InvalidKnob,
    NoSuchOpening,
    RoomMissing,
    SettingsError,
    StaleRevision,
    StoreError,
    StoreUnreachable,
)


class Refusal(AntreanError):
    """An answer other than the one asked for. ``reason`` is one stable word for programs."""

    def __init__(self, status: int, reason: str, detail: str, **more: object) -> None:
        super().__init__(detail)
        self.status = status
        self.reason = reason
        self.detail = detail
        self.more = more
        self.headers: dict[str, str] = {}


def respond(refusal: Refusal) -> Response:
    """The refusal as a response."""
    body = {
        "type": "about:blank",
        "title": HTTPStatus(refusal.status).phrase,
        "status": refusal.status,
        "reason": refusal.reason,
        "detail": refusal.detail,
        **refusal.more,
    }
    return JSONResponse(body, refusal.status, refusal.headers, media_type="application/problem+json")


def refusal_of(error: AntreanError) -> Refusal:
    """What a caller is told about one of our errors."""
    if isinstance(error, Refusal):
        return error
    if isinstance(error, InvalidChanges):
        return Refusal(422, "invalid", str(error), problems=error.problems)
    if isinstance(error, InvalidKnob):
        return Refusal(422, "invalid", str(error))
    if isinstance(error, StaleRevision):
        return Refusal(409, "changed-meanwhile", str(error), current_revision=error.current)
    if isinstance(error, CannotUndo):
        return Refusal(409, "cannot-undo", str(error))
    if isinstance(error, NumberUnknown):
        return Refusal(404, "no-such-ticket", str(error))
    if isinstance(error, NoSuchEntry):
        return Refusal(404, "no-such-change", str(error))
    if isinstance(error, NoSuchOpening):
        return Refusal(404, "no-such-opening", str(error))
    return _store_refusal(error)


def _store_refusal(error: AntreanError) -> Refusal:
    if isinstance(error, RoomMissing):
        detail = "the store does not hold this room yet: it appears when a gateway opens it"
        refusal = Refusal(503, "room-missing", detail)
    elif isinstance(error, StoreUnreachable):
        refusal = Refusal(503, "store-unreachable", "the store does not answer; what was asked may be undone")
    elif isinstance(error, StoreError | SettingsError):
        refusal = Refusal(503, "store-trouble", str(error))
    else:
        return Refusal(500, "trouble", str(error))
    refusal.headers["Retry-After"] = "1"
    return refusal


def is_json_path(path: str) -> bool:
    """Whether the caller of this path is a program, not a person at a browser."""
    return path.startswith(("/api/", "/metrics", "/ready"))


def headers_of(refusal: Refusal, headers: Mapping[str, str]) -> Refusal:
    """The same refusal with headers."""
    refusal.headers.update(headers)
    return refusal
