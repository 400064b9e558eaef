"""What every call of the API is read with, and answered."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from typing import Never

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from gateway.desk.guard import Caller
from gateway.desk.problem import Refusal, refusal_of, respond
from gateway.desk.rooms import Reading
from gateway.domain.changes import InvalidChanges, read_why
from gateway.errors import AntreanError, InvalidKnob

Handler = Callable[[Request], Awaitable[Response]]


def route(path: str, handler: Handler, method: str) -> Route:
    """One method of one path; our errors become problems."""

    async def answered(request: Request) -> Response:
        try:
            return await handler(request)
        except AntreanError as error:
            return respond(refusal_of(error))

    return Route(path, answered, methods=[method], name=f"{method} {path}")


def room_response(reading: Reading) -> Response:
    """The room, with its revision as ETag. Raises Refusal when it could not be read."""
    if reading.problem is not None or reading.snapshot is None:
        raise reading.problem or Refusal(503, "store-trouble", "the room could not be read")
    headers = {"ETag": f'"{reading.snapshot.revision}"'}
    return JSONResponse(reading.view(), headers=headers)


def caller(request: Request) -> str:
    """Who asks, as the audit names it."""
    by: Caller = request.state.caller
    return by.name


async def json_object(request: Request, *, may_be_empty: bool = False) -> dict[str, object]:
    """The body. Raises Refusal."""
    body = await request.body()
    if not body and may_be_empty:
        return {}
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind not in ("application/json", "application/merge-patch+json"):
        raise Refusal(415, "not-json", "send the changes as application/json")
    try:
        value = json.loads(body, parse_constant=_no_constant)
    except (ValueError, RecursionError):
        raise Refusal(400, "not-json", "the body is not JSON") from None
    if not isinstance(value, dict):
        raise Refusal(422, "invalid", 'send a JSON object, like {"rate_per_minute": 30}')
    return value


def _no_constant(name: str) -> Never:
    raise ValueError(f"{name} is not JSON")


def why_of(value: object) -> str:
    """The reason that the audit keeps. Raises InvalidChanges."""
    try:
        return read_why(value)
    except InvalidKnob as error:
        raise InvalidChanges({"why": str(error)}) from None


def whole(text: str, name: str, most: int) -> int:
    """A whole number from 1 to ``most``. Raises InvalidChanges."""
    if not (text.isascii() and text.isdigit()) or len(text) > 16 or not 0 < int(text) <= most:
        raise InvalidChanges({name: f"give a whole number from 1 to {most:,}"})
    return int(text)
