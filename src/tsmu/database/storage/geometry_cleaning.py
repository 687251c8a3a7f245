"""Polygons from anywhere brought into the database's form: valid MultiPolygons in EPSG:4326."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import geopandas
import numpy as np
import numpy.typing as npt
import shapely

from tsmu.database.storage.geometry import Shapes
from tsmu.database.types import SRS_ID
from tsmu.errors import DatabaseError
from tsmu.geodesy import areas_and_lengths
from tsmu.issues import IssueLog
from tsmu.vectors import crosses_antimeridian, join_at_antimeridian, reproject, split_at_antimeridian

AREA_TOLERANCE = 0.01  # share by which a stored area may differ: polygons are drawn in a plane and stored in degrees
SHAPES_AT_ONCE = 10_000  # that one core checks before it takes the next ones
_POLYGON, _COLLECTION = 3, 7
_AREAL = (_POLYGON, 6, _COLLECTION)  # shapely's type numbers: polygon, multipolygon, collection
_NOWHERE = "lies nowhere on Earth"


def read_outlines(path: Path, log: IssueLog, layers: Sequence[str] = ()) -> Shapes:
    """Read the polygons of a file as the database holds them.

    Args:
        path: as `vectors.read_polygons` takes it.
        log: takes the features that are left out or repaired.
        layers: the names of the layers that are read; by default all.

    Raises:
        DatabaseError: the file cannot be read.
    """
    from tsmu.vectors import read_polygons  # and with it GDAL, which queries do not need

    frames = read_polygons(path, log, DatabaseError, layers)
    cleaned = [clean_polygons(frame.geometry, frame.attrs["file"], log, frame.index.tolist())[1] for frame in frames]
    return np.concatenate(cleaned)


def clean_polygons(
    polygons: geopandas.GeoSeries, name: str, log: IssueLog, rows: Sequence[int] | None = None
) -> tuple[npt.NDArray[np.intp], Shapes]:
    """Bring polygons into the database's form; those that cannot be are left out, repairs are reported.

    Heights are dropped, self-intersections resolved, polygons across the 180th meridian cut there.

    Args:
        polygons: polygons or collections with polygons, in any CRS.
        name: what the issues call them.
        log: takes the issues.
        rows: the number by which the issues call each; by default counted from 1 in the order given.

    Returns:
        The positions of those that stay, and their MultiPolygons in EPSG:4326, longitude first.

    Raises:
        DatabaseError: there is no CRS.
    """
    if polygons.crs is None:
        raise DatabaseError(f"{name}: polygons without a CRS cannot be stored; give them a CRS")
    shapes = np.array(polygons.array, dtype=object)
    if shapely.has_z(shapes).any() or shapely.has_m(shapes).any():
        shapes = shapely.force_2d(shapes)
    positions = np.arange(len(shapes))
    numbers = positions + 1 if rows is None else np.asarray(rows)

    def leave_out(bad: npt.NDArray[np.bool_], problem: str) -> None:
        nonlocal shapes, positions
        for row in numbers[positions[bad]].tolist():
            log.error(name, problem, row=row)
        shapes, positions = shapes[~bad], positions[~bad]

    leave_out(shapely.is_missing(shapes) | shapely.is_empty(shapes), "has no geometry")
    leave_out(~np.isin(shapely.get_type_id(shapes), _AREAL), "is no polygon")
    leave_out(~_finite(shapes), "has coordinates that are no numbers")
    if polygons.crs.to_epsg() != SRS_ID:
        shapes = reproject(shapes, polygons.crs, SRS_ID)
        leave_out(~_finite(shapes), _NOWHERE)
    bounds = shapely.bounds(shapes).reshape(-1, 4)
    on_earth = (np.abs(bounds[:, [1, 3]]) <= 90).all(1) & (bounds[:, 0] >= -180) & (bounds[:, 2] <= 360)
    leave_out(~on_earth, _NOWHERE)
    broken = ~_valid(shapes)
    shapes, across = _cut_across_180(shapes)
    for mask, problem, action in (
        (across, "lies across the 180th meridian", "cut there"),
        (broken & ~across, "is not a valid polygon", "repaired"),
    ):
        for row in numbers[positions[mask]].tolist():
            log.warning(name, problem, action, row=row)
    repair = broken | across | (shapely.get_type_id(shapes) == _COLLECTION)
    shapes[repair] = shapely.make_valid(shapes[repair], method="structure", keep_collapsed=False)
    shapes = as_multipolygons(shapes)
    leave_out(shapely.is_empty(shapes) | (shapely.area(shapes) == 0), "has no area")
    return positions, shapes


def _cut_across_180(shapes: Shapes) -> tuple[Shapes, npt.NDArray[np.bool_]]:
    """Shapes between -180 and 180 degrees east, and which were cut because they lay across the 180th meridian."""
    bounds = shapely.bounds(shapes).reshape(-1, 4)
    within = shapes.copy()
    eastern = bounds[:, 0] >= 180  # of grids from 0 to 360 degrees
    within[eastern] = split_at_antimeridian(within[eastern])
    in_two_pieces = crosses_antimeridian(within)
    across = in_two_pieces | ((bounds[:, 2] > 180) & ~eastern)
    within[in_two_pieces] = join_at_antimeridian(within[in_two_pieces])
    within[across] = shapely.make_valid(within[across], method="structure", keep_collapsed=False)
    within[across] = split_at_antimeridian(within[across])
    return within, across


def geodesic_areas(shapes: Shapes) -> npt.NDArray[np.float64]:
    """Areas on the WGS 84 ellipsoid, m2, of shapes in EPSG:4326 whose edges are geodesics; 0 of what is no polygon."""
    parts, owner = shapely.get_parts(shapes, return_index=True)
    parts, inner = shapely.get_parts(parts, return_index=True)  # a collection may hold multipolygons
    owner, areal = owner[inner], shapely.get_type_id(parts) == _POLYGON
    if not areal.any():
        return np.zeros(len(shapes))
    _, points, offsets = shapely.to_ragged_array(parts[areal], include_z=False, include_m=False)
    return np.bincount(owner[areal], areas_and_lengths(points, offsets)[0], len(shapes)).astype(np.float64)


def _valid(shapes: Shapes) -> npt.NDArray[np.bool_]:
    """`shapely.is_valid` on all cores: it is a seventh of the time that many polygons take into a database."""
    if not len(shapes):
        return np.zeros(0, bool)
    with ThreadPoolExecutor() as pool:
        return np.concatenate(
            list(pool.map(shapely.is_valid, np.array_split(shapes, -(-len(shapes) // SHAPES_AT_ONCE))))
        )


def _finite(shapes: Shapes) -> npt.NDArray[np.bool_]:
    coordinates, owner = shapely.get_coordinates(shapes, return_index=True)
    finite = np.ones(len(shapes), dtype=bool)
    finite[owner[~np.isfinite(coordinates).all(1)]] = False
    return finite


def as_multipolygons(shapes: Shapes) -> Shapes:
    """The polygons in each shape as one MultiPolygon; empty where there are none."""
    made = shapes.copy()
    single = shapely.get_type_id(shapes) == _POLYGON
    if single.any():
        made[single] = shapely.multipolygons(shapes[single], indices=np.arange(single.sum()))
    for place in np.flatnonzero(shapely.get_type_id(shapes) == _COLLECTION):
        parts = shapely.get_parts(shapely.get_parts(shapes[place]))
        made[place] = shapely.union_all(parts[shapely.get_type_id(parts) == _POLYGON])
        if made[place].geom_type == "Polygon":
            made[place] = shapely.multipolygons([made[place]])
    return made
