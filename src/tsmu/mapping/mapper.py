"""From windows to rows: tiles through the engine, blended, a band of finished rows at a time."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from tsmu.imagery.raster import Valid
from tsmu.mapping.source import Scene, Stack
from tsmu.mapping.tiles import Axis, Weights

NO_DATA = 255

Predict = Callable[[Stack], npt.NDArray[np.float32]]
Progress = Callable[[int, int], None]
Percent = npt.NDArray[np.uint8]


@dataclass(frozen=True)
class Tiling:
    """How a scene is cut: tile side and overlap in pixels, tiles per call of the engine."""

    tile: int = 512
    overlap: int = 128
    batch: int = 4


def probability_rows(
    scene: Scene, predict: Predict, tiling: Tiling, progress: Progress | None = None
) -> Iterator[tuple[int, Percent]]:
    """Map a scene from top to bottom.

    Probabilities are blended, not logits: one tile that is very sure of itself at its edge, where
    it sees least, would outvote the other. Memory is one tile's height of rows.

    Args:
        scene: what to map.
        predict: raw values (N, C, H, W), NaN without data, into probabilities (N, H, W).
        tiling: how to cut it.
        progress: called with (tiles done, all tiles).

    Yields:
        First row and rows (n, width): probabilities in whole percents, 255 without data.
    """
    down = Axis.fitted(scene.height, tiling.tile, tiling.overlap)
    across = Axis.fitted(scene.width, tiling.tile, tiling.overlap)
    blend = down.weights[:, None] * across.weights[None, :]
    row_total, column_total = down.total_weight(), across.total_weight()
    band = _Band(down.tile, scene.width)
    tiles = len(down.starts) * len(across.starts)
    for number, start in enumerate(down.starts):
        for first in range(0, len(across.starts), tiling.batch):
            columns = across.starts[first : first + tiling.batch]
            _map_tiles(scene, predict, start, columns, blend, band)
            if progress:
                progress(number * len(across.starts) + first + len(columns), tiles)
        finished = down.step if number + 1 < len(down.starts) else down.tile
        top, bottom = max(start, 0), min(start + finished, scene.height)
        total = row_total[top:bottom, None] * column_total[None, :]
        yield top, band.percent(top - start, bottom - start, total)
        band.advance(finished)


class _Band:
    """The rows under one row of tiles: weighted sums of probabilities, and validity."""

    def __init__(self, rows: int, width: int) -> None:
        self.sums = np.zeros((rows, width), np.float32)
        self.valid = np.zeros((rows, width), bool)

    def percent(self, first: int, last: int, total: Weights) -> Percent:
        """Finish rows: divide by the total weight and round half up to whole percents."""
        probability = self.sums[first:last] / total
        rounded = np.floor(100 * probability.clip(0, 1) + np.float32(0.5)).astype(np.uint8)
        return np.where(self.valid[first:last], rounded, np.uint8(NO_DATA))

    def advance(self, rows: int) -> None:
        """Move down: keep what the next row of tiles adds to, clear the rest."""
        for array in (self.sums, self.valid):
            kept = len(array) - rows
            array[:kept] = array[rows:].copy()
            array[kept:] = 0


def _map_tiles(scene: Scene, predict: Predict, row: int, columns: list[int], blend: Weights, band: _Band) -> None:
    """Add the answers for some tiles of one row to the band; tiles without data are not computed."""
    height, width = blend.shape
    read = [(column, *scene.read(row, column, height, width)) for column in columns]
    alive: list[tuple[int, Stack, Valid]] = [tile for tile in read if tile[2].any()]
    if not alive:
        return
    answers = predict(np.stack([stack for _, stack, _ in alive]))
    for (column, _, valid), answer in zip(alive, answers, strict=True):
        first, last = max(column, 0), min(column + width, scene.width)
        inside = (slice(None), slice(first - column, last - column))
        band.sums[:, first:last] += (answer * blend)[inside]
        band.valid[:, first:last] |= valid[inside]
