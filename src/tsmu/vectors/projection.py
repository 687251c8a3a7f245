"""Geometries from one CRS into another, with the edges between their corners, and across the 180th meridian.

An edge is straight in the CRS in which it was drawn. Reprojecting its two ends alone would draw it straight in
the other CRS, which is off by kilometres for an edge of some degrees; so points are put on long edges first.
"""

from functools import lru_cache
from typing import Any

import numpy as np
import numpy.typing as npt
import pyproj
import shapely

from tsmu.errors import TsmuError

DEGREES = "EPSG:4326"
SEMI_MAJOR_M = 6_378_137.0  # WGS 84
OTHER_PLANET = 0.005  # share by which the semi-major axis of an ellipsoid of the Earth may differ
TOLERANCE_DEGREES = 1e-5  # about 1 m
SHORT_DEGREES = 0.01  # a polygon no larger than this, or than SHORT_M, has no edge that bends by the tolerance
SHORT_M = 1_000.0
ROUNDS, MOST_PIECES = 4, 16  # how often, and into how many pieces each time, an edge is divided
LATTICE = 33  # points a side by which the extent of a rectangle in another CRS is found
TALLEST_ACROSS = 60.0  # degrees; a polygon that is taller and wider than half the Earth is as wide as it says
_AREAL = (shapely.GeometryType.POLYGON, shapely.GeometryType.MULTIPOLYGON)

Shapes = npt.NDArray[np.object_]
Floats = npt.NDArray[np.float64]
Box = tuple[float, float, float, float]  # west, south, east, north


def earth_crs(crs: Any, place: str, error: type[TsmuError]) -> pyproj.CRS:
    """Return the CRS of `place` (how messages call it) if it has one that is of the Earth.

    Raises:
        TsmuError: of the class `error`, otherwise.
    """
    if crs is None:
        raise error(f"{place}: has no coordinate reference system; assign one, with ogr2ogr -a_srs for instance")
    known = pyproj.CRS.from_user_input(crs)
    if not of_the_earth(known):
        raise error(f"{place}: its coordinate reference system {known.name!r} is not one of the Earth")
    try:
        transformer(known, DEGREES)
    except pyproj.exceptions.ProjError:
        raise error(
            f"{place}: its coordinate reference system {known.name!r} has no place on Earth; assign the right one, "
            "with ogr2ogr -a_srs for instance"
        ) from None
    return known


def of_the_earth(crs: pyproj.CRS) -> bool:
    """Whether a CRS describes the Earth, and not another planet."""
    ellipsoid = crs.ellipsoid
    return ellipsoid is None or abs(ellipsoid.semi_major_metre / SEMI_MAJOR_M - 1) < OTHER_PLANET


def transformer(source: Any, target: Any) -> pyproj.Transformer:
    """The transformation between two CRSs, x (or longitude) first; made once."""
    return _transformer(*(pyproj.CRS.from_user_input(crs).to_wkt() for crs in (source, target)))


@lru_cache(64)
def _transformer(source: str, target: str) -> pyproj.Transformer:
    return pyproj.Transformer.from_crs(source, target, always_xy=True)


def transformed(shapes: Shapes, source: Any, target: Any, tolerance: float = TOLERANCE_DEGREES) -> Shapes:
    """Reproject geometries; long edges of polygons bend as they do on the ground.

    Args:
        shapes: geometries in `source`, None among them.
        source: a CRS of the Earth.
        target: another.
        tolerance: by how much an edge may lie off, in units of `target`. Polygons below some 1 km are not
            looked at: their edges bend by less than a metre.

    Returns:
        The geometries in `target`; coordinates that have no place there are infinite.
    """
    origin, aim = pyproj.CRS.from_user_input(source), pyproj.CRS.from_user_input(target)
    if _same(origin, aim):
        return shapes
    forward = transformer(origin, aim)
    short = SHORT_DEGREES if origin.is_geographic else SHORT_M / _unit(origin)
    left, bottom, right, top = shapely.bounds(shapes).reshape(-1, 4).T
    large = np.isin(shapely.get_type_id(shapes), _AREAL) & (np.hypot(right - left, top - bottom) > short)
    dense = shapes.copy()
    dense[large] = _with_points_on_edges(shapes[large], forward, tolerance, round_the_earth=aim.is_geographic)
    return _moved(dense, forward)


def laid_on(
    shapes: Shapes, source: Any, target: Any, frame: Box, tolerance: float, margin: float | None = None
) -> Shapes:
    """Reproject polygons as far as they lie in or near a rectangle of another CRS, such as an image's.

    Whatever their size they are clipped to the surroundings of the rectangle first, because what lies far from
    there may have no place in the other CRS.

    Args:
        shapes: valid polygons in `source`; in degrees they may reach beyond 180.
        source: a CRS of the Earth.
        target: the CRS of the rectangle.
        frame: the rectangle.
        tolerance: by how much an edge may lie off, in units of `target`.
        margin: how far around the rectangle they are kept, in units of `target`; by default half its larger side.

    Returns:
        For each the part in or near the rectangle; an empty polygon where there is none.
    """
    origin, aim = pyproj.CRS.from_user_input(source), pyproj.CRS.from_user_input(target)
    same = _same(origin, aim)
    if same and not origin.is_geographic:
        return shapes
    beside = max(frame[2] - frame[0], frame[3] - frame[1]) / 2 if margin is None else margin
    around = (frame[0] - beside, frame[1] - beside, frame[2] + beside, frame[3] + beside)
    box = around if same else _extent(around, transformer(aim, origin), round_the_earth=origin.is_geographic)
    made = np.full(len(shapes), shapely.Polygon(), dtype=object)
    if box is None:
        return made
    turns = (0.0, 360.0, -360.0) if origin.is_geographic else (0.0,)
    for turn in turns:
        part = _clipped(shapes, (box[0] + turn, box[1], box[2] + turn, box[3]))
        near = ~shapely.is_empty(part)
        part[near] = _turned(part[near], -turn)
        several = near & ~shapely.is_empty(made)
        made[near & ~several] = part[near & ~several]
        made[several] = shapely.union(made[several], part[several])
    if same:
        return made
    forward = transformer(origin, aim)
    near = ~shapely.is_empty(made)
    dense = _with_points_on_edges(made[near], forward, tolerance, round_the_earth=aim.is_geographic)
    placed = _moved(dense, forward)
    finite = np.isfinite(shapely.bounds(placed).reshape(-1, 4)).all(axis=1)
    placed[~finite] = shapely.Polygon()
    broken = ~shapely.is_valid(placed)
    placed[broken] = shapely.make_valid(placed[broken], method="structure", keep_collapsed=False)
    made[near] = placed
    return made


def across_180(shapes: Shapes) -> npt.NDArray[np.bool_]:
    """Which polygons in degrees lie across the 180th meridian, with corners near both ends of -180 to 180.

    Such a polygon seems to be wider than half the Earth, and is narrower the other way round. One that is as
    wide either way (a box from -180 to 180), or taller than 60 degrees, is as wide as it says.
    """
    across = np.zeros(len(shapes), bool)
    wide = np.flatnonzero(np.isin(shapely.get_type_id(shapes), _AREAL) & (_width(shapes) > 180))
    parts, owner = shapely.get_parts(shapes[wide], return_index=True)
    bounds = shapely.bounds(parts).reshape(-1, 4)
    eastward = _width(shapely.transform(parts, _eastward))
    turned = (_width(parts) > 180) & (eastward > 0) & (eastward < 180)
    turned &= bounds[:, 3] - bounds[:, 1] <= TALLEST_ACROSS
    across[wide[owner[turned]]] = True
    return across


def joined_at_180(shapes: Shapes) -> Shapes:
    """Polygons of `across_180` in one piece, from below to above 180 degrees east."""
    return np.asarray(shapely.transform(shapes, _eastward), dtype=object)


def cut_at_180(shapes: Shapes) -> Shapes:
    """Polygons in degrees that reach beyond -180 or 180, in pieces within -180 to 180."""
    made = shapes.copy()
    bounds = shapely.bounds(shapes).reshape(-1, 4)
    for place in np.flatnonzero((bounds[:, 0] < -180) | (bounds[:, 2] > 180)).tolist():
        turns = (-360.0, 0.0, 360.0)
        boxes = [shapely.box(turn - 180, -90, turn + 180, 90) for turn in turns]
        pieces = shapely.intersection(shapes[place], np.array(boxes, dtype=object))
        turned = [_turned(pieces[at : at + 1], -turn)[0] for at, turn in enumerate(turns)]
        made[place] = shapely.union_all(polygon_parts(np.array(turned, dtype=object)))
    return made


def within_180(longitudes: Floats) -> Floats:
    """Longitudes of grids from 0 to 360 degrees as those from -180 to 180."""
    return np.asarray(np.where(np.abs(longitudes) > 180, (longitudes + 180) % 360 - 180, longitudes))


def polygon_parts(shapes: Shapes) -> Shapes:
    """All polygons in geometries of any kind, without those that are empty."""
    parts = shapely.get_parts(shapely.get_parts(shapes))
    while (shapely.get_type_id(parts) > shapely.GeometryType.POLYGON).any():
        parts = shapely.get_parts(parts)
    return np.asarray(parts[(shapely.get_type_id(parts) == shapely.GeometryType.POLYGON) & ~shapely.is_empty(parts)])


def _same(first: pyproj.CRS, second: pyproj.CRS) -> bool:
    return bool(first == second or first.equals(second, ignore_axis_order=True))


def _unit(crs: pyproj.CRS) -> float:
    """Metres in a unit of a projected CRS."""
    return float(crs.axis_info[0].unit_conversion_factor) if crs.axis_info else 1.0


def _moved(shapes: Shapes, forward: pyproj.Transformer) -> Shapes:
    def move(points: Floats) -> Floats:
        return np.column_stack(forward.transform(points[:, 0], points[:, 1]))

    return np.asarray(shapely.transform(shapes, move), dtype=object)


def _with_points_on_edges(
    shapes: Shapes, forward: pyproj.Transformer, tolerance: float, *, round_the_earth: bool
) -> Shapes:
    """Divide the edges whose middle would lie off by more than the tolerance, until none does."""
    dense = shapes.copy()
    todo = np.arange(len(shapes))
    for _ in range(ROUNDS):
        ends, owner = _edges(dense[todo])
        if not len(ends):
            break
        places = np.stack(
            [np.column_stack(forward.transform(*points.T)) for points in (ends[:, 0], ends.mean(axis=1), ends[:, 1])]
        )
        off = _off(places, round_the_earth=round_the_earth)
        bent = off > tolerance
        if not bent.any():
            break
        pieces = np.ceil(np.sqrt(off[bent] / tolerance)).clip(2, MOST_PIECES)
        length = np.hypot(*(ends[bent, 1] - ends[bent, 0]).T)
        step = np.full(len(todo), np.inf)
        np.minimum.at(step, owner[bent], length / pieces * (1 + 1e-9))
        which = np.isfinite(step)
        todo = todo[which]
        dense[todo] = shapely.segmentize(dense[todo], step[which])
    return dense


def _off(places: Floats, *, round_the_earth: bool) -> Floats:
    """How far the middle of each edge lies from half way between its ends, (3, N, 2) to (N,); 0 where unknown."""
    half, whole = places[1] - places[0], places[2] - places[0]
    if round_the_earth:
        half[:, 0], whole[:, 0] = ((values[:, 0] + 180) % 360 - 180 for values in (half, whole))
    off = np.hypot(*(half - whole / 2).T)
    return np.asarray(np.where(np.isfinite(off), off, 0))


def _edges(shapes: Shapes) -> tuple[Floats, npt.NDArray[np.int64]]:
    """The edges of polygons, (N, 2 ends, 2), and the number of the polygon that each is of."""
    parts, owner = shapely.get_parts(shapes, return_index=True)
    rings, part = shapely.get_rings(parts, return_index=True)
    points, ring = shapely.get_coordinates(rings, return_index=True)
    inside = ring[1:] == ring[:-1]
    ends = np.stack([points[:-1], points[1:]], axis=1)[inside]
    return ends, owner[part[ring[:-1][inside]]]


def _extent(frame: Box, back: pyproj.Transformer, *, round_the_earth: bool) -> Box | None:
    """A box around a rectangle in another CRS; None where none of it has a place there."""
    x, y = np.meshgrid(np.linspace(frame[0], frame[2], LATTICE), np.linspace(frame[1], frame[3], LATTICE))
    points = np.column_stack(back.transform(x.ravel(), y.ravel()))
    middle = points[len(points) // 2]
    points = points[np.isfinite(points).all(axis=1)]
    if not len(points):
        return None
    if round_the_earth and np.isfinite(middle).all():
        points[:, 0] = middle[0] + (points[:, 0] - middle[0] + 180) % 360 - 180
    low, high = points.min(axis=0), points.max(axis=0)
    more = (high - low) / LATTICE
    return float(low[0] - more[0]), float(low[1] - more[1]), float(high[0] + more[0]), float(high[1] + more[1])


def _clipped(shapes: Shapes, box: Box) -> Shapes:
    """The parts of polygons in a box; an empty polygon where there is none."""
    left, bottom, right, top = shapely.bounds(shapes).reshape(-1, 4).T
    near = (left < box[2]) & (right > box[0]) & (bottom < box[3]) & (top > box[1])
    inside = near & (left >= box[0]) & (right <= box[2]) & (bottom >= box[1]) & (top <= box[3])
    made = np.full(len(shapes), shapely.Polygon(), dtype=object)
    made[inside] = shapes[inside]
    for place in np.flatnonzero(near & ~inside).tolist():
        parts = polygon_parts(np.array([shapely.intersection(shapes[place], shapely.box(*box))], dtype=object))
        made[place] = shapely.multipolygons(parts) if len(parts) else shapely.Polygon()
    return made


def _turned(shapes: Shapes, degrees: float) -> Shapes:
    """Polygons in degrees, moved to the east."""
    return np.asarray(shapely.transform(shapes, lambda points: points + np.array([degrees, 0.0])), dtype=object)


def _width(shapes: Shapes) -> Floats:
    bounds = shapely.bounds(shapes).reshape(-1, 4)
    return np.asarray(bounds[:, 2] - bounds[:, 0])


def _eastward(points: Floats) -> Floats:
    return np.column_stack([points[:, 0] + 360 * (points[:, 0] < 0), points[:, 1]])
