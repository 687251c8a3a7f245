"""Published lists of image footprints: read from CSV or XLSX, checked row by row."""

import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd

from tsmu.errors import ImageError, TableError
from tsmu.imagery.footprints import LatLonBox, check_box, check_pair_dates, count_overlaps, log_footprint_issue
from tsmu.inventory import parse_degrees
from tsmu.issues import IssueLog
from tsmu.tabular import read_dates, read_rows_file

# What a header says of a column, in lower case: all words of one of the alternatives.
COLUMNS = {
    "id": ({"no"}, {"id"}, {"number"}, {"ls", "id"}),
    "region": ({"ecoregion"}, {"region"}),
    "south": ({"ll", "latitude"}, {"ll", "lat"}, {"south"}),
    "west": ({"ll", "longitude"}, {"ll", "lon"}, {"west"}),
    "north": ({"ur", "latitude"}, {"ur", "lat"}, {"north"}),
    "east": ({"ur", "longitude"}, {"ur", "lon"}, {"east"}),
    "date_pre": ({"pre", "date"}, {"date", "pre"}),
    "date_post": ({"post", "date"}, {"date", "post"}),
}
CORNERS = ["south", "west", "north", "east"]


def read_footprints(path: Path) -> pd.DataFrame:
    """Read a list of footprints; its header may stand below lines of explanation.

    Args:
        path: a CSV or XLSX file with a header that names the four corners.

    Returns:
        Columns id (text), region, south, west, north, east (float, NaN where no number),
        date_pre, date_post (`datetime.date` or None), row (as a spreadsheet counts).

    Raises:
        ImageError: the file cannot be read, or no row names the four corners.

    Example:
        >>> read_footprints(Path("footprints.csv"))[["id", "south", "row"]].to_dict("records")
        [{'id': '7', 'south': 43.309, 'row': 2}]
    """
    try:
        cells = read_rows_file(path, IssueLog(path))
    except TableError as error:
        raise ImageError(f"{error}; give a CSV or XLSX file") from None
    headers = (_find_columns(row) for row in cells)
    start, columns = next(((at, h) for at, h in enumerate(headers) if set(CORNERS) <= h.keys()), (0, None))
    if columns is None:
        raise ImageError(f"{path}: no row names lower left and upper right latitude and longitude; add a header")
    filled = [(at, row) for at, row in enumerate(cells[start + 1 :], start + 2) if any(cell.strip() for cell in row)]
    texts = {name: [row[at].strip() if at < len(row) else "" for _, row in filled] for name, at in columns.items()}
    table = pd.DataFrame({**texts, "row": [at for at, _ in filled]})
    for corner in CORNERS:
        table[corner] = parse_degrees(table[corner].astype("str"))
    blank = [""] * len(table)
    dates = {side: list(table.get(side, blank)) for side in ("date_pre", "date_post")}
    for side, other in (("date_pre", "date_post"), ("date_post", "date_pre")):
        table[side] = pd.Series(read_dates(dates[side], other_columns=dates[other]).days, table.index, dtype=object)
    table["id"] = [str(value) for value in table.get("id", table["row"])]
    if "region" not in table:
        table["region"] = None
    return table


def check_footprints(table: pd.DataFrame, log: IssueLog, *, file: Path | str, repair: bool = False) -> gpd.GeoDataFrame:
    """Check a list of footprints row by row.

    Args:
        table: as `read_footprints` gives it.
        log: takes every defect.
        file: the file that the log names.
        repair: use footprints with an unambiguous repair, repaired.

    Returns:
        All rows, with `defect` (kind, or None), `usable` (False where left out), `overlap_count` (how
        many usable footprints share ground with this one) and the footprint in EPSG:4326. With
        `repair` the footprint is the repaired one where that is unambiguous; the footprint of an
        unusable row is the box between its corners, whichever comes first, or None.

    Example:
        >>> row = {"id": "7", "south": 43.3104, "west": -122.9667, "north": 43.3090, "east": -122.9640, "row": 2}
        >>> table = pd.DataFrame([row | {"date_pre": None, "date_post": None}])
        >>> check_footprints(table, log, file="footprints.csv")[["defect", "usable"]].to_dict("records")
        [{'defect': 'swapped latitudes', 'usable': False}]
    """
    rows = [_check_row(dict(row), log, file, repair) for _, row in table.iterrows()]
    result = gpd.GeoDataFrame(
        table.assign(
            defect=pd.Series([kind for kind, _, _ in rows], table.index, dtype=object), usable=[ok for _, ok, _ in rows]
        ),
        geometry=[shape for _, _, shape in rows],
        crs="EPSG:4326",
    )
    usable = result["usable"].to_numpy(bool)
    counts = np.zeros(len(result), np.int64)
    counts[usable] = count_overlaps(result.geometry.to_numpy()[usable], log, file, total=len(result))
    return result.assign(overlap_count=counts)


def _check_row(row: dict[Any, Any], log: IssueLog, file: Path | str, repair: bool) -> tuple[str | None, bool, object]:
    """The kind of the row's first defect or None, whether the row is usable, and its footprint."""
    box = LatLonBox(*(float(row[corner]) for corner in CORNERS))
    shape = None if any(corner != corner for corner in box) else box.polygon  # NaN is not equal to itself
    usable, kind = True, None
    for issue in (check_box(box), check_pair_dates(row["date_pre"], row["date_post"])):
        if issue is None:
            continue
        kind = kind or issue.kind
        if repair and issue.repaired is not None:
            shape = issue.repaired.polygon
        usable &= log_footprint_issue(issue, log, f"{file}", repair, row=int(row["row"]), name=f"No. {row['id']}: ")
    return kind, usable, shape


def _find_columns(header: Iterable[object]) -> dict[str, int]:
    """Which columns a row names if it is a header: name -> position."""
    words = [set(re.findall(r"[a-z]+", str(cell).lower())) for cell in header]
    columns: dict[str, int] = {}
    for name, alternatives in COLUMNS.items():
        for alternative in alternatives:
            positions = [at for at, cell in enumerate(words) if alternative <= cell]
            if positions and name not in columns:
                columns[name] = positions[0]
    return columns
