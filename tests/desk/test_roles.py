"""Who may call what: every route of the desk, with nobody's, a viewer's and an operator's credentials."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from typing import Any

import aiohttp
import pytest
from starlette.routing import Route

from gateway.desk.app import build
from gateway.desk.guard import CSRF_HEADER
from gateway.desk.people import People
from gateway.desk.roles import Role
from gateway.desk.tokens import Tokens
from gateway.settings import Settings
from tests.desk.test_pages import Browser, Fields
from tests.docs.documents import ROOT, keep_marked, marked, table

YES, SIGN_IN, NO_CREDENTIALS, LOOKS_ONLY = "yes", "to sign-in", "401", "403"

OPEN = (YES, YES, YES)
PAGE, PAGE_CHANGE = (SIGN_IN, YES, YES), (SIGN_IN, LOOKS_ONLY, YES)
CALL, CALL_CHANGE = (NO_CREDENTIALS, YES, YES), (NO_CREDENTIALS, LOOKS_ONLY, YES)

# Nobody, viewer, operator. A route that is not here fails the test: decide who may call it, and write it down.
TABLE = {
    ("GET", "/ready"): OPEN,
    ("GET", "/metrics"): OPEN,  # on the loopback address; elsewhere as the API
    ("GET", "/sign-in"): OPEN,
    ("POST", "/sign-in"): OPEN,
    ("POST", "/sign-out"): PAGE,
    ("GET", "/static/desk.css"): OPEN,
    ("GET", "/static/desk.js"): OPEN,
    ("GET", "/static/desk.svg"): OPEN,
    ("GET", "/"): PAGE,
    ("GET", "/rooms/{room}/charts"): PAGE,
    ("GET", "/rooms/{room}/checklist"): PAGE,
    ("GET", "/rooms/{room}/ticket"): PAGE,
    ("POST", "/rooms/{room}/change"): PAGE_CHANGE,
    ("POST", "/rooms/{room}/undo/{revision:int}"): PAGE_CHANGE,
    ("POST", "/rooms/{room}/tickets/{number:int}/withdraw"): PAGE_CHANGE,
    ("POST", "/rooms/{room}/tickets/{number:int}/reinstate"): PAGE_CHANGE,
    ("POST", "/rooms/{room}/autopilot"): PAGE_CHANGE,
    ("POST", "/rooms/{room}/take-over"): PAGE_CHANGE,
    ("POST", "/rooms/{room}/stop"): PAGE_CHANGE,
    ("POST", "/rooms/{room}/staff-pass"): PAGE_CHANGE,
    ("POST", "/rooms/{room}/new-line"): PAGE_CHANGE,
    ("POST", "/rooms/{room}/openings"): PAGE_CHANGE,
    ("POST", "/rooms/{room}/openings/{opening}/remove"): PAGE_CHANGE,
    ("POST", "/rooms/{room}/entropy"): PAGE_CHANGE,
    ("GET", "/api/openapi.json"): CALL,
    ("GET", "/api/rooms"): CALL,
    ("GET", "/api/rooms/{room}"): CALL,
    ("PATCH", "/api/rooms/{room}"): CALL_CHANGE,
    ("GET", "/api/rooms/{room}/audit"): CALL,
    ("POST", "/api/rooms/{room}/undo/{revision}"): CALL_CHANGE,
    ("GET", "/api/rooms/{room}/tickets/{number}"): CALL,
    ("POST", "/api/rooms/{room}/tickets/{number}/withdraw"): CALL_CHANGE,
    ("POST", "/api/rooms/{room}/tickets/{number}/reinstate"): CALL_CHANGE,
    ("GET", "/api/rooms/{room}/what-if"): CALL,
    ("GET", "/api/rooms/{room}/events"): CALL,
    ("PUT", "/api/rooms/{room}/steering"): CALL_CHANGE,
    ("DELETE", "/api/rooms/{room}/steering"): CALL_CHANGE,
    ("POST", "/api/rooms/{room}/staff-pass"): CALL_CHANGE,
    ("POST", "/api/rooms/{room}/new-line"): CALL_CHANGE,
    ("GET", "/api/rooms/{room}/openings"): CALL,
    ("POST", "/api/rooms/{room}/openings"): CALL_CHANGE,
    ("DELETE", "/api/rooms/{room}/openings/{opening}"): CALL_CHANGE,
    ("POST", "/api/rooms/{room}/entropy"): CALL_CHANGE,
}
DOCUMENT = ROOT / "docs" / "access.md"


def every_route(settings: Settings) -> list[tuple[str, str]]:
    routes = build(settings).routes
    assert all(isinstance(route, Route) for route in routes), "teach this test to walk what is not a plain route"
    calls = [
        (method, route.path) for route in routes if isinstance(route, Route) for method in route.methods or ()
    ]
    return [(method, path) for method, path in calls if method != "HEAD"]  # the guard takes HEAD as GET


@dataclass
class Visit:
    """Somebody with their credentials."""

    url: str
    http: aiohttp.ClientSession
    headers: dict[str, str] = field(default_factory=dict)

    async def told(self, method: str, path: str) -> str:
        path = re.sub(r"\{[^}]*\}", "1", path.replace("{room}", "registration"))
        headers = {"Origin": self.url} | self.headers
        async with self.http.request(
            method, self.url + path, headers=headers, data=b"", allow_redirects=False
        ) as answer:
            text = await answer.text()
        assert answer.status < 500, f"{method} {path}: {text}"
        if answer.status == 303 and answer.headers["Location"] == "/sign-in" and path != "/sign-out":
            return SIGN_IN
        if answer.status == 401 and path != "/sign-in":
            return NO_CREDENTIALS
        if answer.status == 403:
            assert json.loads(text)["reason"] == "viewer", text
            assert "ask an operator" in json.loads(text)["detail"]
            return LOOKS_ONLY
        return YES


async def signed_in(desk: Any, name: str, password: str) -> Visit:
    http = aiohttp.ClientSession(cookie_jar=aiohttp.CookieJar(unsafe=True))
    data = {"username": name, "password": password}
    async with http.post(desk.url + "/sign-in", data=data, headers={"Origin": desk.url}) as answer:
        page = await answer.text()
        assert answer.status == 200, page
    csrf = re.search(r'name="csrf" value="([^"]+)"', page)
    assert csrf is not None
    return Visit(desk.url, http, {CSRF_HEADER: csrf[1]})


def test_every_route_is_in_the_table_and_nothing_else(settings: Settings) -> None:
    served = every_route(settings)
    assert len(served) == len(set(served))
    assert set(served) == set(TABLE)


@pytest.mark.parametrize("by", ["nobody", "viewer's token", "operator's token", "viewer", "operator"])
async def test_each_route_answers_as_the_table_says(desk: Any, worker: Any, settings: Settings, by: str) -> None:
    column = 0 if by == "nobody" else 1 if by.startswith("viewer") else 2
    role = (Role.VIEWER, Role.VIEWER, Role.OPERATOR)[column]
    if by.endswith("token"):
        token = Tokens(settings.state_dir).make("walker", role)
        visit = Visit(desk.url, desk.http, {"Authorization": f"Bearer {token}"})
    elif by == "nobody":
        visit = Visit(desk.url, desk.http)
    else:
        visit = await signed_in(desk, "siti", People(settings.state_dir).add("siti", role))
    # Whoever signs out is nobody afterwards.
    calls = sorted(TABLE, key=lambda call: call[1] == "/sign-out")
    told = {call: await visit.told(*call) for call in calls if not (by == "nobody" and call[1] == "/sign-out")}
    assert told == {call: TABLE[call][column] for call in told}
    if visit.http is not desk.http:
        await visit.http.close()


async def test_nobody_signs_out_nobody(desk: Any) -> None:
    async with desk.http.post(desk.url + "/sign-out", allow_redirects=False) as answer:
        assert (answer.status, answer.headers["Location"]) == (303, "/sign-in")


def route_table() -> str:
    rows = [(f"`{method} {re.sub(':int', '', path)}`", *who) for (method, path), who in TABLE.items()]
    return table("call", "nobody", "viewer", "operator", rows=rows)


def test_the_document_has_the_table() -> None:
    keep_marked(DOCUMENT, "routes", route_table())
    assert marked(DOCUMENT, "routes") == route_table(), "write it anew: ANTREAN_WRITE_DOCS=1"


class Buttons(Fields):
    """Which buttons of forms that change something can be pressed."""

    def __init__(self, page: str) -> None:
        self.pressable: list[str] = []
        self._changes = ""
        super().__init__(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        super().handle_starttag(tag, attrs)
        values = dict(attrs)
        if tag == "form":
            self._changes = values["action"] or "" if values.get("method") == "post" else ""
        elif tag == "button" and self._changes and "disabled" not in values:
            self.pressable.append(self._changes)
        elif tag == "button" and self._changes:
            assert values.get("title"), f"no reason is given at {self._changes}"


async def test_a_viewer_sees_everything_and_can_press_nothing(desk: Any, worker: Any, settings: Settings) -> None:
    await worker.line.set_knobs({"rate_per_minute": 0}, actor="tests")
    number = (await worker.line.join()).number
    visit = await signed_in(desk, "siti", People(settings.state_dir).add("siti"))
    for path in ("/", f"/rooms/registration/ticket?number={number}", "/rooms/registration/checklist"):
        async with visit.http.get(desk.url + path) as answer:
            page = await answer.text()
        assert answer.status == 200
        assert Buttons(page).pressable == ["/sign-out"], path
    browser = Browser(desk)
    await browser.sign_in()
    assert len(Buttons(await browser.get()).pressable) > 10
    await visit.http.close()


async def test_who_is_removed_is_signed_out_at_once(desk: Any, settings: Settings) -> None:
    people = People(settings.state_dir)
    visit = await signed_in(desk, "siti", people.add("siti", Role.OPERATOR))
    assert await visit.told("GET", "/api/rooms") == YES
    people.remove("siti")
    people.add("siti", Role.OPERATOR)
    assert await visit.told("GET", "/api/rooms") == NO_CREDENTIALS
    await visit.http.close()


async def test_the_audit_names_who_made_a_change(desk: Any, worker: Any, settings: Settings) -> None:
    visit = await signed_in(desk, "siti", People(settings.state_dir).add("siti", Role.OPERATOR))
    async with visit.http.patch(
        desk.url + "/api/rooms/registration", json={"ceiling": 77}, headers={"Origin": desk.url} | visit.headers
    ) as answer:
        assert answer.status == 200
    _, audit = await desk.api("GET", "/api/rooms/registration/audit?most=1")
    assert audit["entries"][0]["actor"] == "siti"
    await visit.http.close()
