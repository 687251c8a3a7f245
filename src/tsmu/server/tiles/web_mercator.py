"""Web mercator (EPSG:3857) and its tiles (XYZ).

The world is a square, which is one tile at zoom 0. Each further zoom halves the side of a tile. Columns are counted
from the west, rows from the north. The package morecantile is not used, because it has no margins around tiles, does
not project arrays, and took 150 times as long for the bounds of a tile.
"""

import math

import numpy as np
import numpy.typing as npt

from tsmu.database import Box

EARTH_RADIUS_M = 6_378_137.0
HALF_SIDE_M = math.pi * EARTH_RADIUS_M  # half of the square's side
MAX_LATITUDE = 85.0511287798066  # latitude of the square's northern side, degrees


def to_unit_square(points: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Project points in degrees to the unit square: web mercator scaled to a side of 1, with y down.

    Multiplied by 2**z, the result is in columns and rows of tiles at zoom z.

    Args:
        points: points (n, 2), longitude first; latitudes beyond the square are moved to its edge.

    Example:
        >>> to_unit_square(np.array([[0.0, 0.0], [-90.0, 60.0]])).round(3).tolist()
        [[0.5, 0.5], [0.25, 0.29]]
    """
    latitude = np.radians(np.clip(points[:, 1], -MAX_LATITUDE, MAX_LATITUDE))
    return np.column_stack([(points[:, 0] + 180) / 360, (1 - np.arcsinh(np.tan(latitude)) / math.pi) / 2])


def tile_bounds(z: int, x: int, y: int, margin: float = 0.0) -> Box:
    """The bounds of a tile in degrees (west, south, east, north), with a margin as a share of the tile's side.

    Example:
        >>> [round(side, 3) for side in tile_bounds(1, 0, 0)]
        [-180.0, 0.0, 0.0, 85.051]
    """
    count = 2.0**z

    def latitude(row: float) -> float:
        return math.degrees(math.atan(math.sinh(math.pi * (1 - 2 * min(max(row, 0), count) / count))))

    west, east = ((x + edge) / count * 360 - 180 for edge in (-margin, 1 + margin))
    return west, latitude(y + 1 + margin), east, latitude(y - margin)


def tile_bounds_m(z: int, x: int, y: int) -> Box:
    """The bounds of a tile in metres of EPSG:3857: west, south, east and north."""
    side = 2 * HALF_SIDE_M / (1 << z)
    west, north = x * side - HALF_SIDE_M, HALF_SIDE_M - y * side
    return west, north - side, west + side, north


def scale_factor(northing_m: float) -> float:
    """The length of a metre on the ground in metres of EPSG:3857, at a northing in metres of EPSG:3857.

    Example:
        >>> round(scale_factor(8_399_737.9), 3)  # at 60 degrees north
        2.0
    """
    return math.cosh(northing_m / EARTH_RADIUS_M)
