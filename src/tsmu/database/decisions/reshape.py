"""Outlines as people change them: drawn anew, cut along a line, put together."""

import geopandas
import numpy as np
import shapely
import shapely.ops
from shapely.geometry.base import BaseGeometry

from tsmu.database.storage.geometry import Shapes
from tsmu.database.storage.geometry_cleaning import as_multipolygons, clean_polygons
from tsmu.database.types import SRS_ID
from tsmu.errors import DatabaseError
from tsmu.issues import IssueLog

MOST_POINTS = 10_000  # of an outline; more than anybody draws, few enough to be quick with


def clean_drawn_outline(shape: BaseGeometry) -> BaseGeometry:
    """Bring a drawn outline into the database's form: a valid MultiPolygon in EPSG:4326.

    Raises:
        DatabaseError: it is no polygon on Earth with an area, or has more than `MOST_POINTS` points.
    """
    _check_points(shape)
    log = IssueLog("outline")
    _, shapes = clean_polygons(geopandas.GeoSeries([shape], crs=SRS_ID), "outline", log)
    if not len(shapes):
        raise DatabaseError(f"outline: {log.errors[0].problem}; draw it again")
    whole: BaseGeometry = shapes[0]
    return whole


def cut_outline(outline: BaseGeometry, line: BaseGeometry) -> list[BaseGeometry]:
    """Cut an outline along a line into its parts, the largest first.

    Raises:
        DatabaseError: the line is none, or leaves the outline in one piece.
    """
    _check_points(line)
    if line.geom_type != "LineString" or line.is_empty or not line.is_valid:
        raise DatabaseError("split: give a line that crosses the outline")
    pieces = [part for polygon in shapely.get_parts(outline) for part in _pieces(polygon, line)]
    if len(pieces) == len(shapely.get_parts(outline)):
        raise DatabaseError("split: the line does not cross the outline; draw it from outside to outside")
    pieces.sort(key=lambda part: (-part.area, part.wkb))
    return list(as_multipolygons(np.array(pieces, dtype=object)))


def _pieces(polygon: BaseGeometry, line: BaseGeometry) -> list[BaseGeometry]:
    return [part for part in shapely.ops.split(polygon, line).geoms if part.area > 0]


def unite_outlines(outlines: Shapes) -> BaseGeometry:
    """The union of outlines."""
    whole: BaseGeometry = as_multipolygons(np.array([shapely.union_all(outlines)], dtype=object))[0]
    return whole


def _check_points(shape: BaseGeometry) -> None:
    if shapely.get_num_coordinates(shape) > MOST_POINTS:
        raise DatabaseError(f"outline: has more than {MOST_POINTS} points; simplify it")
