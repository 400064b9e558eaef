"""What somebody is answered whom an overloaded worker turns away: bytes made at start, chosen by a glance.

The request is not parsed for it. Whether what looks like a pass is one, a glance cannot tell: such a request takes
the whole way, where the gate looks once more.
"""

from __future__ import annotations

import re

from gateway.domain.overload import Who, retry_after_s
from gateway.overload import dice
from gateway.visitor.answers import Answer, problem
from gateway.visitor.requests import Request
from gateway.visitor.rooms import VisitorRoom

_CALL = re.compile(rb"(?:GET|HEAD|POST) /_queue/(?:(authorize|health)|[a-z0-9-]+/(join|wait))?")
_FIRST_LANGUAGE = re.compile(rb"(?:antrean-lang=|\naccept-language: *)([a-z]{2})")
_DETAIL = "More people came at once than can be answered. Come again after the time in Retry-After."


def who_asks(head: bytes) -> Who:
    """Whose request this head is of, as far as a glance tells."""
    small = head.lower()
    call = _CALL.match(head)
    if b"antrean-pass" in small or (call is not None and call[1] is not None):
        return Who.INSIDE
    if b"antrean-ticket" in small or (call is not None and call[2] is None):
        return Who.WAITING
    return Who.NEWCOMER


class TurnedAway:
    """The answers in one room's looks, in every language."""

    def __init__(self, room: VisitorRoom, languages: tuple[str, ...]) -> None:
        default = room.settings.default_language
        self._pages = {
            (code.encode(), packed): _page(room, code, packed) for code in languages for packed in (True, False)
        }
        self._default = default.encode() if default in languages else languages[0].encode()
        self._whole: dict[tuple[Answer, int], bytes] = {}  # a few pages times sixty
        self._problem = problem(503, "overloaded", _DETAIL)

    def __call__(self, head: bytes, severity: float) -> bytes:
        """The whole answer, as it is sent; the connection ends with it."""
        answer = self._of(head.lower())
        retry_s = retry_after_s(severity, dice())
        whole = self._whole.get((answer, retry_s))
        if whole is None:
            whole = self._whole[answer, retry_s] = _begun(answer, retry_s) + answer.body
        return whole if head[:5] != b"HEAD " else _begun(answer, retry_s)

    def answer(self, request: Request, severity: float) -> Answer:
        """The same for the gate."""
        wants = b"\n".join(request.header(name) for name in (b"accept", b"accept-encoding"))
        spoken = b"\naccept-language: " + request.header(b"accept-language")
        chosen = self._of((wants + spoken).lower())
        retry = (b"retry-after", b"%d" % retry_after_s(severity, dice()))
        return Answer(503, [*chosen.own, retry], chosen.body, fixed=chosen.fixed)

    def _of(self, small: bytes) -> Answer:
        if b"text/html" not in small:
            return self._problem
        found = _FIRST_LANGUAGE.search(small)
        language = found[1] if found is not None else self._default
        packed = b"gzip" in small
        return self._pages.get((language, packed)) or self._pages[self._default, packed]


def _begun(answer: Answer, retry_s: int) -> bytes:
    own = b"retry-after: %d\r\nconnection: close\r\n\r\n" % retry_s
    return b"HTTP/1.1 503 Service Unavailable\r\n" + answer.lines + own


def _page(room: VisitorRoom, language: str, packed: bool) -> Answer:
    page = room.page.simple(language, "overloaded", "gzip" if packed else "identity")
    return Answer(503, (), page.body, fixed=page)
