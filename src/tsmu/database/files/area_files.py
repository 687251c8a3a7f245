"""Reads areas that are given to reviewers from a file of polygons."""

from collections.abc import Sequence
from pathlib import Path

import geopandas
import pandas as pd

from tsmu.database.storage import clean_polygons
from tsmu.database.writing import ReviewArea
from tsmu.errors import DatabaseError
from tsmu.issues import IssueLog
from tsmu.vectors import read_polygons


def read_review_areas(
    path: Path, log: IssueLog, field: str, name_field: str | None = None, layers: Sequence[str] = ()
) -> list[ReviewArea]:
    """Read the areas of a file, in the order in which they stand there.

    Args:
        path: whatever GDAL reads, GeoParquet, or a zip archive of those.
        log: takes what is wrong with the features.
        field: the column with the reviewer, or several with commas or semicolons between them.
        name_field: the column with what an area is called; None numbers the areas.
        layers: the names of the layers that are read; by default all.

    Raises:
        DatabaseError: the file cannot be read, has no such column, or an area has no reviewer or no name.

    Example:
        >>> table = {"reviewer": ["eva", "jo, kim"], "district": ["north", "south"]}
        >>> boxes = [shapely.box(7, 46, 8, 47), shapely.box(7, 45, 8, 46)]
        >>> geopandas.GeoDataFrame(table, geometry=boxes, crs=4326).to_file("areas.geojson")
        >>> areas = read_review_areas(Path("areas.geojson"), log, "reviewer", "district")
        >>> [(area.name, area.reviewers) for area in areas]
        [('north', ('eva',)), ('south', ('jo', 'kim'))]
    """
    areas: list[ReviewArea] = []
    for table in read_polygons(path, log, DatabaseError, layers):
        for column in filter(None, (field, name_field)):
            if column not in table.columns:
                known = ", ".join(name for name in table.columns if name != "geometry") or "none"
                raise DatabaseError(f"{table.attrs['file']}: no column {column!r}; its columns are: {known}")
        areas += _areas_of_layer(table, log, field, name_field, len(areas))
    if not areas:
        raise DatabaseError(f"{path}: holds no polygon that can be used; give another file of areas")
    return areas


def _areas_of_layer(
    table: geopandas.GeoDataFrame, log: IssueLog, field: str, name_field: str | None, before: int
) -> list[ReviewArea]:
    """The areas of one layer; `before` counts those of the layers before it."""
    file, rows = table.attrs["file"], table.index.tolist()
    positions, shapes = clean_polygons(table.geometry, file, log, rows)
    areas = []
    for number, (position, shape) in enumerate(zip(positions.tolist(), shapes, strict=True), start=before + 1):
        where = f"{file}, row {rows[position]}"
        text = table[field].iloc[position]
        people = text.replace(";", ",").split(",") if isinstance(text, str) else []
        reviewers = tuple(person.strip() for person in people if person.strip())
        if not reviewers:
            raise DatabaseError(f"{where}, column {field}: names no reviewer; write who reviews the area")
        name = f"area {number}" if name_field is None else table[name_field].iloc[position]
        if pd.isna(name) or not str(name).strip():
            raise DatabaseError(f"{where}, column {name_field}: is empty; write what the area is called")
        areas.append(ReviewArea(str(name), reviewers, shape))
    return areas
