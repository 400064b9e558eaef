"""The waiting page's bytes: weight, policy, encodings, escaping, languages, what each ticket is told."""

from __future__ import annotations

import base64
import gzip
import hashlib
import re
import shutil
import subprocess
from dataclasses import replace
from functools import partial
from html.parser import HTMLParser
from typing import Any

import brotli
import pytest

from gateway.i18n import languages
from gateway.settings import RoomSettings, sample_room
from gateway.visitor.page_words import VIEWS, view_of
from gateway.visitor.waiting_page import KINDS, Page, WaitingPage, choose_encoding, choose_language

NOON_MS = 1_787_202_000_000  # Thursday 20 August 2026, 12:00 in Jakarta
ENCODINGS = ("br", "gzip", "identity")


Room = partial(RoomSettings, id="registration", name="Pendaftaran CPNS 2026", origin="http://127.0.0.1:1")


@pytest.fixture(scope="module")
def pages() -> WaitingPage:
    return WaitingPage(Room())


def a_state(**changes: Any) -> dict[str, Any]:
    return {
        "number": 1234,
        "shown": "A-0000-1234-7",
        "position": 1234,
        "state": "waiting",
        "ahead": 534,
        "eta": {"low_s": 480, "high_s": 690},
        "poll_s": 20,
        "location": None,
        "phase": "open",
        "now_ms": NOON_MS,
    } | changes


def plain(page: Page) -> str:
    encoding = dict(page.headers).get(b"content-encoding", b"identity")
    unpack = {b"br": brotli.decompress, b"gzip": gzip.decompress, b"identity": bytes}[encoding]
    return str(unpack(page.body), "utf-8")


def text_of(page: Page, element: str) -> str:
    found = re.search(rf'id="{element}"[^>]*>([^<]*)<', plain(page))
    assert found is not None
    return found.group(1).replace("&nbsp;", "")


def every_page(pages: WaitingPage) -> list[Page]:
    states = [a_state(), a_state(state="called"), a_state(state="admitted", location="/daftar?a=1&b=2")]
    return [
        *(pages.surge(code, encoding) for code in languages() for encoding in ENCODINGS),
        *(pages.simple(code, kind, encoding) for code in languages() for kind in KINDS for encoding in ENCODINGS),
        *(pages.rendered(code, s, encoding) for code in languages() for s in states for encoding in ENCODINGS),
    ]


def on_the_wire(page: Page) -> int:
    return len(page.body) + sum(len(name) + len(value) + 4 for name, value in page.headers)


def test_the_page_weighs_ten_kilobytes_at_most_with_its_headers() -> None:
    """With an owner's list, as the sample room has one, and a closing time."""
    pages = WaitingPage(replace(sample_room(), name=Room().name, names=()))
    closing = a_state(closes_at_ms=NOON_MS + 3_600_000, ending="cut")
    for code in languages():
        assert len(pages.rendered(code, closing, "gzip").body) <= 10_240
        assert on_the_wire(pages.surge(code, "br")) <= 10_000
        assert len(pages.surge(code, "gzip").body) <= 10_000
        assert len(pages.rendered(code, a_state(), "gzip").body) <= 10_240


def test_every_encoding_carries_the_same_page(pages: WaitingPage) -> None:
    for code in languages():
        assert len({plain(pages.surge(code, encoding)) for encoding in ENCODINGS}) == 1
        assert len({plain(pages.rendered(code, a_state(), encoding)) for encoding in ENCODINGS}) == 1


def test_nothing_is_stored(pages: WaitingPage) -> None:
    for page in every_page(pages):
        headers = dict(page.headers)
        assert headers[b"cache-control"] == b"no-store"
        assert all(name == name.lower() for name, _ in page.headers)


def test_the_policy_allows_exactly_this_style_and_this_script(pages: WaitingPage) -> None:
    for page in every_page(pages):
        policy, body = dict(page.headers)[b"content-security-policy"].decode(), plain(page)
        for tag in ("style", "script"):
            (inline,) = re.findall(rf"<{tag}>(.*?)</{tag}>", body, re.DOTALL)
            digest = base64.b64encode(hashlib.sha256(inline.encode()).digest()).decode()
            assert f"{tag}-src 'sha256-{digest}'" in policy
        assert "unsafe" not in policy
        assert policy.startswith("default-src 'none';")


def test_nothing_comes_from_another_origin(pages: WaitingPage) -> None:
    for page in every_page(pages):
        for address in re.findall(r'(?:href|src|action)="([^"]*)"', plain(page)):
            assert address.startswith(("/", "?", "data:")) or address == ""


def test_no_attribute_is_a_style_or_a_handler(pages: WaitingPage) -> None:
    class Attributes(HTMLParser):
        def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
            assert not [name for name, _ in attrs if name == "style" or name.startswith("on")]

    for page in every_page(pages):
        Attributes().feed(plain(page))


def test_a_visitors_values_cannot_become_markup() -> None:
    evil = '"><script>alert(1)</script>\x02number\x03'
    pages = WaitingPage(replace(Room(), name=evil))
    state = a_state(shown=evil, message={"id": evil}, location='/"onclick="x')
    for page in (pages.rendered("id", state, "identity"), pages.surge("en", "identity")):
        assert plain(page).count("<script>") == 1
        assert 'href="/"onclick' not in plain(page)


@pytest.mark.parametrize("location", ["//evil.example", "https://evil.example", "/\\evil.example", 7])
def test_no_link_leads_to_another_site(pages: WaitingPage, location: object) -> None:
    page = pages.rendered("id", a_state(state="admitted", location=location), "identity")
    assert 'id="enter" href=""' in plain(page)


@pytest.mark.parametrize(
    ("language", "ahead", "wait", "clock"),
    [
        ("id", "hingga 534", "8–12 menit", "sekitar pukul 12.08–12.12 WIB"),
        ("en", "at most 534", "8–12 minutes", "around 12:08–12:12 WIB"),
    ],
)
def test_a_visitor_is_told_everything_in_either_language(
    pages: WaitingPage, language: str, ahead: str, wait: str, clock: str
) -> None:
    page = pages.rendered(language, a_state(), "gzip")
    assert text_of(page, "number") == "A-0000-1234-7"
    assert text_of(page, "ahead") == ahead
    assert text_of(page, "wait") == wait
    assert text_of(page, "clock") == clock
    assert f'<html lang="{language}" dir="ltr">' in plain(page)
    assert '<meta http-equiv="refresh" content="20">' in plain(page)


def test_a_paused_line_promises_no_time(pages: WaitingPage) -> None:
    page = pages.rendered("en", a_state(phase="paused"), "identity")
    assert text_of(page, "heading") == "The line is paused for a moment"
    assert text_of(page, "wait") == "not known yet"
    assert text_of(page, "clock") == ""


def test_a_stamp_without_a_number_is_told_to_keep_the_page_open(pages: WaitingPage) -> None:
    page = pages.rendered("en", a_state(number=None, shown=None, ahead=None, eta=None), "identity")
    assert text_of(page, "heading") == "No numbers for the moment"


def test_before_the_opening_the_page_counts_down(pages: WaitingPage) -> None:
    state = a_state(phase="scheduled", opens_at_ms=NOON_MS + 3_600_000, eta=None)
    page = pages.rendered("en", state, "identity")
    assert text_of(page, "wait-caption") == "Opens in"
    assert text_of(page, "clock") == "Thu 20 Aug, 13:00 WIB"


def test_the_announcement_is_in_the_visitors_language_or_in_what_there_is(pages: WaitingPage) -> None:
    both, one = {"id": "Halo", "en": "Hello"}, {"id": "Halo"}
    assert text_of(pages.rendered("en", a_state(message=both), "identity"), "message") == "Hello"
    assert text_of(pages.rendered("en", a_state(message=one), "identity"), "message") == "Halo"
    assert "hidden><h2>Announcement" in plain(pages.rendered("en", a_state(message={}), "identity"))


@pytest.mark.parametrize("broken", [{}, {"state": None}, {"eta": "soon"}, {"ahead": "many", "poll_s": "x"}])
def test_an_incomplete_state_still_makes_a_page(pages: WaitingPage, broken: dict[str, Any]) -> None:
    page = pages.rendered("id", broken if not broken else a_state(**broken), "gzip")
    assert "</html>" in plain(page)


def test_an_unknown_language_gets_the_rooms_own(pages: WaitingPage) -> None:
    assert pages.surge("xx", "identity").body == pages.surge("id", "identity").body


def test_surge_bytes_are_prebuilt(pages: WaitingPage) -> None:
    assert pages.surge("id", "br") is pages.surge("id", "br")


@pytest.mark.parametrize("code", ["id", "en"])
def test_no_view_lacks_a_text(code: str) -> None:
    language = languages()[code]
    for view in VIEWS:
        for part in ("label", "heading", "lead"):
            assert language.text(f"view.{view}.{part}")


@pytest.mark.parametrize(
    ("state", "phase", "numbered", "view"),
    [
        ("waiting", "open", True, "waiting"),
        ("waiting", "last-call", True, "last-call"),
        ("called", "last-call", True, "called"),
        ("called", "paused", True, "paused"),
        ("late", "paused", True, "late"),
        ("waiting", "scheduled", True, "scheduled"),
        ("waiting", "drawn", True, "scheduled"),
        ("waiting", "open", False, "trouble"),
        ("waiting", "bypass", False, "bypass"),
        ("admitted", "paused", True, "admitted"),
        ("closed", "open", True, "closed"),
    ],
)
def test_the_view_follows_from_state_and_phase(state: str, phase: str, numbered: bool, view: str) -> None:
    assert view_of(state, phase, numbered) == view


@pytest.mark.parametrize(
    ("accept", "encoding"),
    [
        (b"gzip, deflate, br, zstd", "br"),
        (b"gzip, deflate", "gzip"),
        (b"br", "identity"),  # the page with a visitor's own numbers is gzip: who takes br takes gzip
        (b"br;q=0, gzip", "gzip"),
        (b"GZIP;q=0.5", "gzip"),
        (b"gzip;q=0.0, br", "identity"),
        (b"", "identity"),
    ],
)
def test_the_encoding_is_one_that_the_browser_takes(accept: bytes, encoding: str) -> None:
    assert choose_encoding(accept) == encoding


@pytest.mark.parametrize(
    ("accept", "chosen", "language"),
    [
        (b"id-ID,id;q=0.9,en;q=0.8", b"", "id"),
        (b"en-GB,en;q=0.9,id;q=0.8", b"", "en"),
        (b"en;q=0.3,id;q=0.9", b"", "id"),
        (b"in-ID", b"", "id"),  # what old Androids call Indonesian
        (b"fr, de", b"", "id"),
        (b"fr, en;q=0", b"", "id"),
        (b"", b"", "id"),
        (b"id", b"en", "en"),
        (b"en", b"../../etc", "en"),
        (b"\xff\xfe;q=x,,;;", b"\xff", "id"),
    ],
)
def test_the_language_is_what_was_chosen_else_what_the_browser_prefers(
    accept: bytes, chosen: bytes, language: str
) -> None:
    assert choose_language(accept, chosen) == language


def test_the_script_is_es5(pages: WaitingPage, tmp_path: Any) -> None:
    (script,) = re.findall(r"<script>(.*?)</script>", plain(pages.surge("en", "identity")), re.DOTALL)
    code = re.sub(r"'(?:\\.|[^'\\\n])*'|\"(?:\\.|[^\"\\\n])*\"", "''", script)
    for newer in (
        "=>",
        "`",
        "...",
        " let ",
        " const ",
        "class ",
        "async ",
        "Promise",
        "fetch(",
        ".includes(",
    ):
        assert newer not in code
    if node := shutil.which("node"):
        (tmp_path / "page.js").write_text(script)
        subprocess.run([node, "--check", tmp_path / "page.js"], check=True, timeout=20)


def test_the_owner_says_what_visitors_will_need(pages: WaitingPage) -> None:
    with_list = WaitingPage(Room(prepare=(("id", ("KTP & <KK>",)), ("en", ("Identity card",)))))
    assert "<li>KTP &amp; &lt;KK&gt;</li>" in plain(with_list.surge("id", "br"))
    assert "<li>Identity card</li>" in plain(with_list.rendered("en", a_state(), "gzip"))
    assert 'id="prepare"' not in plain(pages.surge("id", "br"))


@pytest.mark.parametrize(("ending", "said"), [("cut", "may not get in before"), ("serve", "goes on tomorrow")])
def test_a_quota_that_is_used_up_promises_a_tomorrow_only_to_a_line_that_has_one(ending: str, said: str) -> None:
    quota = {"kind": "daily-quota", "left": 0}
    state = a_state(quota=quota, in_time=False, eta=None, closes_at_ms=NOON_MS + 3_600_000, ending=ending)
    assert said in WaitingPage(sample_room()).rendered("en", state, "identity").body.decode()
