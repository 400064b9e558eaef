"""The desk's pages as a browser without script uses them: forms, redirects, refusals; in both languages."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from typing import Any

import pytest

from gateway.counters import WAIT_TOLD
from gateway.i18n import LOCALES, missing_texts
from gateway.watching import Watching


class Fields(HTMLParser):
    """The hidden fields of each form by its address."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.forms: dict[str, dict[str, str]] = {}
        self._form: dict[str, str] = {}
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = {name: value or "" for name, value in attrs}
        if tag == "form":
            self._form = self.forms.setdefault(values["action"], {})
        elif tag == "input" and values.get("type") == "hidden":
            self._form[values["name"]] = values["value"]


class Browser:
    """Signed in, without script."""

    def __init__(self, desk: Any) -> None:
        self.desk = desk
        self.page = ""

    async def sign_in(self) -> None:
        await self.send("/sign-in", password=self.desk.password)

    async def get(self, path: str = "/", **headers: str) -> str:
        async with self.desk.http.get(self.desk.url + path, headers=headers) as answer:
            self.page = await answer.text()
            assert answer.status < 500, self.page
            return self.page

    async def send(self, path: str, **fields: str) -> int:
        hidden = Fields(self.page).forms.get(path, {})
        headers = {"Origin": self.desk.url}
        async with self.desk.http.post(self.desk.url + path, data=hidden | fields, headers=headers) as answer:
            self.page = await answer.text()
            return int(answer.status)


@pytest.fixture
async def browser(desk: Any, worker: Any) -> Browser:
    browser = Browser(desk)
    await browser.sign_in()
    return browser


CHANGE = "/rooms/registration/change"


async def test_the_desk_shows_the_room_and_its_numbers(browser: Browser, worker: Any) -> None:
    await worker.line.join()
    page = await browser.get()
    assert "Pendaftaran CPNS" in page
    assert re.search(r'data-figure="issued">1<', page)
    assert re.search(r'data-figure="ceiling">500<', page)
    assert re.search(r"data-phase>Open<", page)


async def test_the_desk_tells_how_many_told_waits_held(browser: Browser, worker: Any) -> None:
    watching = Watching(worker.store)
    await worker.store.tick()
    await watching.look(worker.line)  # the line has begun
    assert re.search(r'data-told="event"[^>]* hidden>', await browser.get()), "nobody entered yet"
    for when, outcome, count in (("join", "right", 6), ("join", "too-short", 2), ("halfway", "right", 8)):
        worker.line.count(WAIT_TOLD.key(when=when, outcome=outcome), count)
    await worker.store.tick()
    page = await browser.get()
    assert "of the 8 admissions of this line, 75 % entered within the range told when they joined, 100 %" in page
    assert "of 8 admissions, 75 % within" in page, "and the last ten minutes"
    assert "dari 8 orang yang masuk dalam antrean ini, 75 % masuk" in await browser.get("/?lang=id")
    await worker.line.new_line(actor="tests")
    await watching.look(worker.line)
    assert re.search(r'data-told="event"[^>]* hidden>', await browser.get()), "of another line"


async def test_a_change_is_told_with_its_way_back(browser: Browser, worker: Any) -> None:
    assert await browser.send(CHANGE, rate_per_minute="30", why="origin is slow") == 200
    assert "rate 60 → 30" in browser.page
    undo = next(path for path in Fields(browser.page).forms if "/undo/" in path)
    assert await browser.send(undo) == 200
    assert "rate 30 → 60" in browser.page
    await worker.store.tick()
    assert worker.line.snapshot.knobs.rate_per_minute == 60


async def test_the_phase_buttons_pause_and_resume(browser: Browser, worker: Any) -> None:
    await browser.send(CHANGE, phase="paused")
    assert "data-phase>Paused<" in browser.page
    await browser.send(CHANGE, phase="open")
    assert "data-phase>Open<" in browser.page


@pytest.mark.parametrize("phase", ["closed", "bypass"])
async def test_what_concerns_everyone_is_asked_twice_and_told_in_numbers(
    browser: Browser, worker: Any, phase: str
) -> None:
    await worker.line.set_knobs({"rate_per_minute": 0}, actor="tests")
    for _ in range(3):
        await worker.line.join()
    await browser.get()
    assert await browser.send(CHANGE, phase=phase) == 200
    assert re.search(r"\b[03] people", browser.page)
    assert (await worker.line.refresh()).phase == "open"
    assert await browser.send(CHANGE) == 200
    assert (await worker.line.refresh()).phase == phase


async def test_a_new_line_is_asked_twice_and_opens_when_it_was_said(browser: Browser, worker: Any) -> None:
    path = "/rooms/registration/new-line"
    before = await worker.line.refresh()
    await browser.get()
    times = {"opens_at": "2099-08-20T09:00", "closes_at": "2099-08-20T17:00:30", "zone": "+08:00", "ending": "cut"}
    assert await browser.send(path, **times) == 200
    assert "cannot be undone" in browser.page
    assert "2099-08-20 09:00 (+08:00)" in browser.page
    assert (await worker.line.refresh()).instance == before.instance
    assert await browser.send(path) == 200
    after = await worker.line.refresh()
    assert after.instance != before.instance
    assert (after.phase, after.knobs.ending) == ("scheduled", "cut")
    assert after.knobs.closes_at_ms - after.knobs.opens_at_ms == (8 * 3600 + 30) * 1000
    assert await browser.send(CHANGE, opens_at="2099-08-20T10:00", zone="+07:00", closes_at="") == 200
    moved = (await worker.line.refresh()).knobs
    assert (moved.opens_at_ms - after.knobs.opens_at_ms, moved.closes_at_ms) == (2 * 3600 * 1000, 0)
    assert await browser.send(CHANGE, ending="serve") == 200
    assert "are turned away → are all served" in browser.page
    assert await browser.send(path, opens_at="", closes_at="2099-08-20T17:00", zone="+08:00") == 422
    assert "give the opening too" in browser.page


async def test_a_message_is_shown_as_text_never_as_markup(browser: Browser, worker: Any) -> None:
    await browser.send(CHANGE, message_id="<script>alert(1)</script>", message_en='"> & <b>')
    assert "<script>alert" not in browser.page
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in browser.page
    assert (await worker.line.refresh()).knobs.message["en"] == '"> & <b>'


async def test_a_refused_value_stays_typed_and_the_reason_is_said(browser: Browser, worker: Any) -> None:
    assert await browser.send(CHANGE, rate_per_minute="-5") == 422
    assert "give 0 to 1,000,000" in browser.page
    assert 'value="-5"' in browser.page
    assert await browser.send(CHANGE, ceiling="lots") == 422
    assert "is not a whole number" in browser.page


async def test_the_second_operator_is_shown_the_firsts_change_before_overwriting_it(
    browser: Browser, worker: Any
) -> None:
    await worker.line.set_knobs({"rate_per_minute": 45}, actor="the other one")
    assert await browser.send(CHANGE, rate_per_minute="90") == 409
    assert "somebody else changed this room first" in browser.page
    assert "the other one" in browser.page
    assert re.search(r'data-figure="rate_per_minute">45<', browser.page)
    assert await browser.send(CHANGE, rate_per_minute="90") == 200
    assert (await worker.line.refresh()).knobs.rate_per_minute == 90


async def test_the_help_desk_finds_withdraws_and_reinstates_a_ticket(browser: Browser, worker: Any) -> None:
    await worker.line.set_knobs({"rate_per_minute": 0}, actor="tests")
    number = (await worker.line.join()).number
    await browser.get(f"/rooms/registration/ticket?number=%23{number}")
    assert "Waiting" in browser.page
    assert await browser.send(f"/rooms/registration/tickets/{number}/withdraw") == 200
    assert "Withdrawn" in browser.page
    assert await browser.send(f"/rooms/registration/tickets/{number}/reinstate") == 200
    assert "was reinstated" in browser.page


async def test_a_mistyped_number_is_said_at_the_form(browser: Browser) -> None:
    await browser.get("/rooms/registration/ticket?number=A-0001-2341")
    assert "has a typing mistake" in browser.page
    assert 'value="A-0001-2341"' in browser.page


async def test_both_languages_are_whole_and_the_choice_is_remembered(browser: Browser) -> None:
    assert missing_texts(LOCALES / "desk") == {"en": set(), "id": set()}
    assert 'lang="id"' in await browser.get(**{"Accept-Language": "id,en;q=0.5"})
    assert "Menunggu" in browser.page
    await browser.get("/?lang=id")
    assert "Menunggu" in await browser.get()
    await browser.get("/?lang=en")
    assert "Waiting" in await browser.get(**{"Accept-Language": "id"})


async def test_nothing_on_a_page_needs_what_the_policy_forbids(browser: Browser) -> None:
    for path in ("/", "/sign-in", "/rooms/registration/ticket?number=%231"):
        page = await browser.get(path)
        assert not re.search(r"<script>|<style|\sstyle=|\son[a-z]+=", page)


async def test_an_unknown_room_is_said_not_crashed_on(browser: Browser) -> None:
    for path in ("/rooms/other/undo/1", "/rooms/other/tickets/1/withdraw"):
        browser.page = f'<form action="{path}"><input type="hidden" name="csrf" value="{await csrf(browser)}">'
        assert await browser.send(path) == 404
        assert "there is no room" in browser.page


async def csrf(browser: Browser) -> str:
    return Fields(await browser.get()).forms["/sign-out"]["csrf"]


async def test_what_is_so_already_is_no_change(browser: Browser, worker: Any) -> None:
    before = (await worker.line.refresh()).revision
    assert await browser.send(CHANGE, rate_per_minute="60") == 409
    assert "Nothing was changed" in browser.page or "nothing was changed" in browser.page
    assert (await worker.line.refresh()).revision == before


async def test_quotas_are_set_and_taken_away_at_the_desk(browser: Browser, worker: Any) -> None:
    assert await browser.send(CHANGE, daily_quota="800", total_quota="5000") == 200
    assert "→ 800" in browser.page
    assert "→ 5,000" in browser.page
    assert await browser.send(CHANGE, daily_quota="", total_quota="5000") == 200
    knobs = (await worker.line.refresh()).knobs
    assert (knobs.daily_quota, knobs.total_quota) == (0, 5000)
    assert await browser.send(CHANGE, daily_quota="0") == 422
