"""Checks of every rule that the schema cannot express, and repairs where nothing can be lost by them."""

from collections.abc import Iterator
from dataclasses import fields, replace
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import shapely
import sqlalchemy as sa

from tsmu.database.integrity.findings import IntegrityFinding
from tsmu.database.integrity.geopackage_checks import check_geopackage
from tsmu.database.schema import TABLES, has_shape, landslide, landslide_version
from tsmu.database.storage import AREA_TOLERANCE, Database, Shapes, as_multipolygons, decode, geodesic_areas
from tsmu.database.writing import Stamp, write_versions

ROWS_AT_ONCE = 20_000  # held in memory
MOST_LATITUDE = 90 + 1e-9  # degrees


def check(database: Database, *, repair: bool = False) -> pd.DataFrame:
    """Check a database.

    Args:
        database: open.
        repair: put right what is derived (index, triggers, counts, areas), and outlines of landslides
            that are not valid, as new versions. Observations and past versions are only reported.

    Returns:
        One row per finding: `rule`, `table`, `row` (id), `problem`, `repaired`; none if all is well.

    Raises:
        DatabaseError: the file is damaged; restore it from a backup.

    Example:
        >>> check(database, repair=True).empty
        True
    """
    findings: list[IntegrityFinding] = []
    with database.write() if repair else database.read() as connection:
        if database.path:
            findings += check_geopackage(connection, repair)
        for table in TABLES:
            if has_shape(table) and table is not landslide_version:  # past versions are not corrected
                findings += _check_layer(connection, table, repair)
        findings += _check_versions(connection)
    columns = [field.name for field in fields(IntegrityFinding)]
    return pd.DataFrame([[getattr(one, name) for name in columns] for one in findings], columns=columns)


def _check_layer(connection: sa.Connection, table: sa.Table, repair: bool) -> Iterator[IntegrityFinding]:
    """Check the outlines and areas of a layer."""
    with_area = "area_m2" in table.columns
    columns = [table.c.fid, table.c.id, table.c.geom, table.c.area_m2 if with_area else sa.null()]
    last = 0
    while True:
        query = sa.select(*columns).where(table.c.fid > last).order_by(table.c.fid).limit(ROWS_AT_ONCE)
        rows = connection.execute(query).fetchall()
        if not rows:
            return
        last = rows[-1][0]
        ids = [row[1] for row in rows]
        shapes, damaged = _decode_readable([row[2] for row in rows])
        for position in damaged:
            yield IntegrityFinding("outline readable", table.name, ids[position], "the stored outline is damaged")
        for position in np.flatnonzero(~_on_earth(shapes)).tolist():
            west, south, east, north = shapely.bounds(shapes[position]).tolist()
            problem = f"reaches from {west:g}, {south:g} to {east:g}, {north:g}, which is nowhere on Earth"
            shapes[position] = None  # what has no place has no area, and is not repaired
            yield IntegrityFinding("outline on Earth", table.name, ids[position], problem)
        yield from _check_outlines(connection, table, ids, shapes, repair)
        if with_area:
            stored = np.array([row[3] for row in rows], dtype=float)
            yield from _check_areas(connection, table, ids, shapes, stored, repair)


def _decode_readable(values: list[Any]) -> tuple[Shapes, list[int]]:
    """Decode geometries; a damaged one becomes None, and its position is returned."""
    try:
        return decode(values), []
    except ValueError:
        shapes = np.full(len(values), None, dtype=object)
        damaged = []
        for position, value in enumerate(values):
            try:
                shapes[position] = decode([value])[0]
            except ValueError:
                damaged.append(position)
        return shapes, damaged


def _on_earth(shapes: Shapes) -> npt.NDArray[np.bool_]:
    """Whether all coordinates of each outline are degrees on Earth; empty and missing outlines count as such."""
    bounds = shapely.bounds(shapes).reshape(-1, 4)
    inside = (np.abs(bounds[:, [1, 3]]) <= MOST_LATITUDE).all(axis=1) & (bounds[:, 0] >= -180) & (bounds[:, 2] <= 360)
    return inside | shapely.is_missing(shapes) | shapely.is_empty(shapes)


def _check_outlines(
    connection: sa.Connection, table: sa.Table, ids: list[str], shapes: Shapes, repair: bool
) -> Iterator[IntegrityFinding]:
    """Find outlines that are not valid; those of `shapes` that are repaired become None."""
    bad = ~shapely.is_missing(shapes) & (~shapely.is_valid(shapes) | shapely.is_empty(shapes))
    for position in np.flatnonzero(bad):
        reason = "is empty" if shapes[position].is_empty else shapely.is_valid_reason(shapes[position])
        finding = IntegrityFinding("outline valid", table.name, ids[position], str(reason))
        outline = shapely.make_valid(shapes[position : position + 1], method="structure", keep_collapsed=False)
        outline = as_multipolygons(outline)
        if repair and table is landslide and not outline[0].is_empty:
            columns = {"area_m2": float(geodesic_areas(outline)[0])}
            repaired = _write_repair(connection, ids[position], "outline repaired", columns, outline)
            shapes[position], finding = None, replace(finding, repaired=repaired)
        yield finding


def _check_areas(
    connection: sa.Connection,
    table: sa.Table,
    ids: list[str],
    shapes: Shapes,
    stored: npt.NDArray[np.float64],
    repair: bool,
) -> Iterator[IntegrityFinding]:
    """Find stored areas, m2, that are not those of the outlines."""
    readable = np.flatnonzero(~shapely.is_missing(shapes))
    readable = readable[shapely.is_valid(shapes[readable])]
    for position, area in zip(readable, geodesic_areas(shapes[readable]), strict=True):
        if abs(stored[position] - area) <= AREA_TOLERANCE * area:
            continue
        problem = f"says {stored[position]:.6g} m2, its outline has {area:.6g}"
        repaired = repair and table is landslide
        if repaired:
            repaired = _write_repair(connection, ids[position], "area computed anew", {"area_m2": float(area)})
        yield IntegrityFinding("area right", table.name, ids[position], problem, repaired)


def _write_repair(
    connection: sa.Connection, landslide_id: str, reason: str, columns: dict[str, Any], outline: Shapes | None = None
) -> bool:
    """Write a repaired version of a landslide, whose author, a run or a person, stays as it was.

    Returns:
        Whether that was done: a row with something else that breaks the rules stays as it is.
    """
    try:
        with connection.begin_nested():
            stamp = Stamp(None, "tsmu db check --repair", reason)
            write_versions(connection, [landslide_id], stamp, columns, outline)
    except sa.exc.IntegrityError:
        return False
    return True


def _check_versions(connection: sa.Connection) -> Iterator[IntegrityFinding]:
    """Check that every version before the present one is kept."""
    past = sa.select(landslide_version.c.id, sa.func.count().label("kept")).group_by(landslide_version.c.id).subquery()
    kept = sa.func.coalesce(past.c.kept, 0)
    query = sa.select(landslide.c.id, landslide.c.version, kept).outerjoin(past, past.c.id == landslide.c.id)
    for row in connection.execute(query.where(landslide.c.version - 1 != kept)):
        problem = f"is version {row[1]}, and of the former ones {row[2]} are kept"
        yield IntegrityFinding("versions kept", landslide.name, row[0], problem)
