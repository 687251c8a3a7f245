"""How many landslides there are per square kilometre, and what share of the ground they cover.

Both refer to mapped ground, in which somebody looked for landslides: a cell in which nobody looked has no
value, one that was mapped in part is divided by that part, and landslides outside are not counted. A
landslide counts in the cell of its centroid; its area is divided among the cells that it lies in.
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

from tsmu.database.analysis.equal_area_cells import CellGrid, HexagonGrid, Keys, SquareGrid, equal_area_crs, to_plane
from tsmu.database.queries import EVERYTHING, Filters
from tsmu.database.schema import landslide, run, scene
from tsmu.database.schema import mapped_area as mapped_area_table
from tsmu.database.storage import Database, Shapes, decode, read_outlines
from tsmu.errors import DatabaseError
from tsmu.issues import IssueLog

ROWS_AT_ONCE = 50_000  # held in memory
LEAST_MAPPED_SHARE = 0.01  # share of a cell from which it has a value; less is the edge of an image
CELLS_ALONG = 60  # cells along the longer side where nobody says how large one is
MOST_CELLS = 4_000_000
STEP_DEG = 0.05  # between the corners of a mapped area, so that its sides bend as the projection does


@dataclass(frozen=True)
class DensityMap:
    """A map of landslide density.

    Attributes:
        cells: GeoDataFrame in an equal-area projection, one row per cell that was mapped: `landslides`,
            `per_km2`, `area_share`, `mapped_share` (0 to 1), `cell` (its key).
        grid: the cells' kind and size.
        mapped_area: where somebody looked, in the same projection.
        counted: number of landslides in it.
        outside: number of landslides that fulfil the conditions and lie outside it.
        dates: first and last day of the conditions.
    """

    cells: geopandas.GeoDataFrame
    grid: CellGrid
    mapped_area: BaseGeometry
    counted: int
    outside: int
    dates: tuple[date | None, date | None]


def density(
    database: Database,
    filters: Filters = EVERYTHING,
    *,
    cell_m: float | None = None,
    hexagons: bool = False,
    mapped_area: Path | None = None,
    layers: Sequence[str] = (),
    log: IssueLog | None = None,
) -> DensityMap:
    """Count landslides by cells of equal area.

    Args:
        database: open.
        filters: which landslides; unless a status is asked for, candidates and confirmed ones.
        cell_m: side of a square, or width of a hexagon, m; by default some 60 along the longer side.
        hexagons: instead of squares.
        mapped_area: a file of polygons in which somebody looked for landslides; by default the
            database's mapped areas, those of the dates, region and box of the filters.
        layers: the names of the layers that are read of `mapped_area`; by default all.
        log: takes the polygons of `mapped_area` that are left out or repaired.

    Raises:
        DatabaseError: nobody has looked anywhere, or the cells are too many.

    Example:
        >>> density_map = density(database, Filters(region="alps"), cell_m=20_000)
        >>> density_map.counted, density_map.outside
        (12, 0)
    """
    if mapped_area is None:
        area_degrees = _area_of_database(database, filters)
    else:
        area_degrees = _area_of_file(mapped_area, log, layers)
    if filters.area is not None:
        area_degrees = shapely.intersection(area_degrees, filters.area)
    if area_degrees.is_empty:
        where = mapped_area or database.name
        raise DatabaseError(f"{where}: nobody has looked there and then; give --area, or import with --mapped-area")
    crs = equal_area_crs(*_extent(area_degrees))
    plane = to_plane(crs)
    area = shapely.make_valid(shapely.transform(shapely.segmentize(area_degrees, STEP_DEG), _transform(plane)))
    grid = _grid(area.bounds, cell_m, hexagons)
    keys, mapped_share = _mapped_cells(grid, area)
    outlines = grid.outlines(keys)
    sums = _Sums(grid, plane, area, keys, shapely.STRtree(outlines))
    for shapes, areas in _landslides(database, filters.landslides_only().conditions(database.backend)):
        sums.add(shapes, areas)
    mapped_km2 = mapped_share * grid.area / 1e6
    values = {"cell": keys, "landslides": sums.number.astype(np.int64), "per_km2": sums.number / mapped_km2}
    values |= {"area_share": np.minimum(sums.area_m2 / 1e6 / mapped_km2, 1.0), "mapped_share": mapped_share}
    cells = geopandas.GeoDataFrame(values, geometry=outlines, crs=crs)
    return DensityMap(cells, grid, area, int(sums.number.sum()), sums.outside, filters.dates or (None, None))


def _area_of_database(database: Database, filters: Filters) -> BaseGeometry:
    """The mapped areas of the images that can show a landslide of the filters' days, and of their region."""
    first, last = filters.dates or (None, None)
    query = sa.select(mapped_area_table.c.geom).join(scene, scene.c.id == mapped_area_table.c.scene_id)
    query = query.outerjoin(run, run.c.id == mapped_area_table.c.run_id)
    if first:
        query = query.where(sa.or_(scene.c.date_post.is_(None), scene.c.date_post >= first))
    if last:
        query = query.where(sa.or_(scene.c.date_pre.is_(None), scene.c.date_pre <= last))
    if filters.region is not None:
        query = query.where(sa.or_(run.c.region.is_(None), run.c.region == filters.region))
    with database.read() as connection:
        shapes = decode(connection.execute(query).scalars().all())
    return shapely.union_all(shapes)


def _area_of_file(file: Path, log: IssueLog | None, layers: Sequence[str]) -> BaseGeometry:
    return shapely.union_all(read_outlines(file, IssueLog(file) if log is None else log, layers))


def _extent(area: BaseGeometry) -> tuple[float, float, float, float]:
    """West, south, east, north of the shorter way round: east is greater than 180 across the 180th meridian."""
    west, south, east, north = area.bounds
    parts = shapely.bounds(shapely.get_parts(area))
    if east - west > 180:
        eastward = parts[:, [0, 2]] + 360 * (parts[:, 2:3] <= 0)
        if eastward.max() - eastward.min() < east - west:
            west, east = float(eastward.min()), float(eastward.max())
    return west, south, east, north


def _transform(plane: pyproj.Transformer) -> Any:
    return lambda points: np.column_stack(plane.transform(points[:, 0], points[:, 1]))


def _grid(bounds: tuple[float, float, float, float], cell_m: float | None, hexagons: bool) -> CellGrid:
    """Squares or hexagons, of the size asked for or of a round number of metres."""
    west, south, east, north = bounds
    if cell_m is None:
        exact = max(east - west, north - south) / CELLS_ALONG
        power = 10 ** np.floor(np.log10(exact))
        cell_m = float(power * min((1, 2, 5, 10), key=lambda factor: abs(np.log(factor * power / exact))))
    if not cell_m > 0:
        raise DatabaseError(f"--cell {cell_m:g}: a cell is some metres wide; give a number above 0")
    number = (east - west) / cell_m * ((north - south) / cell_m)
    if number > MOST_CELLS:
        raise DatabaseError(
            f"--cell {cell_m:g}: {number:.3g} cells, more than {MOST_CELLS:.3g}; give a larger one, or --bbox"
        )
    return HexagonGrid(cell_m) if hexagons else SquareGrid(cell_m)


def _mapped_cells(grid: CellGrid, area: BaseGeometry) -> tuple[Keys, npt.NDArray[np.float64]]:
    """The cells that were mapped, in ascending order, and what share of each."""
    keys = np.unique(np.concatenate([grid.near(tuple(part)) for part in shapely.bounds(shapely.get_parts(area))]))
    outlines = grid.outlines(keys)
    shapely.prepare(area)
    touched = shapely.intersects(area, outlines)
    keys, outlines = keys[touched], outlines[touched]
    whole = shapely.covers(area, outlines)
    share = np.ones(len(keys))
    share[~whole] = shapely.area(shapely.intersection(area, outlines[~whole])) / grid.area
    enough = share >= LEAST_MAPPED_SHARE
    return keys[enough], share[enough]


def _landslides(
    database: Database, conditions: list[sa.ColumnElement[bool]]
) -> Iterator[tuple[Shapes, npt.NDArray[np.float64]]]:
    """Outlines in EPSG:4326 and geodesic areas, m2, of the landslides, some at a time."""
    query = sa.select(landslide.c.geom, landslide.c.area_m2).where(*conditions)
    with database.read() as connection:
        for rows in connection.execution_options(yield_per=ROWS_AT_ONCE).execute(query).partitions():
            blobs, areas = zip(*rows, strict=True)
            yield decode(blobs), np.array(areas, dtype=np.float64)


class _Sums:
    """Landslides and their areas summed by cell.

    Attributes:
        number: (n,) landslides whose centroid lies in each cell.
        area_m2: (n,) area of landslides in each cell.
        outside: landslides outside the mapped area.
    """

    def __init__(
        self, grid: CellGrid, plane: pyproj.Transformer, area: BaseGeometry, keys: Keys, tree: shapely.STRtree
    ) -> None:
        self.number, self.area_m2, self.outside = np.zeros(len(keys)), np.zeros(len(keys)), 0
        self._grid, self._plane, self._area, self._keys, self._tree = grid, plane, area, keys, tree
        shapely.prepare(area)

    def add(self, shapes: Shapes, areas: npt.NDArray[np.float64]) -> None:
        """Add landslides: outlines in EPSG:4326 and geodesic areas, m2."""
        inside = self._add_numbers(shapes)
        self.outside += int((~inside).sum())
        self._add_areas(shapes[inside], areas[inside])

    def _add_numbers(self, shapes: Shapes) -> npt.NDArray[np.bool_]:
        """Count landslides by centroid; returns which lie in the mapped area."""
        points = shapely.get_coordinates(shapely.centroid(shapes))
        x, y = self._plane.transform(points[:, 0], points[:, 1])
        inside = np.asarray(shapely.contains_xy(self._area, x, y))
        positions, mapped = self._positions(self._grid.of(x, y))
        inside &= mapped
        np.add.at(self.number, positions[inside], 1)
        return inside

    def _add_areas(self, shapes: Shapes, areas: npt.NDArray[np.float64]) -> None:
        """Add each landslide's area to the cells that it lies in.

        Cells are convex: a landslide whose box has all corners in one cell lies in it as a whole, which
        spares nearly all of them the projection of every corner.
        """
        bounds = shapely.bounds(shapes).reshape(-1, 4)
        x, y = self._plane.transform(bounds[:, [0, 0, 2, 2]].ravel(), bounds[:, [1, 3, 1, 3]].ravel())
        corners = self._grid.of(x, y).reshape(-1, 4)
        in_one_cell = (corners == corners[:, :1]).all(axis=1)
        positions, mapped = self._positions(corners[:, 0])
        np.add.at(self.area_m2, positions[in_one_cell & mapped], areas[in_one_cell & mapped])
        others = shapely.transform(shapes[~in_one_cell], _transform(self._plane))
        others[~shapely.is_valid(others)] = shapely.make_valid(others[~shapely.is_valid(others)])
        which, cell = self._tree.query(others, predicate="intersects")
        parts = shapely.intersection(others[which], self._tree.geometries[cell])
        np.add.at(self.area_m2, cell, shapely.area(parts))

    def _positions(self, keys: Keys) -> tuple[npt.NDArray[np.intp], npt.NDArray[np.bool_]]:
        """Positions of keys among the mapped cells, and whether each is one of them."""
        positions = np.minimum(np.searchsorted(self._keys, keys), len(self._keys) - 1)
        return positions, self._keys[positions] == keys
