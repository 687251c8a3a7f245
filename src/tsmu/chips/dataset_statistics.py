"""Statistics of a set of chips: mean and standard deviation per band, pixel sizes, types of values."""

from pathlib import Path

import geopandas
import torch

from tsmu.chips.dataset import ChipDataset
from tsmu.imagery import describe_raster


def band_statistics(chips: geopandas.GeoDataFrame) -> tuple[list[float], list[float]]:
    """Measure the mean and the standard deviation per band over all valid pixels.

    A constant band gets a deviation of 1, so that normalising it gives zeros and not NaN.

    Returns:
        The means and the deviations, raw units, in the order of the bands.

    Example:
        >>> mean, std = band_statistics(chips)
        >>> len(mean), all(100 < value < 140 for value in mean)
        (3, True)
    """
    count, total, square = torch.zeros(3, dtype=torch.float64)
    dataset = ChipDataset(chips, cache_bytes=0)
    for position in range(len(dataset)):
        image = dataset[position]["image"].double().flatten(1)
        image = image[:, image.isfinite().all(dim=0)]
        count = count + image.shape[1]
        total = total + image.sum(dim=1)
        square = square + image.square().sum(dim=1)
    mean = total / count
    std = (square / count - mean.square()).clamp(min=0).sqrt()
    std = torch.where(std > 1e-6 * mean.abs().clamp(min=1e-6), std, torch.ones_like(std))
    return mean.tolist(), std.tolist()


def pixel_size_range(chips: geopandas.GeoDataFrame) -> tuple[float, float] | None:
    """Return the smallest and largest known pixel size in metres; None when no chip is georeferenced.

    Example:
        >>> pixel_size_range(placed_chips)
        (10.0, 10.0)
    """
    known = chips["pixel_size"].dropna()
    return (float(known.min()), float(known.max())) if len(known) else None


def value_types(chips: geopandas.GeoDataFrame) -> list[str]:
    """Return the types of the values in the chips' image files, sorted.

    Example:
        >>> value_types(chips)
        ['uint8']
    """
    files = {path for column in ("pre", "post") for path in chips[column].dropna()}
    return sorted({describe_raster(Path(file)).dtype for file in files})
