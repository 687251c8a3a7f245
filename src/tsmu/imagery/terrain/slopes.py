"""What elevations say of the ground at each cell: its slope, and its height above the surroundings."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.signal import fftconvolve

from tsmu.geodesy import pixel_vectors
from tsmu.imagery.rasters.grids import Grid

Heights = npt.NDArray[np.float64]
_Numbers = npt.NDArray[np.float64]


@dataclass(frozen=True)
class CellVectors:
    """How far apart a grid's cells lie on the ground, row by row.

    Attributes:
        column_east, column_north: metres to the east and to the north of one step along a row, (rows, 1).
        row_east, row_north: likewise of one step down a column.
    """

    column_east: _Numbers
    column_north: _Numbers
    row_east: _Numbers
    row_north: _Numbers

    @classmethod
    def of(cls, grid: Grid, rows: npt.NDArray[np.int64]) -> "CellVectors":
        """Measure them on the ellipsoid, whatever the grid's CRS and its units.

        They are taken at the grid's middle column, so that they do not depend on how the grid is cut.

        Args:
            grid: the grid.
            rows: numbers of the rows.
        """
        middle = np.full(len(rows), grid.width / 2)
        return cls(
            *(part[:, None] for part in pixel_vectors(grid.crs, grid.transform, middle, rows.astype(np.float64) + 0.5))
        )

    @property
    def sides(self) -> tuple[float, float]:
        """Length of a step along a row and of one down a column, metres, at the middle row."""
        at = len(self.row_east) // 2
        along = np.hypot(self.column_east[at, 0], self.column_north[at, 0])
        down = np.hypot(self.row_east[at, 0], self.row_north[at, 0])
        return float(along), float(down)


def slope(heights: Heights, cells: CellVectors) -> Heights:
    """Slope in degrees, 0 to 90, by the weighted differences of Horn (1981, doi 10.1109/PROC.1981.11918).

    A neighbour without elevation, or beyond the edge, is taken to lie as far below the cell as the one
    opposite lies above it, so that a plane has its slope up to the edge.

    Args:
        heights: elevations in metres (H, W), NaN where unknown.
        cells: of these rows.

    Returns:
        (H, W), NaN where the cell, or two opposite neighbours in its row or column, are unknown.
    """
    across, down = _gradient(heights)
    # The gradient on the ground times the step along a row is `across`; times the one down a column, `down`.
    area = cells.column_east * cells.row_north - cells.row_east * cells.column_north
    east = (across * cells.row_north - down * cells.column_north) / area
    north = (down * cells.column_east - across * cells.row_east) / area
    return np.where(np.isnan(heights), np.nan, np.degrees(np.arctan(np.hypot(east, north))))


def _gradient(heights: Heights) -> tuple[Heights, Heights]:
    """Rise per step along a row, and per step down a column, by Horn's weights."""
    height, width = heights.shape
    around = np.pad(heights, 1, constant_values=np.nan)

    def rise(row: int, column: int) -> Heights:
        """From the neighbour opposite (row, column) to the one there: two steps."""
        first = around[1 - row : 1 - row + height, 1 - column : 1 - column + width]
        second = around[1 + row : 1 + row + height, 1 + column : 1 + column + width]
        both = second - first
        one = np.where(np.isnan(second), 2 * (heights - first), 2 * (second - heights))
        return np.asarray(np.where(np.isnan(both), one, both))

    across, down = rise(0, 1), rise(1, 0)
    falling, rising = rise(1, 1), rise(-1, 1)
    falling = np.where(np.isnan(falling), across + down, falling)
    rising = np.where(np.isnan(rising), across - down, rising)
    return (falling + rising + 2 * across) / 8, (falling - rising + 2 * down) / 8


def height_above(heights: Heights, radius: float, cells: CellVectors) -> Heights:
    """Height above the mean of all known cells within a radius, metres; negative in hollows.

    The circle is measured at the middle row.

    Args:
        heights: elevations in metres (H, W), NaN where unknown.
        radius: metres.
        cells: of these rows.

    Returns:
        (H, W), NaN where the cell is unknown.
    """
    circle = disc(radius, cells)
    known = np.isfinite(heights)
    level = heights[known].mean() if known.any() else 0.0  # small numbers leave less to be rounded off
    filled = np.where(known, heights - level, 0)
    count = np.round(fftconvolve(known.astype(np.float64), circle, mode="same")).clip(min=1)
    return np.asarray(heights - level - fftconvolve(filled, circle, mode="same") / count)


def disc(radius: float, cells: CellVectors) -> Heights:
    """Which cells around one lie within a radius, 1 or 0: (2 M + 1, 2 N + 1); metres, at the middle row."""
    at = len(cells.row_east) // 2
    along, down = (int(radius // side) + 1 for side in cells.sides)
    rows, columns = np.mgrid[-down : down + 1, -along : along + 1]
    east = columns * cells.column_east[at, 0] + rows * cells.row_east[at, 0]
    north = columns * cells.column_north[at, 0] + rows * cells.row_north[at, 0]
    return np.asarray((np.hypot(east, north) <= radius).astype(np.float64))
