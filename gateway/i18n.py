"""The languages people are spoken to in: one ``.po`` file each, read at start, no compile step.

Adding a language is adding ``locales/<code>.po``. Its header's ``Language`` names the Babel locale whose
data gives separators, weekday and month names and the writing direction; ``Plural-Forms`` its plurals.
"""

from __future__ import annotations

import gettext
import re
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

from babel.messages.pofile import PoFileError, read_po

from gateway.errors import AntreanError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from babel import Locale
    from babel.messages.catalog import Catalog

LOCALES = Path(__file__).parent / "locales"
FALLBACK = "en"  # its text is used where another language misses one


class LanguageError(AntreanError):
    """A language file that cannot be used; the message names the file and what is wrong."""


@dataclass(frozen=True)
class Language:
    """One language's texts and the data its numbers and times are written with."""

    code: str  # as in the file's name, in <html lang> and in the cookie
    locale: Locale
    forms: Mapping[str, tuple[str, ...]]  # key to plural forms; one form where there is no plural
    plural_expression: str  # C, which is also JavaScript: the page's script runs it
    plural: Callable[[int], int]

    def text(self, key: str, **values: object) -> str:
        """The text of ``key`` with ``{names}`` filled in. Raises KeyError for an unknown key."""
        return _fill(self.forms[key][0], values)

    def count(self, key: str, n: int, **values: object) -> str:
        """The plural form of ``key`` for ``n``. Raises KeyError for an unknown key."""
        forms = self.forms[key]
        return _fill(forms[min(self.plural(n), len(forms) - 1)], {"n": n, **values})

    @property
    def direction(self) -> str:
        """``ltr`` or ``rtl``."""
        return str(self.locale.text_direction)

    @property
    def group_separator(self) -> str:
        return str(self.locale.number_symbols["latn"]["group"])

    @property
    def decimal_separator(self) -> str:
        return str(self.locale.number_symbols["latn"]["decimal"])

    @property
    def time_separator(self) -> str:
        """What stands between hours and minutes: ``14.20`` in Indonesian, ``14:20`` in English."""
        found = re.search(r"[Hh]+(\W)m+", str(self.locale.time_formats["short"].pattern))
        return found.group(1) if found else ":"

    @property
    def weekdays(self) -> tuple[str, ...]:
        """Short names, Sunday first, as a browser counts them."""
        names = self.locale.days["format"]["abbreviated"]
        return tuple(str(names[(day - 1) % 7]) for day in range(7))

    @property
    def months(self) -> tuple[str, ...]:
        names = self.locale.months["format"]["abbreviated"]
        return tuple(str(names[month]) for month in range(1, 13))


def read_languages(folder: Path = LOCALES) -> dict[str, Language]:
    """Every language in ``folder`` by its code. Raises LanguageError, naming the file."""
    catalogs = {path.stem: _read(path) for path in sorted(folder.glob("*.po"))}
    if FALLBACK not in catalogs:
        raise LanguageError(f"{folder} has no {FALLBACK}.po: the gateway cannot speak without it")
    spare = _forms(catalogs[FALLBACK])
    return {code: _language(code, catalog, spare) for code, catalog in catalogs.items()}


def missing_texts(folder: Path = LOCALES) -> dict[str, set[str]]:
    """For each language, the keys that others have and it has not (or only in part)."""
    catalogs = {path.stem: _read(path) for path in folder.glob("*.po")}
    every = set().union(*(_forms(catalog) for catalog in catalogs.values()))
    return {code: every - set(_forms(catalog)) for code, catalog in catalogs.items()}


@lru_cache(maxsize=1)
def languages() -> dict[str, Language]:
    """The languages that ship with the gateway, read once."""
    return read_languages()


@lru_cache(maxsize=2048)
def choose_language(accept_language: bytes, chosen: bytes = b"", default: str = "id") -> str:
    """The code of the language to speak.

    ``chosen`` is what the visitor picked (the ``antrean-lang`` query value or cookie) and wins when we
    have it; then the best of ``Accept-Language`` (RFC 9110 section 12.5.4); then ``default``.
    """
    known = languages()
    if (picked := chosen.decode("latin-1").lower()) in known:
        return picked
    for wanted in _by_preference(accept_language.decode("latin-1")):
        # "in" is what Java and old Androids still call Indonesian.
        code = "id" if wanted == "in" else wanted
        if code in known:
            return code
    return default if default in known else FALLBACK


def _by_preference(accept_language: str) -> list[str]:
    ranked: list[tuple[float, str]] = []
    for part in accept_language.split(",")[:16]:
        tag, _, parameter = part.partition(";")
        quality = re.fullmatch(r"\s*q=(\d(?:\.\d{0,3})?)\s*", parameter)
        weight = float(quality.group(1)) if quality else 1.0
        if weight > 0:
            ranked.append((-weight, tag.strip().lower().partition("-")[0]))
    return [tag for _, tag in sorted(ranked, key=lambda pair: pair[0])]


def _read(path: Path) -> Catalog:
    try:
        with path.open("rb") as file:
            catalog = read_po(file, abort_invalid=True)
    except (OSError, PoFileError, ValueError) as problem:
        raise LanguageError(f"{path.name} cannot be read: {problem}") from problem
    if catalog.locale is None:
        raise LanguageError(f"{path.name} needs a Language header that Babel knows, like 'Language: id'")
    return catalog


def _forms(catalog: Catalog) -> dict[str, tuple[str, ...]]:
    """Key to its forms, only where every form is there."""
    found: dict[str, tuple[str, ...]] = {}
    for message in catalog:
        if not message.id:
            continue
        key = message.id if isinstance(message.id, str) else message.id[0]
        forms = (message.string,) if isinstance(message.string, str) else tuple(message.string or ())
        if forms and all(forms):
            found[key] = forms
    return found


def _language(code: str, catalog: Catalog, spare: Mapping[str, tuple[str, ...]]) -> Language:
    assert catalog.locale is not None
    try:
        plural = gettext.c2py(catalog.plural_expr)  # also refuses anything that is not a plural expression
    except ValueError as problem:
        raise LanguageError(f"{code}.po has an unusable Plural-Forms header: {problem}") from problem
    return Language(code, catalog.locale, {**spare, **_forms(catalog)}, catalog.plural_expr, plural)


def _fill(text: str, values: Mapping[str, object]) -> str:
    return text.format_map(values) if values else text
