"""Applicants who are made up and valid, and forms read and filled in as a browser would."""

from __future__ import annotations

import datetime as dt
import random

import pytest
from stdnum.id import nik

from loadtests.forms import UnknownFieldError, fill, read
from loadtests.identities import Identities
from loadtests.readings import registration_number

TODAY = dt.date(2026, 11, 24)
PEOPLE = Identities("a salt", TODAY)


def test_a_thousand_applicants_have_a_thousand_valid_numbers() -> None:
    numbers = {PEOPLE.at(index).nik for index in range(1000)}
    assert len(numbers) == 1000
    assert all(nik.is_valid(number) for number in numbers)


@pytest.mark.parametrize("index", range(60))
def test_the_number_says_the_birth_date_and_the_sex(index: int) -> None:
    who = PEOPLE.at(index)
    day = who.birth_date.day + (40 if who.sex == "female" else 0)
    assert who.nik[6:12] == f"{day:02d}{who.birth_date:%m%y}"
    assert int(who.nik[12:]) >= 1


@pytest.mark.parametrize("today", [TODAY, dt.date(2028, 2, 29)])
def test_applicants_are_of_age_and_not_too_old(today: dt.date) -> None:
    people = Identities("ages", today)
    ages = []
    for index in range(2000):
        born = people.at(index).birth_date
        ages.append(today.year - born.year - ((today.month, today.day) < (born.month, born.day)))
    assert min(ages) >= 18
    assert max(ages) <= 35


def test_a_salt_makes_the_same_people_again_and_another_salt_others() -> None:
    again, others = Identities("a salt", TODAY), Identities("another", TODAY)
    assert [again.at(index) for index in range(50)] == [PEOPLE.at(index) for index in range(50)]
    assert {others.at(index).nik for index in range(500)}.isdisjoint(PEOPLE.at(index).nik for index in range(500))


FORM = """
<title>Daftar</title><form action="/search"><input name="q"></form>
<form method="POST" action="/kirim"><input type=hidden name=csrf value="a&amp;b">
<input name="nik" required><input name="nama_lengkap" required><input type="date" name="tanggal_lahir" required>
<label><input type="radio" name="jenis_kelamin" value="L" required>Laki-laki</label>
<label><input type="radio" name="jenis_kelamin" value="P">Perempuan</label>
<input type="email" name="email"><input type="tel" name="phone"><input type="password" name="sandi">
<select name="formasi" required><option value="">Pilih</option><option value="A">Guru</option>
<option value="B" disabled>Penuh</option></select>
<input type="checkbox" name="setuju" value="ya" required><input type="checkbox" name="berita" value="ya">
<input type="text" name="catatan"><input name="mati" value="x" disabled>
<button name="go">Kirim</button></form>
<script>"<form method=post><input name=nik></form>"</script>
"""


def filled(html: str, index: int = 0) -> dict[str, str]:
    form = read(html).registration_form()
    assert form is not None
    return dict(fill(form, PEOPLE.at(index), random.Random(1)))


def test_a_form_is_filled_in_by_what_its_fields_say_they_are() -> None:
    who = PEOPLE.at(0)
    assert filled(FORM) == {
        "csrf": "a&b",
        "nik": who.nik,
        "nama_lengkap": who.full_name,
        "tanggal_lahir": who.birth_date.isoformat(),
        "jenis_kelamin": "P" if who.sex == "female" else "L",
        "email": who.email,
        "phone": who.phone,
        "sandi": who.password,
        "formasi": "A",
        "setuju": "ya",
    }


@pytest.mark.parametrize(
    ("options", "man", "woman"),
    [
        ('<option value="male">Male</option><option value="female">Female</option>', "male", "female"),
        ('<option value="1">Pria</option><option value="2">Wanita</option>', "1", "2"),
    ],
)
def test_the_sex_is_chosen_by_its_word(options: str, man: str, woman: str) -> None:
    html = f'<form method=post><input name=nik><select name="sex">{options}</select></form>'
    for index in range(20):
        assert filled(html, index)["sex"] == (woman if PEOPLE.at(index).sex == "female" else man)


def test_a_required_field_that_nobody_would_know_is_named() -> None:
    with pytest.raises(UnknownFieldError, match="'mothers_shoe_size'"):
        filled('<form method=post><input name=nik><input name="mothers_shoe_size" required></form>')


def test_a_page_without_the_form_may_lead_to_it() -> None:
    page = read('<title> Portal </title><a href="/tentang">Tentang</a><a href="/mulai">Daftar sekarang</a>')
    assert (page.registration_form(), page.registration_link(), page.title) == (None, "/mulai", "Portal")


@pytest.mark.parametrize(
    ("html", "number"),
    [
        ("<p>Nomor <b>2026-0000012-3</b>", "2026-0000012-3"),
        ("<p>Terjadi kesalahan", None),
        ("<p>Telepon 0812-3456-7890", None),
        ("<script>2026-0000012-3</script>", None),
    ],
)
def test_a_registration_number_is_read_from_what_people_see(html: str, number: str | None) -> None:
    assert registration_number(html) == number
