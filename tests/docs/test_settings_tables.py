"""The tables of settings say what ``gateway.settings`` says. ANTREAN_WRITE_DOCS=1 writes them anew."""

from __future__ import annotations

import dataclasses
import re
from pathlib import Path

import pytest

from gateway.settings import RoomSettings, Settings
from gateway.settings.documented import Setting, required, settings_of
from registration_app.settings import Settings as SampleSettings
from tests.docs.documents import README, ROOT, keep_marked, marked, table

CONFIGURATION = ROOT / "docs" / "configuration.md"
SHARED_WITH_THE_SAMPLE = {
    "ANTREAN_STATE_DIR", "ANTREAN_SECRET_KEYS", "ANTREAN_PUBLIC_URL", "REGISTRATION_PORT", "DATABASE_URL",
}  # fmt: skip


def default_of(model: type, name: str, setting: Setting) -> str:
    """The default as a person writes it; the reason says it where the value alone would not."""
    value = {field.name: field.default for field in dataclasses.fields(model)}[name]
    if name in required(model):
        return "none: it must be given"
    if value is dataclasses.MISSING or value in (None, (), ""):
        return (setting.reason or "none").partition(". ")[0].rstrip(".")
    if isinstance(value, tuple):
        return ", ".join(f"`{item}`" for item in value)
    if isinstance(value, bool):
        return f"`{str(value).lower()}`"
    return f"`{value:g}`" if isinstance(value, float) else f"`{value}`"


def short_table() -> str:
    known = settings_of(Settings).items()
    rows = [(f"`{s.env}`", s.effect, default_of(Settings, name, s)) for name, s in known if s.env]
    return table("setting", "effect", "default", rows=rows)


def installation_table() -> str:
    rows = [
        (
            f"`{s.env}`",
            "" if name == "secret_keys" else f"`{name}`",
            s.effect,
            s.allowed,
            default_of(Settings, name, s),
            s.reason,
        )
        for name, s in settings_of(Settings).items()
        if s.env
    ]
    return table("environment", "in the file", "effect", "may be", "default", "because", rows=rows)


def room_table() -> str:
    rows = [
        (f"`{name.rstrip('_')}`", s.effect, s.allowed, default_of(RoomSettings, name, s), s.reason)
        for name, s in settings_of(RoomSettings).items()
    ]
    return table("in the file", "effect", "may be", "default", "because", rows=rows)


@pytest.mark.parametrize(
    ("document", "name", "content"),
    [
        (README, "short", short_table()),
        (CONFIGURATION, "installation", installation_table()),
        (CONFIGURATION, "room", room_table()),
    ],
    ids=["README", "installation", "room"],
)
def test_the_table_is_the_one_that_the_settings_make(document: Path, name: str, content: str) -> None:
    keep_marked(document, name, content)
    assert marked(document, name) == content, "write it anew: ANTREAN_WRITE_DOCS=1"


def test_the_sample_apps_table_has_its_settings_and_their_defaults() -> None:
    rows = re.findall(r"^\| `(\w+)` \| .*? \| (.*?) \|$", marked(CONFIGURATION, "sample"), re.MULTILINE)
    fields = {str(field.alias): field for field in SampleSettings.model_fields.values()}
    assert [name for name, _ in rows] == [name for name in fields if name not in SHARED_WITH_THE_SAMPLE]
    for name, told in rows:
        default = fields[name].default
        if told.startswith("`"):
            said = "0" if default is False else str(default)
            assert told == f"`{said}`"


def test_every_setting_that_the_documents_name_exists() -> None:
    known = {s.env for s in settings_of(Settings).values()} | {
        str(field.alias) for field in SampleSettings.model_fields.values()
    }
    known |= {"ANTREAN_CONFIG", "ANTREAN_WRITE_DOCS"}
    for document in (
        README,
        CONFIGURATION,
        ROOT / "docs" / "origin.md",
        ROOT / "docs" / "operations.md",
        ROOT / "SECURITY.md",
    ):
        named = set(re.findall(r"\b(?:ANTREAN|REGISTRATION)_[A-Z_]+\b", document.read_text("utf-8")))
        assert named <= known, document
