"""Overlapping tiles in, finished rows out; one row of tiles is held.

Each row of tiles is added up by itself, and only then to what the rows of tiles above it say. So it does
not matter to the last bit whether one process computes all of them or many some of them each.
"""

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from tsmu.mapping.outputs.cog import NO_DATA, Percent
from tsmu.mapping.tiling.tile_axis import Cuts

AT_ONCE = 64  # rows
Probability = npt.NDArray[np.float32]
Valid = npt.NDArray[np.bool_]
Carry = tuple[Probability, Valid]


@dataclass(frozen=True)
class RowSums:
    """What one row of tiles says, whatever its neighbours say.

    Attributes:
        layers: weighted sums (layers, tile, W).
        valid: where there is anything to say (tile, W).
        skipped: tiles that were not computed.
    """

    layers: Probability
    valid: Valid
    skipped: int


class RowBlender:
    """Adds up the weighted tiles of a scene, row of tiles by row of tiles.

    Probabilities are blended and not logits: they are bounded, so that one tile's overconfident
    answer near its border cannot outvote its neighbour, and their weighted mean is what two equally
    trusted answers say together.

    Args:
        rows, columns: how the scene is cut.
        layers: numbers per pixel: the probability, and perhaps more that is blended in the same way.
    """

    def __init__(self, rows: Cuts, columns: Cuts, layers: int = 1) -> None:
        self._rows = rows
        self._columns = columns
        self._layers = layers
        self._under_way: RowSums | None = None

    def add(self, row: int, column: int, layers: Probability, valid: Valid) -> None:
        """Add a tile's layers (layers, tile, tile) and validity (tile, tile) to the row under way."""
        start = self._columns.starts[column]
        place = np.s_[..., start : start + self._columns.tile]
        sums = self._begun()
        weighted = self._rows.weights[row][:, None] * layers
        weighted *= self._columns.weights[column]
        if not valid.all():
            weighted[..., ~valid] = 0
        sums.layers[place] += weighted
        sums.valid[place] |= valid
        self._under_way = replace(sums, skipped=sums.skipped - 1)

    def take(self) -> RowSums:
        """Give the row under way; the next one is begun with its first tile, so that one is in memory at a time."""
        width, sums = self._columns.size, self._begun()
        self._under_way = None
        return RowSums(sums.layers[..., :width], sums.valid[..., :width], sums.skipped)

    def _begun(self) -> RowSums:
        if self._under_way is None:
            layers = np.zeros((self._layers, self._rows.tile, self._columns.padded), np.float32)
            self._under_way = RowSums(layers, np.zeros(layers.shape[1:], bool), len(self._columns))
        return self._under_way


class Handover:
    """Puts rows of tiles together, from top to bottom.

    Args:
        rows: how the scene is cut.
        carry: what was `carry` after the row of tiles before the next one; None before the first.
    """

    def __init__(self, rows: Cuts, carry: Carry | None = None) -> None:
        self._rows = rows
        self._carry = carry

    @property
    def carry(self) -> Carry:
        """What the rows of tiles up to the last one say about the rows after it."""
        assert self._carry is not None
        return self._carry

    def finish(self, row: int, own: RowSums) -> tuple[Probability, Valid]:
        """Give the rows that are final after a row of tiles, whose sums are used up.

        Returns:
            Layers (layers, H, W) and validity (H, W).
        """
        if self._carry:
            layers, valid = self._carry
            shared = len(valid)
            own.layers[:, :shared] += layers
            own.valid[:shared] |= valid
        done = self._rows.final_before(row) - self._rows.starts[row]
        last = row == len(self._rows) - 1
        kept = slice(done, done if last else None)
        self._carry = own.layers[:, kept].copy(), own.valid[kept].copy()
        return own.layers[:, :done], own.valid[:done]


def as_percent(probability: Probability, valid: Valid) -> Percent:
    """Round probabilities to whole percents, halves up; 255 where not valid."""
    percent = np.empty(probability.shape, np.uint8)
    for top in range(0, len(valid), AT_ONCE):
        rows = np.s_[..., top : top + AT_ONCE, :]
        scaled = probability[rows] * 100
        scaled += 0.5
        scaled[..., ~valid[rows]] = NO_DATA
        percent[rows] = scaled  # cuts off, as floor does from 0 on
    return percent
