"""How well a region is set apart from the ground round it: by it the outline that is shown first is chosen."""

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from tsmu.outlines.nested_regions import Mask, Region

RING_SHARE = 0.3  # width of the ring, as a share of the side of a square as large as the region
NARROWEST_RING = 2  # px
SMALLEST_VARIANCE = 0.1  # of features whose spread is about 1

Features = npt.NDArray[np.float64]


def separation(region: Region, features: Features, valid: Mask) -> float:
    """How far the means of a region and of the ring round it lie apart, in their spreads (Fisher's criterion).

    Args:
        region: of the image.
        features: (C, H, W) of the whole image, each with a spread of about 1.
        valid: where the image has data, (H, W); the ring is there only.

    Returns:
        The squared difference of the means over the sum of the variances, averaged over the features; 0 where
        less than half of the ring has data.
    """
    width = max(NARROWEST_RING, round(RING_SHARE * region.area**0.5))
    framed = np.pad(region.mask, width)
    near = ndimage.distance_transform_edt(~framed) <= width
    whole_ring = int(near.sum()) - region.area
    (top, rows), (left, columns) = (
        _clip(corner - width, size, limit)
        for corner, size, limit in zip((region.top, region.left), framed.shape, features.shape[1:], strict=True)
    )
    cut = np.s_[rows.start - (region.top - width) :, columns.start - (region.left - width) :]
    framed, near = (part[cut][: rows.stop - top, : columns.stop - left] for part in (framed, near))
    values = features[:, rows, columns]
    ring = near & ~framed & valid[rows, columns]
    if not 2 * ring.sum() > whole_ring:
        return 0.0
    inner, outer = values[:, framed], values[:, ring]
    apart = (inner.mean(axis=1) - outer.mean(axis=1)) ** 2
    return float((apart / (inner.var(axis=1) + outer.var(axis=1) + SMALLEST_VARIANCE)).mean())


def _clip(start: int, size: int, limit: int) -> tuple[int, slice]:
    """The part of a side that lies within the image, and where it begins."""
    first, last = max(start, 0), min(start + size, limit)
    return first, slice(first, last)
