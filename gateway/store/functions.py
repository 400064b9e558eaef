"""The function library: its source, its name, and the commands that call it.

The library's name ends in a hash of its source, so two versions of the gateway can share a store, each with
its own functions over the same keys; the ``schema`` field guards against a change of the keys themselves.
"""

from __future__ import annotations

import hashlib
from importlib.resources import files

from gateway.store.keys import room_keys

Command = tuple[str | int | float, ...]

_PLACEHOLDER = "antrean_v1"


def _read_source() -> str:
    folder = files("gateway.store") / "lua"
    parts = sorted((entry for entry in folder.iterdir() if entry.name.endswith(".lua")), key=lambda e: e.name)
    return "\n".join(part.read_text(encoding="utf-8") for part in parts)


_SOURCE = _read_source()

NAME = f"{_PLACEHOLDER}_{hashlib.sha256(_SOURCE.encode()).hexdigest()[:8]}"
LIBRARY = _SOURCE.replace(_PLACEHOLDER, NAME)


def load_command() -> Command:
    """Loads the library; a store that has it answers an error saying so, which is as good."""
    return ("FUNCTION", "LOAD", LIBRARY)


class Functions:
    """The functions of one room. Each method builds the command; its Lua header states what it returns."""

    def __init__(self, room: str) -> None:
        self._keys = room_keys(room)

    def _call(self, verb: str, name: str, *args: str | int | float) -> Command:
        return (verb, f"{NAME}_{name}", len(self._keys), *self._keys, *args)

    def join(self, now_ms: int, run_id: str, worker: str, sequence: int, count: int) -> Command:
        return self._call("FCALL", "join", now_ms, run_id, worker, sequence, count)

    def check_in(self, now_ms: int, run_id: str, instance: str, *triples: int) -> Command:
        """``triples``: position, number, the ticket's device or -1 if a pass is held, for each visitor."""
        return self._call("FCALL", "check_in", now_ms, run_id, instance, *triples)

    def move(self, now_ms: int, run_id: str, instance: str, *quadruples: str | int) -> Command:
        """``quadruples``: position, number, device so far, claim, for each visitor."""
        return self._call("FCALL", "move", now_ms, run_id, instance, *quadruples)

    def look(self, now_ms: int, run_id: str, instance: str, *triples: int) -> Command:
        return self._call("FCALL_RO", "look", now_ms, run_id, instance, *triples)

    def touch(self, now_ms: int, run_id: str, instance: str, *numbers: int) -> Command:
        return self._call("FCALL", "touch", now_ms, run_id, instance, *numbers)

    def finish(self, now_ms: int, run_id: str, instance: str, *numbers: int) -> Command:
        return self._call("FCALL", "finish", now_ms, run_id, instance, *numbers)

    def leave(self, now_ms: int, run_id: str, instance: str, *pairs: int) -> Command:
        """``pairs``: position, number, for each visitor."""
        return self._call("FCALL", "leave", now_ms, run_id, instance, *pairs)

    def reinstate(self, now_ms: int, run_id: str, instance: str, *pairs: int) -> Command:
        return self._call("FCALL", "reinstate", now_ms, run_id, instance, *pairs)

    def tick(self, now_ms: int, run_id: str, worker: str, *counts: str | float) -> Command:
        """``counts``: metric name, amount to add, for each."""
        return self._call("FCALL", "tick", now_ms, run_id, worker, *counts)

    def restore(self, now_ms: int, run_id: str, known_json: str) -> Command:
        return self._call("FCALL", "restore", now_ms, run_id, known_json)

    def set_knobs(self, now_ms: int, revision: int, actor: str, why: str, *pairs: str | float) -> Command:
        """``revision``: the one that the operator saw, -1 for any. ``pairs``: knob, value."""
        return self._call("FCALL", "set_knobs", now_ms, "", revision, actor, why, *pairs)

    def reserve(self, now_ms: int, run_id: str, instance: str, block: str, count: int, first: int) -> Command:
        """``first``: the number that the worker was given before the store lost it, 0 for none."""
        return self._call("FCALL", "reserve", now_ms, run_id, instance, block, count, first)

    def redeem(self, now_ms: int, run_id: str, instance: str, *triples: str | int) -> Command:
        """``triples``: block, index, 1 if every worker has had the time to reserve else 0, for each stamp."""
        return self._call("FCALL", "redeem", now_ms, run_id, instance, *triples)

    def new_line(self, now_ms: int, instance: str, actor: str, why: str) -> Command:
        return self._call("FCALL", "new_line", now_ms, "", instance, actor, why)

    def schedule(self, now_ms: int, actor: str, why: str, instance: str, *opening: str | int) -> Command:
        """``opening``: opens_at_ms, closes_at_ms, ending, JSON of the draw or '', JSON of the reason or '', and
        1, 0 or '' for the challenge: before the numbers, not, or as it was."""
        return self._call("FCALL", "schedule", now_ms, "", actor, why, instance, *opening)

    def unschedule(self, now_ms: int, actor: str, why: str, instance: str) -> Command:
        return self._call("FCALL", "unschedule", now_ms, "", actor, why, instance)

    def enter_entropy(self, now_ms: int, actor: str, why: str, instance: str, entropy: str) -> Command:
        return self._call("FCALL", "enter_entropy", now_ms, "", actor, why, instance, entropy)

    def reveal(self, now_ms: int, run_id: str, instance: str, secret_hex: str) -> Command:
        return self._call("FCALL", "reveal", now_ms, run_id, instance, secret_hex)

    def note(self, now_ms: int, actor: str, why: str, entry_json: str) -> Command:
        return self._call("FCALL", "note", now_ms, "", actor, why, entry_json)

    def read(self, now_ms: int) -> Command:
        return self._call("FCALL_RO", "read", now_ms, "")
