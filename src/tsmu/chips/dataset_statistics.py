"""Statistics of a set of chips: per-band mean and spread, pixel sizes."""

from pathlib import Path

import geopandas
import torch

from tsmu.chips.dataset import ChipDataset
from tsmu.imagery.raster import describe


def band_statistics(chips: geopandas.GeoDataFrame) -> tuple[list[float], list[float]]:
    """Mean and standard deviation per band over all valid pixels, raw units.

    A constant band gets a deviation of 1, so that normalising it gives zeros and not NaN.
    """
    count: torch.Tensor = torch.zeros((), dtype=torch.float64)
    total: torch.Tensor = torch.zeros((), dtype=torch.float64)
    square: torch.Tensor = torch.zeros((), dtype=torch.float64)
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
    """Smallest and largest known pixel size in metres; None when no chip is georeferenced."""
    known = chips["pixel_size"].dropna()
    return (float(known.min()), float(known.max())) if len(known) else None


def value_types(chips: geopandas.GeoDataFrame) -> list[str]:
    """Types of the values in the chips' image files, such as uint8, sorted."""
    files = {path for column in ("pre", "post") for path in chips[column].dropna()}
    return sorted({describe(Path(file)).dtype for file in files})
