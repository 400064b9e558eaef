"""Tickets and passes: signed, believed only when genuine, and never anything but itsdangerous."""

from __future__ import annotations

import hashlib
from dataclasses import replace

import pytest
from itsdangerous import Signer, URLSafeSerializer

from gateway.domain.credentials import (
    HARD_LIMIT_S,
    IDLE_S,
    MARK_SALT,
    PASS_SALT,
    SKEW_S,
    STAMP_SALT,
    TICKET_SALT,
    UNUSED_S,
    VISITOR_SALT,
    Keyring,
    Mark,
    Pass,
    Ticket,
    renew,
)
from gateway.errors import (
    CredentialError,
    ExpiredCredential,
    ForgedCredential,
    FutureCredential,
    OtherLineCredential,
    OtherRoomCredential,
)

NOW = 1_764_000_000.0
TICKET = Ticket("registration", "k3xq", 1, 1234, int(NOW), "n0nce", "/daftar?formasi=a~b")
PASS = Pass("registration", "k3xq", 1, 1234, "n0nce", int(NOW) + UNUSED_S, int(NOW) + HARD_LIMIT_S)
KEYS = ["an old key", "the key that signs"]
RING = Keyring(KEYS)


def read_ticket(token: str | bytes, ring: Keyring = RING, now_s: float = NOW, **line: str | None) -> Ticket:
    room, instance = line.get("room") or "registration", line.get("instance", "k3xq")
    return ring.read_ticket(token, room=room, instance=instance, now_s=now_s)


def read_pass(token: str | bytes, ring: Keyring = RING, now_s: float = NOW, **line: str | None) -> Pass:
    room, instance = line.get("room") or "registration", line.get("instance", "k3xq")
    return ring.read_pass(token, room=room, instance=instance, now_s=now_s)


def plain_signer(salt: str, keys: list[str] | None = None) -> Signer:
    return Signer(keys or KEYS, salt=salt, key_derivation="hmac", digest_method=hashlib.sha256)


def test_a_ticket_and_a_pass_come_back_as_they_were() -> None:
    assert read_ticket(RING.sign_ticket(TICKET)) == TICKET
    assert read_pass(RING.sign_pass(PASS).encode()) == PASS


def test_plain_itsdangerous_believes_what_we_sign() -> None:
    assert plain_signer(TICKET_SALT).unsign(RING.sign_ticket(TICKET)).startswith(b"1~registration~k3xq~1~1234~")
    assert plain_signer(PASS_SALT).validate(RING.sign_pass(PASS))


def test_we_believe_what_plain_itsdangerous_signs() -> None:
    payload = RING.sign_ticket(TICKET).rpartition(".")[0]
    assert read_ticket(plain_signer(TICKET_SALT).sign(payload)) == TICKET
    assert RING.sign_ticket(TICKET).encode() == plain_signer(TICKET_SALT).sign(payload)


def test_keys_longer_than_a_hash_block_are_handled_as_rfc_2104_says() -> None:
    long_key = "x" * 200
    assert plain_signer(PASS_SALT, [long_key]).validate(Keyring([long_key]).sign_pass(PASS))


def test_the_origin_reads_the_visitor_header_with_plain_itsdangerous() -> None:
    plain = URLSafeSerializer(
        KEYS, salt=VISITOR_SALT, signer_kwargs={"key_derivation": "hmac", "digest_method": hashlib.sha256}
    )
    header = RING.sign_visitor(PASS, NOW)
    assert plain.loads(header) == {
        "room": "registration",
        "instance": "k3xq",
        "number": 1234,
        "exp": NOW + 300,
    }
    assert RING.read_visitor(plain.dumps({"number": 7, "exp": int(NOW)}), NOW)["number"] == 7
    with pytest.raises(ExpiredCredential):
        RING.read_visitor(header, NOW + 300 + SKEW_S + 1)


def test_two_visitors_without_a_number_are_still_two_at_the_origin() -> None:
    one, other = (replace(PASS, kind="bypass", number=0, nonce=nonce) for nonce in ("a", "b"))
    assert one.visitor != other.visitor


def test_the_last_key_signs_and_the_older_ones_are_believed() -> None:
    before_rotation, after_rotation = Keyring(["a", "b"]), Keyring(["a", "b", "c"])
    assert read_ticket(before_rotation.sign_ticket(TICKET), after_rotation) == TICKET
    with pytest.raises(ForgedCredential):
        read_ticket(after_rotation.sign_ticket(TICKET), before_rotation)


def test_a_key_that_was_removed_is_not_believed_any_more() -> None:
    with pytest.raises(ForgedCredential):
        read_pass(Keyring(["leaked"]).sign_pass(PASS), Keyring(["fresh"]))


def test_a_keyring_refuses_no_key_and_an_empty_key() -> None:
    for keys in ([], [""], ["good", ""]):
        with pytest.raises(ValueError):
            Keyring(keys)


GENUINE = RING.sign_ticket(TICKET)


@pytest.mark.parametrize(
    "token",
    [
        "",
        ".",
        "~~~~~~~~.x",
        "anything",
        GENUINE[:-1],
        GENUINE[1:],
        GENUINE + "=",
        GENUINE + "\n",
        GENUINE.replace("1234", "1"),
        GENUINE.replace("registration", "Registration"),
        GENUINE[: GENUINE.rindex(".")],
        GENUINE.upper(),
        RING.sign_pass(PASS),
        "é" * 30,
        "\ud800",
        "x" * 100_000,
    ],
)
def test_what_we_did_not_sign_as_a_ticket_is_forged(token: str) -> None:
    with pytest.raises(ForgedCredential):
        read_ticket(token)


def test_a_ticket_is_not_a_pass_and_a_visitor_header_is_neither() -> None:
    for token in (RING.sign_ticket(TICKET), RING.sign_visitor(PASS, NOW)):
        with pytest.raises(ForgedCredential):
            read_pass(token)


def test_a_rehearsals_mark_is_signed_for_that_alone() -> None:
    mark = Mark("registration", int(NOW) + 60, "n0nce")
    token = RING.sign_mark(mark)
    assert RING.read_mark(token, room="registration", now_s=NOW + 60) == mark
    payload = token.rpartition(".")[0]
    for salt in (TICKET_SALT, PASS_SALT, STAMP_SALT, VISITOR_SALT):
        with pytest.raises(ForgedCredential):
            RING.read_mark(plain_signer(salt).sign(payload), room="registration", now_s=NOW)
    with pytest.raises(ExpiredCredential):
        RING.read_mark(token, room="registration", now_s=NOW + 61)
    with pytest.raises(ForgedCredential):
        RING.read_mark(plain_signer(MARK_SALT).sign("2~registration~1~n"), room="registration", now_s=NOW)
    with pytest.raises(ValueError, match="cannot stand in a mark"):
        RING.sign_mark(replace(mark, room="a~b"))


def test_a_signature_has_one_spelling_only() -> None:
    """The last of 43 characters carries two unused bits: itsdangerous accepts four spellings, we one."""
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    index = alphabet.index(GENUINE[-1])
    for other in range(4 * (index // 4), 4 * (index // 4) + 4):
        spelling = GENUINE[:-1] + alphabet[other]
        if spelling != GENUINE:
            with pytest.raises(ForgedCredential):
                read_ticket(spelling)


def test_signed_by_us_but_of_another_version_is_refused() -> None:
    for payload in ("2~registration~k3xq~1~1~1~n~/", "1~registration~k3xq", "1~registration~k3xq~x~1~1~n~/"):
        with pytest.raises(ForgedCredential):
            read_ticket(plain_signer(TICKET_SALT).sign(payload))
    for payload in ("1~registration~k3xq~1~1~n~1~1~king", "1~registration~k3xq~1~1~n~1~visitor"):
        with pytest.raises(ForgedCredential):
            read_pass(plain_signer(PASS_SALT).sign(payload))


@pytest.mark.parametrize(
    ("clock_behind_s", "believed"), [(0, True), (60, True), (SKEW_S, True), (SKEW_S + 1, False)]
)
def test_a_ticket_from_a_machine_whose_clock_is_ahead_is_believed_within_the_allowance(
    clock_behind_s: int, believed: bool
) -> None:
    token = RING.sign_ticket(TICKET)
    if believed:
        assert read_ticket(token, now_s=NOW - clock_behind_s) == TICKET
    else:
        with pytest.raises(FutureCredential):
            read_ticket(token, now_s=NOW - clock_behind_s)


def test_a_pass_signed_far_in_the_future_is_refused() -> None:
    with pytest.raises(FutureCredential):
        read_pass(RING.sign_pass(PASS), now_s=NOW - SKEW_S - 1)


def test_other_rooms_and_earlier_lines_are_told_apart_from_forgeries() -> None:
    with pytest.raises(OtherRoomCredential):
        read_ticket(RING.sign_ticket(TICKET), room="vaccination")
    with pytest.raises(OtherLineCredential):
        read_ticket(RING.sign_ticket(TICKET), instance="another")
    with pytest.raises(OtherLineCredential):
        read_pass(RING.sign_pass(PASS), instance="another")
    assert read_pass(RING.sign_pass(PASS), instance=None) == PASS


def test_every_refusal_carries_one_stable_word() -> None:
    reasons = [error.reason for error in CredentialError.__subclasses__()]
    assert sorted(reasons) == ["earlier-line", "expired", "finished", "forged", "future-dated", "other-room"]


def test_a_staff_pass_is_good_in_every_line_of_its_room() -> None:
    staff = replace(PASS, kind="staff", number=0, instance="", hard_limit_s=int(NOW) + 30 * 86_400)
    assert read_pass(RING.sign_pass(staff), instance="any") == staff
    with pytest.raises(OtherRoomCredential):
        read_pass(RING.sign_pass(staff), room="vaccination")


def test_what_was_verified_once_is_still_checked_against_the_clock_and_the_line() -> None:
    token = RING.sign_pass(PASS)
    assert read_pass(token) == PASS
    with pytest.raises(ExpiredCredential):
        read_pass(token, now_s=NOW + HARD_LIMIT_S + SKEW_S + 1)
    with pytest.raises(OtherLineCredential):
        read_pass(token, instance="another")


def test_forgeries_do_not_push_out_what_was_verified() -> None:
    ring = Keyring(KEYS)
    token = ring.sign_pass(PASS).encode()
    read_pass(token, ring)
    for attempt in range(100):
        with pytest.raises(ForgedCredential):
            read_pass(token + b"%d" % attempt, ring)
    assert list(ring._known_passes) == [token]


def test_a_pass_lives_three_minutes_unused_then_twenty_idle_then_two_hours_at_most() -> None:
    assert not PASS.is_idle(NOW + UNUSED_S)
    assert PASS.is_idle(NOW + UNUSED_S + SKEW_S + 1)
    used = renew(PASS, NOW + 60)
    assert used.expires_at_s == NOW + 60 + IDLE_S
    assert used.hard_limit_s == PASS.hard_limit_s
    assert renew(PASS, NOW + HARD_LIMIT_S - 5).expires_at_s == PASS.hard_limit_s


@pytest.mark.parametrize(
    ("left_s", "due"), [(UNUSED_S, True), (IDLE_S // 2 - 1, True), (IDLE_S // 2, False), (IDLE_S, False)]
)
def test_a_pass_is_re_issued_at_first_use_and_when_half_of_its_idle_time_is_gone(left_s: int, due: bool) -> None:
    assert replace(PASS, expires_at_s=int(NOW) + left_s).is_due(NOW) is due


def test_a_pass_at_its_hard_limit_is_not_re_issued_for_nothing() -> None:
    assert not replace(PASS, expires_at_s=PASS.hard_limit_s).is_due(NOW + HARD_LIMIT_S - 1)


def test_fields_that_would_break_the_form_are_refused_at_signing() -> None:
    with pytest.raises(ValueError):
        RING.sign_ticket(replace(TICKET, room="a~b"))
    for address in ("", "daftar", "https://evil.example/", "/a b", "/a;b", "/a\r\nb", "/é"):
        with pytest.raises(ValueError):
            RING.sign_ticket(replace(TICKET, return_to=address))
