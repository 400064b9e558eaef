"""The same promises on a real PostgreSQL server, where one is installed."""

from __future__ import annotations

import asyncio
import os
import pwd
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import asyncpg
import pytest

from registration_app.database import Database
from registration_app.errors import DatabaseUnreachable
from registration_app.settings import Settings
from tests.registration_app.serving import serve

UNPRIVILEGED = "nobody"
"""PostgreSQL refuses to run as root."""


def postgresql_binaries() -> Path | None:
    """The folder with initdb and pg_ctl; Debian keeps them off the PATH."""
    if found := shutil.which("initdb"):
        return Path(found).resolve().parent
    return max(Path("/usr/lib/postgresql").glob("*/bin"), default=None)


@pytest.fixture(scope="module")
def postgresql() -> Iterator[str]:
    """The URL of a server of our own, on a unix socket in a folder of its own."""
    binaries = postgresql_binaries()
    if binaries is None:
        pytest.skip("no PostgreSQL server is installed here (apt-get install postgresql)")
    owner = UNPRIVILEGED if os.geteuid() == 0 else None
    folder = Path(tempfile.mkdtemp(prefix="registration-pg-"))
    data = folder / "data"
    if owner:
        os.chown(folder, pwd.getpwnam(owner).pw_uid, -1)

    def run(*command: str) -> None:
        with (folder / "log").open("ab") as log:
            subprocess.run(
                [str(binaries / command[0]), *command[1:]],
                check=True, user=owner, cwd=folder, stdout=log, stderr=log, timeout=60,
            )  # fmt: skip

    try:
        run("initdb", "-D", str(data), "-U", "registration", "-A", "trust", "--no-sync", "-E", "UTF8")
        options = f"-k {folder} -c listen_addresses= -c max_connections=40 -c fsync=off"
        run("pg_ctl", "start", "-w", "-D", str(data), "-o", options)
        try:
            yield f"postgresql://registration@/postgres?host={folder}"
        finally:
            run("pg_ctl", "stop", "-w", "-m", "fast", "-D", str(data))
    finally:
        shutil.rmtree(folder)


async def test_one_persons_form_twenty_times_at_once_gives_one_row_and_one_number(
    postgresql: str, configured: Callable[..., Settings]
) -> None:
    async with serve(configured(DATABASE_URL=postgresql)) as service:
        before = await service.count()
        visitor = service.visitor()
        fields = await visitor.example()
        keys = [(await visitor.example())["key"] for _ in range(10)] + [fields["key"]] * 10
        numbers = await asyncio.gather(*(visitor.register({**fields, "key": key}) for key in keys))
        assert len(set(numbers)) == 1
        assert await service.count() == before + 1


async def test_strangers_with_one_nik_at_once_are_refused_but_for_the_first(
    postgresql: str, configured: Callable[..., Settings]
) -> None:
    async with serve(configured(DATABASE_URL=postgresql)) as service:
        visitor = service.visitor()
        fields = await visitor.example()
        keys = [(await visitor.example())["key"] for _ in range(10)]
        forms = [{**fields, "key": key, "email": f"s{index}@example.com"} for index, key in enumerate(keys)]
        answers = await asyncio.gather(*(visitor.send(form) for form in forms))
        assert sorted(answer.status_code for answer in answers) == [303] + [409] * 9


async def test_two_that_start_at_once_on_an_empty_database_both_start(
    postgresql: str, configured: Callable[..., Settings]
) -> None:
    connection = await asyncpg.connect(postgresql)
    await connection.execute("CREATE DATABASE fresh")
    await connection.close()
    url = configured(DATABASE_URL=postgresql).engine_url.set(database="fresh")
    databases = [Database(url) for _ in range(4)]
    try:
        await asyncio.gather(*(database.start() for database in databases))
        assert len(await databases[0].formations()) >= 10
    finally:
        for database in databases:
            await database.close()


async def test_a_server_that_is_not_there_is_said_so_within_seconds(
    tmp_path: Path, configured: Callable[..., Settings]
) -> None:
    database = Database(configured(DATABASE_URL=f"postgresql://x@/x?host={tmp_path}").engine_url)
    try:
        async with asyncio.timeout(10):
            with pytest.raises(DatabaseUnreachable):
                await database.start()
    finally:
        await database.close()
