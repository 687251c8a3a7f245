"""Where the tiles of a scene lie, and how much each counts where they overlap."""

import math
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from tsmu.errors import MapError

MULTIPLE = 32  # a U-Net of depth 5 answers the same at shifts by this many pixels, and at no others
RAMP_SHARE = 0.25  # of the overlap


@dataclass(frozen=True)
class Cuts:
    """One axis of a scene cut into equal overlapping pieces; pixels.

    Starts are multiples of 32, as the whole scene's is, so that the network's grid of feature
    pixels is the same in all tiles. The last piece may end up to 31 px beyond the scene.

    Attributes:
        size: length of the scene.
        tile: length of a piece.
        starts: where the pieces begin, ascending from 0.
        ramp: length over which one piece hands over to the next.
    """

    size: int
    tile: int
    starts: tuple[int, ...]
    ramp: int

    @classmethod
    def plan(cls, size: int, tile: int, overlap: int) -> "Cuts":
        """Cut `size` px into as few pieces as possible that share at least `overlap` px each.

        Pieces are not larger than that many need to be, so that little is computed twice. A scene
        shorter than `tile` is one piece, shortened to the next multiple of 32.

        Raises:
            MapError: `tile` is not a multiple of 32 from 64 on, or `overlap` more than half of it.
        """
        if tile < 2 * MULTIPLE or tile % MULTIPLE:
            raise MapError(f"tile of {tile} px: must be a multiple of {MULTIPLE}, at least {2 * MULTIPLE}")
        if not 0 <= overlap <= tile // 2:
            raise MapError(f"overlap of {overlap} px: must be between 0 and half the tile, {tile // 2} px")
        padded = math.ceil(size / MULTIPLE) * MULTIPLE
        tile = min(tile, padded)
        steps = _steps(padded, tile, overlap)
        while (
            steps
            and tile - MULTIPLE >= max(2 * overlap, 2 * MULTIPLE)
            and (_steps(padded, tile - MULTIPLE, overlap) == steps)
        ):
            tile -= MULTIPLE
        last = (padded - tile) // MULTIPLE
        starts = tuple(step * last // steps * MULTIPLE for step in range(steps + 1)) if steps else (0,)
        return cls(size, tile, starts, round(overlap * RAMP_SHARE))

    def __len__(self) -> int:
        """Count the pieces."""
        return len(self.starts)

    @property
    def padded(self) -> int:
        """Where the last piece ends."""
        return self.starts[-1] + self.tile

    @cached_property
    def weights(self) -> npt.NDArray[np.float32]:
        """Weights (pieces, tile) that add up to one at every pixel.

        A piece counts fully up to near the middle of what it shares with its neighbour, then hands
        over along a smooth ramp of `ramp` px. Its outermost pixels, where the network sees least
        around them, count nothing.
        """
        total = np.zeros(self.padded)
        raw = np.ones((len(self), self.tile))
        position = np.arange(self.tile) + 0.5
        for piece, start in enumerate(self.starts):
            if piece > 0:
                raw[piece] *= self._rise(start + position - self._handover(piece - 1))
            if piece < len(self) - 1:
                raw[piece] *= self._rise(self._handover(piece) - start - position)
            total[start : start + self.tile] += raw[piece]
        for piece, start in enumerate(self.starts):
            raw[piece] /= total[start : start + self.tile]
        return raw.astype(np.float32)

    def final_before(self, piece: int) -> int:
        """Where the pixels end that no piece after `piece` touches."""
        return self.starts[piece + 1] if piece + 1 < len(self) else self.size

    def shared(self, piece: int) -> npt.NDArray[np.bool_]:
        """Which pixels of a piece (tile,) lie in another piece, too."""
        positions = np.arange(self.tile) + self.starts[piece]
        others = np.array([start for number, start in enumerate(self.starts) if number != piece])[:, None]
        return np.asarray(((others <= positions) & (positions < others + self.tile)).any(axis=0))

    def _handover(self, piece: int) -> float:
        """The middle of what a piece shares with the next."""
        return (self.starts[piece] + self.tile + self.starts[piece + 1]) / 2

    def _rise(self, distance: npt.NDArray[np.floating]) -> npt.NDArray[np.float64]:
        """A cosine step from 0 to 1 around distance 0; with no ramp a plain step."""
        share = np.clip(distance / max(self.ramp, 1) + 0.5, 0, 1)
        return np.asarray((1 - np.cos(np.pi * share)) / 2)


def _steps(padded: int, tile: int, overlap: int) -> int:
    """How many pieces there must be after the first."""
    stride = (tile - overlap) // MULTIPLE * MULTIPLE
    return math.ceil((padded - tile) / stride) if padded > tile else 0
