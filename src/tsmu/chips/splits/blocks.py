"""Blocks: strips of ground between two meridians or two parallels, one each for training, validation and test.

Ground is the area that the footprints of a spatial group of pairs cover together (`spatial_groups`). A region whose
groups are too few for three splits has the ground of its largest groups divided into blocks. `block_search` chooses
the lines between the blocks, `block_table` keeps them for ever.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import numpy.typing as npt
import shapely
from rasterio.crs import CRS
from rasterio.warp import transform as transform_points
from rasterio.windows import Window

from tsmu.chips.splits.contiguous import Split
from tsmu.imagery import WGS84, Grid
from tsmu.vectors import wrap_longitudes

Axis = str
AXES: tuple[Axis, ...] = ("longitude", "latitude")
# Metres: less than a degree of latitude anywhere on the WGS 84 ellipsoid (110,574 m at the equator), and less than a
# degree of longitude divided by the cosine of the latitude (111,320 m at the equator).
SHORTEST_DEGREE_M = 110_500.0
BORDER_SAMPLES = 17  # points on each border of an image's columns or rows whose longitude or latitude is computed
MIN_BLOCK_PX = 64  # a narrower block shows too little of what lies around a landslide

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Block:
    """A strip of the ground between two meridians or two parallels.

    Attributes:
        ground: the name of the ground that was divided.
        split: the split of all chips in it.
        axis: `longitude` or `latitude`, along which the blocks of the ground follow each other.
        low, high: degrees, infinite where the strip is open.

    Example:
        >>> block = Block("valley", "test", "longitude", 7.1, math.inf)
        >>> block.group, block.within((7.0, 45.0, 7.5, 46.0)).bounds
        ('valley:test', (7.1, 45.0, 7.5, 46.0))
    """

    ground: str
    split: Split
    axis: Axis
    low: float
    high: float

    @property
    def group(self) -> str:
        """The group of its chips in the index."""
        return f"{self.ground}:{self.split}"

    def within(self, bounds: Sequence[float]) -> shapely.Polygon:
        """Return the block inside a bounding box (west, south, east, north), EPSG:4326."""
        west, south, east, north = bounds
        if self.axis == "longitude":
            return shapely.box(max(west, self.low), south, min(east, self.high), north)
        return shapely.box(west, max(south, self.low), east, min(north, self.high))

    def window(self, grid: Grid, gap_m: float) -> Window | None:
        """Return the part of an image that lies in the block, at least half a gap away from its lines.

        Args:
            grid: pixel grid of the image, in any CRS.
            gap_m: metres between two blocks.

        Returns:
            The window, pixels, which has the image's whole height or width; None where it is narrower than
            `MIN_BLOCK_PX` or in several pieces, unless it is the whole image.
        """
        half = gap_in_degrees(gap_m, self.axis, grid.footprint.bounds) / 2
        along_columns = _varies_along_columns(grid, self.axis)
        low, high = _border_values(grid, self.axis, along_columns)
        inside = (np.minimum(low[:-1], low[1:]) >= self.low + half) & (
            np.maximum(high[:-1], high[1:]) <= self.high - half
        )
        (positions,) = np.nonzero(inside)
        contiguous = len(positions) > 0 and positions[-1] - positions[0] + 1 == len(positions)
        if not inside.all() and (len(positions) < MIN_BLOCK_PX or not contiguous):
            return None
        first, count = int(positions[0]), len(positions)
        return Window(first, 0, count, grid.height) if along_columns else Window(0, first, grid.width, count)


def gap_in_degrees(gap_m: float, axis: Axis, bounds: Sequence[float]) -> float:
    """Turn a distance along an axis into degrees that are at least as long everywhere within bounds.

    Args:
        gap_m: metres.
        axis: `longitude` or `latitude`.
        bounds: west, south, east, north, degrees.
    """
    latitude = gap_m / SHORTEST_DEGREE_M
    if axis == "latitude":
        return latitude
    return latitude / math.cos(math.radians(min(max(abs(bounds[1]), abs(bounds[3])) + latitude, 89.9)))


def pixels_to_degrees(grid: Grid, columns: Floats, rows: Floats) -> Floats:
    """Turn places in an image's pixels into longitude and latitude, (n, 2)."""
    x, y = grid.transform @ (columns, rows)
    if grid.crs != WGS84:
        x, y = transform_points(CRS.from_user_input(grid.crs), WGS84, x, y)
    return np.stack([wrap_longitudes(np.asarray(x, float)), np.asarray(y, float)], axis=1)


def _varies_along_columns(grid: Grid, axis: Axis) -> bool:
    """Tell whether longitude (or latitude) changes more from column to column of an image than from row to row."""
    columns = grid.width / 2 + np.array([0.0, 1.0, 0.0])  # the middle of the image, one column further, one row further
    rows = grid.height / 2 + np.array([0.0, 0.0, 1.0])
    middle, next_column, next_row = pixels_to_degrees(grid, columns, rows)[:, AXES.index(axis)]
    return bool(abs(next_column - middle) >= abs(next_row - middle))


@lru_cache(maxsize=256)
def _border_values(grid: Grid, axis: Axis, along_columns: bool) -> tuple[Floats, Floats]:
    """Return the least and largest longitude or latitude on the n + 1 borders of an image's columns, or rows."""
    length, width = (grid.width, grid.height) if along_columns else (grid.height, grid.width)
    along, across = np.meshgrid(np.arange(length + 1.0), np.linspace(0, width, BORDER_SAMPLES), indexing="ij")
    x, y = (along, across) if along_columns else (across, along)
    values = pixels_to_degrees(grid, x.ravel(), y.ravel())[:, AXES.index(axis)].reshape(along.shape)
    return values.min(axis=1), values.max(axis=1)
