"""Read dates as people write them, each text as an interval of days.

Ambiguities of a single text are resolved by `date_columns`, which looks at the whole column.
"""

import re
from collections.abc import Callable, Iterable
from dataclasses import replace
from datetime import date, timedelta

from tsmu.tabular.date_text import (
    AFTER,
    BEFORE,
    BETWEEN,
    COMPACT,
    DAY_NAMED,
    FILLER,
    MONTHS,
    NAMED_DAY,
    NAMED_MONTH,
    ONWARDS,
    OR_EARLIER,
    PART_OF_PERIOD,
    RANGE_SEPARATOR,
    SINCE,
    UNKNOWN_WORDS,
    UNSURE,
    UNTIL,
    YEAR_FIRST,
    YEAR_LAST,
    YEAR_MONTH,
    YEAR_NAMED_DAY,
    means_no_date,
    normalise_text,
    strip_time,
)
from tsmu.tabular.single_dates import (
    DateInterval,
    DateStyle,
    Order,
    day_interval,
    interval_precision,
    month_interval,
    read_digits,
    read_single_date,
    year_interval,
)

OLDEST_YEAR = 1000  # dates in earlier years are not accepted
MAX_LENGTH = 100  # characters; longer texts are not read as dates


def read_day(text: str, style: DateStyle | None = None) -> date | None:
    """Read a single day; None for everything else, months and intervals included.

    Example:
        >>> read_day("5 July 2018"), read_day("July 2018")
        (datetime.date(2018, 7, 5), None)
    """
    interval = parse_date(text, style)
    return interval.first if interval and interval.first == interval.last else None


def parse_date(text: str, style: DateStyle | Order | None = None) -> DateInterval | None:
    """Read a date or an interval of dates; None where the text is no date or cannot be read without guessing.

    A text that begins with four digits has the order year, month, day. In a date with dots the day comes first.
    Otherwise `style.order` decides, but where it gives a day that does not exist the other order is used. A time of
    day is ignored, and the day is the written one in any time zone. "Before 2010" ends with 2009, "since 2010" begins
    with 2010.

    Args:
        text: the date in English, French, Spanish, Italian, German or Portuguese.
        style: how to read ambiguous texts, or only the order of day and month; by default the month comes first, and
            dates with two-digit years written in numbers are not read.

    Example:
        >>> interval = parse_date("5-8 July 2018")
        >>> interval.first.isoformat(), interval.last.isoformat(), interval.precision
        ('2018-07-05', '2018-07-08', 'interval')
    """
    if len(text) > MAX_LENGTH or not re.search(r"\d\d", text, re.A):  # no date; trying all patterns would be slow
        return None
    style = DateStyle(order=style) if isinstance(style, str) else style or DateStyle()
    try:
        interval = _read_interval(normalise_text(text), style)
    except (ValueError, OverflowError):  # a month 13, a 30 February, a year 0
        return None
    if interval is None or not all(_is_usable(day) for day in (interval.first, interval.last) if day):
        return None
    return interval


def _is_usable(day: date) -> bool:
    return day.year >= OLDEST_YEAR


def _read_interval(text: str, style: DateStyle) -> DateInterval | None:
    """Read an interval of any kind from a normalised text: one date, a range of two dates, or an open interval."""
    text = re.sub(r"^(\d+)[.,]0+$", r"\1", strip_time(text))
    if not text or text in UNKNOWN_WORDS:
        return None
    if (interval := read_digits(text, style)) is not None:
        return interval
    if (bare := UNSURE.sub("", text)) != text and (interval := _read_interval(bare, style)) is not None:
        return replace(interval, unsure=True)
    if (interval := read_single_date(text, style)) is not None:
        return interval
    if (interval := _read_range(FILLER.sub("", BETWEEN.sub("", text)), style)) is not None:
        return interval
    if (interval := _read_open_interval(text, style)) is not None:
        return interval
    bare = PART_OF_PERIOD.sub("", text)
    return _read_interval(bare, style) if bare != text else None


def _read_open_interval(text: str, style: DateStyle) -> DateInterval | None:
    """Read an interval of which only one end is known."""
    one = timedelta(1)
    ends: tuple[tuple[re.Pattern[str], Callable[[DateInterval], tuple[date | None, date | None]]], ...] = (
        (BEFORE, lambda it: (None, it.first and it.first - one)),
        (UNTIL, lambda it: (None, it.last)),
        (AFTER, lambda it: (it.last and it.last + one, None)),
        (SINCE, lambda it: (it.first, None)),
        (OR_EARLIER, lambda it: (None, it.last)),
        (ONWARDS, lambda it: (it.first, None)),
    )
    for pattern, days in ends:
        bare = pattern.sub("", text)
        if bare != text:
            inner = _read_interval(bare, style)
            if inner is None or inner.first is None or inner.last is None:
                return None
            first, last = days(inner)
            return DateInterval(first, last, "open", "one end only", inner.other, inner.unsure)
    return None


def _read_range(text: str, style: DateStyle) -> DateInterval | None:
    """Read a range: two dates with a word or mark between them; a missing month or year comes from the other date."""
    for match in RANGE_SEPARATOR.finditer(text):
        left, right = text[: match.start()].strip(" ,"), text[match.end() :].strip(" ,")
        if not left or not right:
            continue
        for start, end in _read_ends(left, right, style):
            if start.first and end.last and start.first <= end.last and start.last and end.first:
                precision = interval_precision(start.first, end.last)
                other, unsure = start.other or end.other, start.unsure or end.unsure
                return DateInterval(start.first, end.last, precision, "first and last day", other, unsure)
    return None


def _read_ends(left: str, right: str, style: DateStyle) -> Iterable[tuple[DateInterval, DateInterval]]:
    """Read the two ends of a range; yields every pair of intervals that they can mean."""
    for first, last in _days_of_one_month(left, right):
        if (begins := read_single_date(first, style)) and (ends := read_single_date(last, style)):
            yield begins, ends
            return
    start, end = _read_end(left, style), _read_end(right, style)
    if start and end:
        yield start, end
    elif end:
        for whole in _completed_starts(left, right):
            if begins := read_single_date(whole, style):
                yield begins, end
    elif start:
        for whole in _completed_ends(left, right):
            if ends := read_single_date(whole, style):
                yield start, ends


def _read_end(text: str, style: DateStyle) -> DateInterval | None:
    bare = UNSURE.sub("", text)
    interval = (
        read_digits(bare, style)
        or read_single_date(bare, style)
        or read_single_date(PART_OF_PERIOD.sub("", bare), style)
    )
    return replace(interval, unsure=True) if interval and bare != text else interval


def _days_of_one_month(left: str, right: str) -> Iterable[tuple[str, str]]:
    """Write both days of a range within one month in full, such as those of `5-8.7.2018` and `July 5-8, 2018`."""
    if (number := re.fullmatch(r"(\d{1,2})\.?", left)) and (match := YEAR_LAST.fullmatch(right)):
        # The two numbers of the range must be days, so the day comes before the month.
        yield f"{number[1]}.{match[3]}.{match[4]}", f"{match[1]}.{match[3]}.{match[4]}"
    named = re.fullmatch(r"([a-z]{3,10})\.?\s*(\d{1,2})", left)
    if (match := named) and (later := re.fullmatch(r"(\d{1,2}),?\s*('\d{2}|\d{4})", right)):
        yield f"{match[2]} {match[1]} {later[2]}", f"{later[1]} {match[1]} {later[2]}"


def _completed_starts(left: str, right: str) -> Iterable[str]:
    """Complete the start of a range with the month and year of its end.

    Examples are `5` in `5-8 July 2018` and `July` in `July-August 2018`. Yields every text that it can mean.
    """
    number = re.fullmatch(r"(\d{1,2})\.?", left)
    if number and (match := DAY_NAMED.fullmatch(right)):
        yield f"{number[1]} {match[2]} {match[3]}"
    named = re.fullmatch(r"([a-z]{3,10})\.?\s*(\d{1,2})", left)  # July 5 - August 3, 2018
    if (match := named) and (later := NAMED_DAY.fullmatch(right)):
        yield f"{match[2]} {match[1]} {later[3]}"
    if (match := re.fullmatch(r"(\d{1,2})\.?\s*([a-z]{3,10})\.?", left)) and (later := DAY_NAMED.fullmatch(right)):
        yield f"{match[1]} {match[2]} {later[3]}"
    if re.fullmatch(r"[a-z]{3,10}\.?", left) and (later := NAMED_MONTH.fullmatch(right)):
        yield f"{left} {later[2]}"
    if (match := re.fullmatch(r"(\d{1,2})\.(\d{1,2})\.?", left)) and (later := YEAR_LAST.fullmatch(right)):
        yield f"{match[1]}.{match[2]}.{later[4]}"
    if (match := re.fullmatch(r"(\d{1,2})/(\d{1,2})", left)) and (later := YEAR_LAST.fullmatch(right)):
        yield f"{match[1]}/{match[2]}/{later[4]}"


def _completed_ends(left: str, right: str) -> Iterable[str]:
    """Complete the end of a range with the year and month of its start, such as `08` in `2018-07-05/08`.

    Yields every text that the end can mean.
    """
    if match := YEAR_FIRST.fullmatch(left):
        if re.fullmatch(r"\d{1,2}", right):
            yield f"{match[1]}-{match[3]}-{right}"
        if part := re.fullmatch(r"(\d{1,2})[-/.](\d{1,2})", right):
            yield f"{match[1]}-{part[1]}-{part[2]}"
    if (match := COMPACT.fullmatch(left)) and re.fullmatch(r"\d{2}", right):
        yield f"{match[1]}-{match[2]}-{right}"
    if (match := YEAR_NAMED_DAY.fullmatch(left)) and re.fullmatch(r"\d{1,2}", right):
        yield f"{right} {match[2]} {match[1]}"
    if (match := YEAR_MONTH.fullmatch(left)) and re.fullmatch(r"\d{1,2}", right):
        yield f"{match[1]}-{right}"


def date_from_parts(year: str, month: str, day: str) -> DateInterval | None:
    """Read a date whose year, month and day are in separate cells; None where they are no date.

    A month may be a number or a name. Without a day the result is the whole month, without a month the whole year.

    Example:
        >>> date_from_parts("2018", "July", "").precision
        'month'
    """
    number = {"year": _whole_number(year), "month": _whole_number(month), "day": _whole_number(day)}
    named = MONTHS.get(normalise_text(month).strip("."), 0)
    if number["year"] is None or not OLDEST_YEAR <= number["year"] <= 9999:
        return None
    month_number = named or number["month"]
    if month_number is None and not means_no_date(month):
        return None
    if number["day"] is None and not means_no_date(day):
        return None
    try:
        if not month_number:
            return None if number["day"] else year_interval(number["year"], number["year"])
        if not number["day"]:
            return month_interval(number["year"], month_number)
        return day_interval(date(number["year"], month_number, number["day"]), "year, month and day apart")
    except ValueError:
        return None


def _whole_number(text: str) -> int | None:
    match = re.fullmatch(r"(\d{1,4})(?:[.,]0*)?", text.strip(), re.A)
    return int(match[1]) if match else None
