"""Measures of how well maps agree with other masks and with the true mask, and how visible tile borders are."""

from pathlib import Path

import numpy as np
import numpy.typing as npt
import rasterio
from rasterio.windows import Window

from tsmu.mapping import TileAxis

ROWS_AT_ONCE = 512  # number of a scene's rows that are compared with the truth at once

Mask = npt.NDArray[np.bool_]


def iou(mask: Mask, other: Mask) -> float | None:
    """Intersection over union of two masks of the same shape; None if both are empty.

    Example:
        >>> iou(np.array([True, True, False]), np.array([False, True, True]))
        0.3333333333333333
    """
    union = int((mask | other).sum())
    return int((mask & other).sum()) / union if union else None


def border_step_ratio(values: npt.NDArray[np.float64], rows: TileAxis, columns: TileAxis) -> float | None:
    """Mean difference between neighbouring pixels across tile borders, divided by the mean difference elsewhere.

    Borders are the places where tiles begin and end, and the middle of the overlap of two tiles.

    Args:
        values: a raster (H, W).
        rows: tiling of the raster's height.
        columns: tiling of the raster's width.

    Returns:
        The ratio, about 1 if no border is visible. None if there is only one tile, or if all values are equal
        elsewhere.
    """
    across: list[npt.NDArray[np.float64]] = []
    elsewhere: list[npt.NDArray[np.float64]] = []
    for axis, tiling in enumerate((rows, columns)):
        steps = np.abs(np.diff(values, axis=axis)).mean(axis=1 - axis)  # [i]: from pixel i to i + 1
        ends = [start + tiling.tile for start in tiling.starts[:-1]]
        middles = ((end + start) // 2 for end, start in zip(ends, tiling.starts[1:], strict=True))
        borders = {*tiling.starts[1:], *ends, *middles}
        is_border = np.isin(np.arange(len(steps)) + 1, list(borders))
        across.append(steps[is_border])
        elsewhere.append(steps[~is_border])
    border, rest = np.concatenate(across), np.concatenate(elsewhere)
    return float(border.mean() / rest.mean()) if len(border) and rest.mean() else None


def compare_with_truth(probability: Path, truth: Path, threshold: int) -> tuple[float, float]:
    """Compare a scene's map with its true mask, a strip of rows at a time.

    Args:
        probability: raster of whole percents.
        truth: raster of the same size, 1 on landslides.
        threshold: whole percent from which a pixel is landslide.

    Returns:
        IoU with the truth, and the share of the map's pixels that are landslide.
    """
    intersection = union = landslide = pixels = 0
    with rasterio.open(probability) as percents, rasterio.open(truth) as truths:
        for row in range(0, percents.height, ROWS_AT_ONCE):
            window = Window(0, row, percents.width, min(ROWS_AT_ONCE, percents.height - row))
            mask, true_mask = percents.read(1, window=window) >= threshold, truths.read(1, window=window) == 1
            intersection += int((mask & true_mask).sum())
            union += int((mask | true_mask).sum())
            landslide, pixels = landslide + int(mask.sum()), pixels + mask.size
    return intersection / max(union, 1), landslide / pixels
