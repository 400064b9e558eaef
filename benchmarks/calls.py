"""The calls that are measured, each with the headers that a browser (or nginx) sends along.

The bare server is asked the very same bytes but for the path, so that what reading a head costs is in both.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass

from gateway.domain.credentials import Keyring, Pass, Ticket

MANY = 60_000  # tickets: more than a worker remembers, so that each one's signature is checked again
FEW = 500  # as many as the sample room lets inside
ISSUED = 100_000  # in line before anything is measured

_BROWSER = {
    "host": "127.0.0.1:8080",
    "user-agent": "Mozilla/5.0 (Linux; Android 13; SM-A145F) AppleWebKit/537.36 (KHTML, like Gecko) "
    "Chrome/138.0.0.0 Mobile Safari/537.36",
    "accept-encoding": "gzip, deflate, br, zstd",
    "accept-language": "id-ID,id;q=0.9,en-US;q=0.8,en;q=0.7",
    "sec-ch-ua-mobile": "?1",
    "sec-ch-ua-platform": '"Android"',
}
_PAGE = _BROWSER | {
    "accept": "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8",
    "upgrade-insecure-requests": "1",
    "sec-fetch-site": "none",
    "sec-fetch-mode": "navigate",
    "sec-fetch-user": "?1",
    "sec-fetch-dest": "document",
}
_SCRIPT = _BROWSER | {
    "accept": "*/*",
    "referer": "http://127.0.0.1:8080/",
    "sec-fetch-site": "same-origin",
    "sec-fetch-mode": "cors",
    "sec-fetch-dest": "empty",
}


@dataclass(frozen=True, slots=True)
class Call:
    """One line of the table."""

    name: str
    method: str
    path: str
    headers: dict[str, str]
    status: int
    cookies: Sequence[str] = ("",)  # one request for each, in turn
    against: str = "hello"  # the app that the same request goes to, for the ratio
    goal: float | None = None  # the ratio of processor time to reach

    def requests(self, path: str | None = None) -> list[bytes]:
        """The bytes to send, in turn; to ``path`` if it is given."""
        head = f"{self.method} {path or self.path} HTTP/1.1\r\n"
        head += "".join(f"{name}: {value}\r\n" for name, value in self.headers.items())
        if self.method == "POST":
            head += "content-length: 0\r\n"
        return [f"{head}cookie: {cookie}\r\n\r\n".encode() for cookie in self.cookies]


def the_calls(keyring: Keyring, instance: str) -> list[Call]:
    """All of them, for the line ``instance`` of the sample room in which ISSUED have a number."""
    tickets = [ticket_cookie(keyring, instance, number) for number in range(1000, 1000 + MANY)]
    passes = [pass_cookie(keyring, instance, number) for number in range(1, 1 + FEW)]
    asked = _PAGE | {"x-original-uri": "/daftar", "x-original-method": "GET"}
    return [
        Call("pulse", "GET", "/_queue/registration/pulse", _SCRIPT, 200, goal=1.4),
        Call("check-in", "POST", "/_queue/registration/check-in", _SCRIPT, 200, tickets, goal=1.0),
        Call("check-in, ticket known", "POST", "/_queue/registration/check-in", _SCRIPT, 200, tickets[:FEW]),
        Call("join, with the page", "GET", "/", _PAGE, 200, goal=0.8),
        Call("forward auth", "GET", "/_queue/authorize", asked, 204, passes, goal=1.1),
        Call("admitted, proxied", "GET", "/daftar", _PAGE, 200, passes, against="proxy", goal=0.88),
    ]


def ticket_cookie(keyring: Keyring, instance: str, number: int) -> str:
    """What a browser sends whose visitor waits in line."""
    ticket = Ticket("registration", instance, 1, number, int(time.time()), f"n{number:07}", "/daftar")
    return f"antrean-lang=id; antrean-ticket-registration={keyring.sign_ticket(ticket)}"


def pass_cookie(keyring: Keyring, instance: str, number: int) -> str:
    """What a browser sends whose visitor is inside."""
    now_s = int(time.time())
    visitor_pass = Pass("registration", instance, 1, number, f"n{number:07}", now_s + 1200, now_s + 7200)
    token = keyring.sign_pass(visitor_pass)
    return f"{ticket_cookie(keyring, instance, number)}; antrean-pass-registration={token}"
