"""Polygons that lie across the 180th meridian, and longitudes beyond it."""

import numpy as np
import numpy.typing as npt
import shapely

POLYGON_TYPES = (shapely.GeometryType.POLYGON, shapely.GeometryType.MULTIPOLYGON)
# Degrees; a polygon that seems to be wider than half the Earth and is taller than this really is that wide.
MAX_HEIGHT_ACROSS = 60.0

Shapes = npt.NDArray[np.object_]
Floats = npt.NDArray[np.float64]


def crosses_antimeridian(shapes: Shapes) -> npt.NDArray[np.bool_]:
    """Find the polygons in degrees that lie across the 180th meridian, with corners near both -180 and 180.

    The longitudes of such a polygon seem to span more than half the Earth, but span less if they are counted from 0 to
    360. Polygons that span as much either way (a box from -180 to 180), or that are taller than `MAX_HEIGHT_ACROSS`,
    are not counted as lying across it.

    Example:
        >>> shapes = np.array([shapely.box(-179, 0, 179, 1), shapely.box(10, 0, 11, 1)], dtype=object)
        >>> crosses_antimeridian(shapes)
        array([ True, False])
    """
    crosses = np.zeros(len(shapes), bool)
    wide = np.flatnonzero(np.isin(shapely.get_type_id(shapes), POLYGON_TYPES) & (_widths(shapes) > 180))
    parts, owner = shapely.get_parts(shapes[wide], return_index=True)
    bounds = shapely.bounds(parts).reshape(-1, 4)
    eastward = _widths(shapely.transform(parts, _longitudes_from_0))
    narrower = (_widths(parts) > 180) & (eastward > 0) & (eastward < 180)
    narrower &= bounds[:, 3] - bounds[:, 1] <= MAX_HEIGHT_ACROSS
    crosses[wide[owner[narrower]]] = True
    return crosses


def join_at_antimeridian(shapes: Shapes) -> Shapes:
    """Join polygons that lie across the 180th meridian into one piece, with longitudes from below to above 180.

    They are those for which `crosses_antimeridian` is true.

    Example:
        >>> shapes = np.array([shapely.box(-179, 0, 179, 1)], dtype=object)
        >>> join_at_antimeridian(shapes)[0].bounds
        (179.0, 0.0, 181.0, 1.0)
    """
    return np.asarray(shapely.transform(shapes, _longitudes_from_0), dtype=object)


def split_at_antimeridian(shapes: Shapes) -> Shapes:
    """Split polygons in degrees that reach beyond -180 or 180 into pieces within -180 to 180.

    Example:
        >>> split_at_antimeridian(np.array([shapely.box(179, 0, 181, 1)], dtype=object))[0].bounds
        (-180.0, 0.0, 180.0, 1.0)
    """
    split = shapes.copy()
    bounds = shapely.bounds(shapes).reshape(-1, 4)
    for position in np.flatnonzero((bounds[:, 0] < -180) | (bounds[:, 2] > 180)).tolist():
        offsets = (-360.0, 0.0, 360.0)
        boxes = [shapely.box(offset - 180, -90, offset + 180, 90) for offset in offsets]
        pieces = shapely.intersection(shapes[position], np.array(boxes, dtype=object))
        moved = [move_east(pieces[at : at + 1], -offset)[0] for at, offset in enumerate(offsets)]
        split[position] = shapely.union_all(polygon_parts(np.array(moved, dtype=object)))
    return split


def wrap_longitudes(longitudes: Floats) -> Floats:
    """Bring longitudes of grids from 0 to 360 degrees into -180 to 180.

    Example:
        >>> wrap_longitudes(np.array([10.0, 190.0, 359.0]))
        array([  10., -170.,   -1.])
    """
    return np.asarray(np.where(np.abs(longitudes) > 180, (longitudes + 180) % 360 - 180, longitudes))


def move_east(shapes: Shapes, degrees: float) -> Shapes:
    """Add degrees to the longitudes of polygons."""
    return np.asarray(shapely.transform(shapes, lambda points: points + np.array([degrees, 0.0])), dtype=object)


def polygon_parts(shapes: Shapes) -> Shapes:
    """List all single polygons that are in geometries of any kind; empty polygons are left out.

    Example:
        >>> mixed = shapely.GeometryCollection([shapely.Point(0, 0), shapely.box(0, 0, 1, 1)])
        >>> len(polygon_parts(np.array([mixed], dtype=object)))
        1
    """
    parts = shapely.get_parts(shapely.get_parts(shapes))
    while (shapely.get_type_id(parts) > shapely.GeometryType.POLYGON).any():
        parts = shapely.get_parts(parts)
    return np.asarray(parts[(shapely.get_type_id(parts) == shapely.GeometryType.POLYGON) & ~shapely.is_empty(parts)])


def _widths(shapes: Shapes) -> Floats:
    """The width of the bounds of each geometry, (N,)."""
    bounds = shapely.bounds(shapes).reshape(-1, 4)
    return np.asarray(bounds[:, 2] - bounds[:, 0])


def _longitudes_from_0(points: Floats) -> Floats:
    """Points (N, 2) with longitudes from 0 to 360 instead of -180 to 180."""
    return np.column_stack([points[:, 0] + 360 * (points[:, 0] < 0), points[:, 1]])
