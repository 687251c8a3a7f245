"""The columns of tables: finding them by name, and reading those that hold days."""

import unicodedata
from collections.abc import Iterable, Mapping
from datetime import date
from pathlib import Path

import pandas as pd

from tsmu.errors import TableError
from tsmu.issues import IssueLog, format_ranges
from tsmu.tabular.date_columns import DateColumn, read_dates
from tsmu.wording import counted


def unique_column_names(header: list[str]) -> list[str]:
    """Make column names unique, and name columns without a name by their position.

    Names that differ only in case count as equal. The result is in the composed Unicode form (NFC).

    Example:
        >>> unique_column_names(["Date", "date", ""])
        ['Date', 'date_2', 'column_3']
    """
    names: list[str] = []
    used: set[str] = set()
    for position, given in enumerate(header, start=1):
        base = name = " ".join(unicodedata.normalize("NFC", given).lstrip("\ufeff").split()) or f"column_{position}"
        count = 1
        while name.casefold() in used:
            count += 1
            name = f"{base}_{count}"
        used.add(name.casefold())
        names.append(name)
    return names


def normalise_name(name: str) -> str:
    """Convert a column name to the form in which names are compared: small letters without blanks and punctuation.

    Example:
        >>> normalise_name("Event ID.")
        'eventid'
    """
    return "".join(c for c in unicodedata.normalize("NFC", name) if c.isalnum()).casefold()


def find_columns(table: pd.DataFrame, names: Mapping[str, Iterable[str]]) -> dict[str, str]:
    """Find the columns of a table by their possible names; case, blanks and punctuation do not matter.

    Args:
        table: the table, as `read_table` gives it.
        names: for each meaning of a column the names that it may have; the first name found counts.

    Returns:
        For each meaning that the table has the column's own name.

    Example:
        >>> find_columns(pd.DataFrame(columns=["Date pre", "POST"]), {"date_pre": ("date_pre",), "post": ("post",)})
        {'date_pre': 'Date pre', 'post': 'POST'}
    """
    present: dict[str, str] = {}
    for column in table.columns:
        present.setdefault(normalise_name(str(column)), str(column))
    named = {}
    for meaning, spellings in names.items():
        if columns := [present[normalise_name(name)] for name in spellings if normalise_name(name) in present]:
            named[meaning] = columns[0]
    return named


def read_date_columns(cells: pd.DataFrame, columns: list[str], path: Path, log: IssueLog) -> dict[str, DateColumn]:
    """Read several columns of days of one table, assuming that all have the same order of day and month.

    Args:
        cells: the table, every cell as text, indexed by row.
        columns: names of the columns of days.
        path: the table's file, for the log.
        log: receives the assumptions.

    Returns:
        The columns by name.

    Example:
        >>> cells = pd.DataFrame({"date_pre": ["03/04/2018"], "date_post": ["25/04/2018"]}, index=[2])
        >>> dates = read_date_columns(cells, ["date_pre", "date_post"], Path("pairs.csv"), log)
        >>> dates["date_pre"].days  # in the order of the other column
        [datetime.date(2018, 4, 3)]
    """
    dates = {}
    for name in columns:
        others = [text for other in columns if other != name for text in cells[other].unique()]
        dates[name] = read_dates(cells[name].tolist(), other_columns=others)
        for positions, problem, action in dates[name].notes:
            rows = [int(cells.index[position]) for position in positions]
            problem = f"{counted(len(rows), 'date')} {problem}: rows {format_ranges(rows)}"
            log.warning(path, problem, action, row=rows[0], column=name)
    return dates


def single_day(side: str, text: str, column: DateColumn, at: int) -> date | None:
    """Return the day in one cell of a column of dates; None where the cell means that there is no date.

    Args:
        side: the name of the column in messages.
        text: the text of the cell.
        column: the column, as `read_dates` gives it.
        at: the position of the cell in the column.

    Raises:
        TableError: the cell cannot be read, or means more than one day.

    Example:
        >>> single_day("date_pre", "2018-04-03", read_dates(["2018-04-03"]), 0)
        datetime.date(2018, 4, 3)
    """
    interval = column.intervals[at]
    if interval is None and at in column.blank:
        return None
    if interval is None or interval.first is None or interval.first != interval.last:
        raise TableError(f"{side} {text!r} is no date of one day; write YYYY-MM-DD")
    return interval.first
