"""A threshold on the change between two images, as a baseline without a network.

The score of a pixel is how much brighter it became. A threshold on this score, and a least slope of landslides, are
fitted on the western part of the known pixels and measured on the eastern part.
"""

import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from tsmu.errors import BenchmarkError
from tsmu.evaluate import PERCENTS, PixelCounts
from tsmu.imagery import SLOPE_BAND, Grid, describe_raster, read_raster, write_terrain
from tsmu.labels import LANDSLIDE, UNKNOWN

WEST = 0.55  # share of the known pixels in the western part
GAP = 40  # number of columns between the two parts that belong to neither
SLOPES = range(0, 21, 2)  # least slopes that are tried, degrees; 0 leaves no pixel out
TAIL = 0.001  # share of the differences at either end that lie outside the range of the 99 thresholds

Results = dict[str, Any]
Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]


def change_thresholds(folder: Path) -> list[Results]:
    """Fit and measure thresholds on the change of red, and of the mean of all bands, without and with a least slope.

    Args:
        folder: the folder with `pre.tif`, `post.tif` (red first) and `mask.tif` on one grid, and for slopes `dem*.tif`
            with elevations in metres on any grid.

    Returns:
        For each kind of change: the name `contestant`, `iou` on the eastern part, `iou_west`, `threshold` in units of
        the images, `slope` in degrees, number of pixels and share of landslides of both parts, and `cpu_seconds`.

    Raises:
        BenchmarkError: a file is missing, they are on different grids, or one part has no landslide.
        ImageError: the elevations cannot be read, or cover less than half of the image.
    """
    pre, post, mask = (_read(folder, f"{name}.tif") for name in ("pre", "post", "mask"))
    west, east = west_and_east(pre, post, mask[0])
    truth = mask[0] == LANDSLIDE
    if not (truth[west].any() and truth[east].any()):
        raise BenchmarkError(f"{folder}: west and east need landslides to fit a threshold and to measure it")
    slopes = {"": np.zeros(truth.shape)}
    if elevations := sorted(folder.glob("dem*.tif")):
        slopes[" on slopes"] = slope_in_degrees(elevations[0], folder / "post.tif")
    changes = {"change of red": post[0] - pre[0], "change of brightness": (post - pre).mean(0)}
    return [
        _fit(f"{name}{suffix}", change, slope, truth, west, east)
        for name, change in changes.items()
        for suffix, slope in slopes.items()
    ]


def _read(folder: Path, name: str) -> Floats:
    if not (folder / name).exists():
        raise BenchmarkError(f"{folder}: no {name}; a pair is pre.tif, post.tif and mask.tif on one grid")
    if not Grid.from_raster(describe_raster(folder / name)).same_as(
        Grid.from_raster(describe_raster(folder / "post.tif"))
    ):
        raise BenchmarkError(f"{folder / name}: another grid than post.tif; bring both onto one")
    return np.asarray(read_raster(folder / name)[0], np.float64)


def west_and_east(pre: Floats, post: Floats, mask: Floats) -> tuple[Bools, Bools]:
    """Divide the known pixels, where both images have data, into a western and an eastern part.

    Args:
        pre: image before the event, (C, H, W), 0 without data.
        post: image after the event, (C, H, W), 0 without data.
        mask: (H, W), 255 unknown.

    Returns:
        The pixels of the western and of the eastern part, (H, W) each; `GAP` columns between them belong to neither.
    """
    known = (mask != UNKNOWN) & (pre != 0).all(0) & (post != 0).all(0)
    running = np.cumsum(known.sum(0))
    column = int(np.argmax(running >= WEST * running[-1]))
    columns = np.arange(mask.shape[1])
    return known & (columns < column), known & (columns >= column + GAP)


def slope_in_degrees(elevations: Path, like: Path) -> Floats:
    """The slope of the ground on the grid of an image, (H, W), degrees; NaN where there are no elevations.

    It is computed as for the terrain bands: on the elevations' own cells, then resampled to the image's grid.

    Args:
        elevations: raster of elevations in metres.
        like: the image.
    """
    with tempfile.TemporaryDirectory() as folder:
        terrain = write_terrain(elevations, Grid.from_raster(describe_raster(like)), (SLOPE_BAND,), Path(folder))
        return np.asarray(read_raster(terrain.path)[0][0], np.float64)


def _fit(name: str, change: Floats, slope: Floats, truth: Bools, west: Bools, east: Bools) -> Results:
    """Find the threshold and least slope with the best IoU on the western part; measure them on the eastern part."""
    started = time.process_time()
    low, high = np.quantile(change[west], (TAIL, 1 - TAIL))
    score = ((change - low) / (high - low)).clip(0, 1).astype(np.float32)
    steep = {limit: np.where(slope >= limit, score, 0) for limit in SLOPES if limit == 0 or slope.any()}
    counts = {limit: PixelCounts.from_probability(values[west], truth[west]) for limit, values in steep.items()}
    limit, percent = max(((limit, percent) for limit in counts for percent in PERCENTS),
                         key=lambda fit: counts[fit[0]].iou(fit[1]))  # fmt: skip
    measured = PixelCounts.from_probability(steep[limit][east], truth[east])
    return {
        "contestant": name,
        "iou": measured.iou(percent),
        "iou_west": counts[limit].iou(percent),
        "threshold": float(low + (percent - 0.5) / 100 * (high - low)),  # PixelCounts rounds to whole percents
        "slope": limit,
        "pixels": measured.pixels,
        "pixels_west": counts[limit].pixels,
        "landslide_share": measured.landslide_share,
        "landslide_share_west": counts[limit].landslide_share,
        "cpu_seconds": time.process_time() - started,
    }
