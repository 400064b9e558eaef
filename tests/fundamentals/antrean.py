"""One copy of Antrean as `antrean up` starts it, its operator at a shell, and applicants with browsers."""

from __future__ import annotations

import json
import re
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Iterator, Sequence
from typing import Any
from urllib.parse import urlencode

import pytest
import redis

from gateway.cli.procfile import PACKAGED
from gateway.domain.numbers import parse_number
from gateway.domain.room import Snapshot
from gateway.settings import load_settings
from gateway.store.functions import Functions
from gateway.store.keys import room_key
from gateway.store.rooms import open_store
from gateway.store.snapshots import parse_snapshot
from tests.cli.copies import Copy, wait_until
from tests.people import Browser, Reply, until
from tests.registration_app.serving import fields_of, number_on

ROOM = "registration"
CALLS = f"/_queue/{ROOM}/"


class Applicant(Browser):
    """Somebody who wants to register."""

    async def comes(self, path: str = "/") -> Reply:
        """Opens the site in a tab."""
        return await self.get(path)

    async def checks_in(self) -> dict[str, Any]:
        """As the waiting page does when its visitor was called."""
        reply = await self.fetch("POST", CALLS + "check-in")
        assert reply.status == 200, reply.body
        return reply.json()

    async def is_let_in(self) -> bool:
        return bool((await self.checks_in())["state"] == "admitted")

    async def waits(self, within_s: float = 30) -> None:
        """Until it is this applicant's turn."""
        await until(self.is_let_in, "the applicant is let in", within_s)

    async def fills_in(self) -> dict[str, str]:
        """The form, with the example that its button gives."""
        page = await self.comes("/?example=1")
        assert is_form(page), "the form, and not the waiting page"
        return fields_of(page.text)

    async def registers(self) -> str:
        """Sends the form, follows to the card, and reads the registration number."""
        form = urlencode(await self.fills_in()).encode()
        headers = {"Content-Type": "application/x-www-form-urlencoded", "Accept": "text/html"}
        answer = await self.ask("POST", "/", headers, form)
        assert answer.status == 303, answer.text
        return number_on((await self.comes(answer.header("location"))).text)

    def same_ticket(self) -> Applicant:
        """Another tab, phone or person with a copy of the cookies."""
        return Applicant(self.port, self.host, dict(self.cookies))


class Antrean:
    """The running copy."""

    def __init__(self, copy: Copy) -> None:
        self.copy = copy
        self.port = copy.ports["ANTREAN_PORT"]

    def applicant(self) -> Applicant:
        return Applicant(self.port, f"127.0.0.1:{self.port}")

    def applicants(self, count: int) -> list[Applicant]:
        return [self.applicant() for _ in range(count)]

    def command(self, *words: str) -> str:
        """What `antrean` prints; the command must succeed."""
        done = subprocess.run(
            [sys.executable, "-m", "gateway", *words],
            cwd=self.copy.folder,
            env=self.copy.environ,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=30,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    async def room(self, command: str, *options: str) -> None:
        """`antrean room …`, and then until every worker has heard of it."""
        self.command("room", command, ROOM, *options)
        await self.is_known()

    async def begins_anew(self) -> None:
        """A new line: open, nobody in it, 600 a minute."""
        store = await open_store(self.store_url)
        line = store.line(ROOM)
        await line.new_line(actor="test")
        knobs = {
            "phase": "open",
            "rate_per_minute": 600.0,
            "ceiling": 500,
            "message": {},
            "daily_quota": 0,
            "total_quota": 0,
        }
        await line.set_knobs(knobs, actor="test")
        await store.close()
        await self.is_known()

    async def is_known(self) -> None:
        """Until every worker knows what the store knows."""
        wanted = self.knows()
        knobs = wanted.knobs

        async def heard() -> bool:
            pulses = [await self.pulse() for _ in range(8)]
            return all(
                (pulse["instance"], pulse["phase"], pulse["rate_per_minute"], pulse["message"])
                == (wanted.instance, knobs.phase, knobs.rate_per_minute, knobs.message)
                for pulse in pulses
            )

        await until(heard, "every worker has heard of it")

    @property
    def store_url(self) -> str:
        return load_settings(environ={"ANTREAN_STATE_DIR": str(self.copy.folder / ".state")}).store_address()

    def knows(self) -> Snapshot:
        """The line as the store has it."""
        with redis.Redis.from_url(self.store_url, decode_responses=True, protocol=2) as client:
            return parse_snapshot(ROOM, client.execute_command(*Functions(ROOM).read(0)))

    async def pulse(self) -> dict[str, Any]:
        return (await self.applicant().fetch("GET", CALLS + "pulse")).json()

    async def can_let_in_at_once(self) -> None:
        """Until the rate has room for one visitor: a line begins with nothing banked."""

        async def has_credit() -> bool:
            read = "return cjson.encode(cmsgpack.unpack(redis.call('GET', KEYS[1])))"
            with redis.Redis.from_url(self.store_url, decode_responses=True) as client:
                state = json.loads(client.eval(read, 1, room_key(ROOM, "line")))
            return min(state["credit"], state["claim_credit"]) >= 1

        await until(has_credit, "there is room for one visitor")

    def rows(self) -> list[str]:
        """Who is in the registration database, as the gate named them, in the order of registration."""
        database = self.copy.folder / ".state" / "registration.sqlite3"
        connection = sqlite3.connect(f"file:{database}?mode=ro", uri=True)
        try:
            return [visitor for (visitor,) in connection.execute("select visitor from registrations order by id")]
        finally:
            connection.close()


def is_form(page: Reply) -> bool:
    """Whether it is the form of the site, and not the waiting page."""
    return page.is_page and '<form method="post" action="/" id="registration"' in page.text


def numbers(rows: Sequence[str]) -> list[int]:
    """The numbers in line of rows such as ``k3xq:17``."""
    return [int(row.rpartition(":")[2]) for row in rows]


def shown_number(page: Reply) -> int:
    """The number on a waiting page."""
    found = re.search(r"A-\d{4}-\d{4}", page.text)
    assert found, page.text
    return parse_number(found[0])


@pytest.fixture(scope="session")
def running_copy(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Copy]:
    copy = Copy(tmp_path_factory.mktemp("story") / "a copy", procfile=PACKAGED.read_text("utf-8"))
    copy.environ["ANTREAN_WORKERS"] = "2"
    copy.start()
    try:
        wait_until(lambda: "Ctrl-C stops everything" in copy.said(), f"it started; see {copy.log}", 90)
        yield copy
    finally:
        copy.signal(signal.SIGINT)
        code = copy.ended()
    assert code == 0, copy.said()
    assert "Traceback" not in copy.said()


@pytest.fixture
async def antrean(running_copy: Copy) -> Antrean:
    """The copy with a new line: open, nobody in it, 600 a minute."""
    antrean = Antrean(running_copy)
    await antrean.begins_anew()
    return antrean
