"""Rows of a layer whose envelope touches a box, by the backend's spatial index."""

import sqlalchemy as sa

from tsmu.database.types import SRS_ID

Box = tuple[float, float, float, float]


def touches(table: sa.Table, box: Box, backend: str) -> sa.ColumnElement[bool]:
    """A condition on a layer with a spatial index; boxes in EPSG:4326: west, south, east, north.

    The index rounds outwards to single precision, so rows at the box's very edge may come too many.
    """
    west, south, east, north = box
    if backend == "postgresql":
        return table.c.geom.op("&&", is_comparison=True)(sa.func.ST_MakeEnvelope(west, south, east, north, SRS_ID))
    index = sa.table(f"rtree_{table.name}_geom", *map(sa.column, ("id", "minx", "maxx", "miny", "maxy")))
    inside = (index.c.minx <= east, index.c.maxx >= west, index.c.miny <= north, index.c.maxy >= south)
    return table.c.fid.in_(sa.select(index.c.id).where(*inside))
