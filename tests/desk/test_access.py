"""Who gets in: every route is walked without credentials, and what opens the desk is tried in wrong forms."""

from __future__ import annotations

import itertools
import re
from dataclasses import replace
from typing import Any

import pytest
from starlette.routing import Route

from gateway.desk.app import build, is_loopback
from gateway.desk.guard import Guard
from gateway.desk.password import Password
from gateway.desk.sessions import COOKIE
from gateway.settings import Settings

OPEN = {
    ("GET", "/ready"),
    ("GET", "/metrics"),
    ("GET", "/sign-in"),
    ("GET", "/static/desk.css"),
    ("GET", "/static/desk.js"),
    ("GET", "/static/desk.svg"),
}


def every_call(settings: Settings) -> list[tuple[str, str]]:
    """Each method and path of the application, with something in place of what varies."""
    calls = []
    for route in build(settings).routes:
        assert isinstance(route, Route), f"{route} is not a plain route: teach this test to walk it"
        path = re.sub(r"\{room\}", "registration", route.path)
        path = re.sub(r"\{[^}]*\}", "1", path)
        calls += [(method, path) for method in sorted(route.methods or ())]
    return calls


async def test_no_route_answers_without_credentials_but_those_meant_to(desk: Any, settings: Settings) -> None:
    calls = every_call(settings)
    assert len(calls) > 20
    for method, path in calls:
        async with desk.http.request(method, desk.url + path, allow_redirects=False) as answer:
            is_open = ("GET" if method == "HEAD" else method, path) in OPEN
            sent_to_sign_in = answer.status == 303 and answer.headers["Location"] == "/sign-in"
            # A sign-in comes from the desk's own page or is refused before the password is looked at.
            refused = sent_to_sign_in or answer.status in ((401, 403) if path == "/sign-in" else (401,))
            assert is_open != refused, f"{method} {path} answered {answer.status}"


async def test_a_path_that_does_not_exist_tells_a_stranger_nothing(desk: Any) -> None:
    for path in ("/api/nothing", "/nothing", "/docs", "/static/../desk.css", "/static/waiting.css"):
        async with desk.http.get(desk.url + path, allow_redirects=False) as answer:
            assert answer.status in (401, 303), path


async def test_no_route_accepts_a_token_that_is_not_ours(desk: Any, settings: Settings) -> None:
    wrong = ["Bearer antrean_wrong", "Bearer ", "Basic YTpi", f"Basic {desk.token}", desk.token]
    for (method, path), header in itertools.product(every_call(settings), wrong):
        async with desk.http.request(
            method, desk.url + path, headers={"Authorization": header}, allow_redirects=False
        ) as answer:
            assert answer.status in (401, 303), f"{method} {path} with {header[:20]}"


async def test_metrics_ask_for_credentials_when_others_can_reach_the_port(settings: Settings) -> None:
    assert is_loopback("127.0.0.1")
    assert is_loopback("::1")
    assert is_loopback("localhost")
    assert not is_loopback("0.0.0.0")
    assert not is_loopback("desk.example")
    for host, is_open in (("127.0.0.1", True), ("0.0.0.0", False)):
        guard = build(replace(settings, desk_host=host)).user_middleware[0]
        assert str(guard.cls) == str(Guard)
        assert guard.kwargs["metrics_open"] is is_open


async def sign_in(desk: Any, password: str, **headers: str) -> tuple[int, str]:
    headers = {"Origin": desk.url} | headers
    async with desk.http.post(
        desk.url + "/sign-in", data={"password": password}, headers=headers, allow_redirects=False
    ) as answer:
        return answer.status, await answer.text()


async def csrf_of(desk: Any) -> str:
    async with desk.http.get(desk.url + "/") as answer:
        found = re.search(r'name="csrf" value="([^"]+)"', await answer.text())
        assert found is not None
        return found[1]


async def test_the_password_opens_a_session_and_signing_out_ends_it_everywhere(desk: Any) -> None:
    assert (await sign_in(desk, desk.password))[0] == 303
    cookie = next(morsel for morsel in desk.http.cookie_jar if morsel.key == COOKIE)
    assert cookie["httponly"]
    assert cookie["samesite"].lower() == "strict"
    async with desk.http.get(desk.url + "/", allow_redirects=False) as answer:
        assert answer.status == 200
    headers = {"Origin": desk.url}
    async with desk.http.post(
        desk.url + "/sign-out", data={"csrf": await csrf_of(desk)}, headers=headers, allow_redirects=False
    ) as answer:
        assert answer.status == 303
    async with desk.http.get(
        desk.url + "/", headers={"Cookie": f"{COOKIE}={cookie.value}"}, allow_redirects=False
    ) as answer:
        assert answer.status == 303, "a copied cookie outlived the sign-out"


async def test_a_new_password_signs_everybody_out(desk: Any, settings: Settings) -> None:
    await sign_in(desk, desk.password)
    new = Password(settings.state_dir).make_new()
    async with desk.http.get(desk.url + "/", allow_redirects=False) as answer:
        assert answer.status == 303
    assert (await sign_in(desk, desk.password))[0] == 401
    assert (await sign_in(desk, new))[0] == 303


async def test_the_cookie_is_secure_when_the_browser_came_by_https(desk: Any) -> None:
    host = desk.url.removeprefix("http://")
    await sign_in(desk, desk.password, Origin=f"https://{host}")
    cookie = next(morsel for morsel in desk.http.cookie_jar if morsel.key == COOKIE)
    assert cookie["secure"]


@pytest.mark.parametrize("origin", ["https://evil.example", "null", "http://127.0.0.1", "", None])
async def test_another_sites_page_can_neither_sign_in_nor_change_anything(desk: Any, origin: str | None) -> None:
    await sign_in(desk, desk.password)
    csrf = await csrf_of(desk)
    headers = {} if origin is None else {"Origin": origin}
    for path in ("/sign-in", "/sign-out", "/rooms/registration/change"):
        data = {"csrf": csrf, "phase": "paused", "password": desk.password}
        async with desk.http.post(desk.url + path, data=data, headers=headers, allow_redirects=False) as answer:
            assert answer.status == 403, path


async def test_a_session_changes_nothing_without_its_own_csrf_token(desk: Any) -> None:
    await sign_in(desk, desk.password)
    for csrf in ("", "x", "a.b", (await csrf_of(desk))[:-1]):
        headers = {"Origin": desk.url}
        async with desk.http.post(
            desk.url + "/rooms/registration/change", data={"csrf": csrf, "phase": "paused"}, headers=headers
        ) as answer:
            assert answer.status == 403
        async with desk.http.patch(
            desk.url + "/api/rooms/registration",
            json={"phase": "paused"},
            headers=headers | {"Antrean-CSRF": csrf},
        ) as answer:
            assert answer.status == 403
            assert (await answer.json(content_type=None))["reason"] == "csrf"


async def test_sign_in_attempts_are_limited_even_for_the_right_password(desk: Any) -> None:
    for _ in range(8):
        assert (await sign_in(desk, "wrong"))[0] == 401
    status, page = await sign_in(desk, desk.password)
    assert status == 429
    assert "seconds" in page


async def test_forged_and_foreign_cookies_are_not_believed(desk: Any) -> None:
    for value in ("", "x", "W10.x", "a" * 5000, "\xe9"):
        async with desk.http.get(
            desk.url + "/", headers={"Cookie": f"{COOKIE}={value}"}, allow_redirects=False
        ) as answer:
            assert answer.status == 303


async def test_every_answer_carries_the_headers_that_browsers_need(desk: Any) -> None:
    for path in ("/sign-in", "/", "/ready", "/api/rooms", "/static/desk.js"):
        async with desk.http.get(desk.url + path, allow_redirects=False) as answer:
            policy = answer.headers["Content-Security-Policy"]
            assert "default-src 'none'" in policy
            assert "unsafe" not in policy
            assert answer.headers["X-Content-Type-Options"] == "nosniff"
            assert answer.headers["X-Frame-Options"] == "DENY"
            assert answer.headers["Referrer-Policy"] == "same-origin"
