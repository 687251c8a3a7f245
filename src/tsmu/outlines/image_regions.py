"""The nested regions around a place in the images before and after the event, found by the random walker.

A small landslide needs a small window around the place, a large landslide a large one. So the images are read in
windows that all have the same number of pixels, but growing pixel sizes. Each coarser window adds the regions that are
larger than those of the finer windows.
"""

from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
from rasterio.transform import Affine
from scipy import ndimage

from tsmu.geodesy import ground_matrix
from tsmu.imagery import Grid, open_resampled, open_stack
from tsmu.outlines.nested_regions import Region, region_at, thin_out, touches_border
from tsmu.outlines.random_walk import walk_probabilities
from tsmu.outlines.separation import separation

HALF = 32  # a window has this many pixels on each side of its middle pixel
STRIDES = (1, 4, 16)  # how many pixels of the image one pixel of a window is wide, for one window after the other
LARGEST_WINDOW_M = 3000.0  # metres; coarse windows with a longer side are not read, so no larger landslide is found
LEVELS = 64  # number of levels of the walker's probability at which regions are taken from a window
SMALLEST_SHARE, LARGEST_SHARE = 0.001, 0.98  # share of the window above the highest and above the lowest level
SMOOTHING = 0.7  # standard deviation of the smoothing, pixels: about as much as images of a pair are misregistered
MAX_BANDS = 6  # only so many bands of an image are used
WALL = 10.0  # value of all features where there is no data; it makes an edge that walks hardly cross
FEWEST_PIXELS = 5  # smaller regions get separation 0, so that they are not shown first
FINER = 4  # outlines from coarse windows are drawn on pixels this many times finer
SMALLEST_SPREAD = 1e-6

Features = npt.NDArray[np.float64]
Valid = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class PlacedRegion:
    """A region that was found in a window.

    Attributes:
        region: the region, in pixels of the window or (for coarse windows) in finer ones.
        transform: from these pixels to the CRS of the post-event image.
        separation: how much the region differs from the ground around it, see `separation.separation`; 0 for regions
            that are too small to measure it.
    """

    region: Region
    transform: Affine
    separation: float


def image_regions(
    post: Path, pre: Path | None, x: float, y: float, pre_shift_m: tuple[float, float] = (0.0, 0.0)
) -> list[PlacedRegion]:
    """The regions around a place, from small to large; none where the image after the event has no data.

    Args:
        post: the image after the event.
        pre: the image before the event, on any grid, if there is one.
        x: the place's x coordinate in the CRS of `post`.
        y: the place's y coordinate in the CRS of `post`.
        pre_shift_m: metres by which `pre` must be moved east and north to lie on `post`.
    """
    found: list[PlacedRegion] = []
    with open_stack([post, *([pre] if pre else [])]) as readers, ExitStack() as stack:
        grids = [Grid.from_raster(reader.info) for reader in readers]
        own = grids[0]
        grids[1:] = [_moved(grid, pre_shift_m) for grid in grids[1:]]
        pixel_m = readers[0].info.pixel_size or 1.0
        column, row = (int(np.floor(place)) for place in ~own.transform @ (x, y))
        largest_area = 0.0
        for stride in STRIDES:
            if stride > 1 and (2 * HALF + 1) * stride * pixel_m > LARGEST_WINDOW_M:
                break
            grid = _window_grid(own, row, column, stride)
            images = [
                stack.enter_context(open_resampled(reader, grid, own=image_grid)).read()
                for reader, image_grid in zip(readers, grids, strict=True)
            ]
            if not images[-1][1][HALF, HALF]:
                images = images[:1]  # the image before has no data here
            features, valid = image_features(images)
            if not valid[HALF, HALF]:
                break
            for placed in _regions_of_window(features, valid, grid.transform, stride):
                area = placed.region.area * abs(placed.transform.determinant)
                if area > largest_area:
                    largest_area = area
                    found.append(placed)
    return found


def _window_grid(own: Grid, row: int, column: int, stride: int) -> Grid:
    """The grid of a window around a pixel of an image.

    Args:
        own: the image's grid.
        row: row of the pixel, which lies in the middle of the window.
        column: column of the pixel.
        stride: how many pixels of the image one pixel of the window is wide.
    """
    side = 2 * HALF + 1
    corner = Affine.translation(column + 0.5 - stride * side / 2, row + 0.5 - stride * side / 2)
    return Grid(side, side, own.crs, own.transform @ corner @ Affine.scale(stride))


def _moved(grid: Grid, shift_m: tuple[float, float]) -> Grid:
    """A grid moved on the ground by metres to the east and to the north."""
    if shift_m == (0.0, 0.0):
        return grid
    metres = ground_matrix(grid.crs, grid.transform, grid.width, grid.height)
    right, down = np.linalg.solve(metres, np.asarray(shift_m)).tolist()
    return Grid(grid.width, grid.height, grid.crs, grid.transform @ Affine.translation(right, down))


def image_features(images: list[tuple[npt.NDArray[np.generic], Valid]]) -> tuple[Features, Valid]:
    """The features over which the random walker walks, each with the median 0 and a robust spread of 1.

    They are the logarithms of the bands after the event, followed by the change of these since the image before it.

    Args:
        images: values (C, H, W) and validity (H, W) of the image after the event, and perhaps of the one before it.

    Returns:
        The features (F, H, W), which are `WALL` where an image has no data; and where all images have data (H, W).
    """
    valid = np.logical_and.reduce([valid for _, valid in images])
    bands = [_as_logarithms(values[:MAX_BANDS].astype(np.float64), valid) for values, _ in images]
    after, *before = bands
    if before:
        shared = min(len(after), len(before[0]))
        after = np.concatenate([after, after[:shared] - before[0][:shared]])
    features = ndimage.gaussian_filter(after, (0, SMOOTHING, SMOOTHING), mode="nearest")
    if valid.any():
        middle = np.median(features[:, valid], axis=1)[:, None, None]
        spread = 1.4826 * np.median(np.abs(features - middle)[:, valid], axis=1)[:, None, None]
        features = (features - middle) / np.maximum(spread, SMALLEST_SPREAD)
    features[:, ~valid] = WALL
    return features, valid


def _as_logarithms(values: Features, valid: Valid) -> Features:
    """Logarithms of values (C, H, W), in which differences in light and in shade are equally large.

    Values that are logarithms already (decibels, known by negative values) stay as they are. Pixels without data get
    the band's median.
    """
    known = values[:, valid]
    if not known.size:
        return np.zeros_like(values)
    filled = np.where(valid, values, np.median(known, axis=1)[:, None, None])
    if known.min() < 0:  # the values are decibels
        return filled
    return np.log(np.maximum(filled, max(0.01 * float(np.median(known)), SMALLEST_SPREAD)))


def _regions_of_window(features: Features, valid: Valid, transform: Affine, stride: int) -> Iterator[PlacedRegion]:
    """The nested regions around the middle pixel of a window, from small to large.

    Args:
        features: (F, H, W).
        valid: where the images have data, (H, W).
        transform: from the window's pixels to the CRS.
        stride: how many pixels of the image one pixel of the window is wide.
    """
    middle = (HALF, HALF)
    probability = np.where(valid, walk_probabilities(features, middle), -1.0)
    shares = 1 - np.geomspace(SMALLEST_SHARE, LARGEST_SHARE, LEVELS)
    levels = np.unique(np.quantile(probability, shares))[::-1]
    regions = (region_at(probability, level, middle) for level in levels if 0 < level <= probability[middle])
    inside = (region for region in regions if not touches_border(region, valid.shape))
    finer = 1 if stride == 1 else FINER
    fine = ndimage.zoom(probability, finer, order=1, grid_mode=True, mode="nearest") if finer > 1 else probability
    fine_middle = (HALF * finer + finer // 2,) * 2
    for region in thin_out(inside):
        measured = separation(region, features, valid) if region.area >= FEWEST_PIXELS else 0.0
        drawn = region if finer == 1 else region_at(fine, min(region.level, fine[fine_middle]), fine_middle)
        yield PlacedRegion(drawn, transform @ Affine.scale(1 / finer), measured)
