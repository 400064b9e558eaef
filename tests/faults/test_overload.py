"""One worker with few connections, on real sockets: who is turned away, how, and that it ends by itself."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, suppress
from dataclasses import replace
from typing import Any

import pytest

from gateway.domain.credentials import Keyring
from gateway.store.line import Line
from tests.faults.lines import BASE, PASS
from tests.installation import Installation, free_port
from tests.people import Browser, Reply

CONNECTIONS = 16


@pytest.fixture(scope="module")
def small(installation: Installation) -> Iterator[Installation]:
    """A gateway beside the others, with one worker that may have few connections."""
    environ = installation.environ | {
        "ANTREAN_PORT": str(free_port()),
        "ANTREAN_WORKERS": "1",
        "ANTREAN_MOST_CONNECTIONS": str(CONNECTIONS),
    }
    log = (installation.folder / "small.log").open("ab")
    process = subprocess.Popen([sys.executable, "-m", "gateway", "serve"], env=environ, stdout=log, stderr=log)
    log.close()
    settings = replace(installation.settings, port=int(environ["ANTREAN_PORT"]))
    yield Installation(settings, environ, installation.folder, {"gateway": process})
    process.terminate()
    process.wait(20)


@asynccontextmanager
async def others(port: int) -> AsyncIterator[None]:
    """Connections that are just open."""
    opened = [await asyncio.open_connection("127.0.0.1", port) for _ in range(CONNECTIONS)]
    try:
        yield
    finally:
        for _, writer in opened:
            writer.close()


async def answers(small: Installation, ask: Callable[[], Any]) -> list[Reply]:
    """A newcomer's, ``ask``'s and another newcomer's, while many connections are open."""
    replies: list[Reply] = []
    with suppress(OSError, IndexError):
        async with others(small.settings.port):
            for _ in range(10):  # until the worker has noticed
                newcomer = await small.visitor().get("/")
                if newcomer.status == 503:
                    break
            replies = [newcomer, await ask(), await small.visitor().get("/")]
    return replies


async def while_overloaded(small: Installation, wait_until: Callable[..., Any], ask: Callable[[], Any]) -> Reply:
    """What ``ask`` got while newcomers before and after it were turned away."""
    found: list[Reply] = []

    async def newcomers_are_turned_away() -> bool:
        replies = await answers(small, ask)
        if [reply.status for reply in replies[::2]] != [503, 503]:
            return False
        found.append(replies[1])
        return True

    await wait_until(newcomers_are_turned_away, "newcomers are turned away", 30)
    return found[0]


async def serves(small: Installation, wait_until: Callable[..., Any]) -> None:
    async def answered() -> bool:
        with suppress(OSError, IndexError):
            return (await small.visitor().fetch("GET", BASE + "pulse")).status == 200
        return False

    await wait_until(answered, "all are served", 30)


async def test_newcomers_get_a_page_that_comes_again_and_programs_a_problem(
    small: Installation, line: Line, wait_until: Callable[..., Any]
) -> None:
    await serves(small, wait_until)
    page = await while_overloaded(small, wait_until, lambda: small.visitor().get("/", **{"Accept-Language": "en"}))
    assert page.is_page
    assert "Very busy" in page.text
    assert 10 <= int(page.header("retry-after")) <= 70
    assert not page.header("set-cookie")
    told = await while_overloaded(small, wait_until, lambda: small.visitor().fetch("POST", BASE + "join"))
    assert told.json()["reason"] == "overloaded"
    assert int(told.header("retry-after")) >= 10


async def test_who_is_inside_is_served_and_a_forged_pass_is_not(
    small: Installation, line: Line, keyring: Keyring, wait_until: Callable[..., Any]
) -> None:
    await serves(small, wait_until)
    inside = small.visitor()
    await inside.get("/")
    assert PASS in inside.cookies
    assert (await while_overloaded(small, wait_until, lambda: inside.get("/formulir"))).status == 200
    asked = {"X-Original-URI": "/daftar"}
    authorized = await while_overloaded(small, wait_until, lambda: inside.ask("GET", "/_queue/authorize", asked))
    assert authorized.status == 204

    async def forged() -> Reply:
        return await Browser(small.settings.port, "daftar.example", {PASS: "1~forged.x"}).get("/")

    assert (await while_overloaded(small, wait_until, forged)).status == 503


async def test_it_ends_by_itself_and_is_counted_and_told_once(
    small: Installation, line: Line, wait_until: Callable[..., Any]
) -> None:
    await serves(small, wait_until)
    await while_overloaded(small, wait_until, lambda: small.visitor().get("/"))

    async def newcomer_is_served() -> bool:
        return (await small.visitor().get("/")).status == 200

    async def counted() -> bool:
        return (await line.counters()).get("shed{kind=newcomer}", 0) > 0

    await wait_until(newcomer_is_served, "newcomers are served again")
    await wait_until(counted, "those turned away are counted")
    log = (small.folder / "small.log").read_text()
    assert 0 < log.count("more visitors than this worker can serve") <= 3
