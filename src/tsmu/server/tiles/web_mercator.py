"""Web mercator (EPSG:3857) and its tiles: the world is a square, halved with each zoom, rows counted from the north.

Not taken from morecantile, which has no margins around tiles, does not project arrays, and whose bounds of
a tile took 150 times as long.
"""

import math

import numpy as np
import numpy.typing as npt

from tsmu.database import Box

EARTH_RADIUS_M = 6_378_137.0
HALF_SIDE_M = math.pi * EARTH_RADIUS_M  # of the square
MAX_LATITUDE = 85.0511287798066  # of the square's northern side


def to_unit_square(points: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Project points in degrees to a square of side 1 with y down; multiplied by 2**z it counts tiles.

    Args:
        points: (n, 2), longitude first; latitudes beyond the square are moved to its side.

    Example:
        >>> to_unit_square(np.array([[0.0, 0.0], [-90.0, 60.0]])).round(3).tolist()
        [[0.5, 0.5], [0.25, 0.29]]
    """
    latitude = np.radians(np.clip(points[:, 1], -MAX_LATITUDE, MAX_LATITUDE))
    return np.column_stack([(points[:, 0] + 180) / 360, (1 - np.arcsinh(np.tan(latitude)) / math.pi) / 2])


def tile_bounds(z: int, x: int, y: int, margin: float = 0.0) -> Box:
    """West, south, east and north of a tile in degrees, widened on each side by a share of the tile's side.

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
    """West, south, east and north of a tile in metres of EPSG:3857."""
    side = 2 * HALF_SIDE_M / (1 << z)
    west, north = x * side - HALF_SIDE_M, HALF_SIDE_M - y * side
    return west, north - side, west + side, north


def scale_factor(northing_m: float) -> float:
    """How many metres of EPSG:3857 a metre on the ground is, at a northing.

    Example:
        >>> round(scale_factor(8_399_737.9), 3)  # at 60 degrees north
        2.0
    """
    return math.cosh(northing_m / EARTH_RADIUS_M)
