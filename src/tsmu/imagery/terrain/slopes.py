"""Compute the slope of the ground at each cell of an elevation grid, and its height above the surroundings."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from tsmu.geodesy import pixel_vectors
from tsmu.imagery.rasters import Grid

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
    def from_grid(cls, grid: Grid, rows: npt.NDArray[np.int64]) -> "CellVectors":
        """Measure the vectors on the ellipsoid, whatever the grid's CRS and its units.

        They are measured at the grid's middle column, so that they do not depend on how the grid is cut.

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
        middle = len(self.row_east) // 2
        along_row = np.hypot(self.column_east[middle, 0], self.column_north[middle, 0])
        down_column = np.hypot(self.row_east[middle, 0], self.row_north[middle, 0])
        return float(along_row), float(down_column)


def slope_angle(heights: Heights, cells: CellVectors) -> Heights:
    """Compute the slope in degrees, 0 to 90, by the weighted differences of Horn (1981, doi 10.1109/PROC.1981.11918).

    A neighbour without elevation, or beyond the edge, is assumed to lie as far below the cell as the one
    opposite lies above it, so that a plane has its slope up to the edge.

    Args:
        heights: elevations in metres (H, W), NaN where unknown.
        cells: of these rows.

    Returns:
        (H, W), NaN where the cell, or two opposite neighbours in its row or column, are unknown.

    Example:
        >>> from rasterio.transform import from_origin
        >>> grid = Grid(3, 3, utm_at(85.3, 27.7), from_origin(600_000, 3_100_000, 10, 10))
        >>> heights = np.array([[0.0, 10.0, 20.0]] * 3)  # rises by 10 m in each cell of 10 m
        >>> round(slope_angle(heights, CellVectors.from_grid(grid, np.arange(3)))[1, 1])
        45
    """
    along_row, down_column = _gradient(heights)
    # The gradient on the ground times the step along a row is `along_row`; times the one down a column, `down_column`.
    area = cells.column_east * cells.row_north - cells.row_east * cells.column_north
    east = (along_row * cells.row_north - down_column * cells.column_north) / area
    north = (down_column * cells.column_east - along_row * cells.row_east) / area
    return np.where(np.isnan(heights), np.nan, np.degrees(np.arctan(np.hypot(east, north))))


def _gradient(heights: Heights) -> tuple[Heights, Heights]:
    """Rise per step along a row, and per step down a column, by Horn's weights."""
    height, width = heights.shape
    padded = np.pad(heights, 1, constant_values=np.nan)

    def rise(row: int, column: int) -> Heights:
        """Rise from the neighbour opposite (row, column) to the neighbour (row, column), which is two steps.

        Where one of the two is unknown, twice the rise between the cell itself and the other one.
        """
        first = padded[1 - row : 1 - row + height, 1 - column : 1 - column + width]
        second = padded[1 + row : 1 + row + height, 1 + column : 1 + column + width]
        central = second - first
        one_sided = np.where(np.isnan(second), 2 * (heights - first), 2 * (second - heights))
        return np.asarray(np.where(np.isnan(central), one_sided, central))

    along_row, down_column = rise(0, 1), rise(1, 0)
    falling, rising = rise(1, 1), rise(-1, 1)
    falling = np.where(np.isnan(falling), along_row + down_column, falling)
    rising = np.where(np.isnan(rising), along_row - down_column, rising)
    return (falling + rising + 2 * along_row) / 8, (falling - rising + 2 * down_column) / 8


def height_above_surroundings(heights: Heights, radius: float, cells: CellVectors) -> Heights:
    """Compute the height above the mean of all known cells within a radius, metres; negative in hollows.

    The circle is measured at the middle row.

    Args:
        heights: elevations in metres (H, W), NaN where unknown.
        radius: metres.
        cells: of these rows.

    Returns:
        (H, W), NaN where the cell is unknown.
    """
    from scipy.signal import fftconvolve  # takes longer to import than the names of bands to parse

    circle = circle_mask(radius, cells)
    known = np.isfinite(heights)
    level = heights[known].mean() if known.any() else 0.0  # small numbers leave less to be rounded off
    filled = np.where(known, heights - level, 0)
    count = np.round(fftconvolve(known.astype(np.float64), circle, mode="same")).clip(min=1)
    return np.asarray(heights - level - fftconvolve(filled, circle, mode="same") / count)


def circle_mask(radius: float, cells: CellVectors) -> Heights:
    """Mark the cells within a radius of one cell, 1 or 0: (2 M + 1, 2 N + 1); metres, at the middle row."""
    middle = len(cells.row_east) // 2
    along_row, down_column = (int(radius // side) + 1 for side in cells.sides)
    rows, columns = np.mgrid[-down_column : down_column + 1, -along_row : along_row + 1]
    east = columns * cells.column_east[middle, 0] + rows * cells.row_east[middle, 0]
    north = columns * cells.column_north[middle, 0] + rows * cells.row_north[middle, 0]
    return np.asarray((np.hypot(east, north) <= radius).astype(np.float64))
