"""Areas whose landslides are given to reviewers, and to which area each landslide belongs.

A landslide belongs to the one area in which a point inside its outline lies (`shapely.point_on_surface`). Where areas
overlap, or the point lies on the border of two, it is the first of them. It stays there when it is redrawn; what comes
into the database later is given to its area as it comes.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import shapely
import sqlalchemy as sa
from shapely.geometry.base import BaseGeometry

from tsmu.database.ids import new_ids
from tsmu.database.schema import area_landslide, area_reviewer, landslide, review_area
from tsmu.database.storage import Database, Shapes, as_multipolygons, decode_column, insert_features
from tsmu.database.types import utc_now
from tsmu.errors import DatabaseError

_AT_ONCE = 5000  # landslides in memory; ids in one query
_IDS_PER_QUERY = 1000


@dataclass(frozen=True)
class ReviewArea:
    """An area that is given to reviewers.

    Attributes:
        name: what it is called.
        reviewers: the names of those who review it, as in the decisions.
        shape: polygon or multipolygon in EPSG:4326.
    """

    name: str
    reviewers: tuple[str, ...]
    shape: BaseGeometry


def assign_areas(database: Database, areas: Sequence[ReviewArea]) -> int:
    """Give areas to reviewers, in place of all areas that were given before, and find each landslide's area.

    Args:
        database: open.
        areas: those that go first where they overlap come first; none takes all areas back.

    Returns:
        How many landslides lie in one of them.

    Raises:
        DatabaseError: an area has no name, no reviewer, or no polygon.

    Example:
        >>> assign_areas(database, [ReviewArea("west", ("eva",), shapely.box(6.9, 45.9, 7.05, 46.1))])
        5
    """
    for area in areas:
        if not area.name.strip() or not area.reviewers or not all(name.strip() for name in area.reviewers):
            raise DatabaseError(f"area {area.name!r}: needs a name, and one reviewer or more")
        if area.shape.geom_type not in ("Polygon", "MultiPolygon") or area.shape.is_empty or not area.shape.is_valid:
            raise DatabaseError(f"area {area.name!r}: is no valid polygon; correct it")
    with database.write() as connection:
        for table in (area_landslide, area_reviewer, review_area):
            connection.execute(sa.delete(table))
        if not areas:
            return 0
        ids = new_ids(len(areas))
        columns = {"id": ids, "name": [area.name for area in areas], "at": utc_now()}
        shapes = as_multipolygons(np.array([area.shape for area in areas], dtype=object))
        insert_features(connection, review_area, columns, shapes)
        people = [
            {"area_id": area_id, "reviewer": name}
            for area_id, area in zip(ids, areas, strict=True)
            for name in dict.fromkeys(area.reviewers)
        ]
        connection.execute(sa.insert(area_reviewer), people)
        return sum(_assign(connection, list(ids), shapes, part) for part in _landslide_ids(connection))


def assign_new_landslides(connection: sa.Connection, ids: Sequence[str]) -> None:
    """Give landslides that have just come to the areas in which they lie, if any areas are given.

    Args:
        connection: within a `Database.write` block.
        ids: of the landslides.
    """
    query = sa.select(review_area.c.id, review_area.c.geom).order_by(review_area.c.fid)
    rows = connection.execute(query).fetchall()
    if rows:
        shapes = decode_column([row.geom for row in rows], review_area)
        for start in range(0, len(ids), _AT_ONCE):
            _assign(connection, [row.id for row in rows], shapes, ids[start : start + _AT_ONCE])


def _landslide_ids(connection: sa.Connection) -> Iterator[Sequence[str]]:
    ids = connection.execute(sa.select(landslide.c.id).order_by(landslide.c.fid)).scalars().all()
    return (ids[start : start + _AT_ONCE] for start in range(0, len(ids), _AT_ONCE))


def _assign(connection: sa.Connection, area_ids: list[str], areas: Shapes, ids: Sequence[str]) -> int:
    """Write to which area each landslide belongs; gives the number of those that belong to one."""
    rows: list[Any] = []
    for start in range(0, len(ids), _IDS_PER_QUERY):
        query = sa.select(landslide.c.id, landslide.c.geom)
        query = query.where(landslide.c.id.in_(ids[start : start + _IDS_PER_QUERY]))
        rows += connection.execute(query).fetchall()
    position = area_of(decode_column([row.geom for row in rows], landslide), areas)
    entries = [
        {"landslide_id": row.id, "area_id": area_ids[area]}
        for row, area in zip(rows, position.tolist(), strict=True)
        if area >= 0
    ]
    if entries:
        connection.execute(sa.insert(area_landslide), entries)
    return len(entries)


def area_of(outlines: Shapes, areas: Shapes) -> npt.NDArray[np.int64]:
    """The position of the one area to which each outline belongs, -1 where it lies in none.

    Args:
        outlines: (n,) polygons in EPSG:4326.
        areas: polygons in EPSG:4326; the first one goes first.

    Example:
        >>> west, east = shapely.box(0, 0, 2, 2), shapely.box(2, 0, 4, 2)
        >>> slides = [shapely.box(1, 0, 2.5, 1), shapely.box(1, 0, 3, 1), shapely.box(5, 5, 6, 6)]
        >>> area_of(np.array(slides), np.array([west, east])).tolist()
        [0, 0, -1]
    """
    points = shapely.point_on_surface(outlines)
    of_point, of_area = shapely.STRtree(areas).query(points, predicate="intersects")
    first = np.full(len(outlines), len(areas), np.int64)
    np.minimum.at(first, of_point, of_area)
    return np.where(first == len(areas), -1, first)
