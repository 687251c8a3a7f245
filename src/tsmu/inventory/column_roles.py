"""The role of each column of a layer, found by its name, by its name as a shapefile cuts it, or by its content."""

import re
from collections.abc import Mapping

import numpy as np
import pandas as pd

from tsmu.inventory.coordinates import parse_degrees
from tsmu.inventory.known_sources import InventorySource, map_columns
from tsmu.issues import IssueLog
from tsmu.tabular import date_from_parts, means_no_date, normalise_name, read_dates

DATE_ROLES = ("date", "date_min", "date_max")
PART_ROLES = {
    end: tuple(f"{part}{end.removeprefix('date')}" for part in ("year", "month", "day")) for end in DATE_ROLES
}
SHAPEFILE_NAME_LENGTH = 10  # characters that a shapefile keeps of a field's name
SHORT_LAYOUTS = ("since 1970", "number", "only", "YYYYMM")  # plain numbers are dates only where a name says so
READABLE = 0.8  # least share of dates among the cells of a column that is not known by its name to hold dates
SOME_READABLE = 0.2  # least share of dates among the cells of a column that is known by its name to hold dates
SAME_DEGREES = 1e-4  # coordinates that differ by no more than this (some 10 m) mean the same place
AMBIGUOUS_NAMES = ("datum", "data")  # they may also mean a geodetic datum, or any data
DATE_WORD = re.compile(r"date|fecha|datum|data(?![a-z])|dat(?![a-z])", re.I)
OTHER_DATE = re.compile(
    r"creat|edit|updat|modif|import|imag|acqui|survey|report|publi|submit|upload|pre|post|map|digit|entry|insp|visit|"
    r"download|access|sat|scene|timestamp|recorded", re.I,
)  # fmt: skip


def assign_column_roles(
    source: InventorySource, cells: pd.DataFrame, given: Mapping[str, str] | None, file: str, log: IssueLog
) -> dict[str, str]:
    """Find the column of each role; conclusions from a shortened name or from the content of a column are logged.

    Args:
        source: kind of the inventory, with the usual names of its columns.
        cells: the cells of the layer as text.
        given: the columns that the user has chosen, by role.
        file: name of the file, for the log.
        log: receives the conclusions.

    Returns:
        The column by role (`known_sources.ROLES`).

    Raises:
        InventoryError: a given role or column does not exist.
    """
    columns = map_columns(source, list(cells.columns), given)
    _prefer_readable(columns, source, cells, given or {})
    _match_shortened_names(columns, source, cells, file, log)
    for year, *others in PART_ROLES.values():
        for role in others:
            unlikely = year not in columns or (role in columns and not _is_part(cells[columns[role]]))
            if role in columns and role not in (given or {}) and unlikely:
                del columns[role]
    if not any(role in columns for end in DATE_ROLES for role in (end, PART_ROLES[end][0])):
        _match_by_content(columns, cells, file, log)
    return columns


def warn_other_coordinates(
    columns: Mapping[str, str], source: InventorySource, cells: pd.DataFrame, given: Mapping[str, str], file: str,
    log: IssueLog,
) -> None:  # fmt: skip
    """Log a second column that is named like latitudes or longitudes and has other values than the one that is read."""
    for role in ("latitude", "longitude"):
        names = {normalise_name(name) for name in source.columns.get(role, ())}
        chosen = parse_degrees(cells[columns[role]])
        for name in cells.columns if role not in given else ():
            if name == columns[role] or normalise_name(re.sub(r"_\d+$", "", name)) not in names:
                continue
            differs = np.abs(parse_degrees(cells[name]) - chosen) > SAME_DEGREES  # false where either is missing
            if differs.any():
                first = cells.index[differs][0]
                problem = (
                    f"column {name!r} may be the {role}, too, and is not equal to {columns[role]!r}, in row {first}"
                )
                log.warning(file, problem, f"{columns[role]!r} read; say which with --columns {role}={name}")


def _prefer_readable(
    columns: dict[str, str], source: InventorySource, cells: pd.DataFrame, given: Mapping[str, str]
) -> None:
    """Choose among several columns that are named like dates the first one that contains dates; changes `columns`.

    If none contains dates, the first one whose name is not ambiguous is chosen.
    """
    present = {normalise_name(name): name for name in reversed(list(cells.columns))}
    for role in DATE_ROLES:
        if role not in columns or role in given:
            continue
        named = [
            present[normalise_name(name)] for name in source.columns.get(role, ()) if normalise_name(name) in present
        ]
        readable = [name for name in named if _share_of_dates(cells[name]) >= SOME_READABLE]
        unambiguous = [name for name in named if normalise_name(name) not in AMBIGUOUS_NAMES]
        chosen = next(iter([*readable, *unambiguous]), None)
        if chosen is None:
            del columns[role]
        else:
            columns[role] = chosen


def _match_shortened_names(
    columns: dict[str, str], source: InventorySource, cells: pd.DataFrame, file: str, log: IssueLog
) -> None:
    """Find the roles of columns whose names a shapefile has cut to ten characters, and add them to `columns`."""
    used = set(columns.values())
    for column in cells.columns:
        if column in used or not (len(column) == SHAPEFILE_NAME_LENGTH or re.fullmatch(r".{8}_\d", column)):
            continue
        start = column[:8] if re.fullmatch(r".{8}_\d", column) else column
        candidates = {
            role: name
            for role, names in source.columns.items()
            for name in reversed(names)
            if role not in columns
            and len(name) > SHAPEFILE_NAME_LENGTH
            and name.casefold().startswith(start.casefold())
        }
        if set(DATE_ROLES) & candidates.keys():
            dates = _share_of_dates(cells[column]) >= READABLE
            candidates = {role: name for role, name in candidates.items() if (role in DATE_ROLES) == dates}
        if len(candidates) == 1:
            ((role, name),) = candidates.items()
            columns[role] = column
            log.warning(file, f"column {column!r} looks like {name!r} cut to ten characters", f"read as {role}")
        elif candidates:
            problem = f"column {column!r} may be {' or '.join(candidates.values())}, cut to ten characters"
            log.warning(file, problem, f"not used; say which with --columns {next(iter(candidates))}={column}")


def _match_by_content(columns: dict[str, str], cells: pd.DataFrame, file: str, log: IssueLog) -> None:
    """Find a column of dates where no column has a known name of one, and add it to `columns`.

    A column is used if it alone contains dates and has a word for date in its name. Otherwise all columns that contain
    dates are logged, so that the user can choose one.
    """
    unused = [name for name in cells.columns if name not in set(columns.values())]
    with_dates = [name for name in unused if _share_of_dates(cells[name], plain_numbers=False) >= READABLE]
    likely = [name for name in unused if DATE_WORD.search(name) and _share_of_dates(cells[name]) >= READABLE]
    likely = [name for name in likely if not OTHER_DATE.search(name)]
    if len(likely) == 1:
        columns["date"] = likely[0]
        log.warning(file, f"no column has a known name of a date, but {likely[0]!r} holds dates", "read as date")
    elif names := list(dict.fromkeys([*likely, *with_dates])):
        listing = ", ".join(map(repr, names))
        problem = f"no column has a known name of a date; there are dates in {listing}"
        log.warning(file, problem, f"every event undated; say which it is with --columns date={names[0]}")


def _is_part(texts: pd.Series) -> bool:
    """Whether a column can hold months or days: some of its cells can be one, or all are empty."""
    filled = [text for text in texts.unique().tolist() if not means_no_date(text)]
    return not filled or any(
        date_from_parts("2000", text, "1") or date_from_parts("2000", "1", text) for text in filled
    )


def _share_of_dates(texts: pd.Series, *, plain_numbers: bool = True) -> float:
    """Estimate the share of a column's filled cells that are dates, from 0 to 1, by its first 200 distinct texts.

    Args:
        texts: the cells of the column.
        plain_numbers: whether numbers without separators, such as 20210803, count as dates.
    """
    filled = texts[texts.str.strip() != ""].drop_duplicates().head(200).tolist()
    dates = read_dates(filled)
    read = [
        interval
        for interval in dates.intervals
        if interval and (plain_numbers or not interval.layout.endswith(SHORT_LAYOUTS))
    ]
    return len(read) / max(len(filled) - len(dates.blank), 1)
