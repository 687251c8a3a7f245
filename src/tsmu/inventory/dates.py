"""Dates as inventories write them: read by their own layout, each as an interval of days."""

import calendar
import re
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Literal

Order = Literal["M/D/Y", "D/M/Y"]

TIME_OF_DAY = re.compile(
    r"(T|\s)\s*\d{1,2}:\d{2}(:\d{2}([.,]\d+)?)?\s*([AP]M)?\s*(Z|UTC|[+-]\d{2}(:?\d{2})?)?$", re.I | re.A
)
YEAR_FIRST = re.compile(r"(\d{4})([-/.])(\d{1,2})\2(\d{1,2})", re.A)
YEAR_LAST = re.compile(r"(\d{1,2})([-/.])(\d{1,2})\2(\d{4})", re.A)
COMPACT = re.compile(r"(\d{4})(\d{2})(\d{2})", re.A)
YEAR = re.compile(r"(\d{4})", re.A)
YEAR_MONTH = re.compile(r"(\d{4})[-/.](\d{1,2})", re.A)
MONTH_YEAR = re.compile(r"(\d{1,2})[-/.](\d{4})", re.A)
YEARS = re.compile(r"(\d{4})\s*[-\u2013/]\s*(\d{4})", re.A)
DAY_NAMED = re.compile(r"(\d{1,2})[-\s]([A-Za-z]{3,9})\.?,?[-\s](\d{4})", re.A)
NAMED_DAY = re.compile(r"([A-Za-z]{3,9})\.?\s(\d{1,2}),?\s(\d{4})", re.A)
NAMED_MONTH = re.compile(r"([A-Za-z]{3,9})\.?,?[-\s](\d{4})", re.A)
MILLISECONDS = re.compile(r"-?\d{11,13}", re.A)  # since 1970, as ArcGIS services write dates
MONTHS = {name.casefold(): i for i, name in enumerate(calendar.month_name) if name} | {
    name.casefold(): i for i, name in enumerate(calendar.month_abbr) if name
}


@dataclass(frozen=True)
class Span:
    """The days in which an event lies, both included, and how the text said so.

    `precision` is day, month, year or interval. `other` is what the text would mean with day and
    month exchanged, where that is another day that exists.
    """

    first: date
    last: date
    precision: str
    layout: str
    other: date | None = None


def parse_date(text: str, order: Order = "M/D/Y") -> Span | None:
    """Read a date; None where it cannot be read without guessing (two-digit years, for instance).

    Four digits first mean year, month, day; with dots the day comes first; otherwise `order` decides,
    and the other order is taken where `order` gives no day that exists. A time of day is dropped.
    """
    text = TIME_OF_DAY.sub("", text.strip())
    try:
        return _day(text, order) or _longer(text)
    except ValueError:  # a month 13, a 30 February, a year 0
        return None


def column_order(texts: list[str]) -> Order | None:
    """What a column of dates with the year last says about its own order; None if nothing, or both."""
    found = {order for text in texts if (order := _order(text))}
    return found.pop() if len(found) == 1 else None


def _order(text: str) -> Order | None:
    match = YEAR_LAST.fullmatch(TIME_OF_DAY.sub("", text.strip()))
    if not match or match[2] == ".":
        return None
    if int(match[1]) > 12:
        return "D/M/Y"
    return "M/D/Y" if int(match[3]) > 12 else None


def _day(text: str, order: Order) -> Span | None:
    if match := YEAR_FIRST.fullmatch(text):
        return _one(date(int(match[1]), int(match[3]), int(match[4])), "Y/M/D")
    if match := YEAR_LAST.fullmatch(text):
        return _year_last(int(match[1]), int(match[3]), int(match[4]), "D.M.Y" if match[2] == "." else order)
    if match := COMPACT.fullmatch(text):
        return _one(date(int(match[1]), int(match[2]), int(match[3])), "YYYYMMDD")
    if match := DAY_NAMED.fullmatch(text):
        return _one(date(int(match[3]), _month(match[2]), int(match[1])), "day, month name, year")
    if match := NAMED_DAY.fullmatch(text):
        return _one(date(int(match[3]), _month(match[1]), int(match[2])), "month name, day, year")
    if MILLISECONDS.fullmatch(text):
        day = date(1970, 1, 1) + timedelta(milliseconds=int(text))
        return _one(day, "milliseconds since 1970")
    return None


def _longer(text: str) -> Span | None:
    if match := YEAR.fullmatch(text):
        return _years(int(match[1]), int(match[1]))
    if match := YEARS.fullmatch(text):
        return _years(int(match[1]), int(match[2]))
    if match := YEAR_MONTH.fullmatch(text):
        return _one_month(int(match[1]), int(match[2]))
    if match := MONTH_YEAR.fullmatch(text):
        return _one_month(int(match[2]), int(match[1]))
    if match := NAMED_MONTH.fullmatch(text):
        return _one_month(int(match[2]), _month(match[1]))
    return None


def _year_last(a: int, b: int, year: int, order: str) -> Span | None:
    month_first, day_first = _valid(year, a, b), _valid(year, b, a)
    if order == "D.M.Y":
        return _one(day_first, order) if day_first else None
    readings = [(month_first, "M/D/Y"), (day_first, "D/M/Y")]
    if order == "D/M/Y":
        readings.reverse()
    (day, layout), (other, other_layout) = readings
    if day is None:
        return _one(other, other_layout) if other else None
    return Span(day, day, "day", layout, other if other != day else None)


def _valid(year: int, month: int, day: int) -> date | None:
    try:
        return date(year, month, day)
    except ValueError:
        return None


def _one(day: date, layout: str) -> Span:
    return Span(day, day, "day", layout)


def _one_month(year: int, month: int) -> Span:
    last = calendar.monthrange(year, month)[1] if 1 <= month <= 12 else 0
    return Span(date(year, month, 1), date(year, month, last), "month", "month and year")


def _years(first: int, last: int) -> Span | None:
    if last < first:
        return None
    precision, layout = ("year", "year only") if first == last else ("interval", "two years")
    return Span(date(first, 1, 1), date(last, 12, 31), precision, layout)


def _month(name: str) -> int:
    return MONTHS.get(name.casefold(), 0)


def interval_precision(first: date, last: date) -> str:
    """Name an interval: day, month, year where it is exactly one of these, else interval."""
    if first == last:
        return "day"
    if (first.month, first.day, last.month, last.day) == (1, 1, 12, 31) and first.year == last.year:
        return "year"
    month_end = calendar.monthrange(first.year, first.month)[1]
    if first.day == 1 and last == date(first.year, first.month, month_end):
        return "month"
    return "interval"
