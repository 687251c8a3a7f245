"""Where a scene need not be mapped: outside an area, on flat ground, under clouds or water.

A limit says for each pixel of the scene's grid whether it is wanted. Tiles without a wanted pixel
are neither read nor computed; unwanted pixels elsewhere are no data in the map, but the network
sees them.
"""

import math
from contextlib import ExitStack
from pathlib import Path
from typing import Protocol

import geopandas
import numpy as np
import numpy.typing as npt
import pyogrio
import pyproj
import shapely
from pyogrio.errors import DataSourceError
from rasterio.enums import Resampling
from rasterio.features import geometry_mask
from rasterio.windows import Window

from tsmu.errors import MapError
from tsmu.geodesy import GEOD
from tsmu.imagery.grids import Grid
from tsmu.imagery.raster import Valid, read_window
from tsmu.mapping.alignment import open_aligned
from tsmu.mapping.source import file_identity

Heights = npt.NDArray[np.float64]


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
        path: polygons in any format that GDAL reads, in any CRS.
        grid: the scene's grid.
        inside: whether it is the pixels in the polygons that are wanted.

    Raises:
        MapError: the file holds no polygons; or none is in the scene, where they are wanted.
    """

    def __init__(self, path: Path, grid: Grid, *, inside: bool = True) -> None:
        self.identity: object = ["area" if inside else "not area", file_identity(path)]
        self._grid = grid
        self._inside = inside
        try:
            table = geopandas.read_file(path)
        except (OSError, ValueError, RuntimeError) as error:
            raise MapError(f"{path}: cannot be read as polygons ({str(error).splitlines()[0]})") from None
        if not isinstance(table, geopandas.GeoDataFrame):
            raise MapError(f"{path}: holds no polygons; give another area")
        if table.crs is None:
            raise MapError(f"{path}: has no CRS; give the area one")
        shapes = np.asarray(table.geometry.dropna().make_valid().to_crs(grid.crs))
        self._shapes = shapes[shapely.get_dimensions(shapes) == 2]
        self._tree = shapely.STRtree(self._shapes)
        here = self._tree.query(_outline(grid, Window(0, 0, grid.width, grid.height)))
        if not len(self._shapes) or (inside and not len(here)):
            raise MapError(f"{path}: none of its {len(self._shapes)} polygons lies in the scene; give another area")

    def wanted(self, window: Window) -> Valid:
        """Whether each pixel's centre lies in a polygon, or in none."""
        near = self._shapes[self._tree.query(_outline(self._grid, window))]
        shape = (window.height, window.width)
        if not len(near):
            return np.full(shape, not self._inside)
        return np.asarray(geometry_mask(near, shape, self._grid.cut(window).transform, invert=self._inside))


class Steep:
    """Only pixels where the ground is at least so steep; where the elevations say nothing, all.

    Slope is that of the elevation model brought onto the scene's grid (bilinear), by central
    differences over two pixels; Horn's 3 x 3 weights would smooth more than the model has to say.

    Args:
        dem: elevations in metres.
        degrees: the smallest slope that is mapped.
        grid: the scene's grid.
        stack: closes what is opened.

    Raises:
        ImageError: the elevation model cannot be read.
        MapError: it lies elsewhere.
    """

    def __init__(self, dem: Path | str, degrees: float, grid: Grid, stack: ExitStack) -> None:
        self.identity: object = ["steep", degrees, file_identity(dem)]
        self._grid = grid
        self._steepest = math.tan(math.radians(degrees))
        self._dataset = open_aligned(dem, grid, stack, resampling=Resampling.bilinear, dtype="float32")

    def wanted(self, window: Window) -> Valid:
        """Whether the ground is steep enough, or its slope unknown."""
        top, left = max(window.row_off - 1, 0), max(window.col_off - 1, 0)
        bottom = min(window.row_off + window.height + 1, self._grid.height)
        right = min(window.col_off + window.width + 1, self._grid.width)
        around = Window(left, top, right - left, bottom - top)
        values, valid = read_window(self._dataset, around)
        height = np.where(valid, values[0].astype(np.float64), np.nan)
        inside = np.s_[window.row_off - top :, window.col_off - left :][:2]
        down, across = (
            np.gradient(height, axis=axis) if height.shape[axis] > 1 else np.zeros_like(height) for axis in (0, 1)
        )
        slope = self._slope(down, across, np.arange(top, bottom))[inside][: window.height, : window.width]
        return np.asarray(~(slope < self._steepest))

    def _slope(self, down: Heights, across: Heights, rows: npt.NDArray[np.int64]) -> Heights:
        """Tangent of the slope from differences per pixel, down the rows and across the columns."""
        (column_east, row_east), (column_north, row_north) = _pixel_vectors(self._grid, rows)
        # The gradient on the ground, times a column's vector, is `across`; times a row's, `down`.
        area = column_east * row_north - row_east * column_north
        east = (across * row_north - down * column_north) / area
        north = (down * column_east - across * row_east) / area
        return np.asarray(np.hypot(east, north))


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
        self._dataset = open_aligned(path, grid, stack, resampling=Resampling.nearest)

    def wanted(self, window: Window) -> Valid:
        """Whether the mask leaves each pixel in."""
        _, valid = read_window(self._dataset, window)
        return np.asarray((self._dataset.read(1, window=window) == 0) | ~valid)  # a palette's numbers, not its colours


def left_out(place: Path | str, grid: Grid, stack: ExitStack) -> Limit:
    """Leave out what a file shows, such as clouds or water: polygons, or a raster where it is not zero.

    Args:
        place: the file; a raster may be an address.
        grid: the scene's grid.
        stack: closes what is opened.

    Raises:
        ImageError, MapError: it is neither, or lies elsewhere.
    """
    if isinstance(place, Path) and _has_shapes(place):
        return Area(place, grid, inside=False)
    return Outside(place, grid, stack)


def _has_shapes(path: Path) -> bool:
    try:
        return any(kind is not None for _, kind in pyogrio.list_layers(path))
    except DataSourceError:
        return False


def _outline(grid: Grid, window: Window) -> shapely.Polygon:
    left, top, right, bottom = (
        window.col_off,
        window.row_off,
        window.col_off + window.width,
        window.row_off + window.height,
    )
    corners = [(left, top), (right, top), (right, bottom), (left, bottom)]
    return shapely.Polygon([grid.transform @ corner for corner in corners])


def _pixel_vectors(grid: Grid, rows: npt.NDArray[np.int64]) -> tuple[tuple[Heights, Heights], tuple[Heights, Heights]]:
    """Metres to the east, and to the north, of one column and of one row, each (rows, 1).

    Taken at the scene's middle column, so that they do not depend on how the scene is cut.
    """
    middle = np.full(len(rows), grid.width / 2)
    project = pyproj.Transformer.from_crs(grid.crs, 4326, always_xy=True)
    start, *ends = (
        project.transform(*(grid.transform @ (middle + column, rows + 0.5 + row)))
        for column, row in ((0, 0), (1, 0), (0, 1))
    )
    vectors = []
    for end in ends:
        azimuth, _, metres = GEOD.inv(*start, *end)
        angle = np.radians(azimuth)
        vectors.append(((np.sin(angle) * metres)[:, None], (np.cos(angle) * metres)[:, None]))
    (column_east, column_north), (row_east, row_north) = vectors
    return (column_east, row_east), (column_north, row_north)
