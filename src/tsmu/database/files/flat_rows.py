"""The rows of a flat file that `export` wrote, as landslides of the database: checked, with areas and known links."""

import re
from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd
import sqlalchemy as sa

from tsmu.database.files.column_values import parse_column
from tsmu.database.files.flat_files import FileRows
from tsmu.database.files.known_landslides import (
    FileLandslides,
    ImportResult,
    insert_new_landslides,
    without_unknown_links,
)
from tsmu.database.queries import LANDSLIDE_COLUMNS
from tsmu.database.storage import AREA_TOLERANCE, clean_polygons, geodesic_areas
from tsmu.database.vocabulary import Author, Status
from tsmu.database.writing import Stamp
from tsmu.issues import IssueLog, reject_rows

_UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")


def insert_flat_rows(
    connection: sa.Connection, parts: Iterator[FileRows], name: str, log: IssueLog, result: ImportResult
) -> None:
    """Insert the landslides of a flat file; rows that break a rule of the schema are left out and logged.

    Args:
        connection: within a `Database.write` block.
        parts: the rows of the file, some at a time.
        name: of the file, for the issues.
        log: takes rows that were left out, and values that were computed anew.
        result: counts rows.
    """
    first_row_of_id: dict[str, int] = {}
    stamp = Stamp(Author.PERSON, f"import of {name}", f"imported from {name}")
    default: dict[str, Any] = {"status": Status.CANDIDATE.value, **stamp.columns()}
    for part in parts:
        kept, values = _parse_rows(part, first_row_of_id, name, log)
        numbers = np.array(part.numbers)[kept]
        positions, outlines = clean_polygons(part.shapes.iloc[kept], name, log, numbers.tolist())
        landslides = FileLandslides(values.iloc[positions], outlines, numbers[positions])
        landslides = _with_areas(landslides, name, log)
        values = without_unknown_links(connection, landslides.values, landslides.numbers, name, log)
        landslides = FileLandslides(values, landslides.outlines, landslides.numbers)
        is_layout = "changed_at" not in part.values
        insert_new_landslides(connection, landslides, name, log, result, default=default, missing_is_unknown=is_layout)


def _parse_rows(
    part: FileRows, first_row_of_id: dict[str, int], name: str, log: IssueLog
) -> tuple[list[int], pd.DataFrame]:
    """Rows whose values the schema allows: their positions, and the typed values."""
    values = part.values.assign(version=1)  # the former ones are not in the file
    bad: dict[int, str] = {}
    columns = {}
    for column in LANDSLIDE_COLUMNS:
        if column.name not in values or column.name == "area_m2":
            continue
        columns[column.name], wrong = parse_column(column, values[column.name])
        bad = {position: f"{column.name} {problem}" for position, problem in wrong.items()} | bad
    for position, landslide_id in enumerate(columns["id"]):
        if landslide_id is None or position in bad:
            continue
        number = part.numbers[position]
        if not _UUID.fullmatch(landslide_id):
            bad[position] = f"id {landslide_id[:60]!r} is no UUID"
        elif first_row_of_id.setdefault(landslide_id, number) != number:
            bad[position] = f"id {landslide_id} stands in row {first_row_of_id[landslide_id]} already"
    days = zip(*(columns.get(column, []) for column in ("date_min", "date_max")), strict=False)
    for position, (first, last) in enumerate(days):
        if first and last and first > last:
            bad.setdefault(position, f"date_min {first} is after date_max {last}")
    rejected = sorted(bad)
    reject_rows(log, name, None, [part.numbers[row] for row in rejected], [bad[row] for row in rejected])
    kept = [position for position in range(len(values)) if position not in bad]
    table = pd.DataFrame({key: pd.Series(column, dtype=object) for key, column in columns.items()}).iloc[kept]
    areas = pd.to_numeric(values.get("area_m2", pd.Series(np.nan, index=values.index)), errors="coerce")
    return kept, table.assign(area_m2=areas.to_numpy(np.float64)[kept])


def _with_areas(landslides: FileLandslides, name: str, log: IssueLog) -> FileLandslides:
    """Areas as the file has them where they are right, else computed; without what has none on the ellipsoid."""
    areas = geodesic_areas(landslides.outlines)
    reject_rows(log, name, None, landslides.numbers[areas <= 0].tolist(), "has no area")
    landslides, areas = landslides[areas > 0], areas[areas > 0]
    in_file = landslides.values["area_m2"].to_numpy(np.float64)
    right = np.abs(in_file - areas) <= AREA_TOLERANCE * areas
    for position in np.flatnonzero(~right & ~np.isnan(in_file)).tolist():
        problem = f"area {in_file[position]:.6g} m2 is not that of the outline, {areas[position]:.6g}"
        number = int(landslides.numbers[position])
        log.warning(name, problem, "computed anew", row=number, column="area_m2")
    values = landslides.values.assign(area_m2=np.where(right, in_file, areas))
    return FileLandslides(values, landslides.outlines, landslides.numbers)
