"""What the desk keeps in the state folder, and the sign-in limit: pure, or plain files."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest

from gateway.desk.attempts import ADDRESSES_MOST, BURST, REFILL_S, Attempts
from gateway.desk.password import Password
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
    one, two = tokens.make("prometheus"), tokens.make("cron")
    assert (tokens.owner(one), tokens.owner(two), tokens.owner("x")) == ("prometheus", "cron", None)
    assert mode(tokens.path) == 0o600
    assert one not in tokens.path.read_text()
    with pytest.raises(TokenError, match="already"):
        tokens.make("cron")
    with pytest.raises(TokenError, match="prometheus, cron"):
        tokens.revoke("other")
    tokens.revoke("cron")
    assert (tokens.owner(one), tokens.owner(two)) == ("prometheus", None)
    with pytest.raises(TokenError, match="name"):
        tokens.make("two\nlines")


def test_a_session_ends_by_itself_and_outlives_a_rotation_of_keys() -> None:
    old = Sessions(["k" * 32], lambda: "f")
    cookie = old.open(1000.0)
    rotated = Sessions(["k" * 32, "n" * 32], lambda: "f")
    session = rotated.read(cookie, 1000.0)
    assert session is not None
    assert rotated.csrf_matches(session, old.csrf(session))
    assert rotated.read(cookie, 1000.0 + SESSION_S) is None
    assert Sessions(["n" * 32], lambda: "f").read(cookie, 1000.0) is None
    assert Sessions(["k" * 32], lambda: "other password").read(cookie, 1000.0) is None


def test_one_sessions_csrf_token_is_no_good_for_another() -> None:
    sessions = Sessions(["k" * 32], lambda: "f")
    one, two = (sessions.read(sessions.open(0.0), 0.0) for _ in range(2))
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
