"""Languages: complete, plural forms right, one file each."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest

from gateway.i18n import LOCALES, LanguageError, languages, missing_texts, read_languages
from gateway.settings.looks import CODES

HEADER = 'msgid ""\nmsgstr ""\n"Language: {language}\\n"\n"Plural-Forms: {plural}\\n"\n\n'


def test_no_language_lacks_anything() -> None:
    missing = missing_texts()
    assert {"en", "id"} <= set(missing)
    assert not any(missing.values()), missing


def test_every_language_fills_in_the_same_words() -> None:
    for key, forms in languages()["en"].forms.items():
        expected = set(re.findall(r"\{(\w+)\}", forms[0]))
        for language in languages().values():
            for form in language.forms[key]:
                assert set(re.findall(r"\{(\w+)\}", form)) == expected, (language.code, key)


@pytest.mark.parametrize(
    ("code", "n", "shown"),
    [("en", 1, "minute"), ("en", 0, "minutes"), ("en", 2, "minutes"), ("id", 1, "menit"), ("id", 5, "menit")],
)
def test_plural_forms_are_right(code: str, n: int, shown: str) -> None:
    assert languages()[code].count("unit.minutes", n) == shown


def test_adding_a_language_is_adding_one_file(tmp_path: Path) -> None:
    shutil.copytree(LOCALES, tmp_path, dirs_exist_ok=True)
    plural = "nplurals=6; plural=(n==0 ? 0 : n==1 ? 1 : n==2 ? 2 : n%100>=3 && n%100<=10 ? 3 : n%100>=11 ? 4 : 5);"
    text = 'msgid "view.waiting.heading"\nmsgstr "أنت في الطابور"\n'
    (tmp_path / "ar.po").write_text(HEADER.format(language="ar", plural=plural) + text, "utf-8")
    arabic = read_languages(tmp_path)["ar"]
    assert arabic.direction == "rtl"
    assert arabic.text("view.waiting.heading") == "أنت في الطابور"
    assert arabic.text("check.now") == "Check now"  # not translated yet: better than nothing
    assert arabic.plural(7) == 3


def test_the_settings_know_the_languages_by_their_files() -> None:
    assert set(CODES) == set(languages())


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (HEADER.format(language="xx", plural="nplurals=1; plural=0;"), "broken.po"),
        (HEADER.format(language="fr", plural="nplurals=2; plural=alert(1);"), "Plural-Forms"),
        ('msgid "a\n', "broken.po"),
    ],
)
def test_a_broken_language_file_is_named(tmp_path: Path, content: str, said: str) -> None:
    shutil.copytree(LOCALES, tmp_path, dirs_exist_ok=True)
    (tmp_path / "broken.po").write_text(content, "utf-8")
    with pytest.raises(LanguageError, match=said):
        read_languages(tmp_path)


def test_a_folder_without_english_is_refused(tmp_path: Path) -> None:
    with pytest.raises(LanguageError, match=r"en\.po"):
        read_languages(tmp_path)
