"""`antrean room schedule` and `antrean draw` as processes on a real store; an outsider checks from a file."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import pytest

from gateway.domain import draw as fair
from gateway.domain.room import Draw
from gateway.secrets import load_keys
from gateway.store.line import Line
from tests.cli.test_room_commands import ROOM, Shell, antrean, on_line, store_url

__all__ = ["antrean", "store_url"]  # fixtures

SECRET = fair.draw_secret("a secret key of sufficient length", ROOM, "an-opening")


def in_minutes(minutes: float) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + minutes * 60))


def drawn_file(folder: Path, **changes: Any) -> str:
    facts = {"commitment": fair.commitment_of(SECRET), "announced_entropy": "the lottery", "size": 1000}
    document = {"draw": {**facts, "secret": SECRET.hex(), "entropy": "04-17-23", **changes}}
    path = folder / "draw.json"
    path.write_text(json.dumps(document), "utf-8")
    return str(path)


def test_an_opening_is_announced_with_its_commitment(antrean: Shell, tmp_path: Path) -> None:
    ran = antrean("room", "schedule", "--opens-at", in_minutes(10), "--draw", "--entropy-from", "the lottery")
    assert ran.code == 0, ran.err
    assert "Commitment" in ran.out
    file = tmp_path / "commitment.json"
    assert antrean("draw", "commit", "--out", str(file)).code == 0
    published = json.loads(file.read_text("utf-8"))
    assert published["draw"]["commitment"] in ran.out
    assert published["draw"]["announced_entropy"] == "the lottery"
    assert published["draw"]["secret"] == ""
    assert antrean("room", "show", "--json").json["phase"] == "scheduled"


def test_the_commitment_file_is_signed_and_a_draw_is_checked_against_it(antrean: Shell, tmp_path: Path) -> None:
    antrean("room", "schedule", "--opens-at", in_minutes(10), "--draw", "--entropy-from", "the lottery")
    file, drawn = tmp_path / "commitment.json", tmp_path / "drawn.json"
    key = antrean("draw", "key").out.strip()
    assert key in antrean("draw", "commit", "--out", str(file)).err
    committed = json.loads(file.read_text("utf-8"))
    secret = fair.draw_secret(load_keys(antrean.settings)[-1], ROOM, committed["instance"])
    facts = committed["draw"] | {"size": 10, "secret": secret.hex(), "entropy": "04-17-23"}
    drawn.write_text(json.dumps(committed | {"draw": facts, "signature": None}), "utf-8")
    words = ("draw", "verify", str(drawn), "--against", str(file))
    good = antrean(*words, "--key", key, "--number", "#3")
    assert (good.code, key in good.err) == (0, True), good.err
    assert "Number 3 was drawn to position" in good.out
    other = antrean(*words, "--key", "00" * 32)
    assert (other.code, "not by the key that was given" in other.err) == (4, True)
    drawn.write_text(json.dumps(committed | {"draw": facts | {"announced_entropy": "another"}}), "utf-8")
    assert "announced_entropy is NOT what the commitment file says" in antrean(*words).err
    file.write_text(json.dumps(committed | {"opens_at_ms": 1}), "utf-8")
    changed = antrean(*words)
    assert (changed.code, "changed after it was signed" in changed.err) == (4, True)
    unsigned = antrean("draw", "commit", "--unsigned")
    assert ("signature" in unsigned.json, "Not signed" in unsigned.err) == (False, True)


def test_times_are_moved_live_and_undone(antrean: Shell) -> None:
    antrean("room", "schedule", "--opens-at", in_minutes(10))
    ran = antrean("room", "set", "--closes-at", in_minutes(60), "--ending", "cut")
    assert "closing time none → " in ran.out
    assert "ending serve → cut" in ran.out
    revision = antrean("room", "show", "--json").json["revision"]
    assert antrean("room", "undo", ROOM, str(revision)).code == 0
    assert antrean("room", "show", "--json").json["closes_at_ms"] is None


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("room", "schedule"), "give the time of the opening"),
        (("room", "schedule", "--opens-at", "2026-08-20 09:00"), "a time with its zone"),
        (("room", "schedule", "--opens-at", -1), "lies in the past"),
        (("room", "schedule", "--opens-at", 9, "--closes-at", 8), "close before it opens"),
        (("room", "schedule", "--opens-at", 1, "--draw"), "too near"),
        (("room", "schedule", "--opens-at", 9, "--draw", "--freeze", "10"), "does not do"),
        (("room", "schedule", "--opens-at", 9, "--ending", "maybe"), "use serve, cut"),
        (("room", "set", "--opens-at", 9), "no opening is scheduled"),
        (("draw", "commit"), "has no draw"),
        (("draw", "freeze", "--entropy", "04-17-23"), "has no draw"),
        (("draw", "freeze"), "has no draw"),
        (("room", "schedule", "--opens-at", 9, "--entropy-from", "the lottery"), "entropy is for a draw"),
        (("room", "openings", "--remove", "none-such"), "no opening none-such is planned"),
    ],
)
def test_what_cannot_be_is_refused_in_one_line(antrean: Shell, words: tuple[str | int, ...], told: str) -> None:
    before = antrean("room", "show", "--json").json["revision"]
    # A number is in so many minutes: reckoned now, since the tests were collected long ago.
    ran = antrean(*(in_minutes(word) if isinstance(word, int) else word for word in words))
    assert ran.code == (5 if "--remove" in words else 2)
    assert told in ran.err
    assert ran.err.count("\n") == 1
    assert antrean("room", "show", "--json").json["revision"] == before


@pytest.mark.parametrize(
    ("options", "challenge"),
    [(("--draw",), True), (("--draw", "--no-challenge"), False), ((), False), (("--challenge",), True)],
)
def test_a_draw_puts_the_challenge_before_its_numbers_unless_it_is_told_not_to(
    antrean: Shell, options: tuple[str, ...], challenge: bool
) -> None:
    antrean("room", "set", "--challenge", "off")
    ran = antrean("room", "schedule", "--opens-at", in_minutes(10), *options)
    assert ran.code == 0, ran.err
    assert antrean("room", "show", "--json").json["challenge"] is challenge


def test_openings_are_planned_in_a_row_listed_and_called_off(antrean: Shell) -> None:
    first = antrean("room", "schedule", "--opens-at", in_minutes(10), "--closes-at", in_minutes(60))
    assert "first come, first served" in first.out, first.err
    words = ("--draw", "--entropy-from", "the lottery", "--reason-en", "Nobody must be fast", "--why", "as agreed")
    second = antrean("room", "schedule", "--opens-at", in_minutes(90), "--closes-at", in_minutes(99), *words)
    assert "is planned" in second.out, second.err
    overlapping = antrean("room", "schedule", "--opens-at", in_minutes(95), "--closes-at", in_minutes(120))
    assert (overlapping.code, overlapping.err.count("\n")) == (2, 1)
    assert "overlaps the opening" in overlapping.err
    [planned] = antrean("room", "openings", "--json").json["planned"]
    assert planned["draw"]["commitment"] in second.out
    assert planned["reason"] == {"en": "Nobody must be fast"}
    listed = antrean("room", "openings").out.splitlines()
    assert [row.split()[1] for row in listed] == ["state", "scheduled", "planned"]
    assert antrean("room", "audit", "--json").json["entries"][0]["why"] == "as agreed"
    assert "called off" in antrean("room", "openings", "--remove", planned["instance"]).out
    done = antrean("room", "audit").out
    assert all(
        words in done for words in ("began the opening of", "planned the opening of", "called off the opening of")
    )
    assert antrean("room", "openings", "--json").json["planned"] == []


def test_entropy_before_the_freeze_is_refused(antrean: Shell) -> None:
    antrean("room", "schedule", "--opens-at", in_minutes(10), "--draw", "--entropy-from", "the lottery")
    ran = antrean("draw", "freeze", "--entropy", "04-17-23")
    assert (ran.code, ran.out) == (2, "")
    assert "not frozen yet" in ran.err


def test_entropy_is_entered_once_the_pre_queue_is_frozen(antrean: Shell, store_url: str) -> None:
    antrean("room", "schedule", "--opens-at", in_minutes(10), "--draw", "--entropy-from", "the lottery")
    assert antrean("room", "set", "--opens-at", in_minutes(1.9)).code == 0
    ran = antrean("draw", "freeze", "--entropy", "04-17-23")
    assert "N is 0" in ran.out, ran.err
    again = antrean("draw", "freeze", "--entropy", "04-17-24")
    assert (again.code, again.out) == (2, "")
    assert "never changes" in again.err

    async def facts(line: Line) -> Draw | None:
        return (await line.refresh()).draw

    draw = on_line(store_url, facts)
    assert (draw.entropy, draw.secret) == ("04-17-23", "")


def test_an_outsider_verifies_a_draw_from_a_file_without_any_store(antrean: Shell, tmp_path: Path) -> None:
    file = drawn_file(tmp_path)
    ran = antrean("draw", "verify", file, "--number", "#123", ANTREAN_STORE_URL="unix:///nowhere")
    place = fair.position_of(fair.seed_of(SECRET.hex(), "04-17-23"), 1000, 123)
    assert ran.code == 0
    assert f"Number 123 was drawn to position {place:,}." in ran.out
    assert "announced as “the lottery”" in ran.out
    after = antrean("draw", "verify", file, "--number", "#1001").out
    assert "behind all of the drawn" in after
    everybody = antrean("draw", "verify", file, "--order").out.splitlines()
    assert sorted(int(row.partition(",")[2]) for row in everybody) == list(range(1, 1001))
    assert f"123,{place}" in everybody


def test_a_draw_without_entropy_is_told_to_be_one(antrean: Shell, tmp_path: Path) -> None:
    file = drawn_file(tmp_path, announced_entropy="", entropy="")
    assert "could have chosen it" in antrean("draw", "verify", file).out


@pytest.mark.parametrize(
    ("changes", "code", "told"),
    [({"secret": "ab" * 32}, 4, "do not trust this draw"), ({"secret": ""}, 4, "not drawn yet")],
)
def test_a_false_draw_is_refuted(
    antrean: Shell, tmp_path: Path, changes: dict[str, str], code: int, told: str
) -> None:
    ran = antrean("draw", "verify", drawn_file(tmp_path, **changes), "--number", "#1")
    assert (ran.code, ran.out) == (code, "")
    assert told in ran.err


@pytest.mark.parametrize(
    ("text", "number", "code"),
    [("no json", "", 4), ("[]", "", 4), ("{}", "", 4), (None, "", 2), ("draw", "#0", 2)],
)
def test_a_file_that_is_no_draw_is_told_in_one_line(
    antrean: Shell, tmp_path: Path, text: str | None, number: str, code: int
) -> None:
    path = Path(drawn_file(tmp_path))
    if text is None:
        path.unlink()
    elif text != "draw":
        path.write_text(text, "utf-8")
    ran = antrean("draw", "verify", str(path), *(("--number", number) if number else ()))
    assert (ran.code, ran.out) == (code, "")
    assert ran.err.count("\n") == 1
