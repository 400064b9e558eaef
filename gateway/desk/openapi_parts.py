"""What the API's description calls components: parameters, answers and the shapes of what is sent."""

from __future__ import annotations

from typing import Any

from gateway.desk import openapi_openings as openings
from gateway.desk.views import ALERTS
from gateway.domain.changes import LANGUAGES, LATEST_MS, MAX_WHY_CHARACTERS, OPERATOR_PHASES
from gateway.domain.help_desk import ADVICE
from gateway.domain.limits import NAMES
from gateway.domain.room import (
    LEAST_RATE_PER_MINUTE,
    MAX_CEILING,
    MAX_JOINS_PER_NETWORK,
    MAX_MESSAGE_CHARACTERS,
    MAX_QUOTA,
    MAX_RATE_PER_MINUTE,
    Ending,
    Phase,
)
from gateway.domain.steering import LONGEST_RAMP_MINUTES

Schema = dict[str, Any]

TEXT = r"^[^\x00-\x09\x0b-\x1f\x7f-\x9f]*$"  # no control characters but the line break
TIME = (
    r"^(none)?$|^20\d\d-(0[1-9]|1[0-2])-(0[1-9]|[12]\d|3[01])[T ]([01]\d|2[0-3]):[0-5]\d(:[0-5]\d)?"
    r"(Z|[+-]0\d:[0-5]\d| ?WI(B|TA|T))$"
)
LARGEST = 10**15 - 1  # revision


RESPONSES = {
    "400": "The body is not JSON, or If-Match is not an ETag of ours.",
    "401": "No session and no token.",
    "403": "Of a viewer, who may only look; or from another site's page, or with another session's CSRF token.",
    "404": "There is no such room, ticket or change.",
    "409": "The room was changed meanwhile (`current` is the room now), or it cannot be done as things are.",
    "412": "If-Match does not name the room's present revision (`current` is the room now).",
    "413": "The body is too large.",
    "415": "The body is not declared as JSON.",
    "422": "A value cannot be used; `problems` says for each field what is allowed.",
    "503": "The store does not answer, or does not hold the room yet.",
}


def responses() -> Schema:
    content = {"application/problem+json": {"schema": ref("Problem")}}
    return {status: {"description": text, "content": content} for status, text in RESPONSES.items()}


def parameters() -> Schema:
    positive = {"type": "integer", "minimum": 1, "maximum": LARGEST}
    return {
        "room": _in_path("room", "the room's id", {"type": "string"}),
        "number": _in_path(
            "number", "1234, or as people see it: A-0001-2340", {"type": "string", "pattern": "^(A-)?[0-9-]+$"}
        ),
        "revision": _in_path("revision", "the revision that the change made", positive),
        "opening": _in_path("opening", "the id of the opening's line", {"type": "string"}),
        "most": {
            "name": "most",
            "in": "query",
            "description": "how many entries",
            "schema": {"type": "integer", "minimum": 1, "maximum": 1000, "default": 50},
        },
        "rate": {
            "name": "rate_per_minute",
            "in": "query",
            "required": True,
            "description": "admissions a minute",
            "schema": _rate(),
        },
        "format": {
            "name": "format",
            "in": "query",
            "description": "csv: the samples alone, a line each",
            "schema": {"enum": ["json", "csv"], "default": "json"},
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


def parameter(name: str) -> Schema:
    return {"$ref": f"#/components/parameters/{name}"}


def ref(name: str) -> Schema:
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


def _rate() -> Schema:
    """0 stops releases; less than one visitor in ten minutes is a mistake."""
    some = {"type": "number", "minimum": LEAST_RATE_PER_MINUTE, "maximum": MAX_RATE_PER_MINUTE}
    return {"anyOf": [{"enum": [0]}, some]}


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
            "daily_quota": _quota("visitors who may be let in a calendar day of the room's zone"),
            "total_quota": _quota("visitors whom this line may let in"),
            "used": _count("visitors of this line who have used their pass"),
            "used_today": _count("visitors who first used their pass today"),
            "day_ends_ms": _count("when the day of the daily quota ends, unix milliseconds"),
            "unused": _count("let in, pass not used yet: they hold places of the quotas"),
            "quota_left": _quota("places of the scarcer quota that nobody holds"),
            "joins_per_network": _count("numbers a minute for one client network, 0: no limit"),
            "challenge": {"type": "boolean", "description": "newcomers solve a riddle first"},
            "opens_at_ms": _time("when the doors open"),
            "closes_at_ms": _time("when the last call begins"),
            "message": _message(),
            "draw": {"anyOf": [{"type": "null"}, openings.draw({"step": {"enum": list(openings.STEPS)}})]},
            "reason": openings.reason(),
            "planned": {"type": "array", "items": ref("Planned"), "description": "openings to come"},
            "queueing_since_ms": _time("since when somebody has waited; null: standby, everyone passes through"),
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
            "density": _amount("share of the tickets ahead that enter, as lately"),
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
            **_live(),
        }
    )


def _live() -> Schema:
    """What is reckoned at each look."""
    return {
        "joins_per_minute": _unknown("numbers given out a minute, over about the last one"),
        "held_up_s": {
            "type": ["number", "null"],
            "description": "seconds since the last release with somebody present waiting; null: nobody waits",
        },
        "no_shows": _count("passed over because absent, and offers not claimed in time"),
        "wait_low_s": _unknown("predicted wait of who joins now, from; seconds"),
        "wait_high_s": _unknown("to; seconds"),
        "usual_session_s": _unknown("how long a visitor stays inside, by those inside and those let in"),
        "store_ms": _amount("how long the store took to answer"),
        "origin": _object(
            {
                "requests_per_s": _unknown("answers a second, over the last half minute"),
                "error_percent": _unknown("of them 5xx or without an answer"),
                "p50_ms": _unknown("half of them began within"),
                "p95_ms": _unknown("95 of 100 began within"),
                "in_flight": _count("requests with the origin at this moment"),
            }
        ),
        "heard": {
            "type": "array",
            "description": "gateway workers heard within a minute",
            "items": _object(
                {
                    "worker": {"type": "string"},
                    "host": {"type": "string"},
                    "pid": _count("process"),
                    "in_flight": _count("its requests with the origin"),
                    "clock_ahead_ms": {"type": "integer", "description": "of the store's clock"},
                    "silent_s": _amount("since its last tick"),
                }
            ),
        },
        "binding": _object(
            {
                "limit": {"enum": list(NAMES), "description": "the least of all limits"},
                "per_minute": _amount("what it allows"),
            }
        ),
        "steering": {"anyOf": [{"type": "null"}, _steering()]},
        "told": _object({"event": _told("over this line"), "recent": _told("over the last ten minutes or so")}),
    }


def _told(over: str) -> Schema:
    shares = {
        "judged": _count("admissions of visitors who had been told a range"),
        "right_percent": _unknown("of them, entered within the range"),
        "too_short_percent": _unknown("waited longer than it said"),
        "too_long_percent": _unknown("entered before it said"),
    }
    return _object(
        {
            "since_ms": _count(f"when the counting began, {over}; unix milliseconds"),
            "join": _object(shares),
            "halfway": _object(shares),
            "late": _count("admissions by the late lane, or after a silence at the turn: not judged"),
        }
    )


def _steering() -> Schema:
    return _object(
        {
            "kind": {"enum": ["ramp", "autopilot"]},
            "actor": {"type": "string"},
            "since_ms": _count("unix milliseconds"),
            "from_per_minute": _amount("where the ramp began, or the autopilot's floor"),
            "to_per_minute": _amount("where the ramp ends, or the autopilot's most"),
            "over_minutes": _amount("of the ramp"),
            "target_p95_ms": _amount("of the autopilot"),
            "why": {"type": "string", "description": "why the rate is what it is, one stable word"},
            "ended": {"enum": ["", "done", "taken-over"]},
            "moves": {
                "type": "array",
                "items": _object(
                    {
                        "at_ms": _count("unix milliseconds"),
                        "from_per_minute": _amount("rate before"),
                        "to_per_minute": _amount("rate after"),
                        "why": {"type": "string"},
                    }
                ),
            },
        }
    )


def _order() -> Schema:
    rate = {"type": "number", "minimum": LEAST_RATE_PER_MINUTE, "maximum": MAX_RATE_PER_MINUTE}
    minutes = {"type": "number", "minimum": 1, "maximum": LONGEST_RAMP_MINUTES}
    milliseconds = {"type": "number", "minimum": 10, "maximum": 60_000}
    return {
        "anyOf": [
            _object({"kind": {"enum": ["ramp"]}, "to_per_minute": rate, "over_minutes": minutes}),
            _object(
                {
                    "kind": {"enum": ["autopilot"]},
                    "floor_per_minute": rate,
                    "most_per_minute": rate,
                    "target_p95_ms": milliseconds,
                }
            ),
        ]
    }


def _what_if() -> Schema:
    return _object(
        {
            "rate_per_minute": _amount("the rate that was asked about"),
            "last_enters_ms": _time("when the last in line now would enter; null: nobody waits, or never"),
            "last_enters_now_ms": _time("the same at the present rate"),
            "origin_per_s": _amount("newcomers a second at the origin"),
            "usual_session_s": _unknown("how long a visitor stays inside; seconds"),
            "inside_then": {"type": ["integer", "null"], "description": "rate x usual session"},
            "over_ceiling": {"type": "boolean", "description": "the ceiling would decide, not the rate"},
            "seen_p95_ms": _unknown("the origin's p95 when the delivered rate was last about this one"),
        }
    )


def _unknown(description: str) -> Schema:
    return {"type": ["number", "null"], "description": f"{description}; null: not known"}


def _quota(description: str) -> Schema:
    return {"type": ["integer", "null"], "description": f"{description}; null: no quota"}


def _set_quota(over: str) -> Schema:
    some = {"type": "integer", "minimum": 1, "maximum": MAX_QUOTA}
    return {
        "anyOf": [some, {"type": "null"}, {"enum": ["none", ""]}],
        "description": f"most visitors let in {over}, each counted once; null or none: no quota",
    }


def _set_time(what: str) -> Schema:
    return {
        "anyOf": [
            {"type": "integer", "minimum": 0, "maximum": LATEST_MS - 1},
            {"type": "string", "pattern": TIME},
        ],
        "description": f"{what}: unix ms, a time with its zone, or none",
    }


def _changes() -> Schema:
    changes = _object(
        {
            "rate_per_minute": _rate(),
            "ceiling": {"type": "integer", "minimum": 0, "maximum": MAX_CEILING},
            "phase": {"enum": [str(phase) for phase in OPERATOR_PHASES]},
            "message": _message() | {"description": "replaces what was announced, in both languages"},
            "opens_at_ms": _set_time("moves the scheduled opening"),
            "closes_at_ms": _set_time("when it closes"),
            "ending": {"enum": [str(ending) for ending in Ending]},
            "daily_quota": _set_quota("a calendar day"),
            "total_quota": _set_quota("by this line"),
            "joins_per_network": {"type": "integer", "minimum": 0, "maximum": MAX_JOINS_PER_NETWORK},
            "challenge": {"type": "boolean", "description": "newcomers solve a riddle first"},
            "why": _why(),
            "expected_revision": _count("refused with 409 when the room has another one by now")
            | {"maximum": LARGEST},
        }
    )
    del changes["required"]
    knobs = (
        "rate_per_minute", "ceiling", "phase", "message", "opens_at_ms", "closes_at_ms", "ending",
        "daily_quota", "total_quota", "joins_per_network", "challenge",
    )  # fmt: skip
    return changes | {"anyOf": [{"required": [name]} for name in knobs]}


def schemas() -> Schema:
    knobs = {"type": "object", "description": "knob to value"}
    unread = {"room": {"type": "string"}, "name": {"type": "string"}, "problem": _reason_and_detail()}
    return {
        "Room": _room(),
        "UnreadRoom": _object(unread),
        "Rooms": _object({"rooms": {"type": "array", "items": {"anyOf": [ref("Room"), ref("UnreadRoom")]}}}),
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
                "opening_ms": _time("of an opening that was announced or called off: when its doors open"),
            }
        ),
        "Audit": _object({"room": {"type": "string"}, "entries": {"type": "array", "items": ref("Entry")}}),
        "Ticket": _object(
            {
                "room": {"type": "string"},
                "instance": {"type": "string"},
                "number": {"type": "integer", "minimum": 1},
                "shown": {"type": "string", "description": "with check digit, as people see it"},
                "position": {
                    "type": ["integer", "null"],
                    "minimum": 1,
                    "description": "null: before its draw",
                },
                "state": {"enum": list(ADVICE)},
                "ahead": {"type": ["integer", "null"], "description": "tickets in front, present or not"},
                "advice": {"type": "string", "description": "what to tell the visitor"},
                "pass_unused": {"type": "boolean", "description": "was let in and never opened the site"},
                "timeline": {
                    "type": "array",
                    "items": _object({"at_ms": _count("unix milliseconds"), "what": {"type": "string"}}),
                    "description": "about when it joined, was called and had its turn, derived from samples",
                },
                "events": {
                    "type": "array",
                    "items": _object({"at_ms": _count("unix milliseconds"), "what": {"type": "string"}}),
                    "description": "what happened at the front of the line, newest first",
                },
            }
        ),
        "WhatIf": _what_if(),
        "Order": _order(),
        "Events": _object(
            {
                "room": {"type": "string"},
                "columns": {"type": "array", "items": {"type": "string"}},
                "samples": {"type": "array", "items": {"type": "array", "items": {"type": "number"}}},
                "changes": {"type": "array", "items": ref("Entry")},
            }
        ),
        "NewLine": _object(
            {
                "opens_at_ms": _set_time("an opening to come"),
                "closes_at_ms": _set_time("when that one closes"),
                "ending": {"enum": [str(ending) for ending in Ending]},
                "why": _why(),
            },
            optional=("opens_at_ms", "closes_at_ms", "ending", "why"),
        ),
        **openings.schemas(_set_time, _why()),
        "StaffPassOrder": _object(
            {"hours": {"type": "integer", "minimum": 1, "maximum": 168}, "why": _why()}, optional=("hours", "why")
        ),
        "StaffPass": _object(
            {
                "pass": {"type": "string", "description": "to be sent as the header Antrean-Pass"},
                "expires_at_ms": _count("unix milliseconds"),
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
