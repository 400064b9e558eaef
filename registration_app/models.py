"""The tables."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any

from sqlalchemy import CheckConstraint, Date, DateTime, Dialect, ForeignKey, String
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column
from sqlalchemy.types import TypeDecorator
from stdnum import luhn


class UtcDateTime(TypeDecorator[datetime]):
    """A moment. SQLite forgets time zones, so that everything is UTC on its way in and out."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        return value.astimezone(UTC) if value else None

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


class Base(DeclarativeBase):
    """What all tables share: their metadata."""


class Formation(Base):
    """A post that can be applied for."""

    __tablename__ = "formations"

    code: Mapped[str] = mapped_column(String(20), primary_key=True)
    agency: Mapped[str] = mapped_column(String(120))
    title_id: Mapped[str] = mapped_column(String(120))
    title_en: Mapped[str] = mapped_column(String(120))
    place: Mapped[str] = mapped_column(String(60))
    seats: Mapped[int]

    def title(self, language: str) -> str:
        return self.title_id if language == "id" else self.title_en


class AnyRegistration(Base):
    """What a registration consists of, real or rehearsed. The constraint on ``nik`` makes it the only one."""

    __abstract__ = True
    __table_args__: Any = (
        CheckConstraint("length(nik) = 16", name="nik_has_16_digits"),
        # A number on a printed card is never given out again, even if its row is deleted.
        {"sqlite_autoincrement": True},
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    nik: Mapped[str] = mapped_column(String(16), unique=True)
    name: Mapped[str] = mapped_column(String(120))
    birth_date: Mapped[date] = mapped_column(Date)
    sex: Mapped[str] = mapped_column(String(6))
    email: Mapped[str] = mapped_column(String(254))
    phone: Mapped[str] = mapped_column(String(20))
    password_hash: Mapped[str] = mapped_column(String(200))
    formation_code: Mapped[str] = mapped_column(ForeignKey("formations.code"))
    idempotency_key: Mapped[str] = mapped_column(String(64), unique=True)
    card_key: Mapped[str] = mapped_column(String(32), unique=True)  # whoever knows it sees the card
    check_code: Mapped[str] = mapped_column(String(32), unique=True)  # in the QR code; shows much less
    visitor: Mapped[str | None] = mapped_column(String(120), index=True)  # "instance:number" from the gate
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)

    @property
    def number(self) -> str:
        """The registration number: year, running number, check digit (Luhn)."""
        year = f"{self.created_at:%Y}"
        return f"{year}-{self.id:07d}-{luhn.calc_check_digit(f'{year}{self.id:07d}')}"


class Registration(AnyRegistration):
    """One person's registration."""

    __tablename__ = "registrations"


class RehearsedRegistration(AnyRegistration):
    """A rehearsal's: never looked at for a real visitor, and to be deleted with its table afterwards."""

    __tablename__ = "rehearsal_registrations"
