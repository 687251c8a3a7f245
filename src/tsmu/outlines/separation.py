"""How much a region of an image differs from the ground around it; the outline shown first is chosen by this."""

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from tsmu.outlines.nested_regions import Mask, Region

RING_SHARE = 0.3  # width of the ring around a region, as a share of the side of a square as large as the region
NARROWEST_RING = 2  # least width of the ring, pixels
SMALLEST_VARIANCE = 0.1  # added to the sum of the variances; the features have a spread of about 1

Features = npt.NDArray[np.float64]


def separation(region: Region, features: Features, valid: Mask) -> float:
    """Measure how far the features of a region and of the ring around it lie apart (Fisher's criterion).

    Args:
        region: the region, in pixels of the image.
        features: the features of the whole image, (C, H, W), each with a spread of about 1.
        valid: where the image has data, (H, W); other pixels of the ring are not used.

    Returns:
        The squared difference of the means over the sum of the variances, averaged over the features; 0 where no more
        than half of the ring has data.
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
    squared_difference = (inner.mean(axis=1) - outer.mean(axis=1)) ** 2
    return float((squared_difference / (inner.var(axis=1) + outer.var(axis=1) + SMALLEST_VARIANCE)).mean())


def _clip(start: int, size: int, limit: int) -> tuple[int, slice]:
    """Cut a range of rows or columns to the image.

    Args:
        start: the first row or column, perhaps below 0.
        size: how many rows or columns there are.
        limit: how many the image has.

    Returns:
        Where the cut range begins, and the cut range as a slice.
    """
    first, last = max(start, 0), min(start + size, limit)
    return first, slice(first, last)
