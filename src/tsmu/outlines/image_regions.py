"""The nested regions of the images before and after round a place, by the random walker.

A small window shows a small landslide, a large one a large landslide. So there are windows of one number of pixels and
of growing pixel sizes, and from each the regions that are larger than those of the finer one.
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

HALF = 32  # px: half a window's side
STRIDES = (1, 4, 16)  # pixels of the image for one of a window
LARGEST_WINDOW_M = 3000.0  # no landslide that is outlined by a click is larger
LEVELS = 64  # of the walker's probability, by the share of a window's pixels above them
SMALLEST_SHARE, LARGEST_SHARE = 0.001, 0.98
SMOOTHING = 0.7  # px, standard deviation: what a pair is misregistered by
MAX_BANDS = 6
WALL = 10.0  # value of all features where there is no data: an edge that no walk crosses
FEWEST_PIXELS = 5  # of the outline that is shown first
FINER = 4  # times finer than their window are the outlines of coarse windows drawn
SMALLEST_SPREAD = 1e-6

Features = npt.NDArray[np.float64]
Valid = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class PlacedRegion:
    """A region of a window.

    Attributes:
        region: in pixels of the window.
        transform: from these pixels to the CRS of the post-event image.
        separation: how well it is set apart from the ground round it; 0 where it is too small to tell.
    """

    region: Region
    transform: Affine
    separation: float


def image_regions(
    post: Path, pre: Path | None, x: float, y: float, pre_shift_m: tuple[float, float] = (0.0, 0.0)
) -> list[PlacedRegion]:
    """The regions round a place, from small to large.

    Args:
        post: the image after.
        pre: the image before, on any grid, if there is one.
        x: in the CRS of the image after.
        y: likewise.
        pre_shift_m: by how much the image before is to be moved east and north.
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
                stack.enter_context(open_resampled(reader, grid, own=place)).read()
                for reader, place in zip(readers, grids, strict=True)
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
    """A grid of coarser pixels, the middle one of which has the pixel in its middle."""
    side = 2 * HALF + 1
    corner = Affine.translation(column + 0.5 - stride * side / 2, row + 0.5 - stride * side / 2)
    return Grid(side, side, own.crs, own.transform @ corner @ Affine.scale(stride))


def _moved(grid: Grid, shift_m: tuple[float, float]) -> Grid:
    """A grid moved by metres east and north on the ground."""
    if shift_m == (0.0, 0.0):
        return grid
    metres = ground_matrix(grid.crs, grid.transform, grid.width, grid.height)
    right, down = np.linalg.solve(metres, np.asarray(shift_m)).tolist()
    return Grid(grid.width, grid.height, grid.crs, grid.transform @ Affine.translation(right, down))


def image_features(images: list[tuple[npt.NDArray[np.generic], Valid]]) -> tuple[Features, Valid]:
    """Colours after, and their change since before, each with the median 0 and a robust spread of 1.

    Args:
        images: values (C, H, W) and validity (H, W) of the image after, and perhaps of the one before.

    Returns:
        Features (F, H, W), far off where there is no data, and where there are data (H, W).
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
    """Logarithms of positive values, in which light and shade differ by as much as they do to the eye."""
    known = values[:, valid]
    if not known.size:
        return np.zeros_like(values)
    filled = np.where(valid, values, np.median(known, axis=1)[:, None, None])
    if known.min() < 0:  # decibels
        return filled
    return np.log(np.maximum(filled, max(0.01 * float(np.median(known)), SMALLEST_SPREAD)))


def _regions_of_window(features: Features, valid: Valid, transform: Affine, stride: int) -> Iterator[PlacedRegion]:
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
        apart = separation(region, features, valid) if region.area >= FEWEST_PIXELS else 0.0
        drawn = region if finer == 1 else region_at(fine, min(region.level, fine[fine_middle]), fine_middle)
        yield PlacedRegion(drawn, transform @ Affine.scale(1 / finer), apart)
