"""Read image pairs from a table (CSV or XLSX) that names their files, dates and places, one pair in a row."""

from collections.abc import Mapping
from datetime import date
from pathlib import Path

import numpy as np
import pandas as pd

from tsmu.errors import ImageError, RegionError, TableError
from tsmu.files import listed_file
from tsmu.imagery.candidates import CENTRE, CORNERS, Candidate, Place
from tsmu.imagery.footprints import Box, check_dates
from tsmu.inventory import parse_degrees, swapped_among_others
from tsmu.issues import IssueLog
from tsmu.regions import check_region_name
from tsmu.spreadsheets import day_of, named_columns, read_date_columns, read_table_file

DATES = ("date_pre", "date_post")
COLUMNS = {
    **{name: (name,) for name in ("post", "pre", "id", "region", *CORNERS)},
    "date_pre": ("date_pre", "pre_date"),
    "date_post": ("date_post", "post_date"),
    "lon": ("lon", "longitude", "long"),
    "lat": ("lat", "latitude"),
    "pixel_size_m": ("pixel_size_m",),
}


def pairs_of_table(path: Path, log: IssueLog) -> list[Candidate]:
    """Read pairs from a table with columns post, and if known pre, date_pre, date_post, id, region, place."""
    try:
        table = read_table_file(path, log)
    except TableError as error:
        raise ImageError(f"{error}; give a CSV or XLSX file") from None
    columns = named_columns(table, COLUMNS)
    if "post" not in columns:
        raise ImageError(f"{path}: has no column post; its header needs post, and pre, date_pre, date_post if known")
    unused = [name for name in table.columns if name not in columns.values()]
    if dated := [name for name in unused if "date" in name.casefold()]:
        problem = f"no column is called {dated[0]} in tables of pairs; dates stand in date_pre and date_post"
        log.warning(path, problem, "not used", column=dated[0])
    cells = pd.DataFrame({name: table[column].str.strip() for name, column in columns.items()}, index=table.index)
    dates = read_date_columns(cells, [side for side in DATES if side in cells], path, log)
    swapped = _swapped_centres(cells)
    candidates: list[Candidate] = []
    for at, row in enumerate(cells.index):
        try:
            if swapped[at]:
                raise ImageError("lon and lat would join the other rows if they were exchanged; correct them")
            days = {side: day_of(side, cells[side].iloc[at], dates[side], at) for side in dates}
            candidates.append(_row(dict(cells.iloc[at]), days, path, int(row)))
        except (ImageError, TableError) as error:
            log.error(path, str(error), row=int(row))
    return candidates


def _swapped_centres(cells: pd.DataFrame) -> np.ndarray:
    """Rows whose longitude and latitude are exchanged when those of most are not."""
    if not {"lon", "lat"} <= set(cells.columns):
        return np.zeros(len(cells), bool)
    return swapped_among_others(parse_degrees(cells["lon"]), parse_degrees(cells["lat"]))


def _row(cells: Mapping[str, str], days: Mapping[str, date | None], table: Path, row: int) -> Candidate:
    if not cells.get("post"):
        raise ImageError("names no post image")
    before, after = days.get("date_pre"), days.get("date_post")
    finding = check_dates(before, after)
    if finding is not None:
        raise ImageError(f"{finding.kind}: {finding.problem}")
    place = Place(_box(cells), _centre(cells))
    post = _image(table, cells["post"])
    pre = _image(table, cells["pre"]) if cells.get("pre") else None
    name = cells.get("id") or post.stem
    try:
        region = check_region_name(cells["region"]) if cells.get("region") else None
    except RegionError as error:
        raise ImageError(str(error)) from None
    return Candidate(name, post, pre, before, after, place, place, region, str(table), row)


def _image(table: Path, cell: str) -> Path:
    path = listed_file(table.parent, cell)
    try:
        present = path.is_file()
    except (OSError, ValueError):  # a name too long, or with characters that no name has
        present = False
    if not present:
        raise ImageError(f"{cell[:200]!r} is no file; paths count from the table's folder")
    return path


def _numbers(cells: Mapping[str, str], columns: tuple[str, ...]) -> list[float] | None:
    texts = [cells.get(column, "") for column in columns]
    if not any(texts):
        return None
    numbers = parse_degrees(pd.Series(texts, dtype="str")).tolist()
    if any(np.isnan(numbers)):
        raise ImageError(f"{', '.join(columns)} must be numbers, not {', '.join(map(repr, texts))}")
    return [float(number) for number in numbers]


def _box(cells: Mapping[str, str]) -> Box | None:
    values = _numbers(cells, CORNERS)
    if values is None:
        return None
    box = Box(*values)
    if not (-90 <= box.south < box.north <= 90 and -180 <= box.west < box.east <= 180):
        raise ImageError(f"the box {tuple(box)} is none: south < north and west < east, in degrees")
    return box


def _centre(cells: Mapping[str, str]) -> tuple[float, float, float] | None:
    values = _numbers(cells, CENTRE)
    if values is None:
        return None
    longitude, latitude, size = values
    if not (-180 <= longitude <= 180 and -80 <= latitude <= 84 and 0 < size < 1e5):
        raise ImageError(f"centre {longitude}, {latitude} with pixels of {size} m cannot be (UTM reaches 80 S to 84 N)")
    return longitude, latitude, size
