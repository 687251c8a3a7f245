"""Images of one place read together, and what can be told when their numbers do not mean the same.

A no-data value that one image declares holds for the others that declare nothing: of a pair whose post image has no
data where it is 0, a pre image that is 0 over large parts has none there either. That is said wherever the pair is
taken in.
"""

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

import numpy as np
import numpy.typing as npt
from rasterio.windows import Window
from scipy.stats import rankdata

from tsmu.errors import ImageError
from tsmu.imagery.rasters.reader import RasterInfo, RasterReader, open_raster
from tsmu.imagery.rasters.validity import Pixels, Valid

LEAST_ALIKE = 0.5  # correlation of two images of one ground from which on their values are compared
TIMES = 3.0  # by which both level and spread of all bands differ, where the units do
SAME_SHIFT = 1.25  # times the smallest shift of a band, at most, where all are shifted by one offset
LEAST_SHIFT = 1.0  # standard deviations of the values, at least
EQUAL = 0.98  # correlation from which on both show the very same, and
EQUAL_FACTOR = 0.3  # so much of that shift is enough
LEAST_PIXELS = 1000
RANKED = 20_000  # pixels, about, on which the correlation is computed
EXTREME_SHARE = 1e-4  # of the values, at least, are one value that looks like a fill value
LEAST_EXTREME = 16  # pixels, likewise
FAR = 2.0  # times the range of all others by which it lies off
WHOLE_BELOW = 1 << 21  # px; of larger images, 64 windows are looked at
SAMPLED, SAMPLED_SIDE = 8, 128  # windows along each side, and their sides in px
DIFFERENT = 16  # values among the others, at least: of a mask or of classes, nothing is concluded


def assumed_nodata(infos: Sequence[RasterInfo]) -> list[float | None]:
    """For each image the no-data value that it does not declare, but another one of the place does.

    Args:
        infos: of images of one place.

    Returns:
        None where the image declares which of its pixels are valid, or no other one of its type has a value.
    """
    found: list[float | None] = []
    for info in infos:
        values = [one.nodata for one in infos if one.dtype == info.dtype and one.nodata is not None]
        found.append(None if info.declared or not values or np.isnan(values[0]) else values[0])
    return found


@contextmanager
def open_together(paths: Sequence[Path | str]) -> Iterator[list[RasterReader]]:
    """Open images of one place; a no-data value that one declares holds for those that declare nothing.

    Raises:
        ImageError: one of them cannot be read.
    """
    with ExitStack() as stack:
        readers = [stack.enter_context(open_raster(path)) for path in paths]
        nodata = assumed_nodata([reader.info for reader in readers])
        yield [
            reader if value is None else RasterReader(reader.path, reader.dataset, value)
            for reader, value in zip(readers, nodata, strict=True)
        ]


def read_together(paths: Sequence[Path], window: Window | None = None) -> tuple[list[Pixels], Valid]:
    """Read a window of images of one place and on one grid.

    Returns:
        Their values, each (C, H, W); and where all of them are valid, (H, W).

    Raises:
        ImageError: one of them cannot be read, or the window leaves it.
    """
    with open_together(paths) as readers:
        parts = [reader.read(window) for reader in readers]
    return [values for values, _ in parts], np.logical_and.reduce([valid for _, valid in parts])


def check_scaling(pre: RasterInfo, post: RasterInfo) -> None:
    """Refuse a pair whose files declare different scales or offsets of their numbers.

    Raises:
        ImageError: they do.
    """
    for (scale, offset), (other_scale, other_offset) in zip(pre.scaling, post.scaling, strict=False):
        if (scale, offset) != (other_scale, other_offset):
            raise ImageError(
                f"{pre.path}: declares the scale {scale:g} and offset {offset:g} of its values, the post image "
                f"{other_scale:g} and {other_offset:g}; apply them to both: gdal_translate -unscale -ot Float32"
            )


def units_problem(pre: Pixels, post: Pixels, valid: Valid) -> str | None:
    """What speaks against the same units of two images of one ground; None where nothing does.

    Most of a pair's ground has not changed, and landslides move neither the median nor the quartiles much. Seasons,
    haze and light shift bands differently and by less than what is looked for here.

    Args:
        pre: (C, H, W).
        post: likewise, the same shape.
        valid: (H, W), where both are valid.
    """
    if pre.shape != post.shape or valid.sum() < LEAST_PIXELS:
        return None
    sides = [np.percentile(image[:, valid].astype(np.float64), (25, 50, 75), axis=1) for image in (pre, post)]
    (low, middle, high), (post_low, post_middle, post_high) = sides
    spread, post_spread = (high - low) / 1.349, (post_high - post_low) / 1.349  # as standard deviations
    if not (np.all(spread > 0) and np.all(post_spread > 0)) or (alike := _alike(pre, post, valid)) < LEAST_ALIKE:
        return None
    numbers = f"medians {_listed(middle)} before and {_listed(post_middle)} after"
    for one, other, one_spread, other_spread in (
        (middle, post_middle, spread, post_spread),
        (post_middle, middle, post_spread, spread),
    ):
        if np.all(np.abs(one) > TIMES * np.abs(other)) and np.all(one_spread > TIMES * other_spread):
            return f"the two images' values are of different sizes ({numbers})"
    if pre.dtype == post.dtype == np.uint8:  # pictures: light and haze shift them as much
        return None
    if not np.all((spread < 2 * post_spread) & (post_spread < 2 * spread)):
        return None
    shift = post_middle - middle
    least = LEAST_SHIFT * (2 if len(shift) == 1 else 1) * (EQUAL_FACTOR if alike > EQUAL else 1)
    large = np.median(np.abs(shift) / np.maximum(spread, post_spread)) > least
    if not large or not (np.all(shift > 0) or np.all(shift < 0)):
        return None
    offset = post_middle - middle * post_spread / spread  # where one is brighter by a factor as well
    for found in (shift, offset):
        one_way = np.all(found * shift > 0)
        if one_way and np.abs(found).max() <= SAME_SHIFT * np.abs(found).min():
            return f"all bands are shifted by about {float(np.median(found)):+.4g} ({numbers})"
    return None


def check_fill(path: Path, info: RasterInfo, values: Pixels, valid: Valid) -> None:
    """Refuse an image in which many pixels have a value that looks like a fill value and is none of the usual ones.

    Args:
        path: the image.
        info: of it.
        values: all of its values or a sample, (C, H, W).
        valid: (H, W).

    Raises:
        ImageError: it has one; the message says how to declare it.
    """
    found = undeclared_fill(values, valid)
    if found:
        position, value, count = found
        raise ImageError(
            f"{path}: {count} pixels of band {info.bands[position]} are {value:.10g}, far from all others; if that "
            f"means no data, declare it: gdal_edit.py -a_nodata {value:.10g} {path.name}"
        )


def sample(reader: RasterReader) -> tuple[Pixels, Valid]:
    """An image's values (C, n, 1) and which are valid (n, 1): all of a small one, else windows all over it."""
    if reader.info.width * reader.info.height <= WHOLE_BELOW:
        values, valid = reader.read()
        return values.reshape(len(values), -1, 1), valid.reshape(-1, 1)
    tops, lefts = (
        np.unique(np.linspace(0, length - SAMPLED_SIDE, SAMPLED).clip(0).astype(int)).tolist()
        for length in (reader.info.height, reader.info.width)
    )
    sides = min(SAMPLED_SIDE, reader.info.width), min(SAMPLED_SIDE, reader.info.height)
    parts = [reader.read(Window(left, top, *sides)) for top in tops for left in lefts]
    values = np.concatenate([part.reshape(len(part), -1, 1) for part, _ in parts], axis=1)
    return values, np.concatenate([valid.reshape(-1, 1) for _, valid in parts])


def undeclared_fill(values: Pixels, valid: Valid) -> tuple[int, float, int] | None:
    """Find a value that many pixels have and that lies far from all others, as a fill value does.

    Args:
        values: (C, H, W).
        valid: (H, W).

    Returns:
        Position of the band, the value, and how many pixels have it; None where there is none.
    """
    if values.dtype == np.uint8 or not valid.any():
        return None
    for position, band in enumerate(values):
        known = band[valid].astype(np.float64)
        for extreme in (known.min(), known.max()):
            if np.issubdtype(values.dtype, np.unsignedinteger) and extreme != np.iinfo(values.dtype).max:
                continue
            others = known[known != extreme]
            count = len(known) - len(others)
            if extreme == 0 or count < max(LEAST_EXTREME, EXTREME_SHARE * len(known)) or not len(others):
                continue
            low, high = float(others.min()), float(others.max())
            apart = min(abs(extreme - low), abs(extreme - high))
            if apart > FAR * (high - low) and len(np.unique(others[:: max(1, len(others) // 10_000)])) >= DIFFERENT:
                return position, float(extreme), count
    return None


def _alike(pre: Pixels, post: Pixels, valid: Valid) -> float:
    """Rank correlation of both images' brightness, on some of the pixels that are valid in both.

    Of ranks, so that a landslide, far brighter than all else, counts no more than its area.
    """
    step = max(1, int(valid.sum()) // RANKED)
    grey = [image[:, valid][:, ::step].astype(np.float64).mean(axis=0) for image in (pre, post)]
    return float(np.corrcoef(*(rankdata(one) for one in grey))[0, 1])


def _listed(values: npt.NDArray[np.float64]) -> str:
    return ", ".join(f"{value:.4g}" for value in values)
