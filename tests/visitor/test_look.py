"""A room's own look: words, colours, logo, links, templates; and that nothing broken in it reaches a visitor."""

from __future__ import annotations

import dataclasses
import re
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from gateway.domain import colours
from gateway.settings import RoomSettings
from gateway.settings.looks import Colours, Link
from gateway.visitor.look import coloured, icon, language_of
from gateway.visitor.page_build import source
from gateway.visitor.page_source import page_source
from gateway.visitor.page_words import VIEWS
from gateway.visitor.preview import index, state_page
from gateway.visitor.waiting_page import Sheet

ROOM = RoomSettings(id="registration", name="Pendaftaran", origin="http://127.0.0.1:1")


def page(room: RoomSettings, code: str = "en", view: str = "waiting") -> str:
    return state_page(room, code, view).body.decode()


def policy(room: RoomSettings) -> str:
    return dict(Sheet(room, "en").rendered({}, "identity").headers)[b"content-security-policy"].decode()


def with_template(folder: Path, text: str) -> RoomSettings:
    (folder / "waiting.html.j2").write_text(text)
    return dataclasses.replace(ROOM, templates=folder)


def test_texts_of_the_room_replace_ours_in_their_language_only() -> None:
    room = dataclasses.replace(ROOM, texts=(("id", (("view.waiting.heading", "Sabar, ya"),)),))
    assert '<h1 id="heading" tabindex="-1">Sabar, ya</h1>' in page(room, "id")
    assert '"Sabar, ya"' in page(room, "id"), "the script says the same"
    assert "Sabar" not in page(room, "en")
    assert language_of(room, "id").text("check.now") == "Periksa sekarang"


def test_links_open_in_a_tab_of_their_own_and_have_a_name_in_any_language() -> None:
    room = dataclasses.replace(ROOM, links=(Link("https://x.example/?a=1&b=2", (("id", "Bantuan <b>"),)),))
    link = (
        '<a href="https://x.example/?a=1&amp;b=2" target="_blank" rel="noopener noreferrer">Bantuan &lt;b&gt;</a>'
    )
    assert link in page(room)
    assert "<nav class" not in page(ROOM)


def test_the_accent_is_everywhere_and_none_of_ours_is_left() -> None:
    style = coloured(source("waiting.css"), Colours("#7a1f3d", "#f2a7bd"))
    assert {"#0b5f66", "#0b7a80", "#7ed6d6", "#8fdede", "#4fbfc1"}.isdisjoint(re.findall(r"#[0-9a-f]{6}", style))
    assert style.count("#7a1f3d") > 5
    assert "background:#7a1f3d" in page(dataclasses.replace(ROOM, colours=Colours("#7a1f3d", "#f2a7bd")))


@pytest.mark.parametrize("accent", ["#0b5f66", "#7a1f3d", "#000000", "#1d4ed8", "#8a5a00"])
def test_a_colour_that_is_read_by_day_has_a_tint_that_is_read_by_night(accent: str) -> None:
    assert colours.readable_by_day(accent) >= 4.5
    assert colours.readable_by_night(colours.lightened(accent)) >= 4.5


def test_contrast_is_as_the_guidelines_reckon_it() -> None:
    assert round(colours.contrast("#ffffff", "#000000"), 2) == 21
    assert round(colours.contrast("#777777", "#ffffff"), 2) == 4.48


def test_a_logo_comes_from_this_site_and_only_then_the_policy_allows_it(tmp_path: Path) -> None:
    (tmp_path / "logo.svg").write_text("<svg xmlns='http://www.w3.org/2000/svg'/>")
    room = dataclasses.replace(ROOM, logo=tmp_path / "logo.svg")
    assert re.search(r'<img src="/_queue/registration/logo\?[0-9a-f]{8}" alt="" height="40">', page(room))
    assert "img-src 'self' data:;" in policy(room)
    assert "img-src data:;" in policy(ROOM)


def test_a_template_of_the_room_fills_our_blocks_and_its_style_comes_after_ours(tmp_path: Path) -> None:
    (tmp_path / "waiting.css").write_text("h1 { color: rebeccapurple } </style><script>")
    own = '{% extends "antrean/waiting.html.j2" %}{% block end %}<p>{{ room.name }}: BKN</p>{% endblock %}'
    with capture_logs() as logs:
        shown = page(with_template(tmp_path, own))
    assert "<p>Pendaftaran: BKN</p>" in shown
    assert "h1{color:rebeccapurple}" in shown
    assert shown.count("</style>") == 1
    assert logs == []


@pytest.mark.parametrize(
    ("template", "problem"),
    [
        (
            "{% extends 'antrean/waiting.html.j2' %}{% block end %}{{ nothing.there }}{% endblock %}",
            "UndefinedError",
        ),
        ("{% if %}", "TemplateSyntaxError"),
        ("{% extends 'elsewhere.j2' %}", "TemplateNotFound"),
        ("{{ 1 // 0 }}", "ZeroDivisionError"),
        ("<p>Hello</p>", "{{ cut }} must stand there twice"),
        ("{{ cut }}{{ cut }}", "must stand there once"),
        ("<style>{{ style }}</style><script>{{ script }}</script>{{ cut }}{{ cut }}", "these ids must be there"),
        ("{% extends 'antrean/waiting.html.j2' %}{% block end %}<p id='x' id=\"say\"></p>{% endblock %}", "say"),
    ],
)
def test_a_broken_template_is_told_in_the_log_and_visitors_see_our_page(
    tmp_path: Path, template: str, problem: str
) -> None:
    with capture_logs() as logs:
        shown = page_source(with_template(tmp_path, template), "en")
    assert shown == page_source(ROOM, "en")
    [entry] = logs
    assert entry["log_level"] == "error"
    assert problem in entry["problem"]


def test_a_template_that_is_no_text_is_as_broken_as_any(tmp_path: Path) -> None:
    (tmp_path / "waiting.css").write_bytes(b"\xff\xfe")
    with capture_logs() as logs:
        assert page_source(dataclasses.replace(ROOM, templates=tmp_path), "id") == page_source(ROOM, "id")
    assert "UnicodeDecodeError" in logs[0]["problem"]


@pytest.mark.parametrize("view", VIEWS)
@pytest.mark.parametrize("code", ["id", "en"])
def test_the_preview_shows_every_state_with_its_script_stopped(code: str, view: str) -> None:
    shown = state_page(ROOM, code, view)
    assert f'id="page" class="{view} ' in shown.body.decode()
    headers = dict(shown.headers)
    assert headers[b"content-security-policy"].endswith(b"script-src 'none'")
    assert f'href="/{code}/{view}"' in index(ROOM).decode()


def test_a_room_has_its_name_in_the_visitors_language() -> None:
    room = dataclasses.replace(ROOM, name="Registration", names=(("id", "Pendaftaran"),))
    assert ">Pendaftaran<" not in state_page(room, "en", "waiting").body.decode()
    for state in ("waiting", "move-show"):
        shown = state_page(room, "id", state).body.decode()
        assert "Pendaftaran</title>" in shown
        assert "</svg>Pendaftaran</p>" in shown
        assert "Registration" not in shown


async def test_the_icon_in_line_is_the_logo(tmp_path: Path) -> None:
    (tmp_path / "logo.svg").write_text("<svg xmlns='http://www.w3.org/2000/svg'/>")
    reply = icon(dataclasses.replace(ROOM, logo=tmp_path / "logo.svg"))
    assert reply.status == 302
    assert dict(reply.headers)[b"location"].startswith(b"/_queue/registration/logo?")
