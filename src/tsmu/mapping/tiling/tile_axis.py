"""Where the tiles of a scene lie along one of its axes, and how much each counts where two overlap."""

import math
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from tsmu.errors import MapError
from tsmu.mapping.inference.engine import NETWORK_STRIDE

RAMP_SHARE = 0.25  # share of the overlap over which the weight passes from one tile to the next


@dataclass(frozen=True)
class TileAxis:
    """One axis of a scene divided into overlapping tiles of equal length; all lengths in pixels.

    Tiles start at multiples of the network's stride, as the whole scene does, so that the grid of
    feature pixels is the same in all of them. The last tile may end up to 31 px beyond the scene.

    Attributes:
        size: length of the scene.
        tile: length of a tile.
        starts: where the tiles start, ascending from 0.
        ramp: length over which the weight passes from one tile to the next.

    Example:
        >>> axis = TileAxis.plan(1000, tile=512, overlap=128)
        >>> axis.starts, axis.tile, len(axis)
        ((0, 288, 576), 448, 3)
    """

    size: int
    tile: int
    starts: tuple[int, ...]
    ramp: int

    @classmethod
    def plan(cls, size: int, tile: int, overlap: int) -> "TileAxis":
        """Divide `size` px into as few tiles as possible that share at least `overlap` px each.

        Tiles are no longer than that number of them needs, so that little is computed twice. A scene
        shorter than `tile` is one tile, shortened to the next multiple of 32.

        Args:
            size: length of the scene.
            tile: length of a tile at most.
            overlap: pixels that neighbouring tiles share at least.

        Raises:
            MapError: `tile` is not a multiple of 32 from 64 on, or `overlap` is more than half of it.
        """
        check_tiling(tile, overlap)
        padded = math.ceil(size / NETWORK_STRIDE) * NETWORK_STRIDE
        tile = min(tile, padded)
        steps = _steps(padded, tile, overlap)
        # Shorten the tiles as long as no further tile is needed for it.
        while (
            steps
            and tile - NETWORK_STRIDE >= max(2 * overlap, 2 * NETWORK_STRIDE)
            and (_steps(padded, tile - NETWORK_STRIDE, overlap) == steps)
        ):
            tile -= NETWORK_STRIDE
        last = (padded - tile) // NETWORK_STRIDE
        starts = tuple(step * last // steps * NETWORK_STRIDE for step in range(steps + 1)) if steps else (0,)
        return cls(size, tile, starts, round(overlap * RAMP_SHARE))

    def __len__(self) -> int:
        """Count the tiles."""
        return len(self.starts)

    @property
    def padded(self) -> int:
        """Where the last tile ends."""
        return self.starts[-1] + self.tile

    @cached_property
    def weights(self) -> npt.NDArray[np.float32]:
        """Weights (tiles, tile) that add up to one at every pixel.

        A tile counts fully up to near the middle of what it shares with its neighbour; there the weight
        passes to the neighbour along a smooth ramp of `ramp` px. A tile's outermost pixels, around which
        the network sees least, count nothing.
        """
        total = np.zeros(self.padded)
        raw = np.ones((len(self), self.tile))
        position = np.arange(self.tile) + 0.5
        for number, start in enumerate(self.starts):
            if number > 0:
                raw[number] *= self._cosine_step(start + position - self._overlap_middle(number - 1))
            if number < len(self) - 1:
                raw[number] *= self._cosine_step(self._overlap_middle(number) - start - position)
            total[start : start + self.tile] += raw[number]
        for number, start in enumerate(self.starts):
            raw[number] /= total[start : start + self.tile]
        return raw.astype(np.float32)

    def final_before(self, number: int) -> int:
        """Give the position before which all pixels are final once tile `number` is added.

        It is the start of the next tile; for the last tile, the end of the scene.
        """
        return self.starts[number + 1] if number + 1 < len(self) else self.size

    def shared(self, number: int) -> npt.NDArray[np.bool_]:
        """Which pixels of tile `number` lie in another tile, too: (tile,)."""
        positions = np.arange(self.tile) + self.starts[number]
        others = np.array([start for other, start in enumerate(self.starts) if other != number])[:, None]
        return np.asarray(((others <= positions) & (positions < others + self.tile)).any(axis=0))

    def _overlap_middle(self, number: int) -> float:
        """The middle of what tile `number` shares with the next."""
        return (self.starts[number] + self.tile + self.starts[number + 1]) / 2

    def _cosine_step(self, distance: npt.NDArray[np.floating]) -> npt.NDArray[np.float64]:
        """A step from 0 to 1 around distance 0, smooth over the ramp."""
        share = np.clip(distance / max(self.ramp, 1) + 0.5, 0, 1)
        return np.asarray((1 - np.cos(np.pi * share)) / 2)


def check_tiling(tile: int | None, overlap: int | None) -> None:
    """Refuse tiles of a side that the network does not take, and tiles that share more than half of their side.

    Args:
        tile: side of a tile, px; None if it is chosen later, to suit the overlap.
        overlap: pixels that neighbouring tiles share; None if it is measured later.

    Raises:
        MapError: the side is not a multiple of 32 or is below 64, or the overlap is negative or above half the side.

    Example:
        >>> check_tiling(512, 400)
        Traceback (most recent call last):
        tsmu.errors.MapError: overlap of 400 px: must be between 0 and half the tile, 256 px
    """
    if tile is None:
        return
    if tile < 2 * NETWORK_STRIDE or tile % NETWORK_STRIDE:
        raise MapError(f"tile of {tile} px: must be a multiple of {NETWORK_STRIDE}, at least {2 * NETWORK_STRIDE}")
    if overlap is not None and not 0 <= overlap <= tile // 2:
        raise MapError(f"overlap of {overlap} px: must be between 0 and half the tile, {tile // 2} px")


def _steps(padded: int, tile: int, overlap: int) -> int:
    """Count the tiles that are needed after the first."""
    stride = (tile - overlap) // NETWORK_STRIDE * NETWORK_STRIDE
    return math.ceil((padded - tile) / stride) if padded > tile else 0
