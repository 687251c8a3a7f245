"""Every rule that the schema cannot say, checked; and repaired where nothing can be lost by it."""

from collections.abc import Iterator
from dataclasses import fields, replace
from typing import Any

import numpy as np
import pandas as pd
import shapely
import sqlalchemy as sa

from tsmu.database.integrity import geopackage_checks as layer_checks
from tsmu.database.integrity.findings import IntegrityFinding
from tsmu.database.schema import TABLES, has_shape, landslide, landslide_version
from tsmu.database.storage.database import Database, backend_of
from tsmu.database.storage.geometry import Shapes, decode, encode
from tsmu.database.storage.geometry_cleaning import as_multipolygons, geodesic_areas
from tsmu.database.types import utc_now

ROWS = 20_000  # held in memory at once
AREA = 0.01  # share by which a stored area may differ: polygons are drawn in a plane and stored in degrees


def check(database: Database, *, repair: bool = False) -> pd.DataFrame:
    """Check a database.

    Args:
        database: open.
        repair: put right what is derived (index, triggers, counts, areas), and outlines of landslides
            that are not valid, as new versions. Observations and past versions are only told of.

    Returns:
        One row per finding: `rule`, `table`, `row` (id), `problem`, `repaired`; none if all is well.

    Raises:
        DatabaseError: the file is damaged; restore it from a backup.
    """
    found: list[IntegrityFinding] = []
    with database.write() if repair else database.read() as connection:
        if database.path:
            found += layer_checks.check_geopackage(connection, repair)
        for table in TABLES:
            if has_shape(table) and table is not landslide_version:  # what was believed is not corrected
                found += _rows(connection, table, repair)
        found += _versions(connection)
    columns = [field.name for field in fields(IntegrityFinding)]
    return pd.DataFrame([[getattr(one, name) for name in columns] for one in found], columns=columns)


def _rows(connection: sa.Connection, table: sa.Table, repair: bool) -> Iterator[IntegrityFinding]:
    """Outlines and areas of a layer."""
    named = [table.c.fid, table.c.id, table.c.geom]
    with_area = "area_m2" in table.columns
    last = 0
    while True:
        query = sa.select(*named, table.c.area_m2 if with_area else sa.null()).where(table.c.fid > last)
        rows = connection.execute(query.order_by(table.c.fid).limit(ROWS)).fetchall()
        if not rows:
            return
        last = rows[-1][0]
        ids = [row[1] for row in rows]
        shapes, damaged = _decoded([row[2] for row in rows])
        for place in damaged:
            yield IntegrityFinding("outline readable", table.name, ids[place], "the stored outline is damaged")
        yield from _outlines(connection, table, ids, shapes, repair)
        if with_area:
            stored = np.array([row[3] for row in rows], dtype=float)
            yield from _areas(connection, table, ids, shapes, stored, repair)


def _decoded(values: list[Any]) -> tuple[Shapes, list[int]]:
    """Decode what can be; None, and its position, where not."""
    try:
        return decode(values), []
    except ValueError:
        shapes = np.full(len(values), None, dtype=object)
        damaged = []
        for place, value in enumerate(values):
            try:
                shapes[place] = decode([value])[0]
            except ValueError:
                damaged.append(place)
        return shapes, damaged


def _outlines(
    connection: sa.Connection, table: sa.Table, ids: list[str], shapes: Shapes, repair: bool
) -> Iterator[IntegrityFinding]:
    """Find outlines that are not valid, and change those of `shapes` that are repaired."""
    bad = ~shapely.is_missing(shapes) & (~shapely.is_valid(shapes) | shapely.is_empty(shapes))
    for place in np.flatnonzero(bad):
        reason = "is empty" if shapes[place].is_empty else shapely.is_valid_reason(shapes[place])
        found = IntegrityFinding("outline valid", table.name, ids[place], str(reason))
        mended = as_multipolygons(
            shapely.make_valid(shapes[place : place + 1], method="structure", keep_collapsed=False)
        )
        if repair and table is landslide and not mended[0].is_empty:
            shape = encode(mended, backend_of(connection))[0]
            area = float(geodesic_areas(mended)[0])
            _mend(connection, ids[place], {"geom": shape, "area_m2": area}, "outline repaired")
            shapes[place], found = None, replace(found, repaired=True)
        yield found


def _areas(
    connection: sa.Connection, table: sa.Table, ids: list[str], shapes: Shapes, stored: Any, repair: bool
) -> Iterator[IntegrityFinding]:
    there = np.flatnonzero(~shapely.is_missing(shapes))
    there = there[shapely.is_valid(shapes[there])]
    areas = geodesic_areas(shapes[there])
    for place, area in zip(there, areas, strict=True):
        if abs(stored[place] - area) <= AREA * area:
            continue
        problem = f"says {stored[place]:.6g} m2, its outline has {area:.6g}"
        repaired = repair and table is landslide
        if repaired:
            _mend(connection, ids[place], {"area_m2": float(area)}, "area computed anew")
        yield IntegrityFinding("area right", table.name, ids[place], problem, repaired)


def _mend(connection: sa.Connection, landslide_id: str, values: dict[str, Any], why: str) -> None:
    """A new version of a landslide; who believes in it stays its author."""
    stamp = {"changed_by": "tsmu db check --repair", "changed_at": utc_now(), "change_reason": why}
    connection.execute(
        sa.update(landslide)
        .where(landslide.c.id == landslide_id)
        .values(**values, **stamp, version=landslide.c.version + 1)
    )


def _versions(connection: sa.Connection) -> Iterator[IntegrityFinding]:
    """Every version before the present one is kept."""
    past = sa.select(landslide_version.c.id, sa.func.count().label("kept")).group_by(landslide_version.c.id).subquery()
    kept = sa.func.coalesce(past.c.kept, 0)
    query = sa.select(landslide.c.id, landslide.c.version, kept).outerjoin(past, past.c.id == landslide.c.id)
    for row in connection.execute(query.where(landslide.c.version - 1 != kept)):
        problem = f"is version {row[1]}, and {row[2]} former ones are kept"
        yield IntegrityFinding("versions kept", landslide.name, row[0], problem)
