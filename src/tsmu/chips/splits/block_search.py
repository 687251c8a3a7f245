"""Where to divide a ground into blocks, so that each split gets its share of known pixels and of landslides."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import permutations

import numpy as np
import numpy.typing as npt
from rasterio.windows import Window

from tsmu.chips.splits.blocks import AXES, Block, Floats, gap_in_degrees, pixels_to_degrees
from tsmu.chips.splits.contiguous import KNOWN_SHARE, SPLITS, TRAIN_SHARE, Split
from tsmu.imagery import Grid

SHARES: dict[Split, float] = {"train": TRAIN_SHARE, "val": KNOWN_SHARE - TRAIN_SHARE, "test": 1 - KNOWN_SHARE}
CELL_PX = 16  # side of the squares in which known pixels and landslides are counted
# How much more the shares of landslide pixels count than those of known pixels in the choice of a division: landslides
# are scarcer.
LANDSLIDE_WEIGHT = 2.0
CANDIDATE_LINES = 64  # number of places along an axis, at most, where a line between blocks is tried


@dataclass(frozen=True)
class CellCounts:
    """Pixels of an image counted in small squares of `CELL_PX`, (R, C).

    Attributes:
        grid: of the image.
        known: known pixels in each square.
        landslide: landslide pixels in each square.
    """

    grid: Grid
    known: Floats
    landslide: Floats

    def add(self, window: Window, known: npt.NDArray[np.bool_], landslide: npt.NDArray[np.bool_]) -> None:
        """Count the known and the landslide pixels (H, W) of a window that begins at the corner of a square."""
        rows, columns = -(-window.height // CELL_PX), -(-window.width // CELL_PX)
        padding = ((0, rows * CELL_PX - window.height), (0, columns * CELL_PX - window.width))
        row, column = window.row_off // CELL_PX, window.col_off // CELL_PX
        for counts, mask in ((self.known, known), (self.landslide, landslide)):
            squares = np.pad(mask, padding).reshape(rows, CELL_PX, columns, CELL_PX)
            counts[row : row + rows, column : column + columns] = squares.sum(axis=(1, 3))

    def within(self, window: Window) -> tuple[float, float]:
        """Estimate how many known pixels and how many landslide pixels a window has."""
        rows = slice(round(window.row_off / CELL_PX), round((window.row_off + window.height) / CELL_PX))
        columns = slice(round(window.col_off / CELL_PX), round((window.col_off + window.width) / CELL_PX))
        return float(self.known[rows, columns].sum()), float(self.landslide[rows, columns].sum())

    @property
    def places(self) -> Floats:
        """Longitude and latitude of the squares with known pixels, (n, 2)."""
        rows, columns = np.nonzero(self.known)
        x = np.minimum((columns + 0.5) * CELL_PX, (columns * CELL_PX + self.grid.width) / 2)
        y = np.minimum((rows + 0.5) * CELL_PX, (rows * CELL_PX + self.grid.height) / 2)
        return pixels_to_degrees(self.grid, x, y)


def empty_cell_counts(grid: Grid) -> CellCounts:
    """Make the squares of an image, with all counts at 0."""
    shape = -(-grid.height // CELL_PX), -(-grid.width // CELL_PX)
    return CellCounts(grid, np.zeros(shape), np.zeros(shape))


def share_deviation(split: Split, share: npt.ArrayLike) -> Floats:
    """Measure how far shares (0 to 1) are from the one that a split should have, of the same shape.

    It is the absolute logarithm of their ratio, infinite for a share of 0. Far too little is so worse than somewhat too
    much: where a sixth is right, a share of a hundredth deviates more than one of a third.
    """
    ratio = np.asarray(share, float) / SHARES[split]
    return np.asarray(np.where(ratio > 0, abs(np.log(np.maximum(ratio, 1e-300))), np.inf))


def candidate_divisions(ground: str, cells: Sequence[CellCounts], gap_m: float, min_m: float) -> list[list[Block]]:
    """Find ways to divide a ground into three blocks.

    Good is a way that gives the blocks 64, 16 and 20 % of the known pixels and of the landslide pixels. Each block is
    at least `min_m` wide, and has landslides if the ground has any.

    Args:
        ground: its name.
        cells: the counted pixels of its images.
        gap_m: metres between two blocks.
        min_m: metres.

    Returns:
        For each axis and order of the three splits the best way there is.
    """
    places = np.concatenate([counts.places for counts in cells])
    known = np.concatenate([counts.known[counts.known > 0] for counts in cells])
    landslide = np.concatenate([counts.landslide[counts.known > 0] for counts in cells])
    divisions: list[list[Block]] = []
    for axis in AXES:
        along = places[:, AXES.index(axis)]
        bounds = (*places.min(axis=0), *places.max(axis=0))
        half, least = (gap_in_degrees(metres, axis, bounds) for metres in (gap_m / 2, min_m))
        for order in permutations(SPLITS):
            lines = _best_lines(along, known, landslide, order, half, least)
            if lines is not None:
                edges = (-math.inf, *lines, math.inf)
                divisions.append([Block(ground, split, axis, edges[i], edges[i + 1]) for i, split in enumerate(order)])
    return divisions


def _best_lines(
    along: Floats, known: Floats, landslide: Floats, order: Sequence[Split], half: float, least: float
) -> tuple[float, float] | None:
    """Find the two lines across an axis that come nearest to the shares in this order; None where none do.

    Args:
        along: places of the squares along the axis, (n,), degrees.
        known: their known pixels.
        landslide: their landslide pixels.
        order: of the splits along the axis.
        half: half the gap, degrees.
        least: smallest width of a block, degrees.

    Returns:
        The places of the lines, degrees, the lower first.
    """
    sort = np.argsort(along, kind="stable")
    along = along[sort]
    distinct = np.unique(along)
    if len(distinct) < len(SPLITS):
        return None
    between = (distinct[1:] + distinct[:-1]) / 2
    lines = between[np.unique(np.linspace(0, len(between) - 1, CANDIDATE_LINES).round().astype(int))]
    first, second = (lines[i] for i in np.triu_indices(len(lines), 1))
    wide = (
        (first - half - along[0] >= least) & (second - first - 2 * half >= least) & (along[-1] - second - half >= least)
    )
    first, second = first[wide], second[wide]
    deviation = np.zeros(len(first))
    for counts, weight in ((known, 1.0), (landslide, LANDSLIDE_WEIGHT)):
        if counts.any():
            # Of the pixels, the share in the squares before each square along the axis.
            share_before = np.concatenate([[0.0], np.cumsum(counts[sort])]) / counts.sum()
            edges = (first - half, first + half, second - half, second + half)
            up_to = [share_before[np.searchsorted(along, edge)] for edge in edges]
            shares = up_to[0], up_to[2] - up_to[1], 1 - up_to[3]
            for split, share in zip(order, shares, strict=True):
                deviation += weight * share_deviation(split, share)
    if not np.isfinite(deviation).any():
        return None
    best = int(deviation.argmin())
    return float(first[best]), float(second[best])
