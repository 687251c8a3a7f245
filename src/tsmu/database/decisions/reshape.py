"""Outlines that a person changes: cut along a line, and united."""

import numpy as np
import shapely
import shapely.ops
from shapely.geometry.base import BaseGeometry

from tsmu.database.storage import Shapes, as_multipolygons, check_number_of_points
from tsmu.errors import DatabaseError


def cut_outline(outline: BaseGeometry, line: BaseGeometry) -> list[BaseGeometry]:
    """Cut an outline along a line into its parts, the largest first.

    Args:
        outline: MultiPolygon in EPSG:4326.
        line: LineString in EPSG:4326 that crosses it.

    Raises:
        DatabaseError: it is not a line, or leaves the outline in one piece.

    Example:
        >>> square, line = shapely.box(0, 0, 4, 1), shapely.LineString([(1, -1), (1, 2)])
        >>> [part.area for part in cut_outline(shapely.MultiPolygon([square]), line)]
        [3.0, 1.0]
    """
    check_number_of_points(line)
    if line.geom_type != "LineString" or line.is_empty or not line.is_valid:
        raise DatabaseError("split: give a line that crosses the outline")
    polygons = shapely.get_parts(outline)
    parts = [part for polygon in polygons for part in shapely.ops.split(polygon, line).geoms if part.area > 0]
    if len(parts) == len(polygons):
        raise DatabaseError("split: the line does not cross the outline; draw it from outside to outside")
    parts.sort(key=lambda part: (-part.area, part.wkb))
    return list(as_multipolygons(np.array(parts, dtype=object)))


def unite_outlines(outlines: Shapes) -> BaseGeometry:
    """The union of outlines as one MultiPolygon."""
    whole: BaseGeometry = as_multipolygons(np.array([shapely.union_all(outlines)], dtype=object))[0]
    return whole
