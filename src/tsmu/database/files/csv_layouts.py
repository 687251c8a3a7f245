"""Landslides as CSV in the layouts of the USGS compilation (version 3) and of NASA COOLR, and back.

Both layouts list points; the outline stands in one more column, `outline`, as WKT. A text that a spreadsheet
would take for a formula gets a ' before it, and loses it again when the file is imported.
"""

import csv
import re
from collections.abc import Callable, Iterator, Mapping
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
from tsmu.tabular import read_day

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
        "Date_Min": _day(row["date_min"], "%Y/%m/%d 00:00:00"),
        "Date_Max": _day(row["date_max"], "%Y/%m/%d 00:00:00"),
        "Lat_N": row["latitude"],
        "Lon_W": row["longitude"],
        "Inventory": "tsmu",
        "LS_Type": row["movement_type"],
        "Info_Source": row["changed_by"],
    }


def _as_coolr(row: Mapping[str, Any]) -> dict[str, Any]:
    movement, trigger = row["movement_type"], row["trigger"]
    return {
        "source_name": row["changed_by"],
        "event_id": row["id"],
        "event_date": _day(row["date_min"], "%m/%d/%Y 12:00:00 AM"),
        "location_accuracy": "exact",
        "landslide_category": _COOLR_MOVEMENTS.get(movement, "other") if movement else "unknown",
        "landslide_trigger": _COOLR_TRIGGERS.get(trigger, "other") if trigger else "unknown",
        "notes": row["change_reason"],
        "event_import_source": "tsmu",
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
    for name in values.columns.intersection(["date_min", "date_max"]):
        values[name] = [_iso(text) for text in values[name]]
    return values


def _iso(text: str) -> str:
    """A day as 2024-05-01; a text that is no day stays, for the reader to refuse."""
    day = read_day(text) if text else None
    return day.isoformat() if day else text
