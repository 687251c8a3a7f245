"""Where a scene need not be mapped: outside an area, on flat ground, under clouds or water.

A limit says for each pixel of the scene's grid whether it is wanted. Tiles without a wanted pixel
are neither read nor computed; unwanted pixels elsewhere are no data in the map, but the network
sees them.
"""

from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Protocol

import numpy as np
import shapely
from rasterio.features import geometry_mask
from rasterio.windows import Window

from tsmu.errors import MapError
from tsmu.imagery.grids import Grid
from tsmu.imagery.raster import Valid, file_identity
from tsmu.imagery.terrain import SLOPE, derive_terrain
from tsmu.issues import IssueLog
from tsmu.mapping.scene.alignment import open_aligned
from tsmu.projecting import Shapes, laid_on
from tsmu.vector_files import is_vector_file, read_polygons

TOLERANCE = 0.1  # px by which an edge of a polygon may lie off


class Limit(Protocol):
    """Says which pixels are wanted."""

    @property
    def identity(self) -> object:
        """Tell this limit from every other."""

    def wanted(self, window: Window) -> Valid:
        """Whether each pixel of a window of the scene is wanted."""


class Area:
    """Only pixels whose centre lies in the polygons of a file; or only the others.

    Args:
        path: polygons as `vector_files.read_polygons` takes them, in any CRS.
        grid: the scene's grid.
        inside: whether it is the pixels in the polygons that are wanted.
        log: takes the features that are left out or repaired.
        layers: the names of the layers that are read; by default all.

    Raises:
        MapError: the file holds no polygons; or none is in the scene, where they are wanted.
    """

    def __init__(
        self, path: Path, grid: Grid, *, inside: bool = True, log: IssueLog | None = None, layers: Sequence[str] = ()
    ) -> None:
        self.identity: object = ["area" if inside else "not area", file_identity(path), *layers]
        self._grid = grid
        self._inside = inside
        log = IssueLog(path) if log is None else log
        parts = read_polygons(path, log, MapError, layers)
        count = sum(map(len, parts))
        off = TOLERANCE * abs(grid.transform.determinant) ** 0.5
        placed = [
            laid_on(np.array(part.geometry.array, object), part.crs, grid.crs, grid.bounds, off) for part in parts
        ]
        shapes: Shapes = np.concatenate(placed)
        self._shapes = shapes[~shapely.is_empty(shapes)]
        self._tree = shapely.STRtree(self._shapes)
        here = self._tree.query(_outline(grid, Window(0, 0, grid.width, grid.height)), predicate="intersects")
        if not count or (inside and not len(here)):
            first = f" (the first problem: {log.errors[0]})" if log.errors else ""
            raise MapError(f"{path}: none of its {count} polygons lies in the scene{first}; give another area")

    def wanted(self, window: Window) -> Valid:
        """Whether each pixel's centre lies in a polygon, or in none."""
        near = self._shapes[self._tree.query(_outline(self._grid, window))]
        shape = (window.height, window.width)
        if not len(near):
            return np.full(shape, not self._inside)
        return np.asarray(geometry_mask(near, shape, self._grid.cut(window).transform, invert=self._inside))


class Steep:
    """Only pixels where the ground is at least so steep; where the elevations say nothing, all.

    The slope is that of `imagery.terrain`, which models take as a band.

    Args:
        dem: elevations in metres, a file or an address; need not cover all of the scene.
        degrees: the smallest slope that is mapped.
        grid: the scene's grid.
        stack: closes what is opened.
        cache: folder in which the slope is kept.

    Raises:
        ImageError: the elevation model cannot be read, is none, or lies elsewhere.
    """

    def __init__(self, dem: Path | str, degrees: float, grid: Grid, stack: ExitStack, cache: Path) -> None:
        derived = derive_terrain(dem, grid, (SLOPE,), cache, least=0)
        self.identity: object = ["steep", degrees, derived.path.name]
        self._degrees = degrees
        self._slopes = open_aligned(derived.path, grid, stack)

    def wanted(self, window: Window) -> Valid:
        """Whether the ground is steep enough, or its slope unknown."""
        values, valid = self._slopes.read(window)
        return np.asarray(~valid | ~(values[0] < self._degrees))


class Outside:
    """Only pixels where a raster, such as a mask of clouds or water, is zero or has no data.

    Args:
        path: the mask; nonzero is left out.
        grid: the scene's grid.
        stack: closes what is opened.

    Raises:
        ImageError: the mask cannot be read.
        MapError: it lies elsewhere.
    """

    def __init__(self, path: Path | str, grid: Grid, stack: ExitStack) -> None:
        self.identity: object = ["outside", file_identity(path)]
        self._mask = open_aligned(path, grid, stack, classes=True)

    def wanted(self, window: Window) -> Valid:
        """Whether the mask leaves each pixel in."""
        numbers, valid = self._mask.read_numbers(window)
        return np.asarray((numbers == 0) | ~valid)


def left_out(
    place: Path | str, grid: Grid, stack: ExitStack, *, log: IssueLog | None = None, layers: Sequence[str] = ()
) -> Limit:
    """Leave out what a file shows, such as clouds or water: polygons, or a raster where it is not zero.

    Args:
        place: the file; a raster may be an address.
        grid: the scene's grid.
        stack: closes what is opened.
        log: takes the features that are left out or repaired.
        layers: the names of the layers of polygons that are read; by default all.

    Raises:
        ImageError, MapError: it is neither, or lies elsewhere.
    """
    if isinstance(place, Path) and is_vector_file(place):
        return Area(place, grid, inside=False, log=log, layers=layers)
    return Outside(place, grid, stack)


def _outline(grid: Grid, window: Window) -> shapely.Polygon:
    left, top, right, bottom = (
        window.col_off,
        window.row_off,
        window.col_off + window.width,
        window.row_off + window.height,
    )
    corners = [(left, top), (right, top), (right, bottom), (left, bottom)]
    return shapely.Polygon([grid.transform @ corner for corner in corners])
