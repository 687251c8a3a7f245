"""Areas and lengths of polygons on the ground."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyproj
import rasterio
import shapely
from rasterio.transform import Affine

from tsmu.geodesy import GEOD, areas_and_lengths
from tsmu.mapping.vectorize.tracing import Polygons

LONGEST_EDGE = 64.0  # px; longer edges are divided before they are projected onto the ellipsoid

Metres = npt.NDArray[np.float64]
Points = npt.NDArray[np.float64]


@dataclass(frozen=True)
class PolygonMeasures:
    """Area (square metres), perimeter, length and width (metres) of each polygon."""

    area: Metres
    perimeter: Metres
    length: Metres
    width: Metres


def to_crs_coordinates(polygons: Polygons, transform: Affine) -> Polygons:
    """Transform polygons from pixel coordinates to the raster's CRS.

    Example:
        >>> pixel = np.array([shapely.box(0, 0, 1, 1)])
        >>> to_crs_coordinates(pixel, Affine(10, 0, 500, 0, -10, 900))[0].bounds
        (500.0, 890.0, 510.0, 900.0)
    """

    def place(points: Points) -> Points:
        return np.column_stack(transform @ (points[:, 0], points[:, 1]))

    return np.asarray(shapely.transform(polygons, place), dtype=object)


def measure(polygons: Polygons, transform: Affine, crs: rasterio.crs.CRS) -> PolygonMeasures:
    """Measure polygons.

    Area and perimeter are geodesic on the WGS 84 ellipsoid; holes are subtracted from the area, and
    their outlines count in the perimeter. Length and width are those of the smallest rotated rectangle
    around the polygon, in the plane that touches the ellipsoid at the polygon's middle.

    Args:
        polygons: in pixel coordinates (column, row).
        transform: from pixel coordinates to the CRS.
        crs: of the raster.
    """
    to_degrees = pyproj.Transformer.from_crs(crs, 4326, always_xy=True)

    def in_degrees(points: Points) -> Points:
        return np.column_stack(to_degrees.transform(*(transform @ (points[:, 0], points[:, 1]))))

    if not len(polygons):
        return PolygonMeasures(*np.zeros((4, 0)))
    _, points, offsets = shapely.to_ragged_array(_divide_long_edges(polygons))
    area, perimeter = areas_and_lengths(in_degrees(points), offsets)
    hulls = shapely.transform(_divide_long_edges(shapely.convex_hull(polygons)), in_degrees)
    sides = _rectangle_sides(_in_metres(np.asarray(hulls, dtype=object)))
    return PolygonMeasures(area, perimeter, sides.max(axis=1), sides.min(axis=1))


def _divide_long_edges(polygons: Polygons) -> Polygons:
    """Divide long edges; most polygons are too small to have one."""
    left, top, right, bottom = shapely.bounds(polygons).T
    divided = polygons.copy()
    large = np.hypot(right - left, bottom - top) > LONGEST_EDGE
    divided[large] = shapely.segmentize(polygons[large], LONGEST_EDGE)
    return divided


def _in_metres(polygons: Polygons) -> Polygons:
    """Project polygons in degrees onto the planes that touch the ellipsoid in the middle of each."""
    points, owner = shapely.get_coordinates(polygons, return_index=True)
    first = np.searchsorted(owner, np.arange(len(polygons)))
    east = (points[:, 0] - points[first[owner], 0] + 180) % 360 - 180  # the short way round
    count = np.bincount(owner, minlength=len(polygons))
    latitude = np.radians(np.bincount(owner, points[:, 1], len(polygons)) / count)
    # Radii of curvature of the ellipsoid along the meridian and across it.
    flat = 1 - GEOD.es * np.sin(latitude) ** 2
    across = GEOD.a / np.sqrt(flat)
    along = across * (1 - GEOD.es) / flat
    metres = np.radians(np.column_stack([east, points[:, 1]]))
    metres[:, 0] *= (across * np.cos(latitude))[owner]
    metres[:, 1] = (metres[:, 1] - latitude[owner]) * along[owner]
    return np.asarray(shapely.set_coordinates(polygons.copy(), metres), dtype=object)


def _rectangle_sides(polygons: Polygons) -> Metres:
    """Give both sides (N, 2) of the smallest rotated rectangle around each polygon."""
    corners = shapely.get_coordinates(shapely.oriented_envelope(polygons)).reshape(-1, 5, 2)
    return np.asarray(np.linalg.norm(np.diff(corners[:, :3], axis=1), axis=2))
