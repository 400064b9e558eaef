"""What the desk keeps in the state folder, and the sign-in limit: pure, or plain files."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest

from gateway.desk.attempts import ADDRESSES_MOST, BURST, REFILL_S, Attempts
from gateway.desk.named import Named
from gateway.desk.password import Password
from gateway.desk.people import People, PersonError
from gateway.desk.roles import Role
from gateway.desk.sessions import SESSION_S, Sessions
from gateway.desk.tokens import TokenError, Tokens


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_the_first_password_is_made_once_and_only_its_hash_is_kept(tmp_path: Path) -> None:
    password = Password(tmp_path / "state")
    first = password.make_first()
    assert first is not None
    assert password.make_first() is None
    assert mode(password.path) == 0o600
    assert first not in password.path.read_text()
    assert password.path.read_text().startswith("$argon2id$")
    assert password.matches(first)
    assert not password.matches(first + "x")
    assert not password.matches("")
    assert [path.name for path in (tmp_path / "state").iterdir()] == ["desk-password"]


def test_without_a_password_or_with_a_broken_file_nobody_gets_in(tmp_path: Path) -> None:
    password = Password(tmp_path)
    assert not password.matches("")
    password.path.write_text("not a hash\n")
    assert not password.matches("not a hash")


def test_a_token_is_known_by_its_owner_until_it_is_taken_back(tmp_path: Path) -> None:
    tokens = Tokens(tmp_path)
    one, two = tokens.make("prometheus"), tokens.make("cron", Role.OPERATOR)
    assert tokens.owner(one) == ("prometheus", Role.VIEWER)
    assert tokens.owner(two) == ("cron", Role.OPERATOR)
    assert tokens.owner("x") is None
    assert mode(tokens.path) == 0o600
    assert one not in tokens.path.read_text()
    with pytest.raises(TokenError, match="already"):
        tokens.make("cron")
    with pytest.raises(TokenError, match="prometheus, cron"):
        tokens.revoke("other")
    tokens.revoke("cron")
    assert (tokens.owner(one), tokens.owner(two)) == (("prometheus", Role.VIEWER), None)
    with pytest.raises(TokenError, match="name"):
        tokens.make("two\nlines")


def test_a_person_matches_their_own_password_only_and_removal_ends_what_it_opened(tmp_path: Path) -> None:
    people = People(tmp_path)
    siti, budi = people.add("siti"), people.add("budi", Role.OPERATOR)
    assert (people.role("siti"), people.role("budi"), people.role("ani")) == ("viewer", "operator", None)
    assert people.matches("siti", siti)
    assert not people.matches("siti", budi)
    assert not people.matches("ani", siti)
    assert siti not in people.path.read_text()
    assert mode(people.path) == 0o600
    before = people.fingerprint("siti")
    people.remove("siti")
    assert people.fingerprint("siti") == ""
    people.add("siti", Role.OPERATOR)
    assert people.fingerprint("siti") not in ("", before)


@pytest.mark.parametrize("name", ["desk", "autopilot", "ramp", "", "Token cron", "a b", "x" * 61, "../x"])
def test_nobody_has_a_name_that_the_audit_would_take_for_another(tmp_path: Path, name: str) -> None:
    with pytest.raises(PersonError, match="cannot be a name"):
        People(tmp_path).add(name)


def test_an_entry_without_a_role_may_only_look(tmp_path: Path) -> None:
    named = Named(tmp_path / "people")
    named.path.write_text('{"name": "old"}\n{"name": "odd", "role": "admin"}\n')
    assert set(named.roles().values()) == {Role.VIEWER}


def test_a_session_ends_by_itself_and_outlives_a_rotation_of_keys() -> None:
    old = Sessions(["k" * 32], lambda name: "f")
    cookie = old.open("desk", 1000.0)
    rotated = Sessions(["k" * 32, "n" * 32], lambda name: "f")
    session = rotated.read(cookie, 1000.0)
    assert session is not None
    assert rotated.csrf_matches(session, old.csrf(session))
    assert rotated.read(cookie, 1000.0 + SESSION_S) is None
    assert Sessions(["n" * 32], lambda name: "f").read(cookie, 1000.0) is None
    assert Sessions(["k" * 32], lambda name: "other password").read(cookie, 1000.0) is None


def test_one_sessions_csrf_token_is_no_good_for_another() -> None:
    sessions = Sessions(["k" * 32], lambda name: "f")
    one, two = (sessions.read(sessions.open("desk", 0.0), 0.0) for _ in range(2))
    assert one is not None
    assert two is not None
    assert not sessions.csrf_matches(two, sessions.csrf(one))
    assert not sessions.csrf_matches(one, one.id)


def test_attempts_are_limited_by_address_and_forgotten_with_time() -> None:
    attempts = Attempts()
    for _ in range(BURST):
        assert attempts.wait_s("a", 0.0) == 0
        attempts.failed("a", 0.0)
    assert attempts.wait_s("a", 0.0) == REFILL_S
    assert attempts.wait_s("b", 0.0) == 0
    assert attempts.wait_s("a", REFILL_S - 1) == 1
    assert attempts.wait_s("a", REFILL_S) == 0
    attempts.failed("a", REFILL_S)
    assert attempts.wait_s("a", REFILL_S) > 0
    attempts.succeeded("a")
    assert attempts.wait_s("a", REFILL_S) == 0


def test_a_flood_of_addresses_takes_bounded_memory_and_frees_nobody_who_is_limited_now() -> None:
    attempts = Attempts()
    for number in range(3 * ADDRESSES_MOST):
        attempts.failed(str(number), float(number))
    assert len(attempts._failed) <= ADDRESSES_MOST
    now_s = 3.0 * ADDRESSES_MOST
    for _ in range(BURST):
        attempts.failed("a", now_s)
    for number in range(ADDRESSES_MOST // 2):
        attempts.failed(f"other {number}", now_s)
    assert attempts.wait_s("a", now_s) > 0
