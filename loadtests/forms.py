"""Reads a real HTML form and fills it in as an applicant would, by what its fields say they are."""

from __future__ import annotations

import random
import re
from dataclasses import dataclass, field
from html.parser import HTMLParser

from loadtests.identities import Identity


@dataclass(slots=True)
class Field:
    """One control. ``options`` are the values of a select or of a group of radio buttons."""

    name: str
    kind: str  # the input's type, or "select" or "textarea"
    value: str = ""
    required: bool = False
    options: list[tuple[str, str]] = field(default_factory=list)  # value, text beside it


@dataclass(slots=True)
class Form:
    action: str
    method: str
    fields: dict[str, Field] = field(default_factory=dict)


class UnknownFieldError(ValueError):
    """A required field that an applicant would not know how to fill in; the message names it."""


class _Forms(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.forms: list[Form] = []
        self.links: list[tuple[str, str]] = []  # href, text
        self.title = ""
        self.text: list[str] = []
        self._open: Form | None = None
        self._label: tuple[Field, str] | None = None  # the option whose text follows
        self._inside: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = {name: value or "" for name, value in attrs}
        if tag in ("title", "script", "style", "a"):
            self._inside.append(tag)
        if tag == "a":
            self.links.append((values.get("href", ""), ""))
        elif tag == "form":
            self._open = Form(values.get("action", ""), values.get("method", "get").lower())
            self.forms.append(self._open)
        elif self._open is not None and "disabled" not in values:
            self._control(self._open, tag, values)

    def handle_endtag(self, tag: str) -> None:
        if tag in self._inside:
            self._inside.remove(tag)
        if tag == "form":
            self._open = None
        elif tag in ("option", "label"):
            self._label = None

    def handle_data(self, data: str) -> None:
        if self._label:
            entry, value = self._label
            entry.options = [(v, t + data if v == value else t) for v, t in entry.options]
        if "title" in self._inside:
            self.title += data
        elif "a" in self._inside:
            self.links[-1] = (self.links[-1][0], self.links[-1][1] + data)
        if "script" not in self._inside and "style" not in self._inside:
            self.text.append(data)

    def _control(self, form: Form, tag: str, values: dict[str, str]) -> None:
        if tag == "option" and self._last_select is not None:
            self._add_option(self._last_select, values.get("value", ""), "selected" in values)
            return
        name = values.get("name", "")
        if tag not in ("input", "select", "textarea") or not name:
            return
        kind = values.get("type", "text").lower() if tag == "input" else tag
        entry = form.fields.setdefault(name, Field(name, kind))
        entry.required = entry.required or "required" in values
        if kind in ("radio", "checkbox"):
            self._add_option(entry, values.get("value", "on"), "checked" in values)
        elif kind != "select":
            entry.value = values.get("value", "")
        self._last_select = entry if kind == "select" else self._last_select

    _last_select: Field | None = None

    def _add_option(self, entry: Field, value: str, chosen: bool) -> None:
        entry.options.append((value, ""))
        entry.value = value if chosen else entry.value
        self._label = (entry, value)


@dataclass(frozen=True, slots=True)
class Page:
    """What a reader sees of a page."""

    title: str
    text: str
    forms: tuple[Form, ...]
    links: tuple[tuple[str, str], ...]

    def registration_form(self) -> Form | None:
        """The form that asks for an identity number, if this page has one."""
        for form in self.forms:
            if form.method == "post" and any(_is_nik(name) for name in form.fields):
                return form
        return None

    def registration_link(self) -> str | None:
        """Where the page says one registers."""
        for href, text in self.links:
            if re.search(r"daftar|regist|apply", f"{href} {text}", re.IGNORECASE):
                return href
        return None


def read(html: str) -> Page:
    """Read a page; broken HTML gives what could be read."""
    parser = _Forms()
    parser.feed(html)
    parser.close()
    text = " ".join(" ".join(parser.text).split())
    return Page(" ".join(parser.title.split()), text, tuple(parser.forms), tuple(parser.links))


def fill(form: Form, who: Identity, dice: random.Random) -> list[tuple[str, str]]:
    """The name and value pairs that a browser would send. Raises UnknownFieldError."""
    pairs = []
    for entry in form.fields.values():
        value = _answer(entry, who, dice)
        if value is None and entry.required:
            raise UnknownFieldError(
                f"required field {entry.name!r} ({entry.kind}) is not one that an applicant knows"
            )
        if value is not None:
            pairs.append((entry.name, value))
    return pairs


def _answer(entry: Field, who: Identity, dice: random.Random) -> str | None:
    if entry.kind == "hidden":
        return entry.value
    if entry.kind in ("submit", "button", "image", "reset", "file"):
        return None
    if entry.kind in ("select", "radio"):
        return _choose(entry, who, dice)
    if entry.kind == "checkbox":
        return entry.value or (entry.options[0][0] if entry.required else None)
    return _typed(entry, who)


def _choose(entry: Field, who: Identity, dice: random.Random) -> str | None:
    if re.search(r"sex|gender|kelamin", entry.name, re.IGNORECASE):
        return next((value for value, text in entry.options if _says_sex(value, text) == who.sex), None)
    choices = [value for value, _ in entry.options if value]
    return dice.choice(choices) if choices else None


def _says_sex(value: str, text: str) -> str | None:
    """Which sex an option means, in Indonesian or English: L and P are laki-laki and perempuan."""
    words = f"{value} {text}".lower()
    if value.lower() in ("p", "f") or re.search(r"perempuan|wanita|\bfemale|\bwoman", words):
        return "female"
    if value.lower() in ("l", "m") or re.search(r"laki|pria|\bmale|\bman\b", words):
        return "male"
    return None


def _is_nik(name: str) -> bool:
    return re.search(r"(^|_)nik($|_)|identity_?number", name, re.IGNORECASE) is not None


def _typed(entry: Field, who: Identity) -> str | None:
    """What is typed into a text field; by its type first, then by its name."""
    name = entry.name.lower()
    if _is_nik(name):
        return who.nik
    if entry.kind == "email" or "mail" in name:
        return who.email
    if entry.kind == "password" or "password" in name or "sandi" in name:
        return who.password
    if entry.kind == "date" or re.search(r"birth|lahir", name):
        return who.birth_date.isoformat()
    if entry.kind == "tel" or re.search(r"phone|telepon|telp|hp", name):
        return who.phone
    if re.search(r"name|nama", name):
        return who.full_name
    return entry.value or None
