"""The API's own description, served at ``/api/openapi.json``. Tests hold it against routes and answers."""

from __future__ import annotations

from typing import Any

from gateway.desk.views import ALERTS
from gateway.domain.changes import LANGUAGES, MAX_WHY_CHARACTERS, OPERATOR_PHASES
from gateway.domain.help_desk import ADVICE
from gateway.domain.room import MAX_CEILING, MAX_MESSAGE_CHARACTERS, MAX_RATE_PER_MINUTE, Ending, Phase

Schema = dict[str, Any]

TEXT = r"^[^\x00-\x09\x0b-\x1f\x7f-\x9f]*$"  # no control characters but the line break
LARGEST = 10**15 - 1  # revision


def document() -> Schema:
    """The OpenAPI 3.1 document."""
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Antrean: the operator's desk",
            "version": "1",
            "description": (
                "Read and change waiting rooms. Every change is checked, has a revision, and leaves an audit "
                "entry that can be undone. Problems are application/problem+json with one stable `reason`."
            ),
        },
        "security": [{"token": []}, {"session": [], "csrf": []}],
        "paths": _paths(),
        "components": {
            "securitySchemes": _security(),
            "schemas": _schemas(),
            "parameters": _parameters(),
            "responses": _responses(),
        },
    }


def _security() -> Schema:
    return {
        "token": {"type": "http", "scheme": "bearer", "description": "made by `antrean desk token NAME`"},
        "session": {"type": "apiKey", "in": "cookie", "name": "antrean-desk", "description": "after sign-in"},
        "csrf": {
            "type": "apiKey",
            "in": "header",
            "name": "Antrean-CSRF",
            "description": "with a session, on whatever changes something; not needed with a token",
        },
    }


def _paths() -> Schema:
    room, ticket = "/api/rooms/{room}", "/api/rooms/{room}/tickets/{number}"
    return {
        "/api/openapi.json": {"get": _call("This document", {"type": "object"})},
        "/api/rooms": {"get": _call("Every room", _ref("Rooms"))},
        room: {
            "parameters": [_parameter("room")],
            "get": _call("One room, now", _ref("Room"), "404", "503"),
            "patch": _call(
                "Change knobs; in effect on every worker within a second",
                _ref("Room"),
                *("400", "404", "409", "412", "413", "415", "422", "503"),
                body=_ref("Changes"),
                parameters=[_parameter("if_match")],
            ),
        },
        room + "/audit": {
            "parameters": [_parameter("room"), _parameter("most")],
            "get": _call("The latest changes, newest first", _ref("Audit"), "404", "422", "503"),
        },
        room + "/undo/{revision}": {
            "parameters": [_parameter("room"), _parameter("revision")],
            "post": _call(
                "Take one change back, as a change of its own",
                _ref("Room"),
                *("400", "404", "409", "413", "415", "422", "503"),
                body=_ref("Reason"),
                body_required=False,
            ),
        },
        ticket: {
            "parameters": [_parameter("room"), _parameter("number")],
            "get": _call("Where a ticket is", _ref("Ticket"), "404", "422", "503"),
        },
        ticket + "/withdraw": {
            "parameters": [_parameter("room"), _parameter("number")],
            "post": _call("Give a place up", _ref("Ticket"), "404", "413", "422", "503"),
        },
        ticket + "/reinstate": {
            "parameters": [_parameter("room"), _parameter("number")],
            "post": _call("Give a withdrawn place back", _ref("Ticket"), "404", "409", "413", "422", "503"),
        },
    }


def _call(
    summary: str,
    answer: Schema,
    *problems: str,
    body: Schema | None = None,
    body_required: bool = True,
    parameters: list[Schema] | None = None,
) -> Schema:
    refusals = ("401", "403", *problems)
    call: Schema = {
        "summary": summary,
        "responses": {
            "200": {"description": "done", "content": {"application/json": {"schema": answer}}},
            **{status: {"$ref": f"#/components/responses/{status}"} for status in refusals},
        },
    }
    if body is not None:
        call["requestBody"] = {"required": body_required, "content": {"application/json": {"schema": body}}}
    if parameters:
        call["parameters"] = parameters
    return call


RESPONSES = {
    "400": "The body is not JSON, or If-Match is not an ETag of ours.",
    "401": "No session and no token.",
    "403": "From another site's page, or with another session's CSRF token.",
    "404": "There is no such room, ticket or change.",
    "409": "The room was changed meanwhile (`current` is the room now), or it cannot be done as things are.",
    "412": "If-Match does not name the room's present revision (`current` is the room now).",
    "413": "The body is too large.",
    "415": "The body is not declared as JSON.",
    "422": "A value cannot be used; `problems` says for each field what is allowed.",
    "503": "The store does not answer, or does not hold the room yet.",
}


def _responses() -> Schema:
    content = {"application/problem+json": {"schema": _ref("Problem")}}
    return {status: {"description": text, "content": content} for status, text in RESPONSES.items()}


def _parameters() -> Schema:
    positive = {"type": "integer", "minimum": 1, "maximum": LARGEST}
    return {
        "room": _in_path("room", "the room's id", {"type": "string"}),
        "number": _in_path(
            "number", "1234, or as people see it: A-0001-2340", {"type": "string", "pattern": "^(A-)?[0-9-]+$"}
        ),
        "revision": _in_path("revision", "the revision that the change made", positive),
        "most": {
            "name": "most",
            "in": "query",
            "description": "how many entries",
            "schema": {"type": "integer", "minimum": 1, "maximum": 1000, "default": 50},
        },
        "if_match": {
            "name": "If-Match",
            "in": "header",
            "description": 'the ETag that the room had, like "7": refused with 412 if it changed since',
            "schema": {"type": "string", "pattern": r'^(\*|"[0-9]{1,15}")$'},
        },
    }


def _in_path(name: str, description: str, schema: Schema) -> Schema:
    return {"name": name, "in": "path", "required": True, "description": description, "schema": schema}


def _parameter(name: str) -> Schema:
    return {"$ref": f"#/components/parameters/{name}"}


def _ref(name: str) -> Schema:
    return {"$ref": f"#/components/schemas/{name}"}


def _object(properties: Schema, *, optional: tuple[str, ...] = ()) -> Schema:
    return {
        "type": "object",
        "properties": properties,
        "required": [name for name in properties if name not in optional],
        "additionalProperties": False,
    }


def _count(description: str) -> Schema:
    return {"type": "integer", "minimum": 0, "description": description}


def _amount(description: str) -> Schema:
    return {"type": "number", "minimum": 0, "description": description}


def _message() -> Schema:
    text = {"type": "string", "maxLength": MAX_MESSAGE_CHARACTERS, "pattern": TEXT}
    return _object(dict.fromkeys(LANGUAGES, text), optional=LANGUAGES)


def _why() -> Schema:
    return {"type": "string", "maxLength": MAX_WHY_CHARACTERS, "pattern": TEXT}


def _time(description: str) -> Schema:
    return {"type": ["integer", "null"], "description": f"{description}, unix milliseconds"}


def _room() -> Schema:
    return _object(
        {
            "room": {"type": "string"},
            "name": {"type": "string"},
            "instance": {"type": "string", "description": "random id of this line"},
            "generation": _count("grows when the store lost something and the line was restored"),
            "revision": _count("of the knobs; also the ETag"),
            "phase": {"enum": [str(phase) for phase in Phase]},
            "rate_per_minute": _amount("configured admissions a minute"),
            "ceiling": _count("most visitors inside at once"),
            "ending": {"enum": [str(ending) for ending in Ending]},
            "opens_at_ms": _time("when the doors open"),
            "closes_at_ms": _time("when the last call begins"),
            "message": _message(),
            "now_ms": _count("the store's clock, unix milliseconds"),
            "issued": _count("the last number given out"),
            "called": _count("positions up to here are asked to check in"),
            "ready": _count("positions up to here had time to answer"),
            "serving": _count("positions up to here were admitted or passed over"),
            "waiting": _count("tickets in line, present or not, both lanes"),
            "present": _count("of them, seen in the last two presence windows"),
            "late": _count("late returns waiting in their lane"),
            "inside": _count("what counts against the ceiling: leases, offers, ghosts"),
            "leases": _count("visitors inside"),
            "offers": _count("offered a place, not yet claimed"),
            "ghosts": _count("leases that a lost store may have forgotten"),
            "delivered_per_minute": _amount("admissions a minute over the last half minute or so"),
            "seconds_since_last_release": _amount("with somebody present waiting"),
            "standstill_s": _amount("seconds for which no worker has ticked"),
            "density": _amount("share of the called who are present"),
            "claimed": _count("admissions of this line so far"),
            "finished": _count("of them, finished"),
            "lapsed": _count("offers not claimed in time"),
            "passed": _count("positions passed over because they were absent"),
            "late_returns": _count("returns by the late lane so far"),
            "workers": _count("gateway workers heard in the last seconds"),
            "poll_max_s": _count("longest pause between a page's looks at the pulse, seconds"),
            "alerts": {
                "type": "array",
                "items": {"enum": list(ALERTS)},
                "description": "what to look into now",
            },
        }
    )


def _set_time(what: str) -> Schema:
    return {"type": ["integer", "string"], "description": f"{what}: unix ms, a time with its zone, or none"}


def _changes() -> Schema:
    changes = _object(
        {
            "rate_per_minute": {"type": "number", "minimum": 0, "maximum": MAX_RATE_PER_MINUTE},
            "ceiling": {"type": "integer", "minimum": 0, "maximum": MAX_CEILING},
            "phase": {"enum": [str(phase) for phase in OPERATOR_PHASES]},
            "message": _message() | {"description": "replaces what was announced, in both languages"},
            "opens_at_ms": _set_time("moves the scheduled opening"),
            "closes_at_ms": _set_time("when it closes"),
            "ending": {"enum": [str(ending) for ending in Ending]},
            "why": _why(),
            "expected_revision": _count("refused with 409 when the room has another one by now")
            | {"maximum": LARGEST},
        }
    )
    del changes["required"]
    knobs = ("rate_per_minute", "ceiling", "phase", "message", "opens_at_ms", "closes_at_ms", "ending")
    return changes | {"anyOf": [{"required": [name]} for name in knobs]}


def _schemas() -> Schema:
    knobs = {"type": "object", "description": "knob to value"}
    unread = {"room": {"type": "string"}, "name": {"type": "string"}, "problem": _reason_and_detail()}
    return {
        "Room": _room(),
        "UnreadRoom": _object(unread),
        "Rooms": _object({"rooms": {"type": "array", "items": {"anyOf": [_ref("Room"), _ref("UnreadRoom")]}}}),
        "Changes": _changes(),
        "Reason": _object({"why": _why()}, optional=("why",)),
        "Entry": _object(
            {
                "revision": _count("of the knobs, after the change"),
                "at_ms": _count("unix milliseconds"),
                "actor": {"type": "string"},
                "action": {"type": "string"},
                "why": {"type": "string"},
                "before": knobs,
                "after": knobs,
                "undoable": {"type": "boolean"},
            }
        ),
        "Audit": _object({"room": {"type": "string"}, "entries": {"type": "array", "items": _ref("Entry")}}),
        "Ticket": _object(
            {
                "room": {"type": "string"},
                "instance": {"type": "string"},
                "number": {"type": "integer", "minimum": 1},
                "shown": {"type": "string", "description": "with check digit, as people see it"},
                "position": {"type": "integer", "minimum": 1},
                "state": {"enum": list(ADVICE)},
                "ahead": {"type": ["integer", "null"], "description": "tickets in front, present or not"},
                "advice": {"type": "string", "description": "what to tell the visitor"},
                "events": {
                    "type": "array",
                    "items": _object({"at_ms": _count("unix milliseconds"), "what": {"type": "string"}}),
                    "description": "what happened at the front of the line, newest first",
                },
            }
        ),
        "Problem": _reason_and_detail(),
    }


def _reason_and_detail() -> Schema:
    text = {"type": "string"}
    return {
        "type": "object",
        "properties": {"status": {"type": "integer"}, "title": text, "reason": text, "detail": text},
        "required": ["reason", "detail"],
    }
