"""Whether two images of one place give their values in the same units."""

import numpy as np
import numpy.typing as npt

from tsmu.errors import ImageError
from tsmu.imagery.rasters.reader import RasterInfo
from tsmu.imagery.rasters.validity import Pixels, Valid

MIN_CORRELATION = 0.5  # rank correlation of two images; below it they are too different to compare their units
MIN_FACTOR = 3.0  # units differ where the medians and the spreads of all bands differ by more than this factor
MAX_SHIFT_RATIO = 1.25  # bands have one common offset if the largest shift is at most so many times the smallest
MIN_SHIFT = 1.0  # smallest offset that is reported, in spreads of a band (twice as many where there is only one band)
NEARLY_EQUAL = 0.98  # from this rank correlation on, the images differ in hardly anything but an offset, and
NEARLY_EQUAL_FACTOR = 0.3  # this share of `MIN_SHIFT` is enough
MIN_PIXELS = 1000  # valid in both images; of fewer nothing is concluded
RANKED_PIXELS = 20_000  # about so many pixels go into the correlation

_Numbers = npt.NDArray[np.float64]


def check_same_scaling(pre: RasterInfo, post: RasterInfo) -> None:
    """Refuse a pair whose files declare different scales or offsets of their values.

    Raises:
        ImageError: they do.

    Example:
        >>> check_same_scaling(describe_raster("pre.tif"), describe_raster("post.tif"))
    """
    for (scale, offset), (other_scale, other_offset) in zip(pre.scaling, post.scaling, strict=False):
        if (scale, offset) != (other_scale, other_offset):
            raise ImageError(
                f"{pre.path}: declares the scale {scale:g} and offset {offset:g} of its values, the post image "
                f"{other_scale:g} and {other_offset:g}; apply them to both: gdal_translate -unscale -ot Float32"
            )


def units_mismatch(pre: Pixels, post: Pixels, valid: Valid) -> str | None:
    """Find what speaks against the same units of two images of one place.

    Most of a pair's ground has not changed, and landslides move neither the median nor the quartiles much. Seasons,
    haze and light shift bands differently, and by less than what is looked for here.

    Args:
        pre: (C, H, W).
        post: the same shape.
        valid: (H, W), where both are valid.

    Returns:
        What differs, with numbers; None where nothing speaks against the same units.

    Example:
        >>> (before, after), valid = read_stack([Path("pre.tif"), Path("post.tif")])
        >>> units_mismatch(before / 10_000, after, valid).split(" (")[0]
        "the two images' values are of different sizes"
    """
    if pre.shape != post.shape or valid.sum() < MIN_PIXELS:
        return None
    (median, spread), (post_median, post_spread) = (_median_and_spread(image, valid) for image in (pre, post))
    if not (np.all(spread > 0) and np.all(post_spread > 0)):
        return None
    correlation = _rank_correlation(pre, post, valid)
    if correlation < MIN_CORRELATION:
        return None
    numbers = f"medians {_listed(median)} before and {_listed(post_median)} after"
    if _is_multiple(median, spread, post_median, post_spread) or _is_multiple(post_median, post_spread, median, spread):
        return f"the two images' values are of different sizes ({numbers})"
    if pre.dtype == post.dtype == np.uint8:  # pictures: light and haze shift them as much
        return None
    offset = _common_offset(median, spread, post_median, post_spread, nearly_equal=correlation > NEARLY_EQUAL)
    return None if offset is None else f"all bands are shifted by about {offset:+.4g} ({numbers})"


def _median_and_spread(image: Pixels, valid: Valid) -> tuple[_Numbers, _Numbers]:
    """Median and spread of each band (C,); the spread is the standard deviation that the quartiles would have."""
    low, median, high = np.percentile(image[:, valid].astype(np.float64), (25, 50, 75), axis=1)
    return median, (high - low) / 1.349  # distance of the quartiles of a normal distribution, in standard deviations


def _is_multiple(median: _Numbers, spread: _Numbers, other_median: _Numbers, other_spread: _Numbers) -> bool:
    """Whether level and spread of all bands are several times as large as the other image's."""
    larger = np.all(np.abs(median) > MIN_FACTOR * np.abs(other_median))
    return bool(larger and np.all(spread > MIN_FACTOR * other_spread))


def _common_offset(
    median: _Numbers, spread: _Numbers, post_median: _Numbers, post_spread: _Numbers, *, nearly_equal: bool
) -> float | None:
    """By how much all bands of the post-event image are shifted, where it is by one large offset; otherwise None."""
    if not np.all((spread < 2 * post_spread) & (post_spread < 2 * spread)):
        return None
    shift = post_median - median
    least = MIN_SHIFT * (2 if len(shift) == 1 else 1) * (NEARLY_EQUAL_FACTOR if nearly_equal else 1)
    is_large = np.median(np.abs(shift) / np.maximum(spread, post_spread)) > least
    if not is_large or not (np.all(shift > 0) or np.all(shift < 0)):
        return None
    # The offset that remains where the post-event image is also brighter by a factor, which the spreads show.
    with_factor = post_median - median * post_spread / spread
    for offset in (shift, with_factor):
        same_sign = np.all(offset * shift > 0)
        if same_sign and np.abs(offset).max() <= MAX_SHIFT_RATIO * np.abs(offset).min():
            return float(np.median(offset))
    return None


def _rank_correlation(pre: Pixels, post: Pixels, valid: Valid) -> float:
    """Rank correlation of both images' brightness, on some of the pixels that are valid in both.

    With ranks a landslide, far brighter than all else, counts no more than its area.
    """
    from scipy.stats import rankdata  # takes longer to import than a header to read

    step = max(1, int(valid.sum()) // RANKED_PIXELS)
    grey = [image[:, valid][:, ::step].astype(np.float64).mean(axis=0) for image in (pre, post)]
    return float(np.corrcoef(*(rankdata(one) for one in grey))[0, 1])


def _listed(values: _Numbers) -> str:
    return ", ".join(f"{value:.4g}" for value in values)
