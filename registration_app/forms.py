"""The registration form: reading what was sent, and checking it field by field."""

from __future__ import annotations

import asyncio
import re
import unicodedata
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import TypeVar
from urllib.parse import parse_qsl

from starlette.requests import ClientDisconnect, Request

from registration_app import nik
from registration_app.errors import InvalidForm, InvalidNik, Problem, UnreadableForm
from registration_app.languages import N_
from registration_app.nik import Nik, Sex

T = TypeVar("T")

FIELDS = ("nik", "name", "birth_date", "sex", "email", "phone", "formation")
"""What is kept when a form comes back with problems: everything but the password."""

MOST_BYTES = 32 * 1024
MOST_FIELDS = 40
BODY_WITHIN_S = 30
YOUNGEST_YEARS = 18
OLDEST_YEARS = 58  # civil servants retire at 58
SHORTEST_PASSWORD = 10
LONGEST_PASSWORD = 128  # characters; a limit, because hashing reads all of it
MOST_CHARACTERS = 200  # of any other field, before its own rules

NAME = re.compile(r"(?=.*[^\W\d_])[^\W\d_\u0300-\u036f][\w\u0300-\u036f .,'’ʼ`/()-]{0,99}")
EMAIL = re.compile(r"[^\s@<>()\[\]\\,;:\"]{1,64}@(?:[^\W_](?:[\w-]{0,61}[^\W_])?\.)+[^\W\d_]{2,63}")
PHONE = re.compile(r"\+[1-9]\d{7,14}")


@dataclass(frozen=True, slots=True)
class Application:
    """A form whose every field is right."""

    nik: str
    name: str
    birth_date: date
    sex: Sex
    email: str
    phone: str  # E.164: +62…
    formation: str  # its code
    password: str = field(repr=False)


async def read_form(request: Request) -> dict[str, str]:
    """The fields of a sent form, of several with one name the last. Raises UnreadableForm."""
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != "application/x-www-form-urlencoded":
        raise UnreadableForm(415, "the form is not application/x-www-form-urlencoded")
    try:
        async with asyncio.timeout(BODY_WITHIN_S):
            body = await _bounded_body(request)
        pairs = parse_qsl(
            body.decode("ascii"), keep_blank_values=True, errors="strict", max_num_fields=MOST_FIELDS
        )
    except TimeoutError as exc:
        raise UnreadableForm(408, f"the form did not arrive within {BODY_WITHIN_S} s") from exc
    except ClientDisconnect as exc:
        raise UnreadableForm(400, "the sender went away") from exc
    except ValueError as exc:
        raise UnreadableForm(400, "the form is not encoded as a browser does it") from exc
    return dict(pairs)


def check(fields: Mapping[str, str], formations: Collection[str], today: date) -> Application:
    """The application in ``fields``. Raises InvalidForm with every problem at once."""
    problems: dict[str, Problem] = {}

    def checked(name: str, rule: Callable[[str], T]) -> T | None:
        try:
            return rule(_clean(fields.get(name, "")))
        except _Wrong as exc:
            problems[name] = exc.problem
            return None

    number = checked("nik", _nik)
    name = checked("name", _name)
    birth_date = checked("birth_date", lambda text: _birth_date(text, today))
    sex = checked("sex", _sex)
    if number and birth_date and not number.encodes_birth_date(birth_date):
        problems["birth_date"] = Problem(N_("This date of birth is not the one in the NIK."))
    if number and sex and number.sex != sex:
        problems["sex"] = Problem(N_("This is not the sex recorded in the NIK."))
    email = checked("email", _email)
    phone = checked("phone", _phone)
    formation = checked("formation", lambda text: _formation(text, formations))
    password = unicodedata.normalize("NFKC", fields.get("password", ""))
    if problem := password_problem(password, [number.number if number else "", email or "", name or ""]):
        problems["password"] = problem
    if problems or not (number and name and birth_date and sex and email and phone and formation):
        raise InvalidForm(problems)
    return Application(number.number, name, birth_date, sex, email, phone, formation, password)


def password_problem(password: str, known: Collection[str]) -> Problem | None:
    """What is wrong with a password, given what others may know about the person; None when nothing is."""
    if len(password) < SHORTEST_PASSWORD:
        return Problem(N_("A password has at least %(least)d characters."), {"least": SHORTEST_PASSWORD})
    if len(password) > LONGEST_PASSWORD:
        return Problem(N_("A password has at most %(most)d characters."), {"most": LONGEST_PASSWORD})
    if len(set(password)) < 4 or any(part and part.casefold() in password.casefold() for part in known):
        return Problem(N_("This password is too easy to guess."))
    return None


class _Wrong(Exception):
    def __init__(self, message: str, **values: object) -> None:
        super().__init__(message)
        self.problem = Problem(message, values)


async def _bounded_body(request: Request) -> bytes:
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > MOST_BYTES:
            raise UnreadableForm(413, f"the form is larger than {MOST_BYTES} bytes")
    return bytes(body)


def _clean(text: str) -> str:
    """One space between words, none around, composed characters."""
    return " ".join(unicodedata.normalize("NFC", text[:MOST_CHARACTERS]).split())


def _filled_in(text: str) -> str:
    if not text:
        raise _Wrong(N_("Please fill this in."))
    return text


def _nik(text: str) -> Nik:
    try:
        return nik.parse(_filled_in(text))
    except InvalidNik as exc:
        raise _Wrong(exc.problem.message, **exc.problem.values) from exc


def _name(text: str) -> str:
    if not NAME.fullmatch(_filled_in(text)) or re.search(r"[\d_]", text):
        raise _Wrong(N_("Write the name as on the identity card, with letters."))
    return text


def _birth_date(text: str, today: date) -> date:
    day = _date(_filled_in(text))
    age = today.year - day.year - ((today.month, today.day) < (day.month, day.day))
    if age < YOUNGEST_YEARS:
        raise _Wrong(N_("Applicants are at least %(years)d years old."), years=YOUNGEST_YEARS)
    if age >= OLDEST_YEARS:
        raise _Wrong(N_("Applicants are younger than %(years)d."), years=OLDEST_YEARS)
    return day


def _date(text: str) -> date:
    """Browsers send 1994-02-28; where they show a plain field, people write 28-02-1994."""
    plain = re.sub(r"[\s./]+", "-", text)
    for pattern in ("%Y-%m-%d", "%d-%m-%Y"):
        try:
            # The year is four digits: strptime would take 94 for the year 94.
            if re.fullmatch(r"\d{4}-.*|.*-\d{4}", plain, re.ASCII):
                return datetime.strptime(plain, pattern).date()  # noqa: DTZ007 - a calendar date has no zone
        except ValueError:
            continue
    raise _Wrong(N_("Write the date of birth as day-month-year, for example 28-02-1998."))


def _sex(text: str) -> Sex:
    match text:
        case "male" | "female":
            return text
        case _:
            raise _Wrong(N_("Please choose one."))


def _email(text: str) -> str:
    if len(_filled_in(text)) > 254 or not EMAIL.fullmatch(text) or ".." in text:
        raise _Wrong(N_("This is not an e-mail address, like name@example.com."))
    local, _, domain = text.rpartition("@")
    return f"{local}@{domain.lower()}"


def _phone(text: str) -> str:
    """0812… and 62812… are Indonesian; from abroad the number begins with +."""
    number = re.sub(r"[\s().-]", "", _filled_in(text))
    number = re.sub(r"^(00|62(?=8)|0(?=[1-9]))", lambda found: "+" if found[0] == "00" else "+62", number)
    if not PHONE.fullmatch(number):
        raise _Wrong(N_("Write a phone number like 0812 3456 7890, or with + and country code."))
    return number


def _formation(text: str, formations: Collection[str]) -> str:
    if text not in formations:
        raise _Wrong(N_("Please choose a formation from the list."))
    return text
