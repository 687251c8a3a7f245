"""Landslides as CSV in the layouts of the USGS compilation (version 3) and of NASA COOLR, and back.

Both layouts list points; the outline stands in one more column, `outline`, as WKT. A text that a spreadsheet
would take for a formula gets a ' before it, and loses it again when the file is imported.
"""

import csv
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import date, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import shapely

from tsmu.database.files.formats import Layout
from tsmu.database.queries import GEOMETRY_COLUMN, Filters, LandslideBatches
from tsmu.database.storage import Database
from tsmu.database.vocabulary import MovementType, Trigger
from tsmu.files import atomic_write
from tsmu.issues import IssueLog, format_ranges
from tsmu.tabular import DateInterval, Order, read_dates
from tsmu.wording import counted

OUTLINE = "outline"
_FORMULA = re.compile(r"'*[=+\-@\t\r]")
_COOLR_MOVEMENTS = {  # COOLR's landslide_category; what it has no class for is `other`
    MovementType.SLIDE: "landslide",
    MovementType.ROTATIONAL_SLIDE: "rotational_slide",
    MovementType.PLANAR_SLIDE: "translational_slide",
    MovementType.TOPPLE: "topple",
    MovementType.MUD_FLOW: "mudslide",
    MovementType.DEBRIS_FLOW: "debris_flow",
    MovementType.EARTHFLOW: "earth_flow",
    MovementType.CREEP: "creep",
}
_COOLR_TRIGGERS = {  # COOLR's landslide_trigger
    Trigger.RAINFALL: "rain",
    Trigger.TROPICAL_CYCLONE: "tropical_cyclone",
    Trigger.SNOWMELT: "snowfall_snowmelt",
    Trigger.FREEZE_THAW: "freeze_thaw",
    Trigger.EARTHQUAKE: "earthquake",
    Trigger.VOLCANIC_ACTIVITY: "volcano",
    Trigger.FLOODING: "flooding",
    Trigger.NONE_APPARENT: "no_apparent_trigger",
}
_USGS = ("USGS_ID", "Date_Min", "Date_Max", "Lat_N", "Lon_W", "Inventory", "LS_Type", "Info_Source")
_COOLR = (
    *("source_name", "source_link", "event_id", "event_date", "event_time", "event_title", "event_description"),
    *("location_description", "location_accuracy", "landslide_category", "landslide_trigger", "landslide_size"),
    *("landslide_setting", "fatality_count", "injury_count", "storm_name", "photo_link", "notes"),
    *("event_import_source", "event_import_id", "country_name", "country_code", "admin_division_name"),
    *("admin_division_population", "gazeteer_closest_point", "gazeteer_distance", "submitted_date", "created_date"),
    *("last_edited_date", "longitude", "latitude"),
)
LAYOUT_COLUMNS: dict[Layout, tuple[str, ...]] = {"usgs": (*_USGS, OUTLINE), "coolr": (*_COOLR, OUTLINE)}
_SOURCE = "tsmu"
_SOURCE_COLUMNS: dict[Layout, str] = {"usgs": "Inventory", "coolr": "event_import_source"}
_DAY_COLUMNS: dict[Layout, tuple[str, ...]] = {"usgs": ("Date_Min", "Date_Max"), "coolr": ("event_date",)}
_DAY_FORMAT: dict[Layout, str] = {"usgs": "%Y/%m/%d 00:00:00", "coolr": "%m/%d/%Y 12:00:00 AM"}
_DAY_ORDER: dict[Layout, Order] = {"coolr": "M/D/Y"}


def export_csv(database: Database, path: Path, layout: Layout, filters: Filters) -> int:
    """Write landslides as CSV in a layout; unless a status is asked for, candidates and confirmed ones.

    Returns:
        The number of landslides.
    """
    # The layouts have no status: their readers take every row for a landslide.
    batches = LandslideBatches(database, filters.landslides_only())
    with atomic_write(path) as temporary, temporary.open("w", newline="", encoding="utf-8") as handle:
        writer = csv.DictWriter(handle, LAYOUT_COLUMNS[layout], restval="")
        writer.writeheader()
        for batch in batches:
            writer.writerows(_rows(batch, _ROW_IN_LAYOUT[layout]))
    return batches.rows


def _rows(batch: Any, row_in_layout: Callable[[Mapping[str, Any]], dict[str, Any]]) -> Iterator[dict[str, Any]]:
    shapes = shapely.from_wkb(np.array(batch[GEOMETRY_COLUMN], dtype=object))
    points = shapely.get_coordinates(shapely.point_on_surface(shapes)).round(6).tolist()
    outlines = shapely.to_wkt(shapes, rounding_precision=-1)
    for row, (longitude, latitude), outline in zip(
        batch.drop_columns(GEOMETRY_COLUMN).to_pylist(), points, outlines, strict=True
    ):
        place = {"longitude": longitude, "latitude": latitude}
        yield {name: escape_formula(value) for name, value in row_in_layout(row | place).items()} | {OUTLINE: outline}


def _as_usgs(row: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "USGS_ID": row["id"],
        "Date_Min": _day(row["date_min"], _DAY_FORMAT["usgs"]),
        "Date_Max": _day(row["date_max"], _DAY_FORMAT["usgs"]),
        "Lat_N": row["latitude"],
        "Lon_W": row["longitude"],
        "Inventory": _SOURCE,
        "LS_Type": row["movement_type"],
        "Info_Source": row["changed_by"],
    }


def _as_coolr(row: Mapping[str, Any]) -> dict[str, Any]:
    movement, trigger = row["movement_type"], row["trigger"]
    return {
        "source_name": row["changed_by"],
        "event_id": row["id"],
        "event_date": _day(row["date_min"], _DAY_FORMAT["coolr"]),
        "location_accuracy": "exact",
        "landslide_category": _COOLR_MOVEMENTS.get(movement, "other") if movement else "unknown",
        "landslide_trigger": _COOLR_TRIGGERS.get(trigger, "other") if trigger else "unknown",
        "notes": row["change_reason"],
        "event_import_source": _SOURCE,
        "event_import_id": row["id"],
        "last_edited_date": _day(row["changed_at"], "%m/%d/%Y %I:%M:%S %p"),
        "longitude": row["longitude"],
        "latitude": row["latitude"],
    }


_ROW_IN_LAYOUT: dict[Layout, Callable[[Mapping[str, Any]], dict[str, Any]]] = {"usgs": _as_usgs, "coolr": _as_coolr}


def _day(day: date | datetime | None, layout: str) -> str:
    return day.strftime(layout) if day else ""


def escape_formula(value: Any) -> Any:
    """A cell that no spreadsheet takes for a formula: numbers as they are, a ' before doubtful texts.

    Example:
        >>> escape_formula("=1+1"), escape_formula("slide"), escape_formula(3.5)
        ("'=1+1", 'slide', 3.5)
    """
    return f"'{value}" if isinstance(value, str) and _FORMULA.match(value) else value


def unescape_formula(text: str) -> str:
    """The text before `escape_formula`."""
    return text[1:] if text.startswith("'") and _FORMULA.match(text) else text


def layout_of(columns: "pd.Index[str]") -> Layout | None:
    """The layout of a CSV file, by its columns; None where `export_csv` did not write it."""
    return next((layout for layout, names in LAYOUT_COLUMNS.items() if set(names) <= set(columns)), None)


def lost_columns(cells: pd.DataFrame) -> tuple[list[str], list[str]] | None:
    """Find which columns an exported CSV table lacks, and by which of those left it is known as an export.

    Returns:
        None where nothing tells that `export_csv` has written it.
    """
    for layout, names in LAYOUT_COLUMNS.items():
        missing = [name for name in names if name not in cells.columns]
        if OUTLINE in cells.columns and 2 * len(missing) < len(names):
            return missing, [OUTLINE]
        source = _SOURCE_COLUMNS[layout]
        if source in cells.columns and (cells[source] == _SOURCE).any():
            return missing, [source]
    return None


def parse_cells(cells: pd.DataFrame, layout: Layout) -> pd.DataFrame:
    """The rows of a layout in the columns of the schema, as texts, "" where one is missing."""
    cells = cells.map(unescape_formula)
    if layout == "usgs":
        named = {"id": "USGS_ID", "date_min": "Date_Min", "date_max": "Date_Max", "movement_type": "LS_Type"}
        values = pd.DataFrame({name: cells[column] for name, column in named.items()})
    else:
        named = {"id": "event_id", "date_min": "event_date", "movement_type": "landslide_category"}
        values = pd.DataFrame({name: cells[column] for name, column in named.items()})
        movements = {text: str(ours) for ours, text in _COOLR_MOVEMENTS.items()}
        triggers = {text: str(ours) for ours, text in _COOLR_TRIGGERS.items()}
        values["movement_type"] = values["movement_type"].map(movements).fillna("")
        values["trigger"] = cells["landslide_trigger"].map(triggers).fillna("")
    return values


def with_iso_days(cells: pd.DataFrame, layout: Layout, file: str, log: IssueLog) -> pd.DataFrame:
    """The table of a CSV file with its days as 2024-05-01, also where a spreadsheet has written them in its own way.

    Days as `export_csv` writes them are read so. All others are read as columns in one order of day and month, which
    is reported. Where nothing shows the order, a text that can be two days stays, for the reader to refuse; so does
    one that is no day.

    Args:
        cells: the whole table, every cell as text, indexed by row.
        layout: of the file.
        file: its name, for the issues.
        log: takes what was assumed.
    """
    names = _DAY_COLUMNS[layout]
    texts_of_all = [text for name in names for text in cells[name].unique()]
    columns = {}
    for name in names:
        as_written = cells[name].map({text: _written_day(text, layout) for text in cells[name].unique()})
        others = cells[name].where(as_written.isna(), "")
        dates = read_dates(others.tolist(), _DAY_ORDER.get(layout), texts_of_all)
        read = [
            None if interval and interval.other and not dates.order_known else day
            for interval, day in zip(dates.intervals, dates.days, strict=True)
        ]
        for positions, problem, action in dates.notes:
            if rows := [int(cells.index[at]) for at in positions if read[at]]:
                problem = f"{counted(len(rows), 'date')} {problem}: rows {format_ranges(rows)}"
                log.warning(file, problem, action, row=rows[0], column=name)
        days = as_written.where(as_written.notna(), pd.Series(read, index=cells.index, dtype=object))
        columns[name] = [text if pd.isna(day) else day.isoformat() for text, day in zip(cells[name], days, strict=True)]
        if layout in _DAY_ORDER:
            for at in _perhaps_exchanged(dates.intervals):
                columns[name][at] += f" or {read[at]:%Y-%d-%m}"  # which the reader refuses
    return cells.assign(**columns)


def _perhaps_exchanged(intervals: Sequence[DateInterval | None]) -> list[int]:
    """Positions of days whose day and month a spreadsheet may have exchanged.

    `export_csv` writes these columns with the year last. Where a day has the year first, a spreadsheet has read it as
    a date, in its own order of day and month, and has written it anew. If one of these days is after the 12th of its
    month, they were read in the right order, and none is returned.

    Args:
        intervals: the days of a column as they were read, None where a cell holds none.
    """
    rewritten = {
        position: interval.first
        for position, interval in enumerate(intervals)
        if interval and interval.first and interval.layout == "Y/M/D"
    }
    if any(day.day > 12 for day in rewritten.values()):
        return []
    return [position for position, day in rewritten.items() if day.day != day.month]


def _written_day(text: str, layout: Layout) -> date | None:
    """The day of a text exactly as `export_csv` writes one; None for any other text."""
    try:
        return datetime.strptime(text, _DAY_FORMAT[layout]).date()
    except ValueError:
        return None
