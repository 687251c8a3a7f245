"""Published lists of image footprints: read from CSV or XLSX, checked row by row."""

import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import geopandas as gpd
import pandas as pd

from tsmu.date_columns import read_dates
from tsmu.errors import ImageError, TableError
from tsmu.imagery.footprints import Box, Finding, check_box, check_dates, overlapping
from tsmu.inventory import parse_degrees
from tsmu.issues import IssueLog
from tsmu.spreadsheets import read_rows_file

# What a header says of a column, lower case; all the words must be there.
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

    Returns:
        Columns id (text), region, south, west, north, east (float, NaN where no number),
        date_pre, date_post (`datetime.date` or None), row (as a spreadsheet counts).

    Raises:
        ImageError: the file cannot be read, or no row names the four corners.
    """
    try:
        cells = read_rows_file(path, IssueLog(path))
    except TableError as error:
        raise ImageError(f"{error}; give a CSV or XLSX file") from None
    headers = (_columns(row) for row in cells)
    start, found = next(((at, h) for at, h in enumerate(headers) if set(CORNERS) <= h.keys()), (0, None))
    if found is None:
        raise ImageError(f"{path}: no row names lower left and upper right latitude and longitude; add a header")
    filled = [(at, row) for at, row in enumerate(cells[start + 1 :], start + 2) if any(cell.strip() for cell in row)]
    columns = {name: [row[at].strip() if at < len(row) else "" for _, row in filled] for name, at in found.items()}
    table = pd.DataFrame({**columns, "row": [at for at, _ in filled]})
    for corner in CORNERS:
        table[corner] = parse_degrees(table[corner].astype("str"))
    blank = [""] * len(table)
    texts = {side: list(table.get(side, blank)) for side in ("date_pre", "date_post")}
    for side, other in (("date_pre", "date_post"), ("date_post", "date_pre")):
        table[side] = pd.Series(read_dates(texts[side], beside=texts[other]).days, table.index, dtype=object)
    table["id"] = [str(value) for value in table.get("id", table["row"])]
    if "region" not in table:
        table["region"] = None
    return table


def check_footprints(table: pd.DataFrame, log: IssueLog, *, file: Path | str, repair: bool = False) -> gpd.GeoDataFrame:
    """Check a table as `read_footprints` gives it; every defect goes into the log.

    Returns:
        All rows, with `defect` (kind, or None), `usable` (False where left out), `overlap_count` (how
        many usable footprints share ground with this one) and the footprint in EPSG:4326. With
        `repair` the footprint is the repaired one where that is unambiguous; the footprint of an
        unusable row is the box between its corners, whichever comes first, or None.
    """
    rows = [_check(dict(row), log, file, repair) for _, row in table.iterrows()]
    result = gpd.GeoDataFrame(
        table.assign(
            defect=pd.Series([kind for kind, _, _ in rows], table.index, dtype=object), usable=[ok for _, ok, _ in rows]
        ),
        geometry=[shape for _, _, shape in rows],
        crs="EPSG:4326",
    )
    result["overlap_count"] = 0
    usable = result.index[result["usable"]]
    pairs = overlapping(result.loc[usable, "geometry"].to_numpy())
    counts = pd.Series(pairs.ravel()).value_counts()
    result.loc[usable[counts.index], "overlap_count"] = counts.to_numpy()
    report_overlaps(len(pairs), counts, len(result), log, file)
    return result


def report_overlaps(pairs: int, counts: pd.Series, total: int, log: IssueLog, file: Path | str) -> None:
    """Say in one line how many footprints overlap; the split has to keep them together."""
    if pairs:
        problem = f"{pairs} pairs of footprints overlap, touching {len(counts)} of {total}"
        log.warning(file, problem, "kept; the split must keep overlapping footprints on one side")


def _check(row: dict[Any, Any], log: IssueLog, file: Path | str, repair: bool) -> tuple[str | None, bool, object]:
    box = Box(*(float(row[corner]) for corner in CORNERS))
    pre, post = row["date_pre"], row["date_post"]
    shape = None if any(corner != corner for corner in box) else box.polygon
    usable, kind = True, None
    for finding in (check_box(box), check_dates(pre, post)):
        if finding is None:
            continue
        kind = kind or finding.kind
        if repair and finding.repaired is not None:
            shape = finding.repaired.polygon
        usable &= log_finding(finding, log, f"{file}", repair, row=int(row["row"]), name=f"No. {row['id']}: ")
    return kind, usable, shape


def log_finding(
    finding: Finding, log: IssueLog, file: Path | str, repair: bool, *, row: int | None = None, name: str = ""
) -> bool:
    """Log what is wrong with a footprint; True if it is kept."""
    problem = f"{name}{finding.kind}: {finding.problem}"
    if finding.severity == "warning":
        log.warning(file, problem, "kept", row=row)
        return True
    if finding.repaired is None:
        log.error(file, problem, row=row)
        return False
    corners = (
        f"({finding.repaired.south}, {finding.repaired.west}) - ({finding.repaired.north}, {finding.repaired.east})"
    )
    if repair:
        log.warning(file, problem, f"repaired to {corners}", row=row)
        return True
    log.error(file, problem, f"left out; --repair would make it {corners}", row=row)
    return False


def _columns(header: Iterable[object]) -> dict[str, int]:
    words = [set(re.findall(r"[a-z]+", str(cell).lower())) for cell in header]
    found: dict[str, int] = {}
    for name, choices in COLUMNS.items():
        for choice in choices:
            hits = [at for at, cell in enumerate(words) if choice <= cell]
            if hits and name not in found:
                found[name] = hits[0]
    return found
