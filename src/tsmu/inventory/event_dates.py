"""The dates of events, read from the text of their columns; defects and assumptions are logged by row."""

import re
from collections import Counter
from collections.abc import Mapping
from datetime import date

import numpy as np
import pandas as pd

from tsmu.inventory.column_roles import DATE_ROLES, PART_ROLES
from tsmu.inventory.inventory_layers import InventoryLayer
from tsmu.inventory.known_sources import InventorySource
from tsmu.issues import MAX_ISSUES_PER_DEFECT, IssueLog, format_ranges, warn_rows
from tsmu.tabular import (
    DateInterval,
    date_from_parts,
    interval_precision,
    means_no_date,
    parse_date,
    read_dates,
)
from tsmu.wording import counted

MANY_FIRSTS = 0.2  # share of dates on the first of a month above which a warning is logged; by chance it is 0.03
PLACEHOLDERS = {date(1899, 12, 30), date(1899, 12, 31), date(1900, 1, 1), date(9999, 12, 31)}  # they mean unknown
TextByRole = Mapping[str, pd.Series]  # the cells of the column of each role
Dates = list[DateInterval | None]  # one entry per row; None without a date


def date_fields(
    text: TextByRole,
    columns: Mapping[str, str],
    source: InventorySource,
    layer: InventoryLayer,
    index: pd.Index,
    log: IssueLog,
) -> pd.DataFrame:
    """Read the dates of the events of a layer.

    Args:
        text: the text of the columns by role.
        columns: the names of the columns by role.
        source: kind of the inventory, which may give the order of day, month and year.
        layer: the layer from which the events come; if it has no column of dates and its name is a year, the events
            get this year.
        index: spreadsheet rows of the events.
        log: receives the dates that cannot be read, and the assumptions.

    Returns:
        The columns date_min, date_max (days) and date_precision.
    """
    file = layer.file
    date_roles = [role for role in DATE_ROLES if role in text]
    dates = {}
    for role in date_roles:
        other_dates = [cell for other in date_roles if other != role for cell in text[other].unique()]
        dates[role] = _read_column(text[role], columns[role], source, other_dates, file, log)
    for role, parts in PART_ROLES.items():
        if parts[0] in text:
            dates[role] = _with_parts(role, dates.get(role), text, columns, index, file, log)
    if not dates and layer.name and (year := re.fullmatch(r"\d{4}", layer.name, re.A)):
        dates["date"] = [parse_date(year[0])] * len(index)
        if len(index):
            log.warning(file, f"no date; the layer is called {year[0]}", "every event dated to that year")
    no_dates: Dates = [None] * len(index)
    single = dates.get("date", no_dates)
    early = [a or b for a, b in zip(dates.get("date_min", no_dates), single, strict=True)]
    late = [a or b for a, b in zip(dates.get("date_max", no_dates), single, strict=True)]
    return _intervals(early, late, index, columns.get("date_max"), file, log)


def _with_parts(
    role: str,
    dates: Dates | None,
    text: TextByRole,
    columns: Mapping[str, str],
    index: pd.Index,
    file: str,
    log: IssueLog,
) -> Dates:
    """Read dates from columns of year, month and day, and combine them with the dates of a single column.

    Args:
        role: the role of the dates, one of `DATE_ROLES`.
        dates: the dates of the single column with this role; None if the layer has none.
        text: the text of the columns by role.
        columns: the names of the columns by role.
        index: spreadsheet rows of the events.
        file: name of the file, for the log.
        log: receives the defects.
    """
    empty = pd.Series("", index=index, dtype="str")
    roles = PART_ROLES[role]
    year = columns[roles[0]]
    cells = [(y, m, d) for y, m, d in zip(*(text.get(part, empty) for part in roles), strict=True)]
    known = {parts: date_from_parts(*parts) for parts in dict.fromkeys(cells)}
    combined = [known[parts] for parts in cells]
    blank = [i for i, parts in enumerate(cells) if all(map(means_no_date, parts))]
    unread = sorted({i for i, interval in enumerate(combined) if interval is None} - set(blank))
    names = [columns[part] for part in roles if part in text]
    descriptions = [
        ", ".join(f"{columns[part]} {text[part].iloc[i]!r}" for part in roles if part in text) for i in unread
    ]
    warn_rows(
        log, file, year, index[unread].tolist(), [f"{parts} are no date" for parts in descriptions],
        "imported without a date" if dates is None else "not used",
    )  # fmt: skip
    if dates is None:
        if len(blank) < len(cells):
            warn_rows(log, file, year, index[blank].tolist(), "no date", "imported without a date")
        _warn_future(combined, [" ".join(parts) for parts in cells], year, index, file, log)
        return combined
    differ = [i for i, (one, other) in enumerate(zip(dates, combined, strict=True)) if _are_disjoint(one, other)]
    problems = [f"{' and '.join(names)} say {combined[i].first}, not {text[role].iloc[i]!r}" for i in differ]  # type: ignore[union-attr]
    warn_rows(log, file, year, index[differ].tolist(), problems, "the column of dates is used")
    return [_narrower(one, other) for one, other in zip(dates, combined, strict=True)]


def _are_disjoint(one: DateInterval | None, other: DateInterval | None) -> bool:
    """Tell whether two readings of one date share no day."""
    if not one or not other:
        return False
    before = one.last and other.first and one.last < other.first
    return bool(before or (other.last and one.first and other.last < one.first))


def _narrower(one: DateInterval | None, other: DateInterval | None) -> DateInterval | None:
    """Combine two readings of a date: the shorter interval, but the first one where they share no day.

    Args:
        one: the date as its single column gives it.
        other: the date as the columns of year, month and day give it.
    """
    if not one or not other or _are_disjoint(one, other):
        return one or other
    if one.first and one.last and other.first and other.last and (other.last - other.first) < (one.last - one.first):
        return other
    return one


def _intervals(
    early: Dates, late: Dates, index: pd.Index, column: str | None, file: str, log: IssueLog
) -> pd.DataFrame:
    """Make the columns date_min, date_max and date_precision.

    Args:
        early: for each row the date from which the earliest day is taken.
        late: for each row the date from which the latest day is taken.
        index: spreadsheet rows of the events.
        column: name of the column of latest days, for the log.
        file: name of the file, for the log.
        log: receives the rows whose latest day is before the earliest; the two are exchanged.
    """
    first = [one.first if one else None for one in early]
    last = [one.last if one else None for one in late]
    exchanged = [i for i, (a, b) in enumerate(zip(first, last, strict=True)) if a and b and a > b]
    problems = [f"the latest day {last[i]} is before the earliest {first[i]}" for i in exchanged]
    warn_rows(log, file, column, index[exchanged].tolist(), problems, "exchanged")
    for i in exchanged:
        first[i], last[i] = late[i].first or last[i], early[i].last or first[i]  # type: ignore[union-attr]
    precision = []
    for a, b, one, other in zip(first, last, early, late, strict=True):
        if a and b:
            precision.append(one.precision if one is other and one else interval_precision(a, b))
        else:
            precision.append("open" if a or b else "unknown")
    days = {"date_min": first, "date_max": last}
    table = pd.DataFrame({name: np.array(values, "datetime64[s]") for name, values in days.items()}, index=index)
    table["date_precision"] = pd.Series(precision, index=index, dtype="str")
    return table


def _read_column(
    texts: pd.Series, column: str, source: InventorySource, other_dates: list[str], file: str, log: IssueLog
) -> Dates:
    """Read one column of dates; log the dates that cannot be read, and the assumptions.

    Args:
        texts: the cells, indexed by spreadsheet row.
        column: the column's name.
        source: kind of the inventory, which may give the order of day, month and year.
        other_dates: cells of the file's other columns of dates, which help to find the order of day and month.
        file: name of the file, for the log.
        log: receives the issues.
    """
    read = read_dates(texts.tolist(), source.order, other_dates)
    dates, index = list(read.intervals), texts.index
    problems = [f"date {texts.iloc[i]!r} cannot be read" for i in read.unread]
    warn_rows(log, file, column, index[read.unread].tolist(), problems, "imported without a date")
    if len(read.blank) < len(texts):
        warn_rows(log, file, column, index[read.blank].tolist(), "no date", "imported without a date")
    placeholders = [i for i, one in enumerate(dates) if one and PLACEHOLDERS & {one.first, one.last}]
    problems = [f"date {texts.iloc[i]!r} stands for unknown" for i in placeholders]
    warn_rows(log, file, column, index[placeholders].tolist(), problems, "imported without a date")
    for i in placeholders:
        dates[i] = None
    _warn_future(dates, texts.tolist(), column, index, file, log)
    _warn_firsts_of_months(dates, texts, column, file, log)
    _warn_unusual_layouts(dates, texts, column, file, log)
    for positions, problem, action in read.notes:
        rows = index[positions].tolist()
        log.warning(
            file,
            f"{counted(len(rows), 'date')} {problem}: rows {format_ranges(rows)}",
            action,
            row=rows[0],
            column=column,
        )
    return dates


def _warn_future(dates: Dates, texts: list[str], column: str, index: pd.Index, file: str, log: IssueLog) -> None:
    """Log dates after today."""
    today = date.today()
    future = [i for i, one in enumerate(dates) if one and one.first and one.first > today]
    problems = [f"date {texts[i]!r} is in the future" for i in future]
    warn_rows(log, file, column, index[future].tolist(), problems, "kept; check it")


def _warn_firsts_of_months(dates: Dates, texts: pd.Series, column: str, file: str, log: IssueLog) -> None:
    """Log the dates on the first of a month if they are so many that they probably mean whole months."""
    days = [(row, one) for row, one in zip(texts.index, dates, strict=True) if one and one.precision == "day"]
    firsts = [row for row, one in days if one.first and one.first.day == 1]
    # A single event on a first of a month can fill a whole inventory, so the dates must differ.
    if len(firsts) > max(MANY_FIRSTS * len(days), 10) and len({texts[row] for row in firsts}) > 1:
        problem = f"{len(firsts)} of {len(days)} dates are the first of a month and may mean all of it"
        log.warning(file, f"{problem}: rows {format_ranges(firsts)}", "kept as days", row=firsts[0], column=column)


def _warn_unusual_layouts(dates: Dates, texts: pd.Series, column: str, file: str, log: IssueLog) -> None:
    """Log the rows whose date is written in another way than in most rows."""
    layouts = Counter(one.layout for one in dates if one)
    usual = layouts.most_common(1)[0][0] if layouts else None
    for layout, count in layouts.items():
        if layout == usual:
            continue
        rows = [row for row, one in zip(texts.index, dates, strict=True) if one and one.layout == layout]
        if count > MAX_ISSUES_PER_DEFECT:
            log.warning(
                file, f"{count} dates are written {layout}, most others {usual}: rows {format_ranges(rows)}",
                f"read as {layout}", row=rows[0], column=column,
            )  # fmt: skip
        else:
            problems = [f"date {texts[row]!r} is written {layout}, most others {usual}" for row in rows]
            warn_rows(log, file, column, rows, problems, f"read as {layout}")
