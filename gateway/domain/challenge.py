"""Proof of work for who takes a number: a signed riddle, some work of a browser or half a minute of waiting.

Pure. The riddle, as altcha has it: which whole number below MOST, written after the nonce, has this SHA-256? We
chose the number, so each can be solved, in at most MOST steps. Nothing is stored when it is given: the riddle is
signed and carries its time. Who cannot run the script comes back with the riddle unsolved after WAIT_S.
"""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
from dataclasses import dataclass

from gateway.errors import (
    ExpiredCredential,
    ForgedCredential,
    FutureCredential,
    OtherLineCredential,
)

MOST = 200_000  # steps: half of it on average: half a second for all here, several times that on an old phone
WAIT_S = 30  # for who does not solve it
LIVES_S = 600
SKEW_S = 120
REMEMBERED = 200_000  # solutions that one worker knows as used

_FORM = re.compile(r"c1~([A-Za-z0-9._-]+)~([A-Za-z0-9._-]*)~([A-Za-z0-9._-]+)~([0-9a-f]{64})~(\d{1,12})", re.ASCII)


class TooEarlyError(ForgedCredential):
    """A riddle came back unsolved before its time. ``wait_s``: what is left of it."""

    def __init__(self, wait_s: float) -> None:
        super().__init__("come back later, or solve it")
        self.wait_s = wait_s


@dataclass(frozen=True, slots=True)
class Challenge:
    """One riddle."""

    room: str
    instance: str
    nonce: str
    target: str  # hex SHA-256 of the nonce and the number, in decimal
    issued_at_s: int  # unix seconds

    @property
    def payload(self) -> str:
        """What is signed."""
        return f"c1~{self.room}~{self.instance}~{self.nonce}~{self.target}~{self.issued_at_s}"

    def is_solved_by(self, number: str) -> bool:
        """Whether this is the number, in its one spelling."""
        return hmac.compare_digest(_digest(self.nonce, number), self.target)

    def wait_s(self, now_s: float) -> float:
        """Until it may come back unsolved, 0 when it may."""
        return max(0.0, self.issued_at_s + WAIT_S - now_s)


def new_challenge(room: str, instance: str, now_s: float) -> Challenge:
    """A riddle for a newcomer of this line."""
    nonce, number = secrets.token_urlsafe(12), str(secrets.randbelow(MOST))
    return Challenge(room, instance, nonce, _digest(nonce, number), int(now_s))


def parse(payload: str) -> Challenge:
    """A riddle from what was signed. Raises ForgedCredential."""
    match = _FORM.fullmatch(payload)
    if match is None:
        raise ForgedCredential("signed by us, but not a challenge of this version")
    return Challenge(match[1], match[2], match[3], match[4], int(match[5]))


def check(challenge: Challenge, number: str, *, room: str, instance: str, now_s: float) -> bool:
    """True when solved, False when waited for instead.

    ``number``: the answer, empty for who waited. Raises OtherLineCredential, ExpiredCredential, FutureCredential,
    TooEarlyError, and ForgedCredential for a wrong answer.
    """
    if challenge.room != room or challenge.instance != instance:
        raise OtherLineCredential("the challenge is of another line")
    if now_s > challenge.issued_at_s + LIVES_S:
        raise ExpiredCredential(f"the challenge was good for {LIVES_S} s")
    if challenge.issued_at_s > now_s + SKEW_S:
        raise FutureCredential("the challenge was issued in the future")
    if number:
        if not challenge.is_solved_by(number):
            raise ForgedCredential("not the number that was asked for")
        return True
    if (wait_s := challenge.wait_s(now_s)) > 0:
        raise TooEarlyError(wait_s)
    return False


class Used:
    """The riddles whose answer one worker has taken already, so that each takes one number there."""

    def __init__(self, remembered: int = REMEMBERED) -> None:
        self._remembered = remembered
        self._issued_at_s: dict[str, int] = {}

    def __len__(self) -> int:
        return len(self._issued_at_s)

    def __contains__(self, challenge: Challenge) -> bool:
        return challenge.nonce in self._issued_at_s

    def use(self, challenge: Challenge, now_s: float) -> None:
        """It is used from now on."""
        used = self._issued_at_s
        used[challenge.nonce] = challenge.issued_at_s
        # In the order of use, which is nearly that of issue: what comes first has lapsed, or there are too many.
        for _ in range(2):
            oldest = next(iter(used))
            if len(used) <= self._remembered and now_s <= used[oldest] + LIVES_S + SKEW_S:
                break
            del used[oldest]


def _digest(nonce: str, number: str) -> str:
    return hashlib.sha256(f"{nonce}{number}".encode("utf-8", "replace")).hexdigest()
