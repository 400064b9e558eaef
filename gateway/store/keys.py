"""Every key of a room, under one hash tag, in the order in which every function declares them.

None expires: they live as long as the room, and their size is bounded. The bitmaps have one bit a position
(or number) up to the highest marked, 1.25 MB at ten million; the rest grows with the rate or not at all.
"""

from __future__ import annotations

KEYS = (
    "line",  # string, packed: cursors, buckets, knobs, room time
    "seen:even",  # bitmap by position: seen in the presence window with an even index
    "seen:odd",  # bitmap by position: the same, odd
    "gone",  # bitmap by position: gave the place up while it was ahead of the cursor
    "late",  # bitmap by position: came back after being passed over
    "spent",  # bitmap by number: was admitted
    "withdrawn",  # bitmap by number: finished, left, or was withdrawn
    "offers",  # sorted set: position -> room time at which the offer lapses
    "offers:late",  # sorted set: the same, for late returns
    "claimed",  # sorted set: number -> room time; admitted, pass not used yet
    "leases",  # sorted set: number -> room time; admitted and using the pass
    "joins",  # hash: worker -> its last join and the answer; pruned after ten idle minutes
    "workers",  # sorted set: worker -> wall time of its last tick; pruned after a minute
    "samples",  # list: a row every ten seconds, 27 hours of them
    "audit",  # list: the operator's last thousand changes, newest first
    "metrics",  # hash: counters of all workers, summed
    "log",  # list: what happened to the last 20,000 who reached the front, newest first
    "door",  # sorted set: position -> room time of its last knock; those with an offer whom the rate kept out
    "stamps",  # hash: block of stamps -> its first number; one for each worker and outage, until the line ends
    "moves",  # hash: number -> device and claim; one for each place that was moved, until the line ends
    "let-in",  # bitmap by number: was admitted at least once, however that ended
)


def room_keys(room: str) -> tuple[str, ...]:
    """The keys of ``room``; the braces put all of them into one cluster slot."""
    return tuple(f"antrean:{{{room}}}:{name}" for name in KEYS)


def room_key(room: str, name: str) -> str:
    """One key of ``room``; ``name`` is one of KEYS."""
    return room_keys(room)[KEYS.index(name)]


WATCH_KEYS = (
    "reports",  # hash: worker -> what it says of itself; gone a minute after the last one
    "origin",  # list: the origin's counters every ten seconds, 27 hours of them
    "watch",  # string: the worker that writes these rows and steers the rate; falls free after five seconds
    "plan",  # string: the ramp or the autopilot that an operator ordered, while it stands
    "course",  # string: how that plan goes
    "told",  # list: how told waits came out, counted every ten seconds, ten minutes of them
    "told:line",  # string: the same when this line began
    "alarms",  # hash: alarm that was told -> wall time of that; gone a day after the last change
)


def watch_key(room: str, name: str) -> str:
    """A key that the desk and the workers use besides the line's; no function of the line needs it."""
    assert name in WATCH_KEYS, name
    return f"antrean:{{{room}}}:{name}"
