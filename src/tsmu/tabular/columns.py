"""The columns of tables: their names, and those that hold days."""

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
    """Make column names unique whatever their case, and name those without a name by their position.

    Names are in the composed Unicode form (NFC), whatever the file has.

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
    """Write a column name without case, blanks and punctuation; by these columns are compared.

    Example:
        >>> normalise_name("Event ID.")
        'eventid'
    """
    return "".join(c for c in unicodedata.normalize("NFC", name) if c.isalnum()).casefold()


def find_columns(table: pd.DataFrame, names: Mapping[str, Iterable[str]]) -> dict[str, str]:
    """Find which columns of a table have certain names, whatever their case, blanks and punctuation.

    Args:
        table: as `read_table` gives it.
        names: what a column stands for -> the names that it may have, the first one found counts.

    Returns:
        What it stands for -> the column's own name, for those that the table has.

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
    """Read columns of days of one table, all in one order of day and month.

    Args:
        cells: the table, every cell as text, indexed by row.
        columns: names of the columns of days.
        path: the file that the log names.
        log: takes what was assumed.

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
        for places, problem, action in dates[name].notes:
            rows = [int(cells.index[at]) for at in places]
            problem = f"{counted(len(rows), 'date')} {problem}: rows {format_ranges(rows)}"
            log.warning(path, problem, action, row=rows[0], column=name)
    return dates


def single_day(side: str, text: str, column: DateColumn, at: int) -> date | None:
    """Take the day in one cell of a column of dates; None where the cell says that there is none.

    Args:
        side: how messages call the column.
        text: the cell.
        column: the column, as it was read.
        at: position of the cell in it.

    Raises:
        TableError: it cannot be read, or is longer than a day.

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
