"""Masks of a scene: pixels outside an area of interest, on flat ground, or under clouds and water are not mapped.

A mask selects, for any window of the scene, the pixels that are to be mapped. Tiles without a selected
pixel are neither read nor computed. Elsewhere pixels that are not selected become no data in the map,
but the network sees their values.
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
from tsmu.imagery import SLOPE_BAND, Grid, derive_terrain, file_identity
from tsmu.issues import IssueLog
from tsmu.mapping.arrays import Valid
from tsmu.mapping.scene.alignment import open_aligned
from tsmu.vectors import Shapes, is_vector_file, read_polygons, reproject_into_frame

TOLERANCE = 0.1  # px by which an edge of a polygon may be off


class SceneMask(Protocol):
    """Selects the pixels of a scene that are to be mapped."""

    @property
    def identity(self) -> object:
        """What distinguishes this mask from every other; JSON of it is hashed into the identity of a map."""

    def selection(self, window: Window) -> Valid:
        """Which pixels of a window of the scene are to be mapped: (height, width)."""


class PolygonMask:
    """Selects the pixels whose centre lies in the polygons of a file, or the others.

    Args:
        path: polygons in any CRS, as `tsmu.vectors.read_polygons` takes them.
        grid: the grid of the scene.
        inside: whether the pixels inside the polygons are selected, or those outside.
        log: receives the features that are left out or repaired.
        layers: names of the layers to read; by default all.

    Raises:
        MapError: the file holds no polygons; or none of them lies in the scene although the inside is to be mapped.
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
        tolerance = TOLERANCE * abs(grid.transform.determinant) ** 0.5
        on_grid = [
            reproject_into_frame(np.array(part.geometry.array, object), part.crs, grid.crs, grid.bounds, tolerance)
            for part in parts
        ]
        shapes: Shapes = np.concatenate(on_grid)
        self._shapes = shapes[~shapely.is_empty(shapes)]
        self._tree = shapely.STRtree(self._shapes)
        in_scene = self._tree.query(_outline(grid, Window(0, 0, grid.width, grid.height)), predicate="intersects")
        if not count or (inside and not len(in_scene)):
            reason = f" (the first problem: {log.errors[0]})" if log.errors else ""
            polygons = f"none of its {count} polygons lies" if count != 1 else "its only polygon does not lie"
            raise MapError(f"{path}: {polygons} in the scene{reason}; give another area")

    def selection(self, window: Window) -> Valid:
        """Which pixels have their centre inside a polygon, or outside all of them."""
        nearby = self._shapes[self._tree.query(_outline(self._grid, window))]
        shape = (window.height, window.width)
        if not len(nearby):
            return np.full(shape, not self._inside)
        return np.asarray(geometry_mask(nearby, shape, self._grid.of_window(window).transform, invert=self._inside))


class SlopeMask:
    """Selects the pixels where the ground is steep enough, and those whose slope is not known.

    The slope is that of `imagery.terrain`, which models take as a band.

    Args:
        dem: elevations in metres, a file or an address; need not cover the whole scene.
        degrees: the smallest slope that is mapped.
        grid: the grid of the scene.
        stack: closes what is opened here.
        cache: the folder that keeps the derived slope.

    Raises:
        ImageError: the elevation model cannot be read, is no elevation model, or lies elsewhere.
    """

    def __init__(self, dem: Path | str, degrees: float, grid: Grid, stack: ExitStack, cache: Path) -> None:
        derived = derive_terrain(dem, grid, (SLOPE_BAND,), cache, least=0)
        self.identity: object = ["steep", degrees, derived.path.name]
        self._degrees = degrees
        self._slopes = open_aligned(derived.path, grid, stack)

    def selection(self, window: Window) -> Valid:
        """Which pixels are steep enough, or have no known slope."""
        values, valid = self._slopes.read(window)
        return np.asarray(~valid | ~(values[0] < self._degrees))


class RasterMask:
    """Selects the pixels where a raster, such as a cloud or water mask, is zero or has no data.

    Args:
        path: the raster, a file or an address; pixels that are not zero are not mapped.
        grid: the grid of the scene.
        stack: closes what is opened here.

    Raises:
        ImageError: the raster cannot be read.
        MapError: it does not overlap the scene.
    """

    def __init__(self, path: Path | str, grid: Grid, stack: ExitStack) -> None:
        self.identity: object = ["outside", file_identity(path)]
        self._raster = open_aligned(path, grid, stack, classes=True)

    def selection(self, window: Window) -> Valid:
        """Which pixels the raster does not mask."""
        numbers, valid = self._raster.read_first_band(window)
        return np.asarray((numbers == 0) | ~valid)


def exclusion_mask(
    path: Path | str, grid: Grid, stack: ExitStack, *, log: IssueLog | None = None, layers: Sequence[str] = ()
) -> SceneMask:
    """Make the mask that excludes what a file shows, such as clouds or water.

    Args:
        path: polygons, whose inside is excluded, or a raster, which excludes where it is not zero; a
            raster may be an address.
        grid: the grid of the scene.
        stack: closes what is opened here.
        log: receives the features that are left out or repaired.
        layers: names of the layers of polygons to read; by default all.

    Raises:
        ImageError, MapError: the file is neither, or does not overlap the scene.
    """
    if isinstance(path, Path) and is_vector_file(path):
        return PolygonMask(path, grid, inside=False, log=log, layers=layers)
    return RasterMask(path, grid, stack)


def combined_selection(masks: Sequence[SceneMask], window: Window) -> Valid:
    """Which pixels of a window all masks select; without masks all pixels."""
    selection = np.ones((window.height, window.width), bool)
    for mask in masks:
        if selection.any():
            selection &= mask.selection(window)
    return selection


def _outline(grid: Grid, window: Window) -> shapely.Polygon:
    """Outline a window in the CRS of the scene."""
    left, top = window.col_off, window.row_off
    right, bottom = left + window.width, top + window.height
    corners = [(left, top), (right, top), (right, bottom), (left, bottom)]
    return shapely.Polygon([grid.transform @ corner for corner in corners])
