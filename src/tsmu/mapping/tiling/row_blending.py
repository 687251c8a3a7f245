"""Overlapping tiles in, finished rows of the map out, with one row of tiles in memory.

Each row of tiles is added up by itself, and only then to what the rows of tiles above it contribute. So
the map is the same to the last bit whether one process computes all rows of tiles or several compute some each.
"""

from dataclasses import dataclass, replace

import numpy as np

from tsmu.mapping.arrays import Probability, Valid
from tsmu.mapping.tiling.tile_axis import TileAxis

Carry = tuple[Probability, Valid]  # what rows of tiles contribute to the rows of the map below them


@dataclass(frozen=True)
class RowSums:
    """One row of tiles added up, without its neighbours above and below.

    Attributes:
        layers: weighted sums (L, tile, W).
        valid: which pixels have data (tile, W).
        skipped: tiles that were not computed.
    """

    layers: Probability
    valid: Valid
    skipped: int


class RowBlender:
    """Adds up the weighted tiles of a scene, one row of tiles after the other.

    Probabilities are blended and not logits: they are bounded, so that a tile that is overconfident near
    its border cannot outvote its neighbour, and their weighted mean is what two equally trusted
    predictions amount to together.

    Args:
        rows, columns: how the scene is divided into tiles.
        layers: of the map, blended in the same way.
    """

    def __init__(self, rows: TileAxis, columns: TileAxis, layers: int = 1) -> None:
        self._rows = rows
        self._columns = columns
        self._layers = layers
        self._current: RowSums | None = None

    def add(self, row: int, column: int, layers: Probability, valid: Valid) -> None:
        """Add a tile to the current row: its layers (L, tile, tile) and validity (tile, tile)."""
        start = self._columns.starts[column]
        position = np.s_[..., start : start + self._columns.tile]
        sums = self._current_row()
        weighted = self._rows.weights[row][:, None] * layers
        weighted *= self._columns.weights[column]
        if not valid.all():
            weighted[..., ~valid] = 0
        sums.layers[position] += weighted
        sums.valid[position] |= valid
        self._current = replace(sums, skipped=sums.skipped - 1)

    def finish_row(self) -> RowSums:
        """Give the current row of tiles, without the pixels beyond the scene, and begin the next one.

        Memory for the next row is allocated when its first tile is added, so that two rows are never held here.
        """
        width, sums = self._columns.size, self._current_row()
        self._current = None
        return RowSums(sums.layers[..., :width], sums.valid[..., :width], sums.skipped)

    def _current_row(self) -> RowSums:
        if self._current is None:
            layers = np.zeros((self._layers, self._rows.tile, self._columns.padded), np.float32)
            self._current = RowSums(layers, np.zeros(layers.shape[1:], bool), len(self._columns))
        return self._current


class RowStitcher:
    """Stitches rows of tiles to the rows of the map, from top to bottom.

    Args:
        rows: how the scene is divided into rows of tiles.
        carry: `carry` after the row of tiles before the next one; None before the first.
    """

    def __init__(self, rows: TileAxis, carry: Carry | None = None) -> None:
        self._rows = rows
        self._carry = carry

    @property
    def carry(self) -> Carry:
        """What the rows of tiles so far contribute to the rows of the map that are not finished: layers, validity."""
        assert self._carry is not None
        return self._carry

    def stitch(self, row: int, sums: RowSums) -> tuple[Probability, Valid]:
        """Add the next row of tiles, and give the rows of the map that are final then.

        Args:
            row: its number.
            sums: the row of tiles, whose arrays are used up.

        Returns:
            Layers (L, H, W) and validity (H, W) of the finished rows.
        """
        if self._carry:
            layers, valid = self._carry
            shared = len(valid)
            sums.layers[:, :shared] += layers
            sums.valid[:shared] |= valid
        final = self._rows.final_before(row) - self._rows.starts[row]
        # Below the last row of tiles nothing follows: what it has beyond the scene is dropped, and the carry is empty.
        last = row == len(self._rows) - 1
        unfinished = slice(final, final if last else None)
        self._carry = sums.layers[:, unfinished].copy(), sums.valid[unfinished].copy()
        return sums.layers[:, :final], sums.valid[:final]
