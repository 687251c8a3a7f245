"""Conditions on the bounding boxes of a layer's rows, by the R-tree of a GeoPackage or the GiST index of PostGIS."""

from collections.abc import Sequence
from typing import Any

import shapely
import sqlalchemy as sa
from shapely.geometry.base import BaseGeometry

from tsmu.database.types import SRS_ID
from tsmu.errors import DatabaseError

Box = tuple[float, float, float, float]


def split_box(box: Box) -> list[Box]:
    """One box, or the two parts of one that crosses the 180th meridian: its west is greater than its east.

    Raises:
        DatabaseError: it is no box in degrees.

    Example:
        >>> split_box((170.0, -20.0, -170.0, -10.0))
        [(170.0, -20.0, 180.0, -10.0), (-180.0, -20.0, -170.0, -10.0)]
    """
    west, south, east, north = box
    if not (-180 <= west <= 180 and -180 <= east <= 180 and -90 <= south <= north <= 90):
        raise DatabaseError(
            f"bbox {','.join(f'{side:g}' for side in box)}: not west,south,east,north in degrees; correct it"
        )
    return [box] if west <= east else [(west, south, 180.0, north), (-180.0, south, east, north)]


def box_area(box: Box) -> BaseGeometry:
    """The area of a box in EPSG:4326, in two parts where it crosses the 180th meridian.

    Raises:
        DatabaseError: it is no box in degrees.

    Example:
        >>> box_area((170.0, -20.0, -170.0, -10.0)).area
        200.0
    """
    return shapely.union_all([shapely.box(*part) for part in split_box(box)])


def touches_box(table: sa.Table, box: Box, backend: str) -> sa.ColumnElement[bool]:
    """The condition that a row's bounding box touches a box.

    The index rounds outwards to single precision, so rows just beside the box may fulfil it.

    Args:
        table: a layer with a spatial index.
        box: west, south, east, north in EPSG:4326.
        backend: "sqlite" or "postgresql".

    Example:
        >>> condition = touches_box(landslide_table, (7.0, 46.0, 7.004, 46.1), database.backend)
        >>> with database.read() as connection:
        ...     len(connection.execute(sa.select(landslide_table.c.id).where(condition)).all())
        1
    """
    west, south, east, north = box
    if backend == "postgresql":
        return table.c.geom.op("&&", is_comparison=True)(sa.func.ST_MakeEnvelope(west, south, east, north, SRS_ID))
    index = _rtree(table)
    inside = (index.c.minx <= east, index.c.maxx >= west, index.c.miny <= north, index.c.maxy >= south)
    return table.c.fid.in_(sa.select(index.c.id).where(*inside))


def within_box(table: sa.Table, box: Box, backend: str) -> sa.ColumnElement[bool]:
    """The condition that a row's bounding box lies within a box.

    The index rounds outwards to single precision, so a row that fulfils it certainly lies within.

    Args:
        table: a layer with a spatial index.
        box: west, south, east, north in EPSG:4326.
        backend: "sqlite" or "postgresql".
    """
    west, south, east, north = box
    if backend == "postgresql":
        return table.c.geom.op("@", is_comparison=True)(sa.func.ST_MakeEnvelope(west, south, east, north, SRS_ID))
    index = _rtree(table)
    inside = (index.c.minx >= west, index.c.maxx <= east, index.c.miny >= south, index.c.maxy <= north)
    return table.c.fid.in_(sa.select(index.c.id).where(*inside))


def layer_extent(connection: sa.Connection, table: sa.Table, backend: str) -> Box | None:
    """West, south, east and north of all rows of a layer in EPSG:4326, by its spatial index; None without any."""
    boxes = select_boxes(table, [], backend).subquery()
    west, east, south, north = boxes.c
    row = connection.execute(
        sa.select(sa.func.min(west), sa.func.min(south), sa.func.max(east), sa.func.max(north))
    ).one()
    return None if row[0] is None else (row[0], row[1], row[2], row[3])


def select_boxes(table: sa.Table, columns: Sequence[sa.ColumnElement[Any]], backend: str) -> sa.Select[Any]:
    """A query for columns of a layer and each row's west, east, south and north, without reading its geometry.

    The index rounds outwards to single precision: at most 2 m, at the 180th meridian.

    Args:
        table: a layer with a spatial index.
        columns: of the table.
        backend: "sqlite" or "postgresql".

    Example:
        >>> with database.read() as connection:
        ...     query = select_boxes(landslide_table, [landslide_table.c.id], database.backend)
        ...     row = connection.execute(query).first()
        >>> len(row)  # the id, west, east, south, north
        5
    """
    if backend == "postgresql":
        sides = (
            getattr(sa.func, f"ST_{name}")(sa.func.Box2D(table.c.geom)) for name in ("XMin", "XMax", "YMin", "YMax")
        )
        return sa.select(*columns, *sides)
    index = _rtree(table)
    return sa.select(*columns, *index.c[1:]).join_from(table, index, index.c.id == table.c.fid)


def _rtree(table: sa.Table) -> sa.TableClause:
    return sa.table(f"rtree_{table.name}_geom", *map(sa.column, ("id", "minx", "maxx", "miny", "maxy")))
