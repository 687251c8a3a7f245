"""How many landslides there are per square kilometre, and what share of the ground they take.

Both are of the ground that somebody looked at: a cell that nobody looked at has no value, one that was
looked at in part is divided by that part, and landslides outside are not counted. A landslide counts
where its centroid lies; its area is divided among the cells that it lies in.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import geopandas
import numpy as np
import numpy.typing as npt
import pyproj
import shapely
import sqlalchemy as sa
from shapely.geometry.base import BaseGeometry

from tsmu.database.blobs import Shapes, decode
from tsmu.database.cells import Cells, Hexagons, Keys, Squares, equal_area_crs, to_plane
from tsmu.database.filters import EVERYTHING, Filters
from tsmu.database.outlines import read_outlines
from tsmu.database.schema import landslide, mapped_area, run, scene
from tsmu.database.store import Database
from tsmu.errors import DatabaseError
from tsmu.issues import IssueLog

ROWS = 50_000  # held in memory at once
LOOKED_AT = 0.01  # share of a cell from which it has a value; less is the edge of an image
ALONG = 60  # cells along the longer side where nobody says how large one is
MOST_CELLS = 4_000_000
STEP = 0.05  # degrees between the corners of a mapped area, so that its sides bend as the projection does


@dataclass(frozen=True)
class Density:
    """A map of landslides.

    Attributes:
        cells: GeoDataFrame in an equal-area projection, one row per cell that was looked at: `landslides`,
            `per_km2`, `area_share`, `mapped_share` (0 to 1), `cell` (its key).
        grid: the cells' kind and size.
        looked: what was looked at, in the same projection.
        counted: landslides in it.
        outside: landslides that fulfil the conditions and lie outside it.
        dates: first and last day asked for.
    """

    cells: geopandas.GeoDataFrame
    grid: Cells
    looked: BaseGeometry
    counted: int
    outside: int
    dates: tuple[date | None, date | None]


def density(
    database: Database,
    filters: Filters = EVERYTHING,
    *,
    cell_m: float | None = None,
    hexagons: bool = False,
    looked: Path | None = None,
    layers: Sequence[str] = (),
    log: IssueLog | None = None,
) -> Density:
    """Count landslides by cells of equal area.

    Args:
        database: open.
        filters: which landslides; without a status those that are believed to be landslides.
        cell_m: side of a square, or width of a hexagon, m; by default some 60 along the longer side.
        hexagons: instead of squares.
        looked: a file of polygons that is taken for the area that was looked at; by default the
            database's mapped areas, those of the dates, region and box that are asked for.
        layers: the names of the layers that are read of `looked`; by default all.
        log: takes the polygons of `looked` that are left out or repaired.

    Raises:
        DatabaseError: nobody has looked anywhere, or the cells are too many.
    """
    degrees = _looked_at(database, filters) if looked is None else _from_file(looked, log, layers)
    conditions, box = filters.believed().conditions(database.backend), filters.area
    degrees = degrees if box is None else shapely.intersection(degrees, box)
    if degrees.is_empty:
        where = looked or database.name
        raise DatabaseError(f"{where}: nobody has looked there and then; give --area, or import with --mapped-area")
    crs = equal_area_crs(*_extent(degrees))
    plane = to_plane(crs)
    area = shapely.make_valid(shapely.transform(shapely.segmentize(degrees, STEP), _planar(plane)))
    grid = _grid(area.bounds, cell_m, hexagons)
    keys, share = _shares(grid, area)
    outlines = grid.outlines(keys)
    count, taken, outside = np.zeros(len(keys)), np.zeros(len(keys)), 0
    tree = shapely.STRtree(outlines)
    shapely.prepare(area)
    for shapes, areas in _landslides(database, conditions):
        inside = _count(grid, plane, area, keys, shapes, count)
        outside += int((~inside).sum())
        _cover(grid, plane, tree, keys, shapes[inside], areas[inside], taken)
    looked_km2 = share * grid.area / 1e6
    values = {"cell": keys, "landslides": count.astype(np.int64), "per_km2": count / looked_km2}
    values |= {"area_share": np.minimum(taken / 1e6 / looked_km2, 1.0), "mapped_share": share}
    cells = geopandas.GeoDataFrame(values, geometry=outlines, crs=crs)
    return Density(cells, grid, area, int(count.sum()), outside, filters.dates or (None, None))


def _looked_at(database: Database, filters: Filters) -> BaseGeometry:
    """The mapped areas of the images that can show a landslide of these days, and of the region."""
    first, last = filters.dates or (None, None)
    query = sa.select(mapped_area.c.geom).join(scene, scene.c.id == mapped_area.c.scene_id)
    query = query.outerjoin(run, run.c.id == mapped_area.c.run_id)
    if first:
        query = query.where(sa.or_(scene.c.date_post.is_(None), scene.c.date_post >= first))
    if last:
        query = query.where(sa.or_(scene.c.date_pre.is_(None), scene.c.date_pre <= last))
    if filters.region is not None:
        query = query.where(sa.or_(run.c.region.is_(None), run.c.region == filters.region))
    with database.read() as connection:
        shapes = decode(connection.execute(query).scalars().all())
    return shapely.union_all(shapes)


def _from_file(file: Path, log: IssueLog | None, layers: Sequence[str]) -> BaseGeometry:
    return shapely.union_all(read_outlines(file, IssueLog(file) if log is None else log, layers))


def _extent(area: BaseGeometry) -> tuple[float, float, float, float]:
    """West, south, east, north of the shorter way round: east is greater than 180 across the 180th meridian."""
    west, south, east, north = area.bounds
    parts = shapely.bounds(shapely.get_parts(area))
    if east - west > 180:
        turned = parts[:, [0, 2]] + 360 * (parts[:, 2:3] <= 0)
        if turned.max() - turned.min() < east - west:
            west, east = float(turned.min()), float(turned.max())
    return west, south, east, north


def _planar(plane: pyproj.Transformer) -> Any:
    return lambda points: np.column_stack(plane.transform(points[:, 0], points[:, 1]))


def _grid(bounds: tuple[float, float, float, float], cell_m: float | None, hexagons: bool) -> Cells:
    west, south, east, north = bounds
    if cell_m is None:
        exact = max(east - west, north - south) / ALONG
        power = 10 ** np.floor(np.log10(exact))
        cell_m = float(power * min((1, 2, 5, 10), key=lambda factor: abs(np.log(factor * power / exact))))
    if not cell_m > 0:
        raise DatabaseError(f"--cell {cell_m:g}: a cell is some metres wide; give a number above 0")
    number = (east - west) / cell_m * ((north - south) / cell_m)
    if number > MOST_CELLS:
        raise DatabaseError(
            f"--cell {cell_m:g}: {number:.3g} cells, more than {MOST_CELLS:.3g}; give a larger one, or --bbox"
        )
    return Hexagons(cell_m) if hexagons else Squares(cell_m)


def _shares(grid: Cells, area: BaseGeometry) -> tuple[Keys, npt.NDArray[np.float64]]:
    """The cells that were looked at, in ascending order, and what share of each."""
    keys = np.unique(np.concatenate([grid.near(tuple(part)) for part in shapely.bounds(shapely.get_parts(area))]))
    outlines = grid.outlines(keys)
    shapely.prepare(area)
    touched = shapely.intersects(area, outlines)
    keys, outlines = keys[touched], outlines[touched]
    whole = shapely.covers(area, outlines)
    share = np.ones(len(keys))
    share[~whole] = shapely.area(shapely.intersection(area, outlines[~whole])) / grid.area
    enough = share >= LOOKED_AT
    return keys[enough], share[enough]


def _landslides(
    database: Database, conditions: list[sa.ColumnElement[bool]]
) -> Iterator[tuple[Shapes, npt.NDArray[np.float64]]]:
    query = sa.select(landslide.c.geom, landslide.c.area_m2).where(*conditions)
    with database.read() as connection:
        for rows in connection.execution_options(yield_per=ROWS).execute(query).partitions():
            blobs, areas = zip(*rows, strict=True)
            yield decode(blobs), np.array(areas, dtype=np.float64)


def _count(
    grid: Cells, plane: pyproj.Transformer, area: BaseGeometry, keys: Keys, shapes: Shapes, count: Any
) -> npt.NDArray[np.bool_]:
    """Count landslides by centroid; gives which lie in the area."""
    points = shapely.get_coordinates(shapely.centroid(shapes))
    x, y = plane.transform(points[:, 0], points[:, 1])
    inside = np.asarray(shapely.contains_xy(area, x, y))
    places, known = _find(keys, grid.of(x, y))
    inside &= known
    np.add.at(count, places[inside], 1)
    return inside


def _cover(
    grid: Cells,
    plane: pyproj.Transformer,
    tree: shapely.STRtree,
    keys: Keys,
    shapes: Shapes,
    areas: npt.NDArray[np.float64],
    taken: npt.NDArray[np.float64],
) -> None:
    """Add each landslide's area to the cells that it lies in, m2.

    Cells are convex: a landslide whose box has all corners in one cell lies in it as a whole, which
    spares nearly all of them the projection of every corner.
    """
    bounds = shapely.bounds(shapes).reshape(-1, 4)
    x, y = plane.transform(bounds[:, [0, 0, 2, 2]].ravel(), bounds[:, [1, 3, 1, 3]].ravel())
    corners = grid.of(x, y).reshape(-1, 4)
    alone = (corners == corners[:, :1]).all(axis=1)
    places, known = _find(keys, corners[:, 0])
    np.add.at(taken, places[alone & known], areas[alone & known])
    split = shapely.transform(shapes[~alone], _planar(plane))
    split[~shapely.is_valid(split)] = shapely.make_valid(split[~shapely.is_valid(split)])
    which, cell = tree.query(split, predicate="intersects")
    np.add.at(taken, cell, shapely.area(shapely.intersection(split[which], tree.geometries[cell])))


def _find(keys: Keys, wanted: Keys) -> tuple[npt.NDArray[np.intp], npt.NDArray[np.bool_]]:
    """Positions of keys in an ascending list, and whether they are there."""
    places = np.minimum(np.searchsorted(keys, wanted), len(keys) - 1)
    return places, keys[places] == wanted
