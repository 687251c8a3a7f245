"""Read image pairs from a table (CSV or XLSX) that names their files, dates and places, one pair in a row."""

from collections.abc import Mapping
from datetime import date
from pathlib import Path

import numpy as np
import pandas as pd

from tsmu.errors import ImageError, RegionError, TableError
from tsmu.files import listed_file
from tsmu.imagery.footprints import LatLonBox, check_pair_dates
from tsmu.imagery.sources.candidates import CENTRE, CORNERS, PairCandidate, Placement
from tsmu.inventory import parse_degrees, swapped_among_others
from tsmu.issues import IssueLog
from tsmu.regions import check_region_name
from tsmu.tabular import find_columns, read_date_columns, read_table_file, single_day

DATES = ("date_pre", "date_post")
COLUMNS = {
    **{name: (name,) for name in ("post", "pre", "id", "region", *CORNERS)},
    "date_pre": ("date_pre", "pre_date"),
    "date_post": ("date_post", "post_date"),
    "lon": ("lon", "longitude", "long"),
    "lat": ("lat", "latitude"),
    "pixel_size_m": ("pixel_size_m",),
}


def read_pair_table(path: Path, log: IssueLog) -> list[PairCandidate]:
    """Read pairs from a table with one pair in a row.

    Args:
        path: a CSV or XLSX file with a column post, and if known pre, date_pre, date_post, id, region; and for images
            without a georeference lon, lat, pixel_size_m (the centre), or south, west, north, east. Paths count from
            the table's folder.
        log: takes the rows that are left out, and what was assumed about dates.

    Raises:
        ImageError: the table cannot be read, or has no column post.
    """
    try:
        table = read_table_file(path, log)
    except TableError as error:
        raise ImageError(f"{error}; give a CSV or XLSX file") from None
    columns = find_columns(table, COLUMNS)
    if "post" not in columns:
        raise ImageError(f"{path}: has no column post; its header needs post, and pre, date_pre, date_post if known")
    unused = [name for name in table.columns if name not in columns.values()]
    if unused_dates := [name for name in unused if "date" in name.casefold()]:
        name = unused_dates[0]
        problem = f"no column is called {name} in tables of pairs; dates stand in date_pre and date_post"
        log.warning(path, problem, "not used", column=name)
    cells = pd.DataFrame({name: table[column].str.strip() for name, column in columns.items()}, index=table.index)
    dates = read_date_columns(cells, [side for side in DATES if side in cells], path, log)
    swapped = _has_swapped_centre(cells)
    candidates: list[PairCandidate] = []
    for at, row in enumerate(cells.index):
        try:
            if swapped[at]:
                raise ImageError("lon and lat would join the other rows if they were exchanged; correct them")
            days = {side: single_day(side, cells[side].iloc[at], dates[side], at) for side in dates}
            candidates.append(_candidate(dict(cells.iloc[at]), days, path, int(row)))
        except (ImageError, TableError) as error:
            log.error(path, str(error), row=int(row))
    return candidates


def _has_swapped_centre(cells: pd.DataFrame) -> np.ndarray:
    """Mark rows whose longitude and latitude are exchanged when those of most are not."""
    if not {"lon", "lat"} <= set(cells.columns):
        return np.zeros(len(cells), bool)
    return swapped_among_others(parse_degrees(cells["lon"]), parse_degrees(cells["lat"]))


def _candidate(cells: Mapping[str, str], days: Mapping[str, date | None], table: Path, row: int) -> PairCandidate:
    if not cells.get("post"):
        raise ImageError("names no post image")
    date_pre, date_post = days.get("date_pre"), days.get("date_post")
    issue = check_pair_dates(date_pre, date_post)
    if issue is not None:
        raise ImageError(f"{issue.kind}: {issue.problem}")
    placement = Placement(_box(cells), _centre(cells))
    post = _image_path(table, cells["post"])
    pre = _image_path(table, cells["pre"]) if cells.get("pre") else None
    name = cells.get("id") or post.stem
    try:
        region = check_region_name(cells["region"]) if cells.get("region") else None
    except RegionError as error:
        raise ImageError(str(error)) from None
    return PairCandidate(name, post, pre, date_pre, date_post, placement, placement, region, str(table), row)


def _image_path(table: Path, cell: str) -> Path:
    path = listed_file(table.parent, cell)
    try:
        is_file = path.is_file()
    except (OSError, ValueError):  # a name too long, or with characters that no name has
        is_file = False
    if not is_file:
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


def _box(cells: Mapping[str, str]) -> LatLonBox | None:
    values = _numbers(cells, CORNERS)
    if values is None:
        return None
    box = LatLonBox(*values)
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
