"""Web mercator as tiles use it: the world is a square of side 1, y goes down."""

import math

import numpy as np
import numpy.typing as npt

from tsmu.database import Box

MOST_LATITUDE = 85.0511287798066  # the square's


def to_world(points: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """From degrees (n, 2), longitude first, to the square."""
    latitude = np.radians(np.clip(points[:, 1], -MOST_LATITUDE, MOST_LATITUDE))
    return np.column_stack([(points[:, 0] + 180) / 360, (1 - np.arcsinh(np.tan(latitude)) / math.pi) / 2])


def bounds(z: int, x: int, y: int, margin: float = 0.0) -> Box:
    """A tile's west, south, east, north in degrees, widened on each side by a share of it."""
    count = 2.0**z

    def latitude(row: float) -> float:
        return math.degrees(math.atan(math.sinh(math.pi * (1 - 2 * min(max(row, 0), count) / count))))

    west, east = ((x + edge) / count * 360 - 180 for edge in (-margin, 1 + margin))
    return west, latitude(y + 1 + margin), east, latitude(y - margin)
