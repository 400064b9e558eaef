"""A crowd that comes at a rate, whether or not it is answered: each request on a connection of its own.

One process with one epoll, and as little as can be done for a request, so that it offers several times what a
worker serves. Linux only, as epoll is.
"""

from __future__ import annotations

import errno
import select
import socket
import time
from collections import Counter, deque
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import cycle

MOST_OPEN = 8_000  # beyond it a visitor finds no way in, which counts as offered and not answered
_BATCH = 50  # arrivals between two looks at the sockets


@dataclass(frozen=True, slots=True)
class Part:
    """Some of the crowd: what it asks in turn, how large its share is."""

    name: str
    share: int  # parts of the whole
    requests: Sequence[bytes]


@dataclass(slots=True)
class Met:
    """What the crowd met in one stretch."""

    seconds: float = 0.0
    offered: Counter[str] = field(default_factory=Counter)
    served: Counter[str] = field(default_factory=Counter)  # 2xx in time
    turned_away: Counter[str] = field(default_factory=Counter)  # 503
    failed: Counter[str] = field(default_factory=Counter)  # too late, reset or never connected
    waits_s: dict[str, list[float]] = field(default_factory=dict)  # of those who were served

    def wait_ms(self, name: str, part: float = 0.95) -> float:
        """By when this part of those served had their answer."""
        waits = sorted(self.waits_s.get(name, ()))
        return waits[min(len(waits) - 1, int(len(waits) * part))] * 1000 if waits else float("nan")


@dataclass(slots=True)
class _Visit:
    name: str
    request: bytes
    began_s: float
    connection: socket.socket
    sent: bool = False
    over: bool = False
    status: int = 0
    missing: int = 0  # bytes of the body still to come


def offer(port: int, parts: Sequence[Part], per_second: float, seconds: float, within_s: float) -> Met:
    """Offer ``per_second`` requests for ``seconds``; an answer counts when it is whole within ``within_s``."""
    crowd = _Crowd(port, within_s)
    names = cycle([part.name for part in parts for _ in range(part.share)])
    requests = {part.name: cycle(part.requests) for part in parts}
    began_s = due_s = time.perf_counter()
    while (now_s := time.perf_counter()) - began_s < seconds:
        for _ in range(_BATCH):
            if due_s > now_s:
                break
            due_s += 1 / per_second
            _arrive(crowd, next(names), requests)
        crowd.attend(0.0 if due_s <= now_s else min(due_s - now_s, 0.01))
    crowd.met.seconds = time.perf_counter() - began_s
    while crowd.open and time.perf_counter() - began_s < seconds + within_s:
        crowd.attend(0.05)
    crowd.give_up_all()
    return crowd.met


def _arrive(crowd: _Crowd, name: str, requests: Mapping[str, Iterator[bytes]]) -> None:
    crowd.arrive(name, next(requests[name]))


class _Crowd:
    def __init__(self, port: int, within_s: float) -> None:
        self.met = Met()
        self.open: dict[int, _Visit] = {}
        self._where = ("127.0.0.1", port)
        self._within_s = within_s
        self._epoll = select.epoll()
        self._by_age: deque[_Visit] = deque()

    def arrive(self, name: str, request: bytes) -> None:
        self.met.offered[name] += 1
        if len(self.open) >= MOST_OPEN:
            self.met.failed[name] += 1
            return
        connection = socket.socket()
        connection.setblocking(False)
        visit = _Visit(name, request, time.perf_counter(), connection)
        code = connection.connect_ex(self._where)
        if code not in (0, errno.EINPROGRESS):
            self.met.failed[name] += 1
            connection.close()
            return
        self.open[connection.fileno()] = visit
        self._by_age.append(visit)
        if code == 0:
            connection.send(request)
            visit.sent = True
        self._epoll.register(connection.fileno(), select.EPOLLIN if visit.sent else select.EPOLLOUT)

    def attend(self, timeout_s: float) -> None:
        """Read what came, and give up what is too late."""
        for number, _ in self._epoll.poll(timeout_s, 1000):
            visit = self.open[number]
            try:
                self._advance(number, visit)
            except OSError:
                self._end(number, visit)
        late_s = time.perf_counter() - self._within_s
        while self._by_age and (self._by_age[0].over or self._by_age[0].began_s < late_s):
            visit = self._by_age.popleft()
            if not visit.over:
                visit.status = 0
                self._end(visit.connection.fileno(), visit)

    def _advance(self, number: int, visit: _Visit) -> None:
        if not visit.sent:
            visit.connection.send(visit.request)
            visit.sent = True
            self._epoll.modify(number, select.EPOLLIN)
            return
        data = visit.connection.recv(65536)
        if not visit.status and data:
            head, _, body = data.partition(b"\r\n\r\n")
            visit.status = int(head[9:12])
            at = head.lower().find(b"content-length: ")
            length = int(head[at + 16 :].split(b"\r\n", 1)[0]) if at >= 0 else 0
            visit.missing = length - len(body)
        else:
            visit.missing -= len(data)
        if visit.missing <= 0 or not data:
            self._end(number, visit)

    def _end(self, number: int, visit: _Visit) -> None:
        visit.over = True
        del self.open[number]
        self._epoll.unregister(number)
        visit.connection.close()
        wait_s = time.perf_counter() - visit.began_s
        if visit.status == 503:
            self.met.turned_away[visit.name] += 1
        elif 200 <= visit.status < 300 and visit.missing <= 0:
            self.met.served[visit.name] += 1
            self.met.waits_s.setdefault(visit.name, []).append(wait_s)
        else:
            self.met.failed[visit.name] += 1

    def give_up_all(self) -> None:
        for number, visit in list(self.open.items()):
            visit.status = 0
            self._end(number, visit)
        self._epoll.close()
