"""How a scene is cut into tiles, and how their answers are put together without seams."""

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from tsmu.errors import MapError

STRIDE = 32  # of the network; tiles on its grid see what they would see in the whole image

Weights = npt.NDArray[np.float32]


@dataclass(frozen=True)
class Axis:
    """Tiles along one axis of a scene.

    Tiles of `tile` pixels follow each other every `step = tile - overlap` pixels, on the network's
    grid. The first one begins before the scene, so that every pixel has some ground around it.

    Attributes:
        length: of the scene, pixels.
        tile: of a tile, a multiple of 32.
        overlap: of neighbouring tiles, a multiple of 32.
    """

    length: int
    tile: int
    overlap: int

    @classmethod
    def fitted(cls, length: int, tile: int, overlap: int) -> "Axis":
        """Cut a length into tiles; one that fits into a single tile gets just that."""
        if tile % STRIDE or overlap % STRIDE or not 0 <= overlap <= tile // 2:
            raise MapError(
                f"tile {tile} px with overlap {overlap} px: both must be multiples of {STRIDE}, "
                "and the overlap at most half the tile"
            )
        if length <= tile:
            return cls(length, STRIDE * math.ceil(length / STRIDE), 0)
        return cls(length, tile, overlap)

    @property
    def step(self) -> int:
        """Distance from tile to tile."""
        return self.tile - self.overlap

    @property
    def margin(self) -> int:
        """What is thrown away at a tile's edge, where the network sees the least."""
        return self.overlap // 4

    @property
    def starts(self) -> list[int]:
        """First pixel of each tile; the first and the last tile reach beyond the scene."""
        lead = STRIDE * math.ceil(self.margin / STRIDE)
        count = 1 + max(0, math.ceil((lead + self.length + self.margin - self.tile) / self.step))
        return [number * self.step - lead for number in range(count)]

    @property
    def weights(self) -> Weights:
        """Weight of each pixel of a tile: 0 at the edge, a ramp through the overlap, 1 inside.

        Where two tiles overlap their weights add up to 1.
        """
        if not self.overlap:
            return np.ones(self.tile, np.float32)
        ramp = self.overlap - 2 * self.margin
        position = np.arange(self.tile) + 0.5
        from_edge = np.minimum(position, self.tile - position) - self.margin
        return np.asarray((from_edge / ramp).clip(0, 1).astype(np.float32))

    def total_weight(self) -> Weights:
        """Sum of all tiles' weights per pixel of the scene; 1 except near the scene's edges."""
        total = np.zeros(self.length, np.float32)
        for start in self.starts:
            first, last = max(start, 0), min(start + self.tile, self.length)
            total[first:last] += self.weights[first - start : last - start]
        return total
