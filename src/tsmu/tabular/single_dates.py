"""Read a text that is one date, month, year or another single period, as an interval of days."""

import calendar
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from typing import Literal

from tsmu.tabular.date_text import (
    COMPACT,
    COMPACT_TIME,
    DAY_NAMED,
    DAY_OF_YEAR,
    DECADE,
    EXCEL_DAY_NUMBER,
    FILLER,
    MONTH_YEAR,
    MONTHS,
    NAMED_DAY,
    NAMED_MONTH,
    NAMED_MONTH_SHORT,
    NO_DAY,
    NO_MONTH,
    QUARTER,
    SHORT,
    SINCE_1970,
    WEEK,
    WEEK_FIRST,
    WINTER,
    YEAR,
    YEAR_FIRST,
    YEAR_LAST,
    YEAR_MONTH,
    YEAR_MONTH_COMPACT,
    YEAR_NAMED_DAY,
    YEAR_NAMED_MONTH,
)

Order = Literal["M/D/Y", "D/M/Y"]
ShortOrder = Literal["M/D/Y", "D/M/Y", "Y/M/D"]  # order in dates with a year of two digits

EPOCH = date(1970, 1, 1)
SERIAL_ZERO = date(1899, 12, 30)  # the day from which Excel counts days
OLDEST_SERIAL = 10_000  # a day in 1927; smaller numbers usually mean something else than days
EXCEL_SERIAL = "Excel day number"


@dataclass(frozen=True)
class DateInterval:
    """The interval of days that a text means, and how it is written.

    Attributes:
        first: the first day; None where only the end is known ("before 2010").
        last: the last day, included; None where only the beginning is known.
        precision: day, month, year, interval or open.
        layout: the form in which the text is written, such as `D.M.Y`.
        other: the day that the text would mean with day and month exchanged; None if that is the same or no day.
        unsure: whether the text marks the date as uncertain ("2018?", "ca. 2018"); the interval ignores the mark.
    """

    first: date | None
    last: date | None
    precision: str
    layout: str
    other: date | None = None
    unsure: bool = False


@dataclass(frozen=True)
class DateStyle:
    """How texts that are ambiguous by themselves are read in a column.

    Attributes:
        order: the order of day and month in dates with a four-digit year at the end.
        short_order: the order of day, month and year in dates with a two-digit year; None leaves such dates unread.
        serials: whether five digits are read as days that Excel counts from 1899-12-30 on.
        today: the current day; two-digit years mean no later year, and numbers of days no later day.
    """

    order: Order = "M/D/Y"
    short_order: ShortOrder | None = None
    serials: bool = False
    today: date = field(default_factory=date.today)


def read_digits(text: str, style: DateStyle) -> DateInterval | None:
    """Read a text of digits only, other than a date of eight digits; None if it is no such text.

    It may be a date with a time, a time counted since 1970, or Excel's number of a day.
    """
    digits = text
    if match := COMPACT_TIME.fullmatch(digits):
        year, month, day, hour, minute, second = (int(part or 0) for part in match.groups())
        whole = valid_day(year, month, day)
        if whole and 1900 <= year <= 2100 and hour <= 24 and minute < 60 and second <= 60:
            return day_interval(whole, "YYYYMMDD with a time")
    if SINCE_1970.fullmatch(digits):
        return _since_epoch(digits, style)
    if style.serials and (match := EXCEL_DAY_NUMBER.fullmatch(digits)) and int(match[1]) >= OLDEST_SERIAL:
        day_counted = SERIAL_ZERO + timedelta(int(match[1]))
        return day_interval(day_counted, EXCEL_SERIAL) if day_counted <= style.today else None
    return None


def _since_epoch(digits: str, style: DateStyle) -> DateInterval | None:
    """The day of a time since 1970; the number of digits shows whether it counts seconds or smaller units."""
    length = len(digits.lstrip("-"))
    unit, per_second = next(
        (name, factor)
        for most, name, factor in (
            (10, "seconds", 1), (13, "milliseconds", 1000), (16, "microseconds", 10**6), (19, "nanoseconds", 10**9)
        )
        if length <= most
    )  # fmt: skip
    day = EPOCH + timedelta(seconds=int(digits) // per_second)
    if unit != "milliseconds" and day > style.today:
        return None
    return day_interval(day, f"{unit} since 1970")


def read_single_date(text: str, style: DateStyle) -> DateInterval | None:
    """Read one day, month, year, week, quarter or decade."""
    for candidate in dict.fromkeys((text, FILLER.sub("", text).strip())):
        for read in (_read_day, _read_longer_period):
            try:
                if (interval := read(candidate, style)) is not None:
                    return interval
            except ValueError:  # a day that does not exist
                continue
    return None


def _read_day(text: str, style: DateStyle) -> DateInterval | None:
    if match := WEEK.fullmatch(text):
        if match[3]:
            return day_interval(date.fromisocalendar(int(match[1]), int(match[2]), int(match[3])), "ISO week and day")
        return _week_interval(int(match[1]), int(match[2]))
    if match := WEEK_FIRST.fullmatch(text):
        return _week_interval(int(match[2]), int(match[1]))
    if match := YEAR_FIRST.fullmatch(text):
        return day_interval(date(int(match[1]), int(match[3]), int(match[4])), "Y/M/D")
    if match := YEAR_LAST.fullmatch(text):
        return _read_year_last(int(match[1]), int(match[3]), int(match[4]), "D.M.Y" if match[2] == "." else style.order)
    if match := COMPACT.fullmatch(text):
        return day_interval(date(int(match[1]), int(match[2]), int(match[3])), "YYYYMMDD")
    if match := DAY_OF_YEAR.fullmatch(text):
        day = date(int(match[1]), 1, 1) + timedelta(int(match[2]) - 1)
        return (
            day_interval(day, "year and day of the year") if int(match[2]) >= 1 and day.year == int(match[1]) else None
        )
    if match := DAY_NAMED.fullmatch(text):
        year, layout = _year_and_layout(match[3], style)
        return day_interval(date(year, _month_number(match[2]), int(match[1])), f"day, month name, {layout}")
    if match := NAMED_DAY.fullmatch(text):
        year, layout = _year_and_layout(match[3], style)
        return day_interval(date(year, _month_number(match[1]), int(match[2])), f"month name, day, {layout}")
    if match := YEAR_NAMED_DAY.fullmatch(text):
        return day_interval(date(int(match[1]), _month_number(match[2]), int(match[3])), "year, month name, day")
    if (match := SHORT.fullmatch(text)) and style.short_order:
        return _two_digit_year_date(int(match[1]), match[2], int(match[3]), int(match[4]), style)
    return None


def _read_longer_period(text: str, style: DateStyle) -> DateInterval | None:
    if match := YEAR.fullmatch(text):
        return year_interval(int(match[1]), int(match[1]))
    if match := NO_DAY.fullmatch(text):
        year, month = (match[1], match[3]) if match[1] else (match[5], match[4])
        if int(month):
            return month_interval(int(year), int(month))
    if match := NO_MONTH.fullmatch(text):
        year = int(match[1] or match[3])
        return year_interval(year, year)
    if (match := YEAR_MONTH.fullmatch(text)) and int(match[2]) <= 12:
        return month_interval(int(match[1]), int(match[2]))
    if (match := WINTER.fullmatch(text)) and (int(match[1]) + 1) % 100 == int(match[2]):
        return year_interval(int(match[1]), int(match[1]) + 1)
    if match := MONTH_YEAR.fullmatch(text):
        return month_interval(int(match[2]), int(match[1]))
    if match := YEAR_MONTH_COMPACT.fullmatch(text):
        return replace(month_interval(int(match[1]), int(match[2])), layout="YYYYMM")
    if match := NAMED_MONTH.fullmatch(text):
        year, layout = _year_and_layout(match[2], style)
        return replace(month_interval(year, _month_number(match[1])), layout=f"month and {layout}")
    if match := NAMED_MONTH_SHORT.fullmatch(text):
        year, layout = _year_and_layout(match[2], style)
        return replace(month_interval(year, _month_number(match[1])), layout=f"month and {layout}")
    if match := YEAR_NAMED_MONTH.fullmatch(text):
        return month_interval(int(match[1]), _month_number(match[2]))
    if match := QUARTER.fullmatch(text):
        year, quarter = int(match[1] or match[4]), int(match[2] or match[3])
        first, last = month_interval(year, 3 * quarter - 2), month_interval(year, 3 * quarter)
        return DateInterval(first.first, last.last, "interval", "year and quarter")
    if match := DECADE.fullmatch(text):
        return replace(year_interval(10 * int(match[1]), 10 * int(match[1]) + 9), layout="decade")
    return None


def _two_digit_year_date(a: int, mark: str, b: int, c: int, style: DateStyle) -> DateInterval | None:
    """A date with a two-digit year.

    Args:
        a: the first number.
        mark: the mark between the numbers; with dots, the day comes first unless the year does.
        b: the second number.
        c: the third number.
        style: how ambiguous texts are read.
    """
    order: ShortOrder = style.short_order or "M/D/Y"
    if mark == "." and order == "M/D/Y":
        order = "D/M/Y"
    layout = {"M/D/Y": "M/D/Y", "D/M/Y": "D/M/Y", "Y/M/D": "Y/M/D"}[order] + " with a two-digit year"
    day = day_of_two_digit_year(order, a, b, c, style.today)
    if order == "Y/M/D" or mark == ".":
        return day_interval(day, layout) if day else None
    other = day_of_two_digit_year("D/M/Y" if order == "M/D/Y" else "M/D/Y", a, b, c, style.today)
    if day is None:
        return day_interval(other, layout) if other else None
    return DateInterval(day, day, "day", layout, other if other != day else None)


def _year_and_layout(digits: str, style: DateStyle) -> tuple[int, str]:
    """The year that four or two digits mean, and the word for it in `DateInterval.layout`."""
    if len(digits) == 4:
        return int(digits), "year"
    return _four_digit_year(int(digits.lstrip("'")), style.today), "two-digit year"


def _read_year_last(a: int, b: int, year: int, order: str) -> DateInterval | None:
    month_first, day_first = valid_day(year, a, b), valid_day(year, b, a)
    if order == "D.M.Y":
        return day_interval(day_first, order) if day_first else None
    readings = [(month_first, "M/D/Y"), (day_first, "D/M/Y")]
    if order == "D/M/Y":
        readings.reverse()
    (day, layout), (other, other_layout) = readings
    if day is None:
        return day_interval(other, other_layout) if other else None
    return DateInterval(day, day, "day", layout, other if other != day else None)


def day_of_two_digit_year(order: ShortOrder, a: int, b: int, c: int, today: date) -> date | None:
    """Find the day that three numbers mean in an order, with a two-digit year; None where no such day exists."""
    year, month, day = {"M/D/Y": (c, a, b), "D/M/Y": (c, b, a), "Y/M/D": (a, b, c)}[order]
    return valid_day(_four_digit_year(year, today), month, day)


def _four_digit_year(year: int, today: date) -> int:
    """The latest year that ends with these two digits and is not after the current one."""
    century = today.year // 100 * 100
    return century + year if century + year <= today.year else century - 100 + year


def valid_day(year: int, month: int, day: int) -> date | None:
    """A day of the calendar; None where no such day exists."""
    try:
        return date(year, month, day)
    except ValueError:
        return None


def day_interval(day: date, layout: str) -> DateInterval:
    """The interval of a single day."""
    return DateInterval(day, day, "day", layout)


def _week_interval(year: int, week: int) -> DateInterval:
    first = date.fromisocalendar(year, week, 1)
    return DateInterval(first, first + timedelta(6), "interval", "ISO week")


def month_interval(year: int, month: int) -> DateInterval:
    """The interval of a month.

    Raises:
        ValueError: the month is not 1 to 12.
    """
    last = calendar.monthrange(year, month)[1] if 1 <= month <= 12 else 0
    return DateInterval(date(year, month, 1), date(year, month, last), "month", "month and year")


def year_interval(first: int, last: int) -> DateInterval:
    """The interval of one year or of several.

    Raises:
        ValueError: the last year comes before the first.
    """
    if last < first:
        raise ValueError("years in the wrong order")
    precision, layout = ("year", "year only") if first == last else ("interval", "two years")
    return DateInterval(date(first, 1, 1), date(last, 12, 31), precision, layout)


def _month_number(name: str) -> int:
    return MONTHS.get(name, 0)


def interval_precision(first: date, last: date) -> str:
    """Name the precision of an interval: `day`, `month` or `year` if it is exactly one of these, else `interval`.

    Example:
        >>> interval_precision(date(2018, 7, 1), date(2018, 7, 31))
        'month'
    """
    if first == last:
        return "day"
    if (first.month, first.day, last.month, last.day) == (1, 1, 12, 31) and first.year == last.year:
        return "year"
    month_end = calendar.monthrange(first.year, first.month)[1]
    if first.day == 1 and last == date(first.year, first.month, month_end):
        return "month"
    return "interval"
