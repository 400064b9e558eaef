"""A small gateway with a site behind it, honest or broken on purpose, over real sockets.

It keeps the names of the design's section 9 and the rules that load tests look at; there is no store,
no presence and no signature worth the name. ``--fault`` breaks exactly one thing. Prints its port.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import math
import os
import secrets
import socket
import time
from dataclasses import dataclass, field
from html import escape

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, PlainTextResponse, RedirectResponse, Response
from starlette.routing import Route

FAULTS = (
    "none",
    "rate",  # everybody who is called is let in
    "order",  # the newest first
    "turn",  # somebody far behind is let in at once
    "duplicate-number",  # every seventh number is given twice
    "duplicate-registration",
    "position-grows",
    "error-page",  # the site answers 200 with an apology
    "forgery",  # any pass is believed
    "server-error",  # every fifth check-in ends with status 500
    "dies",  # the process is gone in mid-line: connections are refused
    "lost-registration",  # a number is shown, nothing is written
    "deaf",  # some worker goes on with another rate
    "forgets",  # the third in line never gets in
    "number-lost",  # who opens the site again gets another number
    "two-leases",  # each copy of a ticket is let in for itself, as somebody else
    "absurd-range",  # the wait is between a large number and a small one
    "cursors",  # more are served than called
    "miscounts-tickets",  # every tenth ticket is counted twice
    "miscounts-admissions",  # every fifth admission is not counted
)
ROOM = "registration"
CALL_AHEAD_S = 20


@dataclass
class Line:
    """Honest unless told otherwise. Credit accrues with time and is capped at one second's worth."""

    fault: str
    rate_per_minute: float = 600.0
    issued: int = 0
    serving: int = 0
    credit: float = 1.0
    claim_credit: float = 1.0
    claimed: int = 0
    ticked: float = field(default_factory=time.monotonic)
    tickets: dict[str, int] = field(default_factory=dict)  # ticket to number
    passes: dict[str, str] = field(default_factory=dict)  # pass to the visitor's id at the site
    inside: set[int] = field(default_factory=set)
    gone: set[int] = field(default_factory=set)  # given up
    registrations: list[str] = field(default_factory=list)
    checked_in: int = 0
    looks: int = 0

    @property
    def called(self) -> int:
        ahead = math.ceil(self.rate_per_minute / 60 * CALL_AHEAD_S)
        return min(self.issued, max(self.serving, 0) + ahead)

    def tick(self) -> None:
        now = time.monotonic()
        earned = self.rate_per_minute / 60 * (now - self.ticked)
        deepest = max(1.0, self.rate_per_minute / 60)
        self.ticked = now
        self.credit = min(self.credit + earned, deepest)
        self.claim_credit = min(self.claim_credit + earned, deepest)
        while self.credit >= 1 and self.serving < self.issued:
            self.serving += 1
            self.credit -= 1

    def join(self) -> str:
        self.tick()
        ticket = secrets.token_urlsafe(24)
        if not (self.fault == "duplicate-number" and self.issued % 7 == 6):
            self.issued += 1
        self.tickets[ticket] = self.issued
        self.tick()
        return ticket

    def offered(self, number: int) -> bool:
        match self.fault:
            case "rate":
                return number <= self.called
            case "order":
                return number > self.issued - self.serving
            case "turn":
                return number <= self.serving or number == self.issued
            case "forgets":
                return number <= self.serving and number != 3
        return number <= self.serving

    def claim(self, number: int) -> bool:
        """Let in, if it is this number's turn and the meter of claims allows it."""
        self.tick()
        if number in self.inside:
            self.claimed += self.fault == "two-leases"
            return True
        if number in self.gone:
            return False
        if not self.offered(number) or (self.claim_credit < 1 and self.fault not in ("rate", "turn")):
            return False
        self.claim_credit -= 1
        self.claimed += 1
        self.inside.add(number)
        return True

    def state(self, number: int, admitted: bool) -> dict[str, object]:
        self.looks += 1
        ahead = max(0, number - self.serving - 1)
        wait_s = ahead * 60 / self.rate_per_minute
        low_s, high_s = int(wait_s * 0.8), int(wait_s * 1.3) + 10
        if self.fault == "absurd-range":
            low_s, high_s = high_s, low_s
        position = number + (self.looks if self.fault == "position-grows" else 0)
        waiting = "called" if number <= self.called else "waiting"
        return {
            "number": number,
            "shown": f"A-{number:08d}",
            "position": position,
            "state": "admitted" if admitted else "withdrawn" if number in self.gone else waiting,
            "ahead": ahead,
            "eta": {"low_s": low_s, "high_s": high_s},
            "poll_s": 2,
            "location": "/" if admitted else None,
        }


WAITING = '<!doctype html><title>Antrean</title><meta http-equiv="refresh" content="2"><p>Anda dalam antrean.'
FORM = """<!doctype html><title>Daftar</title><form method="post" action="/register">
<input type="hidden" name="csrf" value="{csrf}"><label>NIK <input name="nik" required></label>
<input name="name" required><input type="date" name="birth_date" required>
<label><input type="radio" name="sex" value="male" required> Laki-laki</label>
<label><input type="radio" name="sex" value="female"> Perempuan</label>
<input type="email" name="email" required><input type="tel" name="phone" required>
<select name="formation" required><option value="">Pilih</option><option value="F1">Guru</option></select>
<input type="password" name="password" required><button>Kirim</button></form>"""


class Gateway:
    """The requests."""

    def __init__(self, fault: str) -> None:
        self.line = Line(fault)
        self.shown_rate = self.line.rate_per_minute

    def number(self, request: Request) -> int | None:
        name = f"antrean-ticket-{ROOM}"
        ticket = request.headers.get("antrean-ticket") or request.cookies.get(name, "")
        return self.line.tickets.get(ticket)

    def pass_of(self, request: Request) -> str:
        return request.headers.get("antrean-pass") or request.cookies.get(f"antrean-pass-{ROOM}", "")

    def has_pass(self, request: Request) -> bool:
        value = self.pass_of(request)
        return value in self.line.passes or (self.line.fault == "forgery" and bool(value))

    def let_in(self, response: Response, number: int) -> Response:
        value = secrets.token_urlsafe(24)
        one = f"{number}:{value}" if self.line.fault == "two-leases" else str(number)
        self.line.passes[value] = one
        response.set_cookie(f"antrean-pass-{ROOM}", value, httponly=True, samesite="lax")
        response.headers["Antrean-Pass"] = value
        return response

    async def site(self, request: Request) -> Response:
        if self.has_pass(request):
            return self.form()
        if request.headers.get("sec-fetch-mode") != "navigate":
            return JSONResponse({"status": 429}, 429, {"Retry-After": "5"})
        number, ticket = self.number(request), ""
        if self.line.fault == "number-lost" and number not in self.line.inside:
            number = None
        nobody_waits = self.line.serving >= self.line.issued
        if number is None:
            ticket = self.line.join()
            number = self.line.tickets[ticket]
        elif not self.line.claim(number):
            return HTMLResponse(WAITING)
        if number in self.line.inside or (nobody_waits and self.line.claim(number)):
            response = self.let_in(self.form(), number)
        else:
            response = HTMLResponse(WAITING)
        if ticket:
            response.set_cookie(f"antrean-ticket-{ROOM}", ticket, httponly=True, samesite="lax")
        return response

    def form(self) -> Response:
        if self.line.fault == "error-page":
            return HTMLResponse("<!doctype html><title>Maaf</title><p>Terjadi kesalahan.")
        csrf = secrets.token_urlsafe(8)
        response = HTMLResponse(FORM.format(csrf=csrf))
        response.set_cookie("csrf", csrf)
        return response

    async def register(self, request: Request) -> Response:
        fields = await request.form()
        if not self.has_pass(request) or fields["csrf"] != request.cookies.get("csrf"):
            return PlainTextResponse("refused", 403)
        await asyncio.sleep(0.02)
        count = len(self.line.registrations) + 1
        if self.line.fault == "duplicate-registration" and count % 5 == 0:
            count -= 1
        card = f"2026-{count:07d}-{count % 10}"
        if self.line.fault != "lost-registration" or count % 4:
            self.line.registrations.append(str(fields["nik"]))
        return RedirectResponse(f"/card/{card}", 303)

    async def card(self, request: Request) -> Response:
        number = escape(request.path_params["number"])
        one = self.line.passes.pop(self.pass_of(request), "")  # the visit is over, for every copy
        self.line.passes = {value: other for value, other in self.line.passes.items() if other != one}
        response = HTMLResponse(f"<!doctype html><title>Kartu</title><p>Nomor: <b>{number}</b>")
        response.delete_cookie(f"antrean-pass-{ROOM}")
        response.delete_cookie(f"antrean-ticket-{ROOM}")
        return response

    async def pulse(self, _: Request) -> Response:
        line = self.line
        line.tick()
        body = {
            "room": ROOM,
            "instance": "fake",
            "generation": 1,
            "phase": "open",
            "now_ms": time.time_ns() // 10**6,
            "issued": line.issued,
            "called": line.serving - 1 if line.fault == "cursors" else line.called,
            "serving": line.serving,
            "density": 1.0,
            "rate_per_minute": 600.0 if line.fault == "deaf" and line.issued > 3 else self.shown_rate,
            "opens_at": None,
            "closes_at": None,
            "draw": None,
            "message": "",
            "poll_max_s": 60,
        }
        return JSONResponse(body, headers={"Cache-Control": "public, max-age=1, s-maxage=1"})

    async def join(self, request: Request) -> Response:
        nobody_waits = self.line.serving >= self.line.issued
        ticket = self.line.join()
        number = self.line.tickets[ticket]
        admitted = nobody_waits and self.line.claim(number)
        response: Response = JSONResponse(self.line.state(number, admitted), 201, {"Antrean-Ticket": ticket})
        return self.let_in(response, number) if admitted else response

    async def ticket(self, request: Request) -> Response:
        number = self.number(request)
        if number is None:
            return JSONResponse({"status": 401}, 401)
        return JSONResponse(self.line.state(number, number in self.line.inside))

    async def check_in(self, request: Request) -> Response:
        number = self.number(request)
        if number is None:
            return JSONResponse({"status": 401}, 401)
        self.line.checked_in += 1
        if self.line.fault == "server-error" and self.line.checked_in % 5 == 0:
            return PlainTextResponse("sorry", 500)
        if self.line.fault == "dies" and self.line.checked_in == 10:
            os._exit(1)
        admitted = self.line.claim(number)
        response = JSONResponse(self.line.state(number, admitted))
        return self.let_in(response, number) if admitted else response

    async def still_here(self, request: Request) -> Response:
        return JSONResponse({"visitor": self.line.passes.get(self.pass_of(request))})

    async def leave(self, request: Request) -> Response:
        if (number := self.number(request)) is not None:
            self.line.gone.add(number)
            self.line.inside.discard(number)
        return Response(status_code=204)

    async def health(self, _: Request) -> Response:
        return JSONResponse({"registrations": len(self.line.registrations)})

    async def metrics(self, _: Request) -> Response:
        line = self.line
        issued = line.issued + (line.issued // 10 if line.fault == "miscounts-tickets" else 0)
        claimed = line.claimed - (line.claimed // 5 if line.fault == "miscounts-admissions" else 0)
        return PlainTextResponse(
            f'antrean_issued{{room="{ROOM}"}} {float(issued)}\n'
            f'antrean_admissions_total{{room="{ROOM}"}} {float(claimed)}\n'
        )

    async def set_rate(self, request: Request) -> Response:
        """What the operator's command does here."""
        self.line.tick()
        self.shown_rate = float(json.loads(await request.body())["rate"])
        self.line.rate_per_minute = self.shown_rate
        return JSONResponse({"rate": self.shown_rate})

    def app(self) -> Starlette:
        queue = f"/_queue/{ROOM}"
        return Starlette(
            routes=[
                Route("/", self.site, methods=["GET", "POST"]),
                Route("/register", self.register, methods=["POST"]),
                Route("/card/{number}", self.card),
                Route("/still-here", self.still_here),
                Route("/health", self.health),
                Route("/metrics", self.metrics),
                Route("/_queue/health", self.health),
                Route("/_fake/rate", self.set_rate, methods=["POST"]),
                Route(f"{queue}/pulse", self.pulse),
                Route(f"{queue}/join", self.join, methods=["POST"]),
                Route(f"{queue}/ticket", self.ticket),
                Route(f"{queue}/check-in", self.check_in, methods=["POST"]),
                Route(f"{queue}/leave", self.leave, methods=["POST"]),
            ]
        )


def main() -> None:
    """Serve on a free port until killed."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--fault", choices=FAULTS, default="none")
    parser.add_argument("--rate", type=float, default=600.0)
    options = parser.parse_args()
    gateway = Gateway(options.fault)
    gateway.line.rate_per_minute = gateway.shown_rate = options.rate
    listener = socket.create_server(("127.0.0.1", 0), backlog=512)
    print(listener.getsockname()[1], flush=True)
    uvicorn.Server(uvicorn.Config(gateway.app(), log_level="critical")).run(sockets=[listener])


if __name__ == "__main__":
    main()
