"""Registering a person: once per NIK, and the same number for whoever sends the same thing again."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import ColumnElement, select
from sqlalchemy.exc import IntegrityError

from registration_app.database import Database
from registration_app.errors import NikTaken
from registration_app.forms import Application
from registration_app.models import AnyRegistration, Registration
from registration_app.passwords import Passwords

KEY_BYTES = 16
COMPARED = ("nik", "name", "birth_date", "sex", "email", "phone")
"""What makes a second form the same as the first, beside formation and password."""


@dataclass(frozen=True, slots=True)
class Receipt:
    """What came of a sent form."""

    registration: AnyRegistration
    is_new: bool
    is_unchanged: bool  # False: it was sent again, with changes that were not kept


def new_key() -> str:
    """An idempotency key: one for every form shown. Unguessable, because it leads back to the card."""
    return secrets.token_urlsafe(KEY_BYTES)


class Registrations:
    """The registrations in one table of the database: ``Registration``, or that of rehearsals."""

    def __init__(
        self, database: Database, passwords: Passwords, table: type[AnyRegistration] = Registration
    ) -> None:
        self._table = table
        self._database = database
        self._passwords = passwords

    async def register(self, application: Application, key: str, visitor: str | None) -> Receipt:
        """Register, or find the registration that the same person already has.

        The same person is: the same form (``key``) with the same NIK, or the same data and password.
        Raises NikTaken for anybody else, Busy, DatabaseUnreachable.
        """
        if (existing := await self._find(self._table.nik == application.nik)) is not None:
            return await self._recognise(existing, application, key)
        if await self._find(self._table.idempotency_key == key) is not None:
            key = new_key()  # the form was used for somebody else, then filled in anew from the browser's cache
        password_hash = await self._passwords.hash(application.password)
        registration = self._table(**_values(application, password_hash, key, visitor))
        try:
            async with self._database.session() as session, session.begin():
                session.add(registration)
        except IntegrityError:
            return await self._after_race(application, key, visitor)
        return Receipt(registration, is_new=True, is_unchanged=True)

    async def by_card_key(self, key: str) -> AnyRegistration | None:
        """The registration whose card has this address. Raises DatabaseUnreachable."""
        return await self._find(self._table.card_key == key)

    async def by_check_code(self, code: str) -> AnyRegistration | None:
        """The registration with this code in its QR. Raises DatabaseUnreachable."""
        return await self._find(self._table.check_code == code)

    async def _after_race(self, application: Application, key: str, visitor: str | None) -> Receipt:
        """Somebody was faster between our look and our insert: with the NIK, or only with the key."""
        existing = await self._find(self._table.nik == application.nik)
        if existing is None:
            return await self.register(application, new_key(), visitor)
        return await self._recognise(existing, application, key)

    async def _recognise(self, existing: AnyRegistration, application: Application, key: str) -> Receipt:
        unchanged = _same_data(existing, application)
        if secrets.compare_digest(existing.idempotency_key, key):
            return Receipt(existing, is_new=False, is_unchanged=unchanged)
        # Always verified, so that the time taken does not tell a stranger how much of a guess was right.
        proven = await self._passwords.verify(existing.password_hash, application.password)
        if not (proven and unchanged):
            raise NikTaken
        return Receipt(existing, is_new=False, is_unchanged=True)

    async def _find(self, condition: ColumnElement[bool]) -> AnyRegistration | None:
        async with self._database.session() as session:
            found: AnyRegistration | None = await session.scalar(select(self._table).where(condition))
            return found


def _same_data(existing: AnyRegistration, application: Application) -> bool:
    same = all(getattr(existing, name) == getattr(application, name) for name in COMPARED)
    return same and existing.formation_code == application.formation


def _values(application: Application, password_hash: str, key: str, visitor: str | None) -> dict[str, Any]:
    return {name: getattr(application, name) for name in COMPARED} | {
        "formation_code": application.formation,
        "password_hash": password_hash,
        "idempotency_key": key,
        "card_key": secrets.token_urlsafe(KEY_BYTES),
        "check_code": secrets.token_urlsafe(12),
        "visitor": visitor,
        "created_at": datetime.now(UTC),
    }
