"""Nested regions around a pixel: the pixels connected to it whose values reach a level, for one level after the other.

The lower the level, the larger the region, and each region lies within the next one. They are the nodes of the
raster's component tree (max-tree) from the pixel down to the root; only this one branch of the tree is computed.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import ndimage

GROWTH = 1.12  # a region is kept if its area is this many times that of the region kept before: a visible difference
MAX_REGIONS = 40
SMALLEST_REGION = 2  # pixels

Mask = npt.NDArray[np.bool_]
Values = npt.NDArray[np.floating] | npt.NDArray[np.integer]


@dataclass(frozen=True)
class Region:
    """A connected set of pixels without holes.

    Attributes:
        level: all pixels of the region have at least this value, except those of filled holes.
        mask: the pixels of the region, in the smallest box around it, (h, w).
        top: the row of the raster at which the box begins.
        left: the column of the raster at which the box begins.
    """

    level: float
    mask: Mask
    top: int
    left: int

    @property
    def area(self) -> int:
        """The number of the region's pixels."""
        return int(np.count_nonzero(self.mask))


def region_at(values: Values, level: float, pixel: tuple[int, int]) -> Region:
    """The region of pixels that reach a level and are connected to a given pixel along edges, with its holes filled.

    Args:
        values: the raster, (H, W).
        level: the lowest value of pixels in the region; it must not be above the value of the given pixel.
        pixel: row and column of the given pixel.

    Example:
        >>> values = np.array([[9, 1, 0], [8, 5, 0], [0, 0, 7]])
        >>> region_at(values, 5, (0, 0)).mask.tolist()
        [[True, False], [True, True]]
    """
    labels, _ = ndimage.label(values >= level)
    own = labels == labels[pixel]
    rows, columns = np.flatnonzero(own.any(axis=1)), np.flatnonzero(own.any(axis=0))
    box = own[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    return Region(float(level), ndimage.binary_fill_holes(box), int(rows[0]), int(columns[0]))


def touches_border(region: Region, shape: tuple[int, int], open_sides: Sequence[bool] = (True,) * 4) -> bool:
    """Whether a region reaches an open side of its window, so that it may go on beyond it.

    Args:
        region: a region in pixels of the window.
        shape: height and width of the window.
        open_sides: for the top, left, bottom and right side whether the raster goes on beyond it.
    """
    height, width = region.mask.shape
    reached = (region.top == 0, region.left == 0, region.top + height == shape[0], region.left + width == shape[1])
    return any(side and is_open for side, is_open in zip(reached, open_sides, strict=True))


def thin_out(regions: Iterable[Region], keep: Region | None = None) -> list[Region]:
    """Choose regions, from the smallest on, each of which is visibly larger than the one before.

    Args:
        regions: the regions from small to large.
        keep: one of the regions, which is chosen in any case.
    """
    kept: list[Region] = []
    for region in regions:
        is_larger = region.area >= max(SMALLEST_REGION, GROWTH * kept[-1].area if kept else 0)
        if region is keep and kept and not is_larger:
            kept[-1] = region
        elif (is_larger and len(kept) < MAX_REGIONS) or region is keep:
            kept.append(region)
    return kept
