"""What the pixel values of one image show: damage, an empty border, and fill values that are not declared."""

from pathlib import Path
from typing import NamedTuple

import numpy as np
from rasterio.windows import Window

from tsmu.errors import ImageError
from tsmu.imagery.rasters.reader import RasterInfo, RasterReader, open_raster
from tsmu.imagery.rasters.validity import Pixels, Valid

BORDER_SIDE = 1024  # px a side, at most, on which an empty border is looked for

MAX_PIXELS_READ_WHOLE = 1 << 21  # of larger images, 64 windows are examined
WINDOWS_PER_SIDE, WINDOW_SIDE = 8, 128  # windows along each side, and their sides in px

# Shares of the known pixels that are 0 in all bands, or in images of bytes 255 in all bands, from which on
# `find_uniform_fill` reports them. Black shadows cover less; of a snowy or cloudy picture many pixels are white.
MANY_BLACK, MANY_WHITE = 0.05, 0.2

# A value looks like a fill value that was not declared (`find_undeclared_fill`) if all four conditions hold:
MIN_FILL_SHARE = 1e-4  # at least this share of a band's known pixels have it,
MIN_FILL_PIXELS = 16  # at least so many pixels have it,
MIN_FILL_DISTANCE = 2.0  # it lies farther from the other values than so many times their range, and
MIN_DISTINCT_VALUES = 16  # the other values are at least so many different ones, not those of a mask or of classes.


def check_readable(path: Path) -> int:
    """Decode every pixel once, in little memory.

    Returns:
        How many pixels are not valid only because they hold a fill value that is not declared.

    Raises:
        ImageError: some part of the file is damaged, its values are complex, or no pixel is valid.

    Example:
        >>> check_readable(Path("post.tif"))
        0
    """
    with open_raster(path) as reader:
        dataset = reader.dataset
        for band in dataset.indexes:
            dataset.checksum(band)
        if any(dtype.startswith("complex") for dtype in dataset.dtypes):
            raise ImageError(f"{path}: has complex values; give its amplitude or intensity instead")
        valid = (reader.read(window)[1].any() for _, window in dataset.block_windows(1))
        # Where fill values may occur, all blocks are read to count them; otherwise the first block with a valid pixel
        # is enough.
        if not (any(list(valid)) if reader.layout.may_have_fill_values else any(valid)):
            raise ImageError(f"{path}: has no valid pixel (all no-data, transparent or NaN)")
        return reader.fill_pixel_count


def empty_border_share(path: Path | str) -> float:
    """Measure the largest area that reaches an image's border and is 0 in every band.

    Such an area is most often one that was never imaged. It is looked for on at most 1024 x 1024
    of the pixels, and not in images that declare which pixels are valid.

    Returns:
        Its share of the image; 0 where the image declares a no-data value, has alpha or a mask.

    Example:
        >>> empty_border_share("post.tif")
        0.0
    """
    from scipy import ndimage  # takes longer to import than a header to read

    with open_raster(path) as reader:
        if reader.info.declares_validity or reader.layout.palette is not None:
            return 0.0
        dataset, bands = reader.dataset, list(reader.layout.bands)
        shape = (len(bands), min(dataset.height, BORDER_SIDE), min(dataset.width, BORDER_SIDE))
        empty = (dataset.read(bands, out_shape=shape) == 0).all(axis=0)
    areas, _ = ndimage.label(empty)
    at_border = np.unique(np.concatenate([areas[0], areas[-1], areas[:, 0], areas[:, -1]]))
    sizes = np.bincount(areas.ravel())[at_border[at_border > 0]]
    return float(sizes.max(initial=0) / empty.size)


def sample_pixels(reader: RasterReader) -> tuple[Pixels, Valid]:
    """Read an image's values (C, n, 1) and which are valid (n, 1): all of a small one, else windows all over it."""
    if reader.info.width * reader.info.height <= MAX_PIXELS_READ_WHOLE:
        values, valid = reader.read()
        return values.reshape(len(values), -1, 1), valid.reshape(-1, 1)
    tops, lefts = (
        np.unique(np.linspace(0, length - WINDOW_SIDE, WINDOWS_PER_SIDE).clip(0).astype(int)).tolist()
        for length in (reader.info.height, reader.info.width)
    )
    sides = min(WINDOW_SIDE, reader.info.width), min(WINDOW_SIDE, reader.info.height)
    parts = [reader.read(Window(left, top, *sides)) for top in tops for left in lefts]
    values = np.concatenate([part.reshape(len(part), -1, 1) for part, _ in parts], axis=1)
    return values, np.concatenate([valid.reshape(-1, 1) for _, valid in parts])


def check_undeclared_fill(path: Path, info: RasterInfo, values: Pixels, valid: Valid) -> None:
    """Refuse an image in which many pixels have a value that looks like a fill value and is none of the usual ones.

    Args:
        path: the image.
        info: its header.
        values: all of its values or a sample, (C, H, W).
        valid: (H, W).

    Raises:
        ImageError: it has such a value; the message says how to declare it.

    Example:
        >>> values, valid = read_raster(Path("dem.tif"))
        >>> check_undeclared_fill(Path("dem.tif"), describe_raster("dem.tif"), values, valid)
    """
    fill = find_undeclared_fill(values, valid)
    if fill:
        position, value, count = fill
        raise ImageError(
            f"{path}: {count} pixels of band {info.bands[position]} are {value:.10g}, far from all others; if that "
            f"means no data, declare it: rio edit-info --nodata {value:.10g} {path.name}"
        )


class UniformFill(NamedTuple):
    """A value that many known pixels have in all bands, and that may mean no data.

    Attributes:
        value: 0, or of bytes 255.
        share: of the known pixels.
    """

    value: int
    share: float

    @property
    def problem(self) -> str:
        """What was found, for an issue log."""
        return f"about {self.share:.0%} of its known pixels are {self.value} in all bands"

    @property
    def action(self) -> str:
        """What is done about it, for an issue log."""
        declare = f"declare it: rio edit-info --nodata {self.value} FILE, and give it again"
        return f"taken as they are; if {self.value} means no data, {declare}"


def find_uniform_fill(values: Pixels, valid: Valid, dtype: str) -> UniformFill | None:
    """Find out whether many pixels are 0 in all bands, or of bytes 255, with which programs fill holes in mosaics.

    Nothing is refused for it, because both may have been measured as well.

    Args:
        values: all values of an image or a sample, (C, ...).
        valid: which are known, (...).
        dtype: of the image's file.

    Example:
        >>> image = np.arange(300).reshape(3, 10, 10)
        >>> image[:, :2] = 0
        >>> find_uniform_fill(image, np.ones((10, 10), bool), "uint16").problem
        'about 20% of its known pixels are 0 in all bands'
    """
    known = values[:, valid]
    if not known.size:
        return None
    for value, least in ((0, MANY_BLACK), *([(255, MANY_WHITE)] if dtype == "uint8" else [])):
        share = float((known == value).all(axis=0).mean())
        if share >= least:
            return UniformFill(value, share)
    return None


def find_undeclared_fill(values: Pixels, valid: Valid) -> tuple[int, float, int] | None:
    """Find a value that many pixels have and that lies far from all others, as a fill value does.

    Args:
        values: (C, H, W).
        valid: (H, W).

    Returns:
        Position of the band, the value, and how many pixels have it; None where there is no such value.

    Example:
        >>> heights = np.arange(10_000, dtype=np.float32).reshape(1, 100, 100)
        >>> heights[0, :10] = -88888
        >>> find_undeclared_fill(heights, np.ones((100, 100), bool))
        (0, -88888.0, 1000)
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
            if extreme == 0 or count < max(MIN_FILL_PIXELS, MIN_FILL_SHARE * len(known)) or not len(others):
                continue
            low, high = float(others.min()), float(others.max())
            distance = min(abs(extreme - low), abs(extreme - high))
            is_far = distance > MIN_FILL_DISTANCE * (high - low)
            if is_far and len(np.unique(others[:: max(1, len(others) // 10_000)])) >= MIN_DISTINCT_VALUES:
                return position, float(extreme), count
    return None
