"""What somebody without a ticket meets before a number is given: the room's challenge, their network's limit.

Neither asks the store. Who has a ticket never comes here.
"""

from __future__ import annotations

import random
import time
from urllib.parse import quote

from gateway.domain import challenge as riddles
from gateway.domain.challenge import Challenge, TooEarlyError
from gateway.domain.room import Snapshot
from gateway.errors import CredentialError, SpentCredential
from gateway.visitor.answers import Answer, problem
from gateway.visitor.counting import count_request
from gateway.visitor.newcomer_page import newcomer_page
from gateway.visitor.pages import chosen_language, kept_language
from gateway.visitor.requests import Request, query_value
from gateway.visitor.rooms import VisitorRoom

HEADER = b"antrean-solution"
LIMITED_S = 20  # to come again, at least; up to twice as long, so that not all of a network come at once
WAITED_WEIGHT = 10  # who waited instead of solving counts as so many: waiting costs a program nothing
_LONGEST = 400
_LONGEST_NUMBER = 10

_LIMITED = "Your network has brought many newcomers within a minute. Try again later: no place is lost by it."
_CHALLENGED = (
    "Send the header Antrean-Solution with TOKEN:NUMBER, where the SHA-256 of the nonce followed by the number, in"
    " decimal, is the target; or with the token alone when wait_s seconds have passed."
)


def stopped(room: VisitorRoom, request: Request, return_to: str, now_s: float) -> Answer | None:
    """Why no number is given now, as a page or a problem; None: one may be given, and is counted."""
    snapshot = room.snapshot
    if snapshot is None or not snapshot.phase.issues_tickets:
        return None
    answer, weight, solution = "", 1, None
    if snapshot.knobs.challenge:
        answer = _answer(room, request)
        try:
            solution, solved = _read(room, answer, snapshot, now_s)
        except CredentialError as error:
            return _challenged(room, request, return_to, snapshot, answer, error, now_s)
        weight = 1 if solved else WAITED_WEIGHT
    if _is_limited(room, request, snapshot, weight):
        return _limited(room, request, return_to, answer)
    if solution is not None:
        room.used.use(solution, now_s)
    return None


def _answer(room: VisitorRoom, request: Request) -> str:
    """What the newcomer says to a challenge: TOKEN:NUMBER, or the token alone."""
    said = request.header(HEADER)
    if not said and request.raw_path == b"/_queue/%b/wait" % room.id.encode():
        said = query_value(request.query, "solution").encode("latin-1", "replace")
    return said.decode("latin-1") if len(said) <= _LONGEST else ""


def _read(room: VisitorRoom, answer: str, snapshot: Snapshot, now_s: float) -> tuple[Challenge, bool]:
    """The riddle that is answered, and whether it was solved. Raises CredentialError."""
    token, _, number = answer.partition(":")
    challenge = room.keyring.read_challenge(token)
    solved = riddles.check(
        challenge, number[:_LONGEST_NUMBER], room=room.id, instance=snapshot.instance, now_s=now_s
    )
    if challenge in room.used:
        raise SpentCredential("the answer was used already")
    return challenge, solved


def _is_limited(room: VisitorRoom, request: Request, snapshot: Snapshot, weight: int) -> bool:
    most = snapshot.knobs.joins_per_network
    if not most:
        return False
    share = max(1.0, most / max(1, snapshot.workers))
    return room.networks.wait_s(request.address, share, time.monotonic(), weight=weight) > 0


def _limited(room: VisitorRoom, request: Request, return_to: str, answer: str) -> Answer:
    count_request(room.line, "limited")
    again_s = random.randint(LIMITED_S, 2 * LIMITED_S)  # noqa: S311 - spreads visitors, hides nothing
    retry = (b"retry-after", b"%d" % again_s)
    if not request.wants_html():
        return problem(429, "network-limit", _LIMITED, retry)
    go = _way_on(room, return_to, answer)
    headers = (retry, *kept_language(request))
    return newcomer_page(
        room.settings, chosen_language(room, request), "limited", 429, *headers, go=go, seconds=again_s
    )


def _challenged(
    room: VisitorRoom, request: Request, return_to: str, snapshot: Snapshot, answer: str, error: CredentialError,
    now_s: float,
) -> Answer:  # fmt: skip
    count_request(room.line, "challenged")
    token = answer.partition(":")[0]
    if isinstance(error, TooEarlyError):
        challenge = room.keyring.read_challenge(token)  # the same one: whoever waits has waited a part already
    else:
        challenge = riddles.new_challenge(room.id, snapshot.instance, now_s)
        token = room.keyring.sign_challenge(challenge)
    wait_s = int(challenge.wait_s(now_s)) + 1
    if not request.wants_html():
        told = {
            "algorithm": "SHA-256", "token": token, "nonce": challenge.nonce, "target": challenge.target,
            "most": riddles.MOST, "wait_s": wait_s, "lives_s": riddles.LIVES_S,
        }  # fmt: skip
        return problem(403, "challenge", _CHALLENGED, challenge=told)
    go = _way_on(room, return_to, token)
    return newcomer_page(
        room.settings, chosen_language(room, request), "challenge", room.settings.queue_status,
        *kept_language(request), go=go, seconds=wait_s, nonce=challenge.nonce, target=challenge.target,
    )  # fmt: skip


def _way_on(room: VisitorRoom, return_to: str, answer: str) -> str:
    """Where the visitor goes on from here. In letters that need no escaping in HTML: no & but the one that is."""
    solution = f"&amp;solution={quote(answer, safe='~:')}" if answer else ""
    return f"/_queue/{room.id}/wait?to={quote(return_to, safe='/')}{solution}"
