"""NIK: the 16 digits of an Indonesian identity number, PPDDSS DDMMYY XXXX.

Province, district and sub-district where it was issued, date of birth (women: day + 40), serial.
Length, date and province are checked by python-stdnum; what it misses is checked here.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date
from typing import Literal

from stdnum.exceptions import InvalidComponent, InvalidFormat, InvalidLength, ValidationError
from stdnum.id import nik as stdnum_nik

from registration_app.errors import InvalidNik, Problem
from registration_app.languages import N_

Sex = Literal["male", "female"]

FEMALE_DAY_OFFSET = 40

NEWER_PROVINCES = frozenset({"65", "92", "93", "95", "96"})
"""Issued by the registry, unknown to python-stdnum 2.2: North Kalimantan (2012) and the Papuan provinces
(its table has the statistics office's codes there, not the registry's)."""

KNOWN_PROVINCE = "31"


@dataclass(frozen=True, slots=True)
class Nik:
    """A number that the registry could have issued."""

    number: str

    @property
    def sex(self) -> Sex:
        return "female" if int(self.number[6:8]) > FEMALE_DAY_OFFSET else "male"

    @property
    def masked(self) -> str:
        """For paper and screens: enough to recognise one's own, not enough to copy."""
        return f"{self.number[:4]} •••• •••• {self.number[12:]}"

    def encodes_birth_date(self, day: date) -> bool:
        """Whether the six digits in the middle are this date; the century is not in the number."""
        offset = FEMALE_DAY_OFFSET if self.sex == "female" else 0
        return self.number[6:12] == f"{day.day + offset:02d}{day:%m%y}"


def parse(text: str) -> Nik:
    """The NIK in ``text``; spaces, dots and dashes do not matter. Raises InvalidNik."""
    number = stdnum_nik.compact(text)
    try:
        stdnum_nik.validate(_with_known_province(number))
    except InvalidLength as exc:  # before InvalidFormat, of which it is one
        raise InvalidNik(
            Problem(N_("A NIK has 16 digits; this has %(count)d."), {"count": len(number)})
        ) from exc
    except InvalidFormat as exc:
        raise InvalidNik(Problem(N_("A NIK has digits only."))) from exc
    except InvalidComponent as exc:
        raise InvalidNik(_wrong_part(number)) from exc
    except ValidationError as exc:
        raise InvalidNik(Problem(N_("This is not a valid NIK."))) from exc
    return Nik(_checked_further(number))


def compose(place: str, birth_date: date, sex: Sex, serial: int) -> Nik:
    """The NIK of somebody born on ``birth_date``, registered at ``place`` (6 digits), 1 <= serial <= 9999."""
    offset = FEMALE_DAY_OFFSET if sex == "female" else 0
    return parse(f"{place}{birth_date.day + offset:02d}{birth_date:%m%y}{serial:04d}")


def _with_known_province(number: str) -> str:
    return KNOWN_PROVINCE + number[2:] if number[:2] in NEWER_PROVINCES else number


def _wrong_part(number: str) -> Problem:
    try:
        stdnum_nik.get_birth_date(number)
    except InvalidComponent:
        return _no_such_date()
    return Problem(N_("No province has the code %(code)s, with which this NIK begins."), {"code": number[:2]})


def _checked_further(number: str) -> str:
    """What python-stdnum lets through: days 81 to 99 (it takes the day modulo 40), a serial of zeros."""
    if int(number[6:8]) > FEMALE_DAY_OFFSET + 31:
        raise InvalidNik(_no_such_date())
    if re.fullmatch("0+", number[12:]):
        raise InvalidNik(Problem(N_("The last four digits of a NIK are never 0000.")))
    return number


def _no_such_date() -> Problem:
    return Problem(N_("Digits 7 to 12 of this NIK are not a date of birth."))
