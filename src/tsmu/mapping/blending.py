"""Overlapping tiles in, finished rows out; one row of tiles is held."""

import numpy as np
import numpy.typing as npt

from tsmu.mapping.tiles import Cuts

Probability = npt.NDArray[np.float32]
Valid = npt.NDArray[np.bool_]


class RowBlender:
    """Adds up the weighted tiles of a scene, row of tiles by row of tiles.

    Probabilities are blended and not logits: they are bounded, so that one tile's overconfident
    answer near its border cannot outvote its neighbour, and their weighted mean is what two equally
    trusted answers say together.

    Holds float32 and bool arrays of one row of tiles, whatever the height of the scene.

    Args:
        rows, columns: how the scene is cut.
        layers: numbers per pixel: the probability, and perhaps more that is blended in the same way.
    """

    def __init__(self, rows: Cuts, columns: Cuts, layers: int = 1) -> None:
        self._rows = rows
        self._columns = columns
        self._sum = np.zeros((layers, rows.tile, columns.padded), np.float32)
        self._valid = np.zeros(self._sum.shape[1:], bool)

    def add(self, row: int, column: int, layers: Probability, valid: Valid) -> None:
        """Add a tile's layers (layers, tile, tile) and validity (tile, tile) to the row under way."""
        start = self._columns.starts[column]
        place = np.s_[..., start : start + self._columns.tile]
        weight = self._rows.weights[row][:, None] * self._columns.weights[column]
        self._sum[place] += weight * np.where(valid, layers, 0)
        self._valid[place] |= valid

    def finish(self, row: int) -> tuple[Probability, Valid]:
        """Give the rows that are final after a row of tiles; keep what the next row shares.

        Returns:
            Layers (layers, H, W) and validity (H, W).
        """
        done = self._rows.final_before(row) - self._rows.starts[row]
        width, kept = self._columns.size, self._rows.tile - done
        layers, valid = self._sum[:, :done, :width].copy(), self._valid[:done, :width].copy()
        for held in (self._sum, self._valid):
            held[..., :kept, :] = held[..., done:, :].copy()
            held[..., kept:, :] = 0
        return layers, valid

    def carry(self, row: int) -> tuple[Probability, Valid]:
        """Give what tiles up to `row`, which is finished, say about the rows after it."""
        shared = self._shared(row)
        return self._sum[:, :shared].copy(), self._valid[:shared].copy()

    def go_on(self, row: int, carry: tuple[Probability, Valid]) -> None:
        """Be as after `finish(row)`, given the carry of then."""
        for held, kept in zip((self._sum, self._valid), carry, strict=True):
            held[..., : self._shared(row), :] = kept

    def _shared(self, row: int) -> int:
        """How many rows a row of tiles shares with the next."""
        last = row == len(self._rows) - 1
        return 0 if last else self._rows.starts[row] + self._rows.tile - self._rows.starts[row + 1]
