"""The load tests' visitors in threads of this process, without locust: a run that costs little, for many fakes."""

from __future__ import annotations

import http.client
import json
import threading
import time
import urllib.request
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import date
from http.cookiejar import CookieJar
from urllib.parse import urlsplit

from loadtests import outside, runner
from loadtests.browser import Browser, RawReply, Request, TroubleError
from loadtests.checks import judge
from loadtests.identities import Identities
from loadtests.ledger import Arrived, Ended, Failure, Ledger, Seen, clock
from loadtests.personas import EVERYONE, PERSONAS
from loadtests.plan import Planned, make_plan, parse_mix
from loadtests.shapes import SHAPES
from loadtests.verdict import Check, Facts
from loadtests.visitors import World

FASTER = 3.0  # people's own times, compressed
ANSWER_WITHIN_S = 20.0
AT_MOST_S = 90.0


class CutOffError(Exception):
    """The run is over, and this visit is not."""


class PlainTransport:
    """A connection for each request, and cookies."""

    def __init__(self, host: str) -> None:
        self._host = host
        self._jar = CookieJar()
        self._refused: tuple[str, ...] = ()

    def send(self, request: Request) -> RawReply:
        asked = urllib.request.Request(
            request.url, data=request.body, headers=dict(request.headers), method=request.method
        )
        self._jar.add_cookie_header(asked)
        connection = http.client.HTTPConnection(urlsplit(self._host).netloc, timeout=ANSWER_WITHIN_S)
        try:
            connection.request(request.method, asked.selector, request.body, dict(asked.header_items()))
            response = connection.getresponse()
            text = response.read().decode()
        except (OSError, http.client.HTTPException) as exc:
            return RawReply(0, {}, "", error=type(exc).__name__)
        finally:
            connection.close()
        self._jar.extract_cookies(response, asked)
        self._drop_refused()
        return RawReply(response.status, {name.lower(): value for name, value in response.getheaders()}, text)

    def cookies(self) -> dict[str, str]:
        return {cookie.name: cookie.value or "" for cookie in self._jar}

    def refuse_cookies(self, prefix: str) -> None:
        self._refused = (*self._refused, prefix)

    def another(self) -> PlainTransport:
        return PlainTransport(self._host)

    def copy_cookies(self, other: PlainTransport, prefix: str) -> None:
        for cookie in other._jar:
            if cookie.name.startswith(prefix):
                self._jar.set_cookie(cookie)

    def _drop_refused(self) -> None:
        for cookie in list(self._jar):
            if cookie.name.startswith(self._refused or ("\0",)):
                self._jar.clear(cookie.domain, cookie.path, cookie.name)


class Crowd:
    """Everybody of one run. Ends when every visit has, or when those left are left for good."""

    def __init__(self, host: str, plan: Sequence[Planned], alone_s: float) -> None:
        self._host, self._plan, self._alone_s = host, plan, alone_s
        self.ledger = Ledger()
        self._started_s = self._last_end_s = clock()
        identities = Identities(host, date(2026, 11, 24))
        self._world = World("registration", "/", identities, self._sleep, self.ledger.add, together)

    def live(self) -> None:
        """Let all of them come, and look at the pulse meanwhile."""
        threads = [threading.Thread(target=self._visit, args=(planned,), daemon=True) for planned in self._plan]
        for thread in threads:
            thread.start()
        look = runner.Plan(self._host, "registration", "/", len(self._plan), "Smoke", 1, "", 1, "", 60)
        for thread in threads:
            while thread.is_alive():
                runner.observe(look, self.ledger)
                thread.join(1.0)

    def _visit(self, planned: Planned) -> None:
        due_s = self._started_s + planned.at_s
        time.sleep(max(0.0, due_s - clock()))
        self.ledger.add(Arrived(planned.index, planned.persona, due_s, clock()))
        browser = Browser(PlainTransport(self._host), self._host, planned.index, self.ledger.add)
        try:
            self._end(planned, PERSONAS[planned.persona](self._world, browser, planned).live())
        except TroubleError as exc:
            self.ledger.add(Failure(planned.index, exc.cause, exc.call, exc.detail, clock()))
            self._end(planned, "failed")
        except CutOffError:
            self.ledger.add(Ended(planned.index, "cut off", clock()))

    def _end(self, planned: Planned, outcome: str) -> None:
        self.ledger.add(Ended(planned.index, outcome, clock()))
        self._last_end_s = clock()

    def _sleep(self, seconds: float) -> None:
        time.sleep(seconds / FASTER)
        alone = len(self.ledger.all(Ended)) > len(self._plan) / 2 and clock() - self._last_end_s > self._alone_s
        if alone or clock() - self._started_s > AT_MOST_S:
            raise CutOffError


def together(acts: Sequence[Callable[[], Seen]]) -> list[Seen]:
    """Each in a thread of its own, at the same moment."""
    with ThreadPoolExecutor(len(acts)) as pool:
        return [future.result() for future in [pool.submit(act) for act in acts]]


def visit(
    host: str, visitors: int, mix: str, rate_per_minute: float, alone_s: float = AT_MOST_S
) -> tuple[Ledger, list[Check]]:
    """A run against the fake gateway at ``host``, and its judgement.

    ``alone_s``: once most visits have ended and none did for so long, the others are taken to wait for ever.
    """
    body = json.dumps({"rate": rate_per_minute}).encode()
    urllib.request.urlopen(f"{host}/_fake/rate", data=body, timeout=ANSWER_WITHIN_S).read()
    before, set_s = outside.figures(host, host, "registration"), clock()
    weights = parse_mix(mix, frozenset(PERSONAS), EVERYONE)
    crowd = Crowd(host, make_plan(SHAPES["Smoke"], visitors, weights, 2014, 1.0), alone_s)
    crowd.live()
    facts = Facts(rate_per_minute, set_s, before, outside.figures(host, host, "registration"))
    return crowd.ledger, judge(crowd.ledger, facts)
