"""A filled-in example: a made-up person with a NIK that the registry could have issued."""

from __future__ import annotations

import random
import secrets
from collections.abc import Sequence
from datetime import date, timedelta

from registration_app import nik

PLACES = ("110101", "127102", "317106", "320412", "337402", "347101", "357803", "510302", "737114", "927101")
FIRST_NAMES: dict[nik.Sex, tuple[str, ...]] = {
    "male": ("Agus", "Bayu", "Dimas", "Hendra", "Made", "Rizky", "Yohanes", "Wahyu"),
    "female": ("Ayu", "Citra", "Dewi", "Fitri", "Maria", "Putri", "Ratna", "Siti"),
}
LAST_NAMES = ("Hidayat", "Kusuma", "Lestari", "Nainggolan", "Pratama", "Rumbiak", "Saputra", "Wibowo")
YOUNGEST_DAYS = 19 * 366
OLDEST_DAYS = 35 * 365


def example(formations: Sequence[str], today: date, rng: random.Random | None = None) -> dict[str, str]:
    """Values for every field of the form, the password too; another person at every call."""
    # The system's randomness: two who press the button at once must not get the same NIK.
    rng = rng or random.SystemRandom()
    sex = rng.choice(list(FIRST_NAMES))
    birth_date = today - timedelta(days=rng.randint(YOUNGEST_DAYS, OLDEST_DAYS))
    number = nik.compose(rng.choice(PLACES), birth_date, sex, rng.randint(1, 9999)).number
    first, last = rng.choice(FIRST_NAMES[sex]), rng.choice(LAST_NAMES)
    return {
        "nik": number,
        "name": f"{first} {last}",
        "birth_date": birth_date.isoformat(),
        "sex": sex,
        "email": f"{first}.{last}.{number[-4:]}@example.com".lower(),
        "phone": f"08{rng.randint(11, 59)}{rng.randint(10**6, 10**8 - 1):08d}",
        "formation": rng.choice(formations),
        "password": f"contoh-{secrets.token_urlsafe(9)}",
    }
