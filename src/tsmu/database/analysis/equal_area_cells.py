"""Cells of equal area on a plane: squares or hexagons, named by one integer each."""

from dataclasses import dataclass
from typing import Protocol

import numpy as np
import numpy.typing as npt
import pyproj
import shapely

from tsmu.database.types import SRS_ID

Keys = npt.NDArray[np.int64]
Numbers = npt.NDArray[np.float64]
MOST_AZIMUTHAL_DEG = 100.0  # of longitude or latitude; a wider extent has edges too far from one centre
_HALF = 1 << 31


class CellGrid(Protocol):
    """A grid of cells that cover the plane without gaps; coordinates in metres."""

    @property
    def size(self) -> float:
        """Width of one cell, m."""

    @property
    def area(self) -> float:
        """Area of one cell, m2."""

    def of(self, x: Numbers, y: Numbers) -> Keys:
        """The cell of each point."""

    def near(self, bounds: tuple[float, float, float, float]) -> Keys:
        """All cells that touch a box, and perhaps a few at its edge that do not."""

    def outlines(self, keys: Keys) -> npt.NDArray[np.object_]:
        """The polygon of each cell."""


def _key(column: npt.NDArray[np.float64], row: npt.NDArray[np.float64]) -> Keys:
    """One integer per cell: the column in the upper 32 bits; in the lower the row plus 2^31, so that it is positive."""
    return (column.astype(np.int64) << 32) + row.astype(np.int64) + _HALF


def column_and_row(keys: Keys) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Columns and rows of cells, from their keys."""
    return keys >> 32, (keys & 0xFFFFFFFF) - _HALF


@dataclass(frozen=True)
class SquareGrid:
    """Squares with sides of `size` metres; rows count northwards from the projection's centre."""

    size: float

    @property
    def area(self) -> float:
        """Area of one square, m2."""
        return self.size**2

    def of(self, x: Numbers, y: Numbers) -> Keys:
        """The square of each point."""
        return _key(np.floor(x / self.size), np.floor(y / self.size))

    def near(self, bounds: tuple[float, float, float, float]) -> Keys:
        """All squares that touch a box."""
        west, south, east, north = (np.floor(side / self.size) for side in bounds)
        columns, rows = np.meshgrid(np.arange(west, east + 1), np.arange(south, north + 1))
        return _key(columns.ravel(), rows.ravel())

    def outlines(self, keys: Keys) -> npt.NDArray[np.object_]:
        """Each square as a polygon."""
        column, row = column_and_row(keys)
        size = self.size
        made = shapely.box(column * size, row * size, (column + 1) * size, (row + 1) * size)
        return np.asarray(made, dtype=object)


@dataclass(frozen=True)
class HexagonGrid:
    """Hexagons that stand on a corner and are `size` metres wide from flat side to flat side.

    Columns and rows are axial coordinates: rows go north, and each row is shifted by half a hexagon against the one
    south of it, so that the centre of a cell lies at x = size * (column + row / 2).
    """

    size: float

    @property
    def area(self) -> float:
        """Area of one hexagon, m2."""
        return float(self.size**2 * np.sqrt(3) / 2)

    def of(self, x: Numbers, y: Numbers) -> Keys:
        """The hexagon of each point.

        Column, row and a third coordinate add up to 0. All three are rounded, and the one that was rounded by most is
        computed from the other two, so that the sum is 0 again.
        """
        row = y / (self.size * np.sqrt(3) / 2)
        column = x / self.size - row / 2
        third = -column - row
        rounded = [np.rint(exact) for exact in (column, row, third)]
        error = [np.abs(exact - whole) for exact, whole in zip((column, row, third), rounded, strict=True)]
        column_is_worst = (error[0] > error[1]) & (error[0] > error[2])
        row_is_worst = ~column_is_worst & (error[1] > error[2])
        return _key(
            np.where(column_is_worst, -rounded[1] - rounded[2], rounded[0]),
            np.where(row_is_worst, -rounded[0] - rounded[2], rounded[1]),
        )

    def near(self, bounds: tuple[float, float, float, float]) -> Keys:
        """All hexagons that touch a box, and some beside it."""
        west, south, east, north = bounds
        step = self.size * np.sqrt(3) / 2
        rows = np.arange(np.floor(south / step) - 1, np.ceil(north / step) + 2)
        columns = np.arange(np.floor(west / self.size) - 1, np.ceil(east / self.size) + 2)
        across, along = np.meshgrid(columns, rows)
        return _key((across - np.floor(along / 2)).ravel(), along.ravel())

    def outlines(self, keys: Keys) -> npt.NDArray[np.object_]:
        """Each hexagon as a polygon."""
        column, row = column_and_row(keys)
        x, y = self.size * (column + row / 2), self.size * np.sqrt(3) / 2 * row
        turns = np.deg2rad(np.arange(30, 390, 60))
        radius = self.size / np.sqrt(3)
        corners = np.stack([x[:, None] + radius * np.cos(turns), y[:, None] + radius * np.sin(turns)], axis=-1)
        return np.asarray(shapely.polygons(corners), dtype=object)


def equal_area_crs(west: float, south: float, east: float, north: float) -> pyproj.CRS:
    """An equal-area projection for an extent in degrees; east is greater than 180 across the 180th meridian.

    Lambert's azimuthal one round the middle, where shapes stay true up to some thousands of kilometres
    (Snyder 1987, p. 182); the sinusoidal one for what is wider: GDAL can write it into every format, Equal Earth not.

    Example:
        >>> equal_area_crs(7.0, 46.0, 7.2, 46.1).coordinate_operation.method_name
        'Lambert Azimuthal Equal Area'
    """
    if east - west > MOST_AZIMUTHAL_DEG or north - south > MOST_AZIMUTHAL_DEG:
        return pyproj.CRS.from_proj4(f"+proj=sinu +lon_0={(west + east) / 2:.0f} +datum=WGS84 +units=m")
    latitude, longitude = (south + north) / 2, ((west + east) / 2 + 180) % 360 - 180
    return pyproj.CRS.from_proj4(f"+proj=laea +lat_0={latitude:.2f} +lon_0={longitude:.2f} +datum=WGS84 +units=m")


def to_plane(crs: pyproj.CRS) -> pyproj.Transformer:
    """The transformation from degrees in EPSG:4326, longitude first, to a projection's metres."""
    return pyproj.Transformer.from_crs(SRS_ID, crs, always_xy=True)
