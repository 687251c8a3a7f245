"""Column types that mean the same in a GeoPackage and in PostGIS."""

from collections.abc import Callable
from datetime import UTC, date, datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import sqlite
from sqlalchemy.types import TypeDecorator, TypeEngine, UserDefinedType

from tsmu.errors import DatabaseError

SRS_ID = 4326


class _Shape(UserDefinedType[Any]):
    """A geometry column whose values pass as they are: blobs of a GeoPackage, hexadecimal EWKB of PostGIS.

    PostgreSQL reads and writes that form itself, and shapely reads a whole column of it at once, so nothing is
    converted value by value.
    """

    cache_ok = True

    def __init__(self, sql: str) -> None:
        self.sql = sql

    def get_col_spec(self, **_: Any) -> str:
        return self.sql


def shape_type(kind: str = "MULTIPOLYGON") -> TypeEngine[Any]:
    """A geometry in EPSG:4326, encoded as its backend stores it (see `storage.encode`, `storage.decode`)."""
    return _Shape(kind).with_variant(_Shape(f"geometry({kind},{SRS_ID})"), "postgresql")


class Moment(TypeDecorator[datetime]):
    """A moment in UTC: timestamptz, or the text that GeoPackage prescribes for DATETIME."""

    impl = sa.DateTime
    cache_ok = True

    @property
    def python_type(self) -> type[datetime]:
        """What values of the column are in Python."""
        return datetime

    def load_dialect_impl(self, dialect: sa.Dialect) -> TypeEngine[Any]:
        """The backend's own type."""
        if dialect.name == "postgresql":
            return dialect.type_descriptor(sa.DateTime(timezone=True))
        return dialect.type_descriptor(_GeopackageMoment())

    def process_result_value(self, value: datetime | None, dialect: sa.Dialect) -> datetime | None:  # noqa: ARG002
        """Give every moment in UTC, whatever the server's time zone."""
        return None if value is None else value.astimezone(UTC)


class _GeopackageMoment(UserDefinedType[datetime]):
    cache_ok = True

    def get_col_spec(self, **_: Any) -> str:
        return "DATETIME"

    def bind_processor(self, dialect: sa.Dialect) -> Any:  # noqa: ARG002
        return format_moment

    def result_processor(self, dialect: sa.Dialect, coltype: object) -> Any:  # noqa: ARG002
        return _reader(dialect, datetime.fromisoformat, "2024-05-01T12:30:00.000Z")


class GeopackageDay(sqlite.DATE):
    """How SQLAlchemy reads the days of a GeoPackage, in which SQLite takes any text for one."""

    def result_processor(self, dialect: sa.Dialect, coltype: object) -> Any:  # noqa: ARG002
        """Read a day, or say which text is none."""
        return _reader(dialect, date.fromisoformat, "2024-05-01")


def _reader(dialect: sa.Dialect, parse: Callable[[str], date], example: str) -> Callable[[Any], date | None]:
    """A function that reads stored days or moments; one that another program wrote otherwise is an error."""

    def read(text: Any) -> date | None:
        try:
            return None if text is None else parse(text)
        except (TypeError, ValueError):
            raise DatabaseError(
                f"{getattr(dialect, 'place', 'the database')}: holds {text!r} instead of a day such as {example}; find "
                "the row with: tsmu db check, and correct it in the program that wrote it"
            ) from None

    return read


def format_moment(moment: datetime | None) -> str | None:
    """A moment as GeoPackage 1.3 writes DATETIME: ISO 8601 in UTC, milliseconds, Z.

    Example:
        >>> format_moment(datetime(2024, 5, 1, 12, 30, tzinfo=UTC))
        '2024-05-01T12:30:00.000Z'
    """
    if moment is None:
        return None
    return f"{moment.astimezone(UTC).replace(tzinfo=None).isoformat(timespec='milliseconds')}Z"


def utc_now() -> datetime:
    """This moment, to the millisecond, which is what both backends keep.

    Example:
        >>> utc_now().tzinfo
        datetime.timezone.utc
    """
    moment = datetime.now(UTC)
    return moment.replace(microsecond=moment.microsecond // 1000 * 1000)
