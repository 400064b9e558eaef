"""Indonesian and English: which one a visitor reads, and its texts.

Texts in code and templates are English and are their own keys; ``locales/*.po`` translate them and are
read at start (no compile step).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from gettext import GNUTranslations, NullTranslations
from io import BytesIO
from pathlib import Path
from zoneinfo import ZoneInfo

from babel import dates
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po

from registration_app.errors import Problem

DEFAULT_LANGUAGE = "id"
COOKIE = "registration-language"
NAMES = {"id": "Bahasa Indonesia", "en": "English"}
LOCALES = Path(__file__).with_name("locales")

OFFICE_TIME = ZoneInfo("Asia/Jakarta")
"""The portal's clock; dates and times are shown in it, with its name (WIB)."""


def N_(text: str) -> str:  # noqa: N802 - gettext's own name for "translate later"; extractors look for it
    """Mark a text for translation where the language is not known yet."""
    return text


@dataclass(frozen=True, slots=True)
class Language:
    """One language: its code and its texts."""

    code: str
    translations: NullTranslations

    def text(self, message: str, **values: object) -> str:
        """The message in this language with the values filled in."""
        translated = self.translations.gettext(message)
        return translated % values if values else translated

    def problem(self, problem: Problem) -> str:
        return self.text(problem.message, **problem.values)

    def date(self, day: date) -> str:
        return dates.format_date(day, "d MMMM y", locale=self.code)

    def date_and_time(self, moment: datetime) -> str:
        pattern = "d MMMM y, HH.mm" if self.code == "id" else "d MMMM y, HH:mm"
        return dates.format_datetime(moment, pattern, tzinfo=OFFICE_TIME, locale=self.code) + " WIB"


def load_languages(folder: Path = LOCALES) -> dict[str, Language]:
    """Every language by its code. English needs no file: it is what the texts are written in."""
    return {
        "id": Language("id", _translations(folder / "id.po")),
        "en": Language("en", NullTranslations()),
    }


def choose(asked: str | None, remembered: str | None, accept_language: str) -> str:
    """The language code to answer in: asked for now, else remembered, else the browser's, else Indonesian."""
    for code in (asked, remembered):
        if code in NAMES:
            return code
    for code in _preferred(accept_language):
        if code in NAMES:
            return code
    return DEFAULT_LANGUAGE


def _preferred(accept_language: str) -> list[str]:
    """Primary language codes of an Accept-Language header, the most wanted first, refused ones left out."""
    weighted: list[tuple[float, str]] = []
    for part in accept_language[:500].split(","):
        tag, _, parameters = part.strip().partition(";")
        weight = _weight(parameters)
        if tag and weight > 0:
            weighted.append((weight, tag.split("-")[0].lower()))
    # "in" is what old Android and Java still call Indonesian.
    aliases: Mapping[str, str] = {"in": "id"}
    return [aliases.get(code, code) for _, code in sorted(weighted, key=lambda item: -item[0])]


def _weight(parameters: str) -> float:
    name, _, value = parameters.strip().partition("=")
    if name.strip() != "q":
        return 1.0
    try:
        return float(value)
    except ValueError:
        return 0.0


def _translations(path: Path) -> GNUTranslations:
    with path.open("rb") as file:
        catalog = read_po(file, locale=path.stem)
    compiled = BytesIO()
    write_mo(compiled, catalog)
    compiled.seek(0)
    return GNUTranslations(compiled)
