"""Read columns of dates; ambiguities of single texts are resolved for the whole column, and reported.

The other cells of a column often show whether 03/04/2018 is in March or April, and which of three numbers is a
two-digit year. Where they do not, the reading is assumed, and the assumption is listed in `DateColumn.notes`.
"""

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import date

from tsmu.tabular.date_text import means_no_date, normalise_text, strip_time
from tsmu.tabular.dates import parse_date
from tsmu.tabular.single_dates import (
    EXCEL_SERIAL,
    DateInterval,
    DateStyle,
    Order,
    ShortOrder,
    day_of_two_digit_year,
)

MIN_TYPED_DAYS = 5  # so many days of the month are all at most 12 by chance in about one column of a hundred
_ANY_YEAR_LAST = re.compile(r"(?<!\d)(\d{1,2})([-/])(\d{1,2})\2\d{4}(?!\d)", re.A)
_ANY_SHORT = re.compile(r"(?<![\d/.-])(\d{1,2})([-/.])(\d{1,2})\2'?(\d{2})(?![\d/.-])", re.A)


@dataclass(frozen=True)
class DateColumn:
    """A column of dates that was read.

    Attributes:
        intervals: the date of each text; None where the text means that there is no date, or cannot be read.
        unread: positions of the texts that cannot be read although they are not blank.
        blank: positions of the texts that mean that there is no date, such as "" and "unknown".
        order_known: whether the order of day and month was given, or is clear from the column.
        notes: the assumptions for the column, each as (positions, how the texts are ambiguous, how they were read).
    """

    intervals: list[DateInterval | None]
    unread: list[int]
    blank: list[int]
    order_known: bool
    notes: list[tuple[list[int], str, str]]

    @property
    def days(self) -> list[date | None]:
        """The day of each text; None where the text is no single day."""
        return [one.first if one and one.first == one.last else None for one in self.intervals]


def read_dates(texts: Sequence[str], order: Order | None = None, other_columns: Iterable[str] = ()) -> DateColumn:
    """Read a column of dates.

    Args:
        texts: the cells, "" where empty.
        order: the order of day and month in tables of this origin, if known; used where the columns do not show it.
        other_columns: the cells of the table's other columns of dates, which are written in the same order.

    Example:
        >>> column = read_dates(["03/04/2018", "25/04/2018", "unknown"])
        >>> column.days, column.blank, column.order_known  # 25 cannot be a month
        ([datetime.date(2018, 4, 3), datetime.date(2018, 4, 25), None], [2], True)
    """
    distinct = list(dict.fromkeys(text for text in texts if not means_no_date(text)))
    others = list(dict.fromkeys(other_columns))
    known = column_order(distinct) or column_order([*distinct, *others]) or order
    short, short_known = _find_short_order([*distinct, *others], known)
    if known is None and short_known and short != "Y/M/D":
        known = short
    style = DateStyle(known or "M/D/Y", short, serials=True)
    read = {text: parse_date(text, style) for text in distinct}
    intervals = [read.get(text) for text in texts]
    unread = [at for at, text in enumerate(texts) if text in read and read[text] is None]
    blank = [at for at, text in enumerate(texts) if text not in read]
    return DateColumn(intervals, unread, blank, known is not None, list(_list_assumptions(intervals, known, style)))


def _list_assumptions(
    intervals: list[DateInterval | None], known: Order | None, style: DateStyle
) -> Iterable[tuple[list[int], str, str]]:
    """List the assumptions for a column in the form of `DateColumn.notes`.

    Args:
        intervals: the dates that were read.
        known: the order of day and month, if it is known.
        style: how the texts were read.
    """
    why = "as others of the table or its source write" if known else "nothing in the column says which"
    cases: tuple[tuple[Callable[[DateInterval], object], str, str], ...] = (
        (lambda it: it.other and not _is_short(it), f"could be M/D/Y or D/M/Y ({why})", f"read as {style.order}"),
        (lambda it: it.other and _is_short(it), f"could be M/D/Y or D/M/Y ({why})", f"read as {style.short_order}"),
        (_is_short, "with a year of two digits", "read as the latest such year until now"),
        (
            lambda it: it.layout == EXCEL_SERIAL,
            "written as a number of five digits",
            "read as the days that Excel counts from 1899-12-30",
        ),
        (
            lambda it: it.layout.endswith("since 1970"),
            "written as a plain number",
            "read as time since 1970, days in UTC",
        ),
        (lambda it: it.layout == "YYYYMM", "written as a number of six digits", "read as year and month"),
        (lambda it: it.unsure, "marked as uncertain", "read as they are written"),
    )
    for concerns, problem, action in cases:
        if positions := [at for at, one in enumerate(intervals) if one and concerns(one)]:
            yield positions, problem, action
    if doubtful := _find_exchanged_days(intervals):
        problem = "with a day up to 12, all others later ones: a spreadsheet may have exchanged day and month"
        yield doubtful, problem, "read as they are; check them"


def _find_exchanged_days(intervals: list[DateInterval | None]) -> list[int]:
    """Find the positions of days in which a spreadsheet may have exchanged day and month.

    A spreadsheet that expects M/D/Y turns a text such as 03/04/2018 (3 April) into a date of its own (4 March), which
    is stored as Y/M/D, and leaves 25/04/2018 as a text. In such a column all days of dates are at most 12, and all days
    of texts are later than 12.
    """
    single = [
        (at, one.layout, one.first.day)
        for at, one in enumerate(intervals)
        if one and one.first == one.last and one.first
    ]
    typed = [(at, day) for at, layout, day in single if layout == "Y/M/D"]
    texts = [day for _, layout, day in single if layout in ("M/D/Y", "D/M/Y")]
    sure = len(typed) >= MIN_TYPED_DAYS and len(texts) > 1 and max(day for _, day in typed) <= 12 < min(texts)
    return [at for at, _ in typed] if sure else []


def _is_short(interval: DateInterval) -> bool:
    return "two-digit year" in interval.layout


def column_order(texts: Iterable[str]) -> Order | None:
    """Find the order of day and month that is clear from dates with the year last; None if it is not, or contradictory.

    Example:
        >>> column_order(["03/04/2018", "25/04/2018"])
        'D/M/Y'
    """
    orders = {order for text in texts if (order := _order_of_text(text))}
    return orders.pop() if len(orders) == 1 else None


def _order_of_text(text: str) -> Order | None:
    for match in _ANY_YEAR_LAST.finditer(text):
        if int(match[1]) > 12:
            return "D/M/Y"
        if int(match[3]) > 12:
            return "M/D/Y"
    return None


def _find_short_order(texts: Iterable[str], known: Order | None) -> tuple[ShortOrder | None, bool]:
    """Find the order of day, month and year in dates with two-digit years.

    Of the orders in which all texts are days that exist, the one is chosen whose years spread least; but dates with
    slashes or dots have the year last unless that is impossible.

    Args:
        texts: the cells of all columns of dates.
        known: the order of day and month, if it is known.

    Returns:
        The order, None if there are no such dates or it cannot be found; and whether it is clear from the dates.
    """
    matches = [match for text in texts for match in _ANY_SHORT.finditer(strip_time(normalise_text(text)))]
    parts = [(match[2], int(match[1]), int(match[3]), int(match[4])) for match in matches]
    if not parts:
        return None, False
    today = date.today()
    spread: dict[ShortOrder, int] = {}
    for order in ("M/D/Y", "D/M/Y", "Y/M/D"):
        days = [day_of_two_digit_year(order, a, b, c, today) for _, a, b, c in parts]
        if all(days):
            years = [day.year for day in days if day]
            spread[order] = max(years) - min(years)
    dotted = any(mark == "." for mark, *_ in parts)
    last = [order for order in spread if order != "Y/M/D" and not (dotted and order == "M/D/Y")]
    if "Y/M/D" in spread and last:
        dashed = any(mark == "-" for mark, *_ in parts)
        if min(spread[order] for order in last) == spread["Y/M/D"] and dashed:
            return None, False
        if spread["Y/M/D"] < min(spread[order] for order in last) and dashed:
            return "Y/M/D", True
    if last:
        return (known if known in last else last[0]), len(last) == 1 or known in last
    return ("Y/M/D" if "Y/M/D" in spread else None), True
