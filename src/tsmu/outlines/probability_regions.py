"""The nested regions around a pixel of a map's probability raster, read in a window that grows with the regions."""

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt
from rasterio.windows import Window

from tsmu.imagery import RasterReader
from tsmu.outlines.nested_regions import Region, region_at, touches_border

# The windows that are read one after the other: half the side of each in pixels, and the step from one level of
# probability to the next in it, percent.
WINDOWS = ((64, 1), (128, 1), (256, 2), (512, 4))
# The regions are built around the highest pixel near the click. It is searched within SNAP pixels; if it does not reach
# the level of the outline that is shown first, within NEIGHBOURHOOD pixels.
SNAP, NEIGHBOURHOOD = 1, 3
# The probability of the landslide at a click is this percentile within NEIGHBOURHOOD pixels: below 100, because a
# single bright pixel is no landslide.
PEAK_PERCENTILE = 95
# The outline that is shown first runs where the probability has fallen to this share of the landslide's probability. Of
# 0.4, 0.5 and 0.6, and of the levels chosen by the stability of the area and by contrast, 0.5 fitted best
# (docs/benchmark.md).
START_SHARE = 0.5
# If the landslide's probability (percent) is below this value, outlines are made from the images instead.
LOWEST_PEAK = 20

Percent = npt.NDArray[np.uint8]


def probability_peak(reader: RasterReader, row: int, column: int) -> float:
    """The probability of the landslide at a pixel, percent: a high percentile of the pixels around; 0 without data."""
    percent, _, _ = _read(reader, row, column, NEIGHBOURHOOD)
    return float(np.percentile(percent, PEAK_PERCENTILE))


def start_level(peak: float) -> float:
    """The level (percent) of the outline that is shown first.

    Args:
        peak: the probability of the landslide, percent, as `probability_peak` gives it.
    """
    return START_SHARE * peak


def probability_regions(reader: RasterReader, row: int, column: int) -> Iterator[Region]:
    """The regions around a pixel, from the highest level down to the last one that fits into the largest window.

    Args:
        reader: the probability raster, whole percents.
        row: row of the pixel, which should be the highest one nearby.
        column: column of the pixel.
    """
    level = 100
    for half, step in WINDOWS:
        percent, top, left = _read(reader, row, column, half)
        pixel = row - top, column - left
        level = min(level, int(percent[pixel]))
        height, width = percent.shape
        whole = reader.info
        goes_on = (top > 0, left > 0, top + height < whole.height, left + width < whole.width)
        while level > 0:
            region = region_at(percent, level, pixel)
            if touches_border(region, percent.shape, goes_on):
                break
            yield Region(region.level, region.mask, region.top + top, region.left + left)
            level -= step
        if level <= 0:
            return


def highest_nearby(reader: RasterReader, row: int, column: int, level: float) -> tuple[int, int]:
    """Row and column of the highest pixel near a pixel.

    It is searched among the neighbouring pixels; if none of them reaches the level (percent), a little further away.
    """
    for half in (SNAP, NEIGHBOURHOOD):
        percent, top, left = _read(reader, row, column, half)
        down, right = np.unravel_index(int(percent.argmax()), percent.shape)
        if percent[down, right] >= level:
            break
    return top + int(down), left + int(right)


def _read(reader: RasterReader, row: int, column: int, half: int) -> tuple[Percent, int, int]:
    """Read a window of a probability raster around a pixel, cut where the raster ends.

    Returns:
        The percents (0 where there is no data), and the row and column at which the window begins.
    """
    top, left = max(row - half, 0), max(column - half, 0)
    bottom, right = min(row + half + 1, reader.info.height), min(column + half + 1, reader.info.width)
    percent, valid = reader.read_first_band(Window(left, top, right - left, bottom - top))
    return np.where(valid, percent, 0).astype(np.uint8), top, left
