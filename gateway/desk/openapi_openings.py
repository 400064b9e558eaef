"""The parts of the API's description that are about openings and draws."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from gateway.domain.changes import LANGUAGES
from gateway.domain.draw import MAX_ENTROPY_CHARACTERS
from gateway.domain.openings import FREEZE_LEAST_S, FREEZE_MOST_S, ORDERS
from gateway.domain.room import MAX_MESSAGE_CHARACTERS, Ending, Phase

Schema = dict[str, Any]

STEPS = ("committed", "frozen", "due", "drawn")
VISIBLE = r"^$|^[!-~]([ -~]*[!-~])?$"  # more can be entered; this much surely can


def reason() -> Schema:
    """Why drawn or not, by language: visitors read it."""
    text = {"type": "string", "maxLength": MAX_MESSAGE_CHARACTERS, "pattern": r"^[^\x00-\x09\x0b-\x1f\x7f-\x9f]*$"}
    return {
        "type": "object",
        "properties": dict.fromkeys(LANGUAGES, text),
        "additionalProperties": False,
        "description": "why drawn or not, for visitors",
    }


def draw(more: Schema | None = None) -> Schema:
    """The public facts of a draw; empty strings and zero until each is known."""
    text = {"type": "string"}
    whole = {"type": "integer", "minimum": 0}
    facts = {
        "commitment": text | {"description": "hex SHA-256 of the secret"},
        "announced_entropy": text | {"description": "what public value will be used; empty: none"},
        "freeze_s": whole | {"description": "seconds before the opening"},
        "frozen_ms": whole | {"description": "when N was fixed; unix milliseconds"},
        "size": whole | {"description": "N, how many are drawn"},
        "secret": text | {"description": "hex, published at the draw"},
        "entropy": text | {"description": "entered after the freeze"},
        **(more or {}),
    }
    return {"type": "object", "properties": facts, "required": list(facts), "additionalProperties": False}


def schemas(set_time: Callable[[str], Schema], why: Schema) -> Schema:
    """By their names. ``set_time`` describes a time that is sent."""
    ending = {"enum": [str(each) for each in Ending]}
    maybe_draw = {"anyOf": [{"type": "null"}, draw()]}
    time = {"type": ["integer", "null"], "description": "unix milliseconds"}
    visible = {"type": "string", "maxLength": MAX_ENTROPY_CHARACTERS, "pattern": VISIBLE}
    return {
        "Planned": _whole(
            {
                "instance": {"type": "string", "description": "of the line that it will have"},
                "opens_at_ms": {"type": "integer"},
                "closes_at_ms": time,
                "ending": ending,
                "order": {"enum": list(ORDERS)},
                "challenge": {"type": ["boolean", "null"], "description": "null: as the room has it then"},
                "draw": maybe_draw,
                "reason": reason(),
            }
        ),
        "Openings": _whole(
            {
                "room": {"type": "string"},
                "instance": {"type": "string", "description": "of the line now"},
                "phase": {"enum": [str(phase) for phase in Phase]},
                "opens_at_ms": time,
                "closes_at_ms": time,
                "ending": ending,
                "draw": maybe_draw,
                "reason": reason(),
                "planned": {"type": "array", "items": {"$ref": "#/components/schemas/Planned"}},
            }
        ),
        "OpeningOrder": _whole(
            {
                "opens_at_ms": set_time("when the doors open"),
                "closes_at_ms": set_time("when they close"),
                "ending": ending | {"description": "what closing means for those in line"},
                "order": {"enum": list(ORDERS), "default": "fifo"},
                "announced_entropy": visible | {"description": "for a draw: what public value decides"},
                "challenge": {
                    "type": "boolean",
                    "description": "newcomers solve a riddle first; in a draw by default",
                },
                "freeze_s": {"type": "integer", "minimum": FREEZE_LEAST_S, "maximum": FREEZE_MOST_S},
                "reason": reason(),
                "why": why,
            },
            "opens_at_ms",
        ),
        "Entropy": _whole({"entropy": visible | {"minLength": 1}, "why": why}, "entropy"),
    }


def _whole(properties: Schema, *required: str) -> Schema:
    """An object with exactly these; all required unless some are named."""
    return {
        "type": "object",
        "properties": properties,
        "required": list(required or properties),
        "additionalProperties": False,
    }
