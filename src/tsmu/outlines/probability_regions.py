"""The nested regions of a map's probability raster round a pixel, read in a window that grows with them."""

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt
from rasterio.windows import Window

from tsmu.imagery import RasterReader
from tsmu.outlines.nested_regions import Region, region_at, touches_border

# Half the side of the windows that are read one after the other, px, and the steps of the levels in them, percent.
WINDOWS = ((64, 1), (128, 1), (256, 2), (512, 4))
# The regions lie round the highest pixel so near to the click, px: within the smaller distance where that pixel belongs
# to the outline that is shown first, else within the larger one, in which the landslide's probability is looked up.
SNAP, NEIGHBOURHOOD = 1, 3
PEAK_PERCENTILE = 95  # of the neighbourhood: one bright pixel is no landslide
# The outline that is shown first runs where the probability has fallen to so much of the landslide's: of 0.4, 0.5 and
# 0.6, and of the levels chosen by the stability of the area and by contrast, 0.5 fitted best (docs/benchmark.md).
START_SHARE = 0.5
# Below so much the raster knows of no landslide here, and the images are asked instead, percent.
LOWEST_PEAK = 20

Percent = npt.NDArray[np.uint8]


def probability_peak(reader: RasterReader, row: int, column: int) -> float:
    """The probability of the landslide at a pixel, percent; 0 where nothing is mapped."""
    percent, _, _ = _read(reader, row, column, NEIGHBOURHOOD)
    return float(np.percentile(percent, PEAK_PERCENTILE))


def start_level(peak: float) -> float:
    """The level of the outline that is shown first, percent, for a landslide of so much probability."""
    return START_SHARE * peak


def probability_regions(reader: RasterReader, row: int, column: int) -> Iterator[Region]:
    """The regions round a pixel, from the highest level down to the last one that the largest window holds.

    Args:
        reader: of the probability raster, whole percents.
        row: of the pixel, which should be the highest one nearby.
        column: of the pixel.
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
    """The highest pixel next to a place, or a little further where none next to it has at least a level, percent."""
    for half in (SNAP, NEIGHBOURHOOD):
        percent, top, left = _read(reader, row, column, half)
        down, right = np.unravel_index(int(percent.argmax()), percent.shape)
        if percent[down, right] >= level:
            break
    return top + int(down), left + int(right)


def _read(reader: RasterReader, row: int, column: int, half: int) -> tuple[Percent, int, int]:
    """The percents (0 where there is no data) of a window round a pixel as far as the raster goes, and its corner."""
    top, left = max(row - half, 0), max(column - half, 0)
    bottom, right = min(row + half + 1, reader.info.height), min(column + half + 1, reader.info.width)
    percent, valid = reader.read_first_band(Window(left, top, right - left, bottom - top))
    return np.where(valid, percent, 0).astype(np.uint8), top, left
