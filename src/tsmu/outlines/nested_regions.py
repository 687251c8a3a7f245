"""Nested regions round a pixel: what is connected to it at one level of a raster after the other.

The lower the level, the larger the region, and each region lies within the next one. These are the nodes of the
raster's component tree (max-tree) from the pixel down to the root; only this one branch is computed, in a window that
grows with the regions.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import ndimage

GROWTH = 1.12  # of the area from one kept region to the next: what the eye sees of one turn of the wheel
MAX_REGIONS = 40
SMALLEST_REGION = 2  # px

Mask = npt.NDArray[np.bool_]
Values = npt.NDArray[np.floating] | npt.NDArray[np.integer]


@dataclass(frozen=True)
class Region:
    """A connected set of pixels without holes.

    Attributes:
        level: all its pixels have at least this value, but for filled holes.
        mask: its pixels, in the box round it.
        top: row of the box in the raster.
        left: column of the box in the raster.
    """

    level: float
    mask: Mask
    top: int
    left: int

    @property
    def area(self) -> int:
        """Count the pixels."""
        return int(np.count_nonzero(self.mask))


def region_at(values: Values, level: float, pixel: tuple[int, int]) -> Region:
    """The pixels of at least a level that are connected to a pixel along edges, with their holes filled.

    Args:
        values: (H, W).
        level: at most the pixel's value.
        pixel: row and column.

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
    """Whether a region reaches a side of its window behind which the raster goes on: top, left, bottom, right."""
    height, width = region.mask.shape
    reached = (region.top == 0, region.left == 0, region.top + height == shape[0], region.left + width == shape[1])
    return any(side and is_open for side, is_open in zip(reached, open_sides, strict=True))


def thin_out(regions: Iterable[Region], keep: Region | None = None) -> list[Region]:
    """Choose regions, from the smallest on, each of which is visibly larger than the one before.

    Args:
        regions: from small to large.
        keep: one of them that is to be among the chosen ones.
    """
    kept: list[Region] = []
    for region in regions:
        is_larger = region.area >= max(SMALLEST_REGION, GROWTH * kept[-1].area if kept else 0)
        if region is keep and kept and not is_larger:
            kept[-1] = region
        elif (is_larger and len(kept) < MAX_REGIONS) or region is keep:
            kept.append(region)
    return kept
