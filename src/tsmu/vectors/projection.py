"""Reprojecting geometries from one CRS into another, including the edges between their corners.

An edge is straight in the CRS in which it was drawn. If only its two ends were reprojected, it would be straight in the
other CRS, too, and off by kilometres if it is some degrees long. So points are added to long edges first.
"""

from functools import lru_cache
from typing import Any

import numpy as np
import numpy.typing as npt
import pyproj
import shapely

from tsmu.errors import TsmuError
from tsmu.vectors.antimeridian import POLYGON_TYPES, Floats, Shapes, move_east, polygon_parts

LONGITUDE_LATITUDE = "EPSG:4326"
SEMI_MAJOR_M = 6_378_137.0  # WGS 84
MAX_ELLIPSOID_DIFFERENCE = 0.005  # share by which the semi-major axis of an ellipsoid of the Earth may differ
TOLERANCE_DEGREES = 1e-5  # about 1 m
# In polygons that are no larger than this (in degrees or in metres) no edge bends by the tolerance.
SHORT_DEGREES = 0.01
SHORT_M = 1_000.0
MAX_ROUNDS, MAX_PIECES = 4, 16  # how often edges are divided at most, and into how many pieces each time
LATTICE_SIDE = 33  # a lattice with so many points on each side gives the extent of a rectangle in another CRS

Bounds = tuple[float, float, float, float]  # west, south, east, north


def require_earth_crs(crs: Any, name: str, error: type[TsmuError]) -> pyproj.CRS:
    """Return a CRS if it is one of the Earth.

    Args:
        crs: anything that pyproj understands as a CRS, or None.
        name: the name of the file or layer with this CRS in messages.
        error: the class of the errors.

    Raises:
        TsmuError: of the class `error`, if `crs` is None, or is not a CRS of the Earth.

    Example:
        >>> require_earth_crs("EPSG:32645", "slides.gpkg", TsmuError).to_epsg()
        32645
        >>> require_earth_crs(None, "slides.gpkg", TsmuError)
        Traceback (most recent call last):
        tsmu.errors.TsmuError: slides.gpkg: has no coordinate reference system; assign one, with ogr2ogr ...
    """
    if crs is None:
        raise error(f"{name}: has no coordinate reference system; assign one, with ogr2ogr -a_srs for instance")
    known = pyproj.CRS.from_user_input(crs)
    if not is_earth_crs(known):
        raise error(f"{name}: its coordinate reference system {known.name!r} is not one of the Earth")
    try:
        transformer(known, LONGITUDE_LATITUDE)
    except pyproj.exceptions.ProjError:
        raise error(
            f"{name}: its coordinate reference system {known.name!r} has no place on Earth; assign the right one, "
            "with ogr2ogr -a_srs for instance"
        ) from None
    return known


def is_earth_crs(crs: pyproj.CRS) -> bool:
    """Whether a CRS describes the Earth, and not another planet.

    Example:
        >>> is_earth_crs(pyproj.CRS("EPSG:4326")), is_earth_crs(pyproj.CRS("IAU_2015:49900"))  # Mars
        (True, False)
    """
    ellipsoid = crs.ellipsoid
    return ellipsoid is None or abs(ellipsoid.semi_major_metre / SEMI_MAJOR_M - 1) < MAX_ELLIPSOID_DIFFERENCE


def transformer(source: Any, target: Any) -> pyproj.Transformer:
    """The transformation between two CRSs, with x (or longitude) first; it is made once and then cached.

    Example:
        >>> x, y = transformer("EPSG:4326", "EPSG:32645").transform(87.0, 0.0)
        >>> round(x), round(y)
        (500000, 0)
    """
    return _transformer(*(pyproj.CRS.from_user_input(crs).to_wkt() for crs in (source, target)))


@lru_cache(64)
def _transformer(source: str, target: str) -> pyproj.Transformer:
    return pyproj.Transformer.from_crs(source, target, always_xy=True)


def reproject(shapes: Shapes, source: Any, target: Any, tolerance: float = TOLERANCE_DEGREES) -> Shapes:
    """Reproject geometries; long edges of polygons bend as they do on the ground.

    Args:
        shapes: geometries in `source`; some may be None.
        source: a CRS of the Earth.
        target: another CRS of the Earth.
        tolerance: how far a reprojected edge may deviate from its true course, in units of `target`. Polygons smaller
            than about 1 km are not examined, because their edges bend by less than a metre.

    Returns:
        The geometries in `target`; coordinates that `target` cannot represent are infinite.

    Example:
        >>> round(reproject(np.array([shapely.Point(87, 0)], dtype=object), "EPSG:4326", "EPSG:32645")[0].x)
        500000
    """
    origin, aim = pyproj.CRS.from_user_input(source), pyproj.CRS.from_user_input(target)
    if _are_same(origin, aim):
        return shapes
    forward = transformer(origin, aim)
    short = SHORT_DEGREES if origin.is_geographic else SHORT_M / _metres_per_unit(origin)
    left, bottom, right, top = shapely.bounds(shapes).reshape(-1, 4).T
    large = np.isin(shapely.get_type_id(shapes), POLYGON_TYPES) & (np.hypot(right - left, top - bottom) > short)
    dense = shapes.copy()
    dense[large] = _with_points_on_edges(shapes[large], forward, tolerance, in_degrees=aim.is_geographic)
    return _transform(dense, forward)


def reproject_into_frame(
    shapes: Shapes, source: Any, target: Any, frame: Bounds, tolerance: float, margin: float | None = None
) -> Shapes:
    """Reproject the parts of polygons that lie in or near a rectangle of another CRS, such as an image's extent.

    Polygons are clipped to the surroundings of the rectangle first, because the other CRS may be unable to represent
    places far away.

    Args:
        shapes: valid polygons in `source`; in degrees they may reach beyond 180.
        source: a CRS of the Earth.
        target: the CRS of the rectangle.
        frame: the rectangle.
        tolerance: how far a reprojected edge may deviate from its true course, in units of `target`.
        margin: how far around the rectangle polygons are kept, in units of `target`; by default half of the rectangle's
            longer side.

    Returns:
        The part of each polygon in or near the rectangle; an empty polygon where there is none. If both CRSs are the
        same projected CRS, the polygons are returned unchanged.

    Example:
        >>> world = np.array([shapely.box(-180, -80, 180, 80)], dtype=object)
        >>> part = reproject_into_frame(world, "EPSG:4326", "EPSG:32645", (5e5, 3e6, 6e5, 3.1e6), 1.0)
        >>> part[0].contains(shapely.box(5e5, 3e6, 6e5, 3.1e6))
        True
    """
    origin, aim = pyproj.CRS.from_user_input(source), pyproj.CRS.from_user_input(target)
    are_same = _are_same(origin, aim)
    if are_same and not origin.is_geographic:
        return shapes
    parts = _clip_around_frame(shapes, origin, aim, frame, margin)
    if are_same:
        return parts
    forward = transformer(origin, aim)
    near = ~shapely.is_empty(parts)
    dense = _with_points_on_edges(parts[near], forward, tolerance, in_degrees=aim.is_geographic)
    projected = _transform(dense, forward)
    finite = np.isfinite(shapely.bounds(projected).reshape(-1, 4)).all(axis=1)
    projected[~finite] = shapely.Polygon()
    broken = ~shapely.is_valid(projected)
    projected[broken] = shapely.make_valid(projected[broken], method="structure", keep_collapsed=False)
    parts[near] = projected
    return parts


def _clip_around_frame(
    shapes: Shapes, origin: pyproj.CRS, aim: pyproj.CRS, frame: Bounds, margin: float | None
) -> Shapes:
    """Clip polygons, in their own CRS, to the surroundings of a rectangle of another CRS.

    Args:
        shapes: polygons in `origin`.
        origin: the polygons' CRS.
        aim: the rectangle's CRS.
        frame: the rectangle.
        margin: how far around the rectangle polygons are kept, in units of `aim`; None means half its longer side.
    """
    margin = max(frame[2] - frame[0], frame[3] - frame[1]) / 2 if margin is None else margin
    around = (frame[0] - margin, frame[1] - margin, frame[2] + margin, frame[3] + margin)
    back = None if _are_same(origin, aim) else transformer(aim, origin)
    box = around if back is None else _extent(around, back, in_degrees=origin.is_geographic)
    clipped = np.full(len(shapes), shapely.Polygon(), dtype=object)
    if box is None:
        return clipped
    for offset in (0.0, 360.0, -360.0) if origin.is_geographic else (0.0,):
        part = _clip(shapes, (box[0] + offset, box[1], box[2] + offset, box[3]))
        near = ~shapely.is_empty(part)
        part[near] = move_east(part[near], -offset)
        several = near & ~shapely.is_empty(clipped)
        clipped[near & ~several] = part[near & ~several]
        clipped[several] = shapely.union(clipped[several], part[several])
    return clipped


def _are_same(first: pyproj.CRS, second: pyproj.CRS) -> bool:
    return bool(first == second or first.equals(second, ignore_axis_order=True))


def _metres_per_unit(crs: pyproj.CRS) -> float:
    """How many metres one unit of a projected CRS is long."""
    return float(crs.axis_info[0].unit_conversion_factor) if crs.axis_info else 1.0


def _transform(shapes: Shapes, forward: pyproj.Transformer) -> Shapes:
    def transform_points(points: Floats) -> Floats:
        return np.column_stack(forward.transform(points[:, 0], points[:, 1]))

    return np.asarray(shapely.transform(shapes, transform_points), dtype=object)


def _with_points_on_edges(shapes: Shapes, forward: pyproj.Transformer, tolerance: float, *, in_degrees: bool) -> Shapes:
    """Add points to the edges of polygons that would deviate by more than the tolerance when they are reprojected.

    Args:
        shapes: the polygons.
        forward: the transformation.
        tolerance: how far the middle of an edge may deviate, in units of the transformation's target.
        in_degrees: whether the target's units are degrees.

    Returns:
        The polygons, not yet reprojected.
    """
    dense = shapes.copy()
    todo = np.arange(len(shapes))
    for _ in range(MAX_ROUNDS):
        ends, owner = _edges(dense[todo])
        if not len(ends):
            break
        projected = np.stack(
            [np.column_stack(forward.transform(*points.T)) for points in (ends[:, 0], ends.mean(axis=1), ends[:, 1])]
        )
        deviation = _deviation(projected, in_degrees=in_degrees)
        bent = deviation > tolerance
        if not bent.any():
            break
        pieces = np.ceil(np.sqrt(deviation[bent] / tolerance)).clip(2, MAX_PIECES)
        length = np.hypot(*(ends[bent, 1] - ends[bent, 0]).T)
        step = np.full(len(todo), np.inf)
        np.minimum.at(step, owner[bent], length / pieces * (1 + 1e-9))
        has_bent_edges = np.isfinite(step)
        todo = todo[has_bent_edges]
        dense[todo] = shapely.segmentize(dense[todo], step[has_bent_edges])
    return dense


def _deviation(projected: Floats, *, in_degrees: bool) -> Floats:
    """How far the reprojected middle of each edge lies from the point half way between its reprojected ends.

    Args:
        projected: the first end, the middle and the last end of each edge, (3, N, 2).
        in_degrees: whether the coordinates are degrees; longitudes then differ by 180 degrees at most.

    Returns:
        The distances, (N,); 0 where a coordinate is not finite.
    """
    half, whole = projected[1] - projected[0], projected[2] - projected[0]
    if in_degrees:
        half[:, 0], whole[:, 0] = ((values[:, 0] + 180) % 360 - 180 for values in (half, whole))
    deviation = np.hypot(*(half - whole / 2).T)
    return np.asarray(np.where(np.isfinite(deviation), deviation, 0))


def _edges(shapes: Shapes) -> tuple[Floats, npt.NDArray[np.int64]]:
    """The edges of polygons, (N, 2 ends, 2 coordinates), and the position of each edge's polygon, (N,)."""
    parts, owner = shapely.get_parts(shapes, return_index=True)
    rings, part = shapely.get_rings(parts, return_index=True)
    points, ring = shapely.get_coordinates(rings, return_index=True)
    in_one_ring = ring[1:] == ring[:-1]
    ends = np.stack([points[:-1], points[1:]], axis=1)[in_one_ring]
    return ends, owner[part[ring[:-1][in_one_ring]]]


def _extent(frame: Bounds, back: pyproj.Transformer, *, in_degrees: bool) -> Bounds | None:
    """The box around a rectangle in another CRS; None if that CRS cannot represent any of it.

    Args:
        frame: the rectangle.
        back: the transformation from the rectangle's CRS to the other one.
        in_degrees: whether the other CRS is in degrees.
    """
    x, y = np.meshgrid(np.linspace(frame[0], frame[2], LATTICE_SIDE), np.linspace(frame[1], frame[3], LATTICE_SIDE))
    points = np.column_stack(back.transform(x.ravel(), y.ravel()))
    middle = points[len(points) // 2]
    points = points[np.isfinite(points).all(axis=1)]
    if not len(points):
        return None
    if in_degrees and np.isfinite(middle).all():
        points[:, 0] = middle[0] + (points[:, 0] - middle[0] + 180) % 360 - 180
    low, high = points.min(axis=0), points.max(axis=0)
    step = (high - low) / LATTICE_SIDE
    return float(low[0] - step[0]), float(low[1] - step[1]), float(high[0] + step[0]), float(high[1] + step[1])


def _clip(shapes: Shapes, box: Bounds) -> Shapes:
    """The parts of polygons in a box; an empty polygon where there is none."""
    left, bottom, right, top = shapely.bounds(shapes).reshape(-1, 4).T
    near = (left < box[2]) & (right > box[0]) & (bottom < box[3]) & (top > box[1])
    inside = near & (left >= box[0]) & (right <= box[2]) & (bottom >= box[1]) & (top <= box[3])
    clipped = np.full(len(shapes), shapely.Polygon(), dtype=object)
    clipped[inside] = shapes[inside]
    for position in np.flatnonzero(near & ~inside).tolist():
        parts = polygon_parts(np.array([shapely.intersection(shapes[position], shapely.box(*box))], dtype=object))
        clipped[position] = shapely.multipolygons(parts) if len(parts) else shapely.Polygon()
    return clipped
