"""Made-up applicants: valid under the rules of the real identity number, unique within a run.

The NIK has sixteen digits: place (province and regency), district, birth date (a woman's day plus
40) and a serial. Place and date are what ``stdnum.id.nik`` checks.
"""

from __future__ import annotations

import datetime as dt
import functools
import hashlib
from dataclasses import dataclass

from stdnum.id import nik

DISTRICTS = 40
SERIALS = 9_999
YOUNGEST_YEARS, OLDEST_YEARS = 18, 35  # who may apply

FIRST_NAMES = {
    "female": ("Siti", "Dewi", "Ayu", "Rina", "Ni Made", "Fitri", "Kartika", "Maria", "Wulan", "Putri"),
    "male": ("Budi", "Agus", "Andi", "I Wayan", "Rizki", "Joko", "Yohanes", "Teuku", "Bayu", "Muhammad"),
}
LAST_NAMES = (
    "Santoso",
    "Lestari",
    "Siregar",
    "Wijaya",
    "Nasution",
    "Pratama",
    "Hidayat",
    "Simanjuntak",
    "Rahayu",
)


@dataclass(frozen=True, slots=True)
class Identity:
    nik: str
    full_name: str
    birth_date: dt.date
    sex: str  # "female" or "male"
    email: str
    phone: str
    password: str


@functools.cache
def places() -> tuple[str, ...]:
    """The four-digit codes of every province with its regencies that a NIK may begin with."""
    candidates = (f"{code:04d}" for code in range(1100, 9500))
    return tuple(code for code in candidates if nik.is_valid(f"{code}010101900001"))


class Identities:
    """A deterministic sequence of applicants. Two salts give (almost surely) two disjoint sequences,

    so a second run against the same database does not meet the first one's registrations.
    """

    def __init__(self, salt: str, today: dt.date) -> None:
        self._tag = hashlib.sha256(salt.encode()).hexdigest()[:8]
        self._newest = today - dt.timedelta(days=round(YOUNGEST_YEARS * 365.25) + 1)
        self._days = round((OLDEST_YEARS - YOUNGEST_YEARS) * 365.25) - 2
        self._size = len(places()) * DISTRICTS * self._days * 2 * SERIALS
        digest = hashlib.sha256(b"identities:" + salt.encode()).digest()
        self._offset = int.from_bytes(digest, "big") % self._size
        self._stride = _coprime_stride(self._size)

    def at(self, index: int) -> Identity:
        """The applicant with this index; the same one each time."""
        rest = (self._offset + index * self._stride) % self._size
        rest, serial = divmod(rest, SERIALS)
        rest, woman = divmod(rest, 2)
        rest, day = divmod(rest, self._days)
        place, district = divmod(rest, DISTRICTS)
        born = self._newest - dt.timedelta(days=day)
        sex = "female" if woman else "male"
        number = f"{places()[place]}{district + 1:02d}{born.day + 40 * woman:02d}{born:%m%y}{serial + 1:04d}"
        return Identity(
            nik=nik.validate(number),
            full_name=f"{FIRST_NAMES[sex][index % 10]} {LAST_NAMES[index // 10 % 9]}",
            birth_date=born,
            sex=sex,
            email=f"pelamar-{self._tag}-{index}@example.org",
            phone=f"0812{(self._offset + index) % 10**8:08d}",
            password=f"Rahasia-{self._tag}-{index}",
        )


def _coprime_stride(size: int) -> int:
    """A step that visits every element once: a prime that does not divide ``size``."""
    primes = (2_147_483_647, 1_000_000_007, 998_244_353)
    return next(prime for prime in primes if size % prime)
