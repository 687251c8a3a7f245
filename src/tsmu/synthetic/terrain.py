"""The shape of the ground: valleys with rivers, ridges between them, and slopes."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from tsmu.synthetic.noise import Floats, fractal_noise, subseed

COARSE = 3  # exponent of the lattice spacing on which slopes are followed: 8 px

Doubles = npt.NDArray[np.floating[Any]]
Box = tuple[int, int, int, int]  # column, row, width, height in pixels of the world


@dataclass(frozen=True)
class TerrainShape:
    """Shape of the ground on a window; every array is float32 (height, width)."""

    valley: Floats
    """0 on a river, about 1 on the divides."""
    height: Floats
    """Elevation, without unit: about 0 in the valleys, 1 to 2 on the ridges."""
    east: Floats
    """Rise of `height` per 8 px eastwards."""
    south: Floats
    """Rise of `height` per 8 px southwards."""


def make_terrain(seed: int, window: Box) -> TerrainShape:
    """Make the shape of the ground at every pixel of a window.

    Args:
        seed: seed of the world.
        window: column, row, width, height in pixels of the world.
    """
    column, row, width, height = window
    valley, elevation = _elevation(seed, (column - 1, row - 1, width + 2, height + 2), 0)
    four = np.float32(4)  # from a central difference, which spans 2 px, to the rise per 8 px
    return TerrainShape(
        valley=valley[1:-1, 1:-1],
        height=elevation[1:-1, 1:-1],
        east=(elevation[1:-1, 2:] - elevation[1:-1, :-2]) * four,
        south=(elevation[2:, 1:-1] - elevation[:-2, 1:-1]) * four,
    )


def _elevation(seed: int, window: Box, at: int) -> tuple[Floats, Floats]:
    """Valley and height (see `TerrainShape`) on the nodes of a lattice; coarse lattices lack the finest octaves.

    Args:
        seed: seed of the world.
        window: column, row, width, height in nodes of the lattice.
        at: exponent of the lattice's spacing, which is 2**at pixels.
    """
    valley = np.abs(fractal_noise(subseed(seed, "valleys"), window, 7, 4, 0.55, at))
    ridge = np.abs(fractal_noise(subseed(seed, "ridges"), window, 6, 3, 0.55, at))
    elevation = np.sqrt(valley + np.float32(0.05)) - np.float32(0.4) * ridge * np.minimum(valley, np.float32(1))
    if at < COARSE:
        elevation += np.float32(0.03) * fractal_noise(subseed(seed, "roughness"), window, 3, 1, 0.6, at)
    return valley, elevation


class SlopeField:
    """The slope in a window, smoothed over 8 px, which can be read at any point."""

    def __init__(self, seed: int, window: Box) -> None:
        """Compute the slope on the lattice that covers `window`."""
        column, row, width, height = window
        self._column, self._row = (column >> COARSE) - 1, (row >> COARSE) - 1
        columns = ((column + width) >> COARSE) + 2 - self._column
        rows = ((row + height) >> COARSE) + 2 - self._row
        box = (self._column - 1, self._row - 1, columns + 2, rows + 2)
        _, elevation = _elevation(seed, box, COARSE)
        half = np.float32(0.5)
        self._east = (elevation[1:-1, 2:] - elevation[1:-1, :-2]) * half
        self._south = (elevation[2:, 1:-1] - elevation[:-2, 1:-1]) * half

    def at(self, x: Doubles, y: Doubles) -> tuple[Doubles, Doubles]:
        """Rise per 8 px eastwards and southwards at points in pixel coordinates of the world."""
        u, v = x / 2**COARSE - self._column, y / 2**COARSE - self._row
        i, j = np.floor(u).astype(np.intp), np.floor(v).astype(np.intp)
        u, v = u - i, v - j

        def blend(values: Floats) -> Doubles:
            upper = values[j, i] * (1 - u) + values[j, i + 1] * u
            lower = values[j + 1, i] * (1 - u) + values[j + 1, i + 1] * u
            return np.asarray(upper * (1 - v) + lower * v)

        return blend(self._east), blend(self._south)
