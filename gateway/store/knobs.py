"""An operator's values, checked and turned into what the store's functions take."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping

from gateway.domain.room import MAX_MESSAGE_CHARACTERS, Ending, Phase, check_ceiling, check_quota, check_rate
from gateway.errors import InvalidKnob


def knob_pairs(changes: Mapping[str, object]) -> list[str | float]:
    """Names and values in turn, for set_knobs. Raises InvalidKnob on an unknown name or a value out of range."""
    if not changes:
        raise InvalidKnob("nothing to change: name at least one of " + ", ".join(_CHECKS))
    pairs: list[str | float] = []
    for name, value in changes.items():
        if name not in _CHECKS:
            raise InvalidKnob(f"{name} is not a knob: use one of " + ", ".join(_CHECKS))
        store_name, check = _CHECKS[name]
        pairs += [store_name, check(value)]
    return pairs


def _rate(value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise InvalidKnob(f"rate {value!r} is not a number of visitors a minute")
    return check_rate(float(value))


def _ceiling(value: object) -> int:
    if isinstance(value, bool) or not isinstance(value, int):
        raise InvalidKnob(f"ceiling {value!r} is not a whole number of visitors")
    return check_ceiling(value)


def _quota(value: object) -> int:
    if isinstance(value, bool) or not isinstance(value, int):
        raise InvalidKnob(f"quota {value!r} is not a whole number of visitors (0 for none)")
    return check_quota(value)


def _phase(value: object) -> str:
    try:
        return Phase(str(value)).value
    except ValueError:
        raise InvalidKnob(f"phase {value!r} does not exist: use one of " + ", ".join(Phase)) from None


def _ending(value: object) -> str:
    try:
        return Ending(str(value)).value
    except ValueError:
        raise InvalidKnob(f"ending {value!r} does not exist: use one of " + ", ".join(Ending)) from None


def _time(value: object) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value < 10**14:
        raise InvalidKnob(f"time {value!r} is not milliseconds since 1970 (0 for none)")
    return value


def _message(value: object) -> str:
    if not isinstance(value, Mapping) or not all(isinstance(part, str) for pair in value.items() for part in pair):
        raise InvalidKnob('a message is texts by language, as {"id": "…", "en": "…"}')
    for language, text in value.items():
        if len(text) > MAX_MESSAGE_CHARACTERS:
            raise InvalidKnob(
                f"the {language} message has {len(text)} characters: at most {MAX_MESSAGE_CHARACTERS}"
            )
    return json.dumps({language: text for language, text in value.items() if text.strip()}, ensure_ascii=False)


_CHECKS: dict[str, tuple[str, Callable[[object], str | float]]] = {
    "rate_per_minute": ("rate", _rate),
    "ceiling": ("ceiling", _ceiling),
    "phase": ("phase", _phase),
    "opens_at_ms": ("opens_at_ms", _time),
    "closes_at_ms": ("closes_at_ms", _time),
    "message": ("message", _message),
    "ending": ("ending", _ending),
    "daily_quota": ("daily_quota", _quota),
    "total_quota": ("total_quota", _quota),
}
