"""Values of files in the types and vocabularies of the schema's columns."""

import math
from collections.abc import Iterable
from datetime import UTC, date, datetime
from typing import Any

import sqlalchemy as sa

from tsmu.database.types import Moment
from tsmu.tabular import parse_date


def parse_column(column: sa.Column[Any], values: Iterable[Any]) -> tuple[list[Any], dict[int, str]]:
    """Bring a column's values into its type.

    Returns:
        The values, None where one is missing or wrong, and by position what is wrong.
    """
    parsed: list[Any] = []
    problems: dict[int, str] = {}
    for position, value in enumerate(values):
        try:
            parsed.append(parse_value(column, value))
        except ValueError as error:
            parsed.append(None)
            problems[position] = str(error)
    return parsed, problems


def parse_value(column: sa.Column[Any], value: Any) -> Any:
    """Bring one value into its column's type; None where it is missing.

    Raises:
        ValueError: it cannot be; the text says why.
    """
    if value is None or value == "" or value != value:  # NaN is not equal to itself
        if not column.nullable:
            raise ValueError("is missing")
        return None
    if isinstance(column.type, sa.Date | Moment):
        return _parse_time(column, value)
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


def _parse_time(column: sa.Column[Any], value: Any) -> date | datetime:
    try:
        if isinstance(column.type, sa.Date):
            return _parse_day(value)
        moment = datetime.fromisoformat(value.replace("/", "-")) if isinstance(value, str) else value
        moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
        return datetime.fromisoformat(moment.astimezone(UTC).isoformat(timespec="milliseconds"))
    except (ValueError, AttributeError, TypeError, OverflowError):
        raise ValueError(f"is {str(value)[:60]!r}, not of the form 2024-05-01") from None


def _parse_day(value: Any) -> date:
    """A day; a text that can be read as two different days is refused."""
    if not isinstance(value, str):
        return date(value.year, value.month, value.day)
    interval = parse_date(value)
    if interval is None or interval.other or interval.first is None or interval.first != interval.last:
        raise ValueError(value)
    return interval.first
