"""Values from files as the schema wants them: typed, of its vocabularies, or told."""

import math
from collections.abc import Iterable
from datetime import UTC, date, datetime
from typing import Any

import sqlalchemy as sa

from tsmu.database.types import Moment
from tsmu.dates import parse_date


def typed(column: sa.Column[Any], values: Iterable[Any]) -> tuple[list[Any], dict[int, str]]:
    """Bring a column's values into its type.

    Returns:
        The values, None where there is none, and by position what is wrong with those that cannot be.
    """
    found: list[Any] = []
    wrong: dict[int, str] = {}
    for place, value in enumerate(values):
        try:
            found.append(one(column, value))
        except ValueError as error:
            found.append(None)
            wrong[place] = str(error)
    return found, wrong


def one(column: sa.Column[Any], value: Any) -> Any:
    """One value in its column's type; None where there is none.

    Raises:
        ValueError: it cannot be; the text says why.
    """
    if value is None or value == "" or value != value:  # NaN is not equal to itself
        if not column.nullable:
            raise ValueError("is missing")
        return None
    if isinstance(column.type, sa.Date | Moment):
        return _time(column, value)
    if isinstance(column.type, sa.Integer | sa.Float):
        try:
            number = float(value)
        except (TypeError, ValueError):
            raise ValueError(f"is {value!r}, not a number") from None
        if not math.isfinite(number):
            raise ValueError(f"is {value!r}, not a finite number")
        return int(number) if isinstance(column.type, sa.Integer) else number
    words = column.info.get("vocabulary")
    if words and value not in list(words):
        raise ValueError(f"is {str(value)[:60]!r}, none of {', '.join(words)}")
    return str(value).replace("\0", "")


def _time(column: sa.Column[Any], value: Any) -> date | datetime:
    try:
        if isinstance(column.type, sa.Date):
            return _day(value)
        moment = datetime.fromisoformat(value.replace("/", "-")) if isinstance(value, str) else value
        moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
        return datetime.fromisoformat(moment.astimezone(UTC).isoformat(timespec="milliseconds"))
    except (ValueError, AttributeError, TypeError, OverflowError):
        raise ValueError(f"is {str(value)[:60]!r}, not of the form 2024-05-01") from None


def _day(value: Any) -> date:
    """A day; one that is written so that it could be two days is none."""
    if not isinstance(value, str):
        return date(value.year, value.month, value.day)
    interval = parse_date(value)
    if interval is None or interval.other or interval.first is None or interval.first != interval.last:
        raise ValueError(value)
    return interval.first
