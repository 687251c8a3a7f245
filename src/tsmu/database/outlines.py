"""Polygons from anywhere as the database holds them: valid MultiPolygons in EPSG:4326."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import geopandas
import numpy as np
import numpy.typing as npt
import shapely

from tsmu.database.blobs import Shapes
from tsmu.database.types import SRS_ID
from tsmu.errors import DatabaseError
from tsmu.geodesy import areas_and_lengths
from tsmu.issues import IssueLog
from tsmu.projecting import across_180, cut_at_180, joined_at_180, transformed
from tsmu.vector_files import read_polygons

AT_ONCE = 10_000  # shapes that one core looks at before it takes the next ones
_POLYGON, _COLLECTION = 3, 7
_AREAL = (_POLYGON, 6, _COLLECTION)  # shapely's type numbers: polygon, multipolygon, collection
_NOWHERE = "lies nowhere on Earth"


def read_outlines(path: Path, log: IssueLog, layers: Sequence[str] = ()) -> Shapes:
    """Read the polygons of a file as the database holds them.

    Args:
        path: as `vector_files.read_polygons` takes it.
        log: takes the features that are left out or repaired.
        layers: the names of the layers that are read; by default all.

    Raises:
        DatabaseError: the file cannot be read.
    """
    frames = read_polygons(path, log, DatabaseError, layers)
    cleaned = [clean(frame.geometry, frame.attrs["file"], log, frame.index.tolist())[1] for frame in frames]
    return np.concatenate(cleaned)


def clean(
    given: geopandas.GeoSeries, name: str, log: IssueLog, rows: Sequence[int] | None = None
) -> tuple[npt.NDArray[np.intp], Shapes]:
    """Bring polygons into the database's form; what cannot be is left out, what is repaired is told.

    Heights are dropped, self-intersections resolved, polygons across the 180th meridian cut there.

    Args:
        given: polygons or collections with polygons, in any CRS.
        name: what the issues call them.
        log: takes the issues.
        rows: the number by which the issues call each; by default counted from 1 in the order given.

    Returns:
        The positions of those that stay, and their MultiPolygons in EPSG:4326, longitude first.

    Raises:
        DatabaseError: there is no CRS.
    """
    if given.crs is None:
        raise DatabaseError(f"{name}: polygons without a CRS cannot be stored; give them a CRS")
    shapes = np.array(given.array, dtype=object)
    if shapely.has_z(shapes).any() or shapely.has_m(shapes).any():
        shapes = shapely.force_2d(shapes)
    places = np.arange(len(shapes))
    numbers = places + 1 if rows is None else np.asarray(rows)

    def leave_out(bad: npt.NDArray[np.bool_], problem: str) -> None:
        nonlocal shapes, places
        for row in numbers[places[bad]].tolist():
            log.error(name, problem, row=row)
        shapes, places = shapes[~bad], places[~bad]

    leave_out(shapely.is_missing(shapes) | shapely.is_empty(shapes), "has no geometry")
    leave_out(~np.isin(shapely.get_type_id(shapes), _AREAL), "is no polygon")
    leave_out(~_finite(shapes), "has coordinates that are no numbers")
    if given.crs.to_epsg() != SRS_ID:
        shapes = transformed(shapes, given.crs, SRS_ID)
        leave_out(~_finite(shapes), _NOWHERE)
    bounds = shapely.bounds(shapes).reshape(-1, 4)
    on_earth = (np.abs(bounds[:, [1, 3]]) <= 90).all(1) & (bounds[:, 0] >= -180) & (bounds[:, 2] <= 360)
    leave_out(~on_earth, _NOWHERE)
    broken = ~_valid(shapes)
    bounds = bounds[on_earth]
    turned = bounds[:, 0] >= 180  # of grids from 0 to 360 degrees
    shapes[turned] = cut_at_180(shapes[turned])
    beyond = (bounds[:, 2] > 180) & ~turned
    joined = across_180(shapes)
    across = joined | beyond
    for mask, problem, action in (
        (across, "lies across the 180th meridian", "cut there"),
        (broken & ~across, "is not a valid polygon", "repaired"),
    ):
        for row in numbers[places[mask]].tolist():
            log.warning(name, problem, action, row=row)
    shapes[joined] = joined_at_180(shapes[joined])
    shapes[across] = shapely.make_valid(shapes[across], method="structure", keep_collapsed=False)
    shapes[across] = cut_at_180(shapes[across])
    repair = broken | across | (shapely.get_type_id(shapes) == _COLLECTION)
    shapes[repair] = shapely.make_valid(shapes[repair], method="structure", keep_collapsed=False)
    shapes = multipolygons(shapes)
    leave_out(shapely.is_empty(shapes) | (shapely.area(shapes) == 0), "has no area")
    return places, shapes


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
        return np.concatenate(list(pool.map(shapely.is_valid, np.array_split(shapes, -(-len(shapes) // AT_ONCE)))))


def _finite(shapes: Shapes) -> npt.NDArray[np.bool_]:
    coordinates, owner = shapely.get_coordinates(shapes, return_index=True)
    finite = np.ones(len(shapes), dtype=bool)
    finite[owner[~np.isfinite(coordinates).all(1)]] = False
    return finite


def multipolygons(shapes: Shapes) -> Shapes:
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
