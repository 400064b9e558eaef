"""The database: connections, tables, seeded formations. SQLite by default, PostgreSQL by DATABASE_URL."""

from __future__ import annotations

import os
import tomllib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import event, func, select, text
from sqlalchemy.engine import URL
from sqlalchemy.exc import IntegrityError, SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker, create_async_engine

from registration_app.errors import DatabaseUnreachable
from registration_app.models import AnyRegistration, Base, Formation, Registration

SEEDS = Path(__file__).with_name("formations.toml")

SETUP_LOCK = 2014_08_20
"""Any fixed number: PostgreSQL's advisory lock for creating tables and seeds one process at a time."""

SQLITE_PRAGMAS = (
    "PRAGMA journal_mode=WAL",  # readers do not wait for the writer
    "PRAGMA synchronous=FULL",  # a number that somebody was shown survives a power cut
    "PRAGMA foreign_keys=ON",
    "PRAGMA busy_timeout=10000",
)


class Database:
    """Sessions on one database. ``start`` makes it ready, ``close`` frees its connections."""

    def __init__(self, url: URL) -> None:
        self.url = url
        self._engine = create_async_engine(url, **_engine_options(url))
        if url.get_backend_name() == "sqlite":
            event.listen(self._engine.sync_engine, "connect", _prepare_sqlite)
        self._sessions = async_sessionmaker(self._engine, expire_on_commit=False)

    async def start(self, seeds: Path = SEEDS) -> None:
        """Create what is missing and bring the formations up to date. Raises DatabaseUnreachable."""
        if self.url.get_backend_name() == "sqlite" and self.url.database not in (None, "", ":memory:"):
            _create_private(Path(str(self.url.database)))
        async with self.session() as session, session.begin():
            connection = await session.connection()
            if connection.dialect.name == "postgresql":
                await connection.execute(text(f"SELECT pg_advisory_xact_lock({SETUP_LOCK})"))
            await connection.run_sync(Base.metadata.create_all)
            for formation in read_formations(seeds):
                await session.merge(formation)

    async def close(self) -> None:
        await self._engine.dispose()

    @asynccontextmanager
    async def session(self) -> AsyncIterator[AsyncSession]:
        """A session; raises DatabaseUnreachable for trouble, and lets IntegrityError through."""
        try:
            async with self._sessions() as session:
                yield session
        except IntegrityError:
            raise
        except (SQLAlchemyError, OSError) as exc:  # asyncpg's refused connection is a bare OSError
            raise DatabaseUnreachable(f"the database does not answer: {_reason(exc)}") from exc

    async def formations(self) -> list[Formation]:
        """All formations, by agency."""
        async with self.session() as session:
            order = (Formation.agency, Formation.code)
            return list(await session.scalars(select(Formation).order_by(*order)))

    async def count(self, table: type[AnyRegistration] = Registration) -> int:
        """How many are registered."""
        async with self.session() as session:
            return await session.scalar(select(func.count()).select_from(table)) or 0


def read_formations(path: Path) -> list[Formation]:
    """The formations in a TOML file: ``[[formation]]`` tables with the columns of the table."""
    with path.open("rb") as file:
        return [Formation(**entry) for entry in tomllib.load(file)["formation"]]


def _engine_options(url: URL) -> dict[str, Any]:
    if url.get_backend_name() == "sqlite":
        return {}
    # A dead server is noticed in seconds, and a connection it closed is replaced before it is used.
    return {
        "pool_size": 10,
        "pool_pre_ping": True,
        "pool_timeout": 10,
        "connect_args": {"timeout": 5, "command_timeout": 10},
    }


def _reason(exc: Exception) -> str:
    """The driver's own words on one line, without SQLAlchemy's statement: it holds personal data."""
    return str(getattr(exc, "orig", None) or exc).splitlines()[0] or type(exc).__name__


def _create_private(file: Path) -> None:
    """Personal data is nobody else's to read; SQLite gives its side files the mode of this one."""
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        os.close(os.open(file, os.O_CREAT | os.O_RDWR, 0o600))
    except OSError as exc:
        raise DatabaseUnreachable(f"{file} cannot be used as the database: {exc.strerror}") from exc


def _prepare_sqlite(connection: Any, _record: object) -> None:
    cursor = connection.cursor()
    for pragma in SQLITE_PRAGMAS:
        cursor.execute(pragma)
    cursor.close()
