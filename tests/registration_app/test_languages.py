"""Two languages: which one is chosen, and that no text is missing in either."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from babel.messages.extract import extract
from babel.messages.pofile import read_po

import registration_app
from registration_app.languages import LOCALES, choose, load_languages

PACKAGE = Path(registration_app.__file__).parent

CHOICES = [
    # asked for, remembered, Accept-Language, chosen
    (None, None, "", "id"),
    (None, None, "en-US,en;q=0.9", "en"),
    (None, None, "id-ID,id;q=0.9,en;q=0.8", "id"),
    (None, None, "in-ID", "id"),
    (None, None, "fr,de;q=0.5", "id"),
    (None, None, "fr,en;q=0.5", "en"),
    (None, None, "id;q=0.2,en;q=0.7", "en"),
    (None, None, "en;q=0,id;q=0.1", "id"),
    (None, None, "en;q=nonsense", "id"),
    (None, None, ";;,,q=", "id"),
    (None, "en", "id", "en"),
    ("id", "en", "en", "id"),
    ("xx", "en", "id", "en"),
    ("xx", "yy", "zz", "id"),
]


@pytest.mark.parametrize(("asked", "remembered", "accepted", "chosen"), CHOICES)
def test_the_language_is_the_one_asked_for_then_remembered_then_accepted(
    asked: str | None, remembered: str | None, accepted: str, chosen: str
) -> None:
    assert choose(asked, remembered, accepted) == chosen


def texts() -> Iterator[str]:
    """Every text of the service, as it stands in code and templates."""
    for pattern, method in (("*.py", "python"), ("templates/*.html", "jinja2.ext:babel_extract")):
        for path in sorted(PACKAGE.glob(pattern)):
            with path.open("rb") as file:
                for found in extract(method, file, keywords={"_": None, "N_": None}):
                    assert isinstance(found[1], str)
                    yield found[1]


def placeholders(text: str) -> list[str]:
    return sorted(re.findall(r"%\(\w+\)[sd]", text))


def test_every_text_is_translated_with_the_same_placeholders() -> None:
    indonesian = load_languages()["id"]
    found = list(texts())
    assert len(found) > 80
    for text in found:
        translated = indonesian.text(text)
        assert translated != text or text == "NIK", f"not translated: {text}"
        assert placeholders(translated) == placeholders(text)


def test_no_translation_is_left_over() -> None:
    with (LOCALES / "id.po").open("rb") as file:
        translated = {message.id for message in read_po(file, locale="id") if message.id}
    assert translated == set(texts())
